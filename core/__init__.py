"""What a core is, as software sees it: specification, die, registers, instructions, weight words, programs."""
