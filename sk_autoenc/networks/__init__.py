"""Forward and backward passes by hand, on numpy and scipy, equations cited."""
