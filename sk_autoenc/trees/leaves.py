"""Leaf objects, and rows, to the table of leaf vectors.

Everything a user can get wrong in a leaf is found, and worded, here and in `vectors`.
"""

import math
import warnings
from itertools import count
from operator import attrgetter

import numpy as np

from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.nodes import PART_ENTRIES
from sk_autoenc.trees.sharing import views_on_one
from sk_autoenc.trees.vectors import as_array, as_vector

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def table_dtype(dtype):
    """Give the numpy dtype of a leaf table, or refuse what cannot be one."""
    dtype = np.dtype(dtype)
    if dtype not in FLOATS:
        raise ValueError(f"leaf vectors are float32 or float64, not {dtype}")
    return dtype


def table_of_leaves(leaves, dtype, where):
    """Stack leaf objects to a table, each leaf once.

    One object is one leaf. So are views on the very same numbers: each ``M[i]`` of a
    matrix is a new object, but the same row.

    Parameters
    ----------
    leaves : list of object
    dtype : {float32, float64} or None
        None: see `Forest.from_nested`.
    where : callable
        ``where(number)`` words the place of a leaf.

    Returns
    -------
    table : ndarray of shape (n_distinct, leaf_length)
        In the order of their first appearance. Not writable, and nobody else's.
    rows : intp array of shape (n_leaves,)
        The row of each leaf.

    Raises
    ------
    ValueError
        A leaf is no vector, is of another length, or is not finite in that dtype.
    """
    ids = map({}.setdefault, map(id, leaves), count())
    firsts, rows = _number_first(np.fromiter(ids, np.intp, count=len(leaves)))
    distinct = leaves
    if len(firsts) < len(leaves):
        distinct = list(map(leaves.__getitem__, firsts.tolist()))
    table, are_owners = stack(distinct, dtype, lambda number: where(firsts[number]))
    first = None if are_owners else views_on_one(distinct, table)
    if first is not None:
        firsts, rows_of_distinct = _number_first(first)
        table, rows = table[firsts], rows_of_distinct[rows]
        table.flags.writeable = False
    return table, rows


def _number_first(first):
    """Give numbers to those that are their own first; others have that of theirs."""
    is_first = first == np.arange(len(first))
    return np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[first]


def stack(leaves, dtype, where):
    """Stack leaf objects to a table.

    Parameters
    ----------
    leaves : list of object
        At least one.
    dtype : {float32, float64} or None
        None: see `Forest.from_nested`.
    where : callable
        ``where(number)`` words the place of a leaf.

    Returns
    -------
    table : ndarray of shape (n_leaves, leaf_length)
        Not writable, and nobody else's.
    are_owners : bool
        Whether it is sure that no leaf is a view on numbers of another array.

    Raises
    ------
    ValueError
        A leaf is no vector, is of another length, or is not finite in that dtype.
    """
    vectors, dtypes = leaves, None
    flat, are_owners = _concatenate_plain(leaves)
    if flat is None:
        vectors, dtypes = _as_vectors(leaves, where)
        flat = np.concatenate(vectors)
    if dtype is None:
        dtype = FLOATS[0]
        if dtypes or not flat.dtype == leaves[0].dtype == dtype:
            dtype = _common_dtype(dtypes or [leaf.dtype for leaf in leaves], where)
    with np.errstate(over="ignore", invalid="ignore"):
        flat = flat.astype(dtype, copy=False)
    flat.flags.writeable = False
    table = flat.reshape(len(vectors), -1)
    check_finite(table, vectors.__getitem__, where)
    return table, are_owners


def _concatenate_plain(leaves):
    """Join real arrays of one length, going over them as seldom as possible.

    Returns
    -------
    flat : 1-D ndarray or None
        None: they are not.
    are_owners : bool
        Whether none is a view.
    """
    if set(map(type, leaves)) != {np.ndarray} or leaves[0].ndim != 1:
        return None, False
    try:
        flat = np.concatenate(leaves)
    except (TypeError, ValueError):  # of other dimensions, or dtypes
        return None, False
    try:
        sizes, bases = zip(*set(map(attrgetter("size", "base"), leaves)), strict=True)
    except (TypeError, ValueError):  # a base that is an array has no hash
        sizes, bases = set(map(attrgetter("size"), leaves)), ("views",)
    is_plain = len(set(sizes)) == 1 and 0 not in sizes and flat.dtype.kind in "buif"
    return (flat if is_plain else None), bases == (None,)


