"""What a report says about a compilation: its figures, and the JSON that holds them."""
