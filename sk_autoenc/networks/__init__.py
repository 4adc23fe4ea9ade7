"""Forward and backward passes by hand, on numpy alone, equations cited."""
