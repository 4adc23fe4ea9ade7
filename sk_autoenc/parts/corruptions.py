"""Corruptions q(x~ | x) of a denoising autoencoder.

To add one: write a class with the members of `Masking` that have a docstring, and add a
line to `CORRUPTIONS`. Every test of a corruption runs over that dict.

Each is made once per fit as ``corruption(level, feature_range, rng)``; its `corrupt` is
then called once per batch.
"""

import math

import numpy as np
from numpy import multiply


class Coins:
    """Independent draws of 1 with a given probability, else 0.

    Raw 64-bit draws seen as 16-bit integers cost a quarter of float draws; the price is
    a probability rounded to a multiple of 2**-16. They are drawn for many small batches
    at once, because at ten rows a batch the calls would cost more than the draws.

    Parameters
    ----------
    probability : float
    rng : numpy.random.Generator
    dtype : numpy dtype
        Of the zeros and ones.
    """

    def __init__(self, probability, rng, dtype):
        self.threshold = round(probability * 65536)
        self.rng = rng
        self.dtype = dtype
        self.drawn = np.empty(0, dtype)
        self.n_used = 0

    def toss(self, shape):
        """Return draws of the given shape, a view that stays valid until the next.

        All shapes asked for must be equal but for the number of rows.
        """
        start = self.n_used
        stop = start + shape[0]
        if stop > len(self.drawn):
            self.draw(shape)
            start, stop = 0, shape[0]
        self.n_used = stop
        return self.drawn[start:stop]

    def draw(self, shape):
        """Fill `drawn` anew, at least `shape`, reusing its memory where it fits."""
        n_columns = math.prod(shape[1:])
        shape = (max(shape[0], 16384 // max(1, n_columns)), *shape[1:])
        if shape != self.drawn.shape:
            self.drawn = np.empty(shape, self.dtype)
        size = self.drawn.size
        integers = self.rng.bit_generator.random_raw((size + 3) // 4).view(np.uint16)
        if self.threshold > 65535:
            self.drawn.fill(1)  # no 16-bit integer to compare with
        else:
            integers = integers[:size].reshape(shape)
            np.less(integers, np.uint16(self.threshold), out=self.drawn)


class Masking:
    """Set each entry to 0 with probability `level`, independently."""

    max_level = 1.0
    """Levels lie in [0, max_level]."""
    elementwise_on_nonzeros = True
    """Whether zeros stay zeros, so that a sparse batch stays sparse."""

    def __init__(self, level, feature_range, rng):
        """Keep what every batch needs.

        Parameters
        ----------
        level : float
        feature_range : tuple of two arrays of shape (n_features,)
            Smallest and largest value of each feature in the data seen so far, in the
            dtype of the data.
        rng : numpy.random.Generator
            The source of all that is random.
        """
        self.keep = Coins(1 - level, rng, feature_range[0].dtype)

    def corrupt(self, clean, out):
        """Write the corrupted entries of `clean` into `out`.

        Parameters
        ----------
        clean : ndarray of shape (n_rows, n_features)
            Not to be changed. With `elementwise_on_nonzeros` also a 1-D array, the
            stored values of a sparse batch.
        out : ndarray of the same shape and dtype as `clean`

        Returns
        -------
        untouched : ndarray of bool, or of zeros and ones, of the same shape
            False at the entries that the corruption chose, whether or not their value
            changed: `emphasis` tells the two apart.
        """
        untouched = self.keep.toss(clean.shape)
        multiply(clean, untouched, out)
        return untouched


class Gaussian:
    """Add noise from N(0, level^2) to every entry."""

    max_level = math.inf
    elementwise_on_nonzeros = False

    def __init__(self, level, feature_range, rng):
        self.level = level
        self.rng = rng

    def corrupt(self, clean, out):
        """Write x + N(0, level^2); see `Masking`."""
        self.rng.standard_normal(dtype=out.dtype, out=out)
        out *= self.level
        out += clean
        return np.broadcast_to(np.False_, clean.shape)


class SaltAndPepper:
    """Set an entry with probability `level` to its feature's minimum or maximum.

    A fair coin chooses which of the two.
    """

    max_level = 1.0
    elementwise_on_nonzeros = False

    def __init__(self, level, feature_range, rng):
        self.choose = Coins(level, rng, bool)
        self.heads = Coins(0.5, rng, bool)
        self.smallest, self.largest = feature_range

    def corrupt(self, clean, out):
        """Write x with some entries at an extreme; see `Masking`."""
        touched = self.choose.toss(clean.shape)
        heads = self.heads.toss(clean.shape)
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

    def __init__(self, level, feature_range, rng):
        self.choose = Coins(level, rng, bool)
        self.rng = rng

    def corrupt(self, clean, out):
        """Write x with some entries of other rows; see `Masking`."""
        np.copyto(out, clean)
        n_rows = len(clean)
        if n_rows == 1:
            return np.ones(clean.shape, bool)
        touched = self.choose.toss(clean.shape)
        rows, columns = np.nonzero(touched)
        shift = self.rng.integers(1, n_rows, len(rows))
        out[rows, columns] = clean[(rows + shift) % n_rows, columns]
        return ~touched


class Nothing:
    """Leave every entry as it is: a plain autoencoder."""

    max_level = math.inf
    elementwise_on_nonzeros = True

    def __init__(self, level, feature_range, rng):
        pass

    def corrupt(self, clean, out):
        """Write x; see `Masking`."""
        np.copyto(out, clean)
        return np.broadcast_to(np.True_, clean.shape)


class Custom:
    """A user's function ``(X, level, rng) -> array``, held to its contract."""

    max_level = math.inf
    elementwise_on_nonzeros = False

    def __init__(self, function, level, rng):
        self.function = function
        self.level = level
        self.rng = rng

    def corrupt(self, clean, out):
        """Write what the function returns; see `Masking`."""
        name = getattr(self.function, "__name__", repr(self.function))
        given = clean.copy()  # the function may keep it; `clean` is used again
        returned = self.function(given, self.level, self.rng)
        corrupted = np.asarray(returned)
        if not np.array_equal(given, clean):
            raise ValueError(
                f"The corruption function {name} changed its input in place; it must "
                "leave X as it is. Work on X.copy() and return that."
            )
        if corrupted.dtype.kind not in "fiub":
            raise ValueError(
                f"The corruption function {name} returned a {type(returned).__name__} "
                f"of dtype {corrupted.dtype} for a batch of shape {clean.shape}; it "
                "must return a dense array of real numbers."
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


def make_corruption(corruption, level, feature_range, rng):
    """Make the corruption that a user named, or wrap the function they gave."""
    if callable(corruption):
        return Custom(corruption, level, rng)
    return CORRUPTIONS[corruption](level, feature_range, rng)
