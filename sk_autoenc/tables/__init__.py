"""Tables of numbers, categories and holes: what a user passes -> arrays, and back."""