def _as_vectors(leaves, where):
    """Convert leaf by leaf, and refuse the first wrong one.

    Returns
    -------
    vectors : list of 1-D ndarray
    dtypes : list of dtype or None
        That of each array; None of what has none, such as a list of numbers.
    """
    vectors, dtypes = [], []
    for number, leaf in enumerate(leaves):
        try:
            vector, dtype = as_vector(leaf)
        except ValueError as error:
            raise ValueError(f"{where(number)}: {error}") from error.__cause__
        expected = len(vectors[0]) if vectors else len(vector)
        if len(vector) != expected:
            raise ValueError(
                f"{where(number)}: leaf has length {len(vector)}, expected {expected}"
            )
        vectors.append(vector)
        dtypes.append(dtype)
    return vectors, dtypes


def _common_dtype(dtypes, where):
    """Choose a dtype that holds all, and say so if it is not that of float32 leaves."""
    single, double = FLOATS
    kinds = set(dtypes) - {None}
    if single not in kinds:
        return double
    wider = {kind for kind in kinds if np.promote_types(single, kind) != single}
    if not wider:
        return single
    number = next(number for number, kind in enumerate(dtypes) if kind in wider)
    warnings.warn(
        f"{where(number)}: leaf is {dtypes[number]}, others are float32, so all become "
        "float64. To choose, convert the leaves, or pass "
        "Forest.from_nested(trees, dtype=...).",
        UserWarning,
        stacklevel=2,
    )
    return double


def as_table(X, where):
    """Read a table of leaf vectors that a user passes as a whole.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    where : callable
        ``where(number)`` words the place of a row.

    Returns
    -------
    table : ndarray of shape (n_rows, n_features), float32 or float64
        C-contiguous; X itself if it is that.

    Raises
    ------
    ValueError
        X is no such array, has no features, or a row of it is wrong.
    """
    rows, array = None, None
    if is_kind(X, list, tuple):
        rows = [list(own_items(r)) if is_kind(r, tuple) else r for r in own_items(X)]
        array = np.empty((len(rows), 0) if rows else 0)
    else:
        array = as_array(X, "the array")
        if array.ndim == 2 and array.shape[1] and array.dtype.kind not in "buif":
            rows = list(array)
    if array.ndim != 2:
        what = f"{array.ndim} dimensions" if array.ndim else f"{type(X).__name__!r}"
        raise ValueError(f"expected a 2-D array, got {what}")
    if rows:
        return stack(rows, None, where)[0]
    if array.shape[1] == 0:
        raise ValueError("a leaf vector needs at least one number: got 0 features")
    with np.errstate(over="ignore", invalid="ignore"):
        table = np.ascontiguousarray(
            array, array.dtype if array.dtype in FLOATS else np.float64
        )
    check_finite(table, array.__getitem__, where)
    return table


def all_finite(table, dtype=None):
    """Tell if no entry is NaN or infinite, or becomes infinite in a narrower dtype."""
    table = np.atleast_1d(table)
    step = max(1, PART_ENTRIES // math.prod(table.shape[1:]))
    dtype = dtype or table.dtype
    with np.errstate(over="ignore", invalid="ignore"):
        return all(
            _is_finite(table[first : first + step].astype(dtype, copy=False))
            for first in range(0, len(table), step)
        )


def _is_finite(rows):
    total = rows.sum()  # finite only if all entries are; no array of booleans
    return bool(np.isfinite(total) or np.isfinite(rows).all())


def check_finite(table, given, where):
    """Refuse the first row of a table that is not finite.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features), float32 or float64
    given : callable
        ``given(number)`` is the row as the user gave it, in its own dtype.
    where : callable
        ``where(number)`` words the place of a row.

    Raises
    ------
    ValueError
        A row has NaN, infinity, or became infinite in the dtype of the table.
    """
    if all_finite(table):
        return
    is_finite = np.isfinite(table).all(axis=1)
    number = int(np.argmin(is_finite))
    if np.isnan(table[number]).any():
        what = "NaN"
    elif np.isinf(given(number)).any():
        what = "infinity"
    else:
        what = f"a value too large for {table.dtype}"
    raise ValueError(f"{where(number)}: leaf contains {what}")
