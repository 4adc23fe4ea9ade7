"""Views on the same numbers: each ``M[i]`` is a new object, but the same row."""

from functools import lru_cache

import numpy as np


def views_on_one(leaves, table):
    """Tell which vectors are views on the very same numbers.

    To ask arrays for their addresses is slow, so only those are asked that have an
    equal before them; and only those are compared whose bits have an equal sum.

    Parameters
    ----------
    leaves : list of object
        Vectors, of whatever type.
    table : ndarray of shape (n_leaves, leaf_length), float32 or float64
        Their values.

    Returns
    -------
    first : int array of shape (n_leaves,) or None
        The first leaf that is a view on the same numbers; None: all are different.
    """
    bits = table.view(f"u{table.itemsize}")
    sums = _sums(bits)
    order = np.argsort(sums)
    is_next = sums[order[1:]] == sums[order[:-1]]
    is_repeated = np.zeros(len(order), dtype=bool)
    is_repeated[order[1:][is_next]] = is_repeated[order[:-1][is_next]] = True
    numbers = np.flatnonzero(is_repeated)
    like = _likely_ones(leaves, numbers.tolist(), sums[numbers].tolist())
    if not like:
        return None
    numbers, firsts = list(like), list(like.values())
    # Windows on a signal share numbers too, at other places: no sum tells for sure.
    is_equal = (bits[numbers] == bits[firsts]).all(axis=1)
    first = np.arange(len(leaves))
    first[numbers] = np.where(is_equal, firsts, numbers)
    return first


def _sums(bits):
    """Sum rows of unsigned integers with weights: of equal rows it is equal."""
    return np.einsum("ij,j->i", bits, _weights(bits.shape[1], bits.dtype))


@lru_cache(maxsize=4)
def _weights(size, dtype):
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(top, size=size, dtype=dtype)


def _likely_ones(leaves, numbers, sums):
    """Give, for some leaves, an earlier one that shares their numbers, as a dict."""
    like, met = {}, {}
    for number, total in zip(numbers, sums, strict=True):
        leaf = leaves[number]
        if type(leaf) not in (np.ndarray, np.memmap) or leaf.base is None:
            continue
        first = met.setdefault((id(leaf.base), total), number)
        if first != number and not _are_one(leaves[first], leaf):
            address = leaf.__array_interface__["data"][0]
            first = met.setdefault((address, leaf.strides, leaf.dtype.str), number)
        if first != number:
            like[number] = first
    return like


def _are_one(left, right):
    """Tell if vectors share numbers and take the same steps through them."""
    return (
        left.strides == right.strides
        and left.dtype == right.dtype
        and np.shares_memory(left, right)
    )
