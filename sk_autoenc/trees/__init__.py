"""Trees as flat arrays, and the way from nested tuples to them."""
