"""Corruptions q(x~ | x) of a denoising autoencoder.

To add one: write a class with the two members of `Masking` that have a docstring, and
add a line to `CORRUPTIONS`. Every test of a corruption runs over that dict.

Each is made once per fit as ``corruption(level, feature_range)`` and then called once
per batch.
"""

import math

import numpy as np


def draw_selection(shape, probability, rng):
    """Select entries independently, each with the given probability.

    Raw 64-bit draws seen as 16-bit integers cost a quarter of float draws; the price is
    a probability rounded to a multiple of 2**-16.

    Returns
    -------
    selected : ndarray of bool of the given shape
    """
    size = math.prod(shape)
    draws = rng.bit_generator.random_raw((size + 3) // 4).view(np.uint16)[:size]
    return np.less(draws, round(probability * 65536)).reshape(shape)


class Masking:
    """Set each entry to 0 with probability `level`, independently."""

    max_level = 1.0
    """Levels lie in [0, max_level]."""
    elementwise_on_nonzeros = True
    """Whether zeros stay zeros, so that a sparse batch stays sparse."""

    def __init__(self, level, feature_range):
        """Keep what every batch needs.

        Parameters
        ----------
        level : float
        feature_range : tuple of two arrays of shape (n_features,)
            Smallest and largest value of each feature in the data seen so far.
        """
        self.level = level

    def __call__(self, clean, rng, out):
        """Write the corrupted entries of `clean` into `out`.

        Parameters
        ----------
        clean : ndarray of shape (n_rows, n_features)
            Not to be changed. With `elementwise_on_nonzeros` also a 1-D array, the
            stored values of a sparse batch.
        rng : numpy.random.Generator
        out : ndarray of the same shape and dtype as `clean`

        Returns
        -------
        untouched : ndarray of bool, of the same shape
            False at the entries that the corruption chose, whether or not their value
            changed: `emphasis` tells the two apart.
        """
        untouched = draw_selection(clean.shape, 1 - self.level, rng)
        np.multiply(clean, untouched, out=out)
        return untouched


class Gaussian:
    """Add noise from N(0, level^2) to every entry."""

    max_level = math.inf
    elementwise_on_nonzeros = False

    def __init__(self, level, feature_range):
        self.level = level

    def __call__(self, clean, rng, out):
        """Write x + N(0, level^2); see `Masking`."""
        rng.standard_normal(dtype=out.dtype, out=out)
        out *= self.level
        out += clean
        return np.broadcast_to(np.False_, clean.shape)


class SaltAndPepper:
    """Set an entry with probability `level` to its feature's minimum or maximum.

    A fair coin chooses which of the two.
    """

    max_level = 1.0
    elementwise_on_nonzeros = False

    def __init__(self, level, feature_range):
        self.level = level
        self.smallest, self.largest = feature_range

    def __call__(self, clean, rng, out):
        """Write x with some entries at an extreme; see `Masking`."""
        touched = draw_selection(clean.shape, self.level, rng)
        heads = draw_selection(clean.shape, 0.5, rng)
        np.copyto(out, clean)
        np.copyto(out, self.largest, where=touched & heads)
        np.copyto(out, self.smallest, where=touched & ~heads)
        return ~touched


class Swap:
    """Replace an entry with probability `level` by another row's value.

    The other row is drawn uniformly from the rest of the batch, for each entry alone; a
    batch of one row has no other and stays as it is.
    """

    max_level = 1.0
    elementwise_on_nonzeros = False

    def __init__(self, level, feature_range):
        self.level = level

    def __call__(self, clean, rng, out):
        """Write x with some entries of other rows; see `Masking`."""
        np.copyto(out, clean)
        n_rows = len(clean)
        if n_rows == 1:
            return np.ones(clean.shape, bool)
        touched = draw_selection(clean.shape, self.level, rng)
        rows, columns = np.nonzero(touched)
        shift = rng.integers(1, n_rows, len(rows))
        out[rows, columns] = clean[(rows + shift) % n_rows, columns]
        return ~touched


class Nothing:
    """Leave every entry as it is: a plain autoencoder."""

    max_level = math.inf
    elementwise_on_nonzeros = True

    def __init__(self, level, feature_range):
        pass

    def __call__(self, clean, rng, out):
        """Write x; see `Masking`."""
        np.copyto(out, clean)
        return np.broadcast_to(np.True_, clean.shape)


class Custom:
    """A user's function ``(X, level, rng) -> array``, held to its contract."""

    max_level = math.inf
    elementwise_on_nonzeros = False

    def __init__(self, function, level):
        self.function = function
        self.level = level

    def __call__(self, clean, rng, out):
        """Write what the function returns; see `Masking`."""
        name = getattr(self.function, "__name__", repr(self.function))
        before = clean.copy()
        corrupted = np.asarray(self.function(clean, self.level, rng))
        if not np.array_equal(before, clean):
            raise ValueError(
                f"The corruption function {name} changed its input in place; it must "
                "leave X as it is. Work on X.copy() and return that."
            )
        if corrupted.shape != clean.shape:
            raise ValueError(
                f"The corruption function {name} returned an array of shape "
                f"{corrupted.shape} for a batch of shape {clean.shape}; it must return "
                "an array of the shape it is given."
            )
        if not np.isfinite(corrupted).all():
            raise ValueError(
                f"The corruption function {name} returned NaN or infinity; it must "
                "return finite numbers."
            )
        out[...] = corrupted
        return corrupted == clean


CORRUPTIONS = {
    "masking": Masking,
    "gaussian": Gaussian,
    "salt_and_pepper": SaltAndPepper,
    "swap": Swap,
    None: Nothing,
}


def make_corruption(corruption, level, feature_range):
    """Make the corruption that a user named, or wrap the function they gave."""
    if callable(corruption):
        return Custom(corruption, level)
    return CORRUPTIONS[corruption](level, feature_range)
