"""Recursive autoencoders over trees of any arity."""
