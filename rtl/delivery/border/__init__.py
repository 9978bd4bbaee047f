"""What the outside sees of a core: the ports of its top modules, and wrappers around it."""
