"""Leaf objects, and rows, to the table of leaf vectors.

Everything a user can get wrong in a leaf is found, and worded, here and in `vectors`.
"""

import warnings
from itertools import count, repeat
from operator import attrgetter, is_

import numpy as np

from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.vectors import as_array, as_vector, is_vector

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def table_dtype(dtype):
    """Give the numpy dtype of a leaf table, or refuse what cannot be one."""
    dtype = np.dtype(dtype)
    if dtype not in FLOATS:
        raise ValueError(f"leaf vectors are float32 or float64, not {dtype}")
    return dtype


def number_leaves(leaves):
    """Tell which leaf objects are one leaf.

    One object is one leaf. So are views on the very same numbers: each ``M[i]`` of a
    matrix is a new object, but the same row.

    Parameters
    ----------
    leaves : list of object

    Returns
    -------
    distinct : list of object
        In the order of their first appearance.
    firsts : intp array of shape (n_distinct,)
        Where each is met first, ascending.
    rows : intp array of shape (n_leaves,)
        The number of each leaf among the distinct ones.
    """
    firsts, rows = _number(map(id, leaves), len(leaves))
    distinct = list(map(leaves.__getitem__, firsts.tolist()))
    kinds = set(map(type, distinct))
    if kinds == {np.ndarray}:
        may_share = not all(map(is_, map(attrgetter("base"), distinct), repeat(None)))
    else:
        may_share = not kinds.isdisjoint((np.ndarray, np.memmap))
    if may_share:
        of_distinct, rows_of_distinct = _number(_memory_keys(distinct), len(distinct))
        firsts, rows = firsts[of_distinct], rows_of_distinct[rows]
        distinct = list(map(leaves.__getitem__, firsts.tolist()))
    return distinct, firsts, rows


def _number(keys, n_keys):
    """Give equal keys one number: where each is met first, and the number of each."""
    first = np.fromiter(map({}.setdefault, keys, count()), dtype=np.intp, count=n_keys)
    is_first = first == np.arange(n_keys)
    return np.flatnonzero(is_first), (np.cumsum(is_first) - 1)[first]


def _memory_keys(leaves):
    """Give a key for each object, equal for views on the same numbers.

    To ask an array for its address is slow. Views on the same numbers have one base and
    equal bits, so only those with an equal before them are asked.
    """
    met = {}
    for leaf in leaves:
        if type(leaf) not in (np.ndarray, np.memmap) or leaf.base is None:
            yield id(leaf)
            continue
        like = met.setdefault((id(leaf.base), leaf.tobytes()), leaf)
        alike = like.dtype == leaf.dtype and like.strides == leaf.strides
        if like is leaf or (alike and np.shares_memory(like, leaf)):
            yield id(like)
        else:
            address = leaf.__array_interface__["data"][0]
            yield address, leaf.shape, leaf.strides, leaf.dtype.str


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

    Raises
    ------
    ValueError
        A leaf is no vector, is of another length, or is not finite in that dtype.
    """
    if _are_plain_vectors(leaves):
        vectors, dtypes = leaves, map(attrgetter("dtype"), leaves)
    else:
        vectors, dtypes = _as_vectors(leaves, where)
    if dtype is None:
        dtype = _common_dtype(list(dtypes), where)
    with np.errstate(over="ignore", invalid="ignore"):
        table = np.concatenate(vectors, dtype=dtype, casting="unsafe")
    table.flags.writeable = False
    table = table.reshape(len(vectors), -1)
    check_finite(table, vectors.__getitem__, where)
    return table


def _are_plain_vectors(leaves):
    """Whether all are real arrays of one length, asked without a Python loop."""
    return (
        set(map(type, leaves)) == {np.ndarray}
        and set(map(attrgetter("ndim"), leaves)) == {1}
        and len(set(map(len, leaves))) == 1
        and all(
            is_vector(leaves[0].shape, dtype)
            for dtype in set(map(attrgetter("dtype"), leaves))
        )
    )


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
        return stack(rows, None, where)
    if array.shape[1] == 0:
        raise ValueError("a leaf vector needs at least one number: got 0 features")
    with np.errstate(over="ignore", invalid="ignore"):
        table = np.ascontiguousarray(
            array, array.dtype if array.dtype in FLOATS else np.float64
        )
    check_finite(table, array.__getitem__, where)
    return table


def all_finite(table):
    """Tell if no entry is NaN or infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = table.sum()  # finite only if all entries are; no array of booleans
    return bool(np.isfinite(total) or np.isfinite(table).all())


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
