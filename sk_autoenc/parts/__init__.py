"""What a user picks by name: one kind a file, one dict a file."""
