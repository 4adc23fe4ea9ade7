"""Corruptions q(x~ | x) of a denoising autoencoder.

To add one: write a class with the members of `Masking` that have a docstring, and add a
line to `CORRUPTIONS`. Every test of a corruption runs over that dict.

Each is made once per fit as ``corruption(level, feature_range, rng, groups)``; its
`corrupt` is then called once per batch.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy import multiply


class Groups(NamedTuple):
    """Features side by side that are chosen together, such as a category's levels."""

    start: np.ndarray
    """int, (n_groups,): the first feature of each group."""
    width: np.ndarray
    """int, (n_groups,): how many features it has."""
    of_feature: np.ndarray
    """int, (n_features,): the group of each feature."""

    @classmethod
    def of_widths(cls, width):
        """Make groups of so many features each."""
        width = np.asarray(width, np.intp)
        of_feature = np.repeat(np.arange(len(width)), width)
        return cls(np.cumsum(width) - width, width, of_feature)

    def places(self, rows, groups):
        """Return rows and features of all entries of some groups of some rows.

        Returns
        -------
        rows, features, which : ndarray of int
            `which` says which of the given groups an entry is of.
        """
        width = self.width[groups]
        which = np.repeat(np.arange(len(groups)), width)
        within = np.arange(len(which)) - np.repeat(np.cumsum(width) - width, width)
        return rows[which], self.start[groups][which] + within, which


class Coins:
    """Independent draws of a value, 1, with a given probability, else 0.

    Raw 64-bit draws seen as 16-bit integers cost a quarter of float draws; the price is
    a probability rounded to a multiple of 2**-16. They are drawn for many small batches
    at once, because at ten rows a batch the calls would cost more than the draws.

    Parameters
    ----------
    probability : float
    rng : numpy.random.Generator
    dtype : numpy dtype
        Of the draws.
    groups : Groups or None, default=None
        The draw is the same for all features of a group.
    value : float, default=1.0
        What is drawn.
    """

    def __init__(self, probability, rng, dtype, groups=None, value=1.0):
        self.threshold = round(probability * 65536)
        self.rng = rng
        self.dtype = dtype
        self.groups = groups
        self.value = value
        self.drawn = np.empty(0, dtype)
        self.n_used = 0

    def toss(self, shape):
        """Return draws of the given shape, valid until the next.

        All shapes asked for must be equal but for the number of rows.
        """
        groups = self.groups
        if groups is not None:
            shape = shape[0], len(groups.width)
        start = self.n_used
        stop = start + shape[0]
        if stop > len(self.drawn):
            self.draw(shape)
            start, stop = 0, shape[0]
        self.n_used = stop
        drawn = self.drawn[start:stop]
        return drawn if groups is None else drawn[:, groups.of_feature]

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
        if self.value != 1:
            self.drawn *= self.drawn.dtype.type(self.value)


class Masking:
    """Set each entry to 0 with probability `level`, independently."""

    max_level = 1.0
    """Levels lie in [0, max_level]."""
    elementwise_on_nonzeros = True
    """Whether zeros stay zeros, so that a sparse batch without groups stays sparse."""

    def __init__(self, level, feature_range, rng, groups=None):
        """Keep what every batch needs.

        Parameters
        ----------
        level : float
        feature_range : tuple of two arrays of shape (n_features,)
            Smallest and largest value of each feature in the data seen so far, in the
            dtype of the data.
        rng : numpy.random.Generator
            The source of all that is random.
        groups : Groups or None, default=None
            Features to choose together; None: each by itself.
        """
        self.keep = Coins(1 - level, rng, feature_range[0].dtype, groups)

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

    def __init__(self, level, feature_range, rng, groups=None):
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

    def __init__(self, level, feature_range, rng, groups=None):
        self.choose = Coins(level, rng, bool, groups)
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

    The other row is drawn uniformly from the rest of the batch, for each entry (or
    group) alone; a batch of one row has no other and stays as it is.
    """

    max_level = 1.0
    elementwise_on_nonzeros = False

    def __init__(self, level, feature_range, rng, groups=None):
        self.choose = Coins(level, rng, bool)
        self.groups = groups
        self.rng = rng

    def corrupt(self, clean, out):
        """Write x with some entries of other rows; see `Masking`."""
        np.copyto(out, clean)
        n_rows = len(clean)
        if n_rows == 1:
            return np.ones(clean.shape, bool)
        groups = self.groups
        if groups is None:
            touched = self.choose.toss(clean.shape)
        else:
            touched = self.choose.toss((n_rows, len(groups.width)))
        rows, columns = np.nonzero(touched)
        others = (rows + self.rng.integers(1, n_rows, len(rows))) % n_rows
        if groups is not None:
            rows, columns, which = groups.places(rows, columns)
            others = others[which]
            touched = touched[:, groups.of_feature]
        out[rows, columns] = clean[others, columns]
        return ~touched


class Nothing:
    """Leave every entry as it is: a plain autoencoder."""

    max_level = math.inf
    elementwise_on_nonzeros = True

    def __init__(self, level, feature_range, rng, groups=None):
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


def make_corruption(corruption, level, feature_range, rng, groups=None):
    """Make the corruption that a user named, or wrap the function they gave."""
    if callable(corruption):
        return Custom(corruption, level, rng)
    made = CORRUPTIONS[corruption](level, feature_range, rng, groups)
    if groups is not None:  # a zero of a chosen group may be the 1 of another row
        made.elementwise_on_nonzeros = False
    return made
