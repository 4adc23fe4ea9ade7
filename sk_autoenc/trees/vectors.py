"""One leaf object to one vector, or the reason why it is none."""

from collections.abc import Mapping, Set
from itertools import islice
from numbers import Real

import numpy as np

from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.hints import converter_hint

FOR_TOKENS = "; for tokens put a LeafVectorizer before"
NOT_LISTS = "nodes are tuples: write (a, b), not [a, b]"
NUMBERS = {float, int, bool}
ARRAY_PROTOCOLS = ("__array__", "__array_interface__", "__array_struct__")


def is_sized(kind):
    """Whether objects of that class hold others: they have a length, and no text."""
    return hasattr(kind, "__len__") and not issubclass(kind, str | bytes)


def any_is_sized(elements):
    """Whether some element holds others, asked once of each class."""
    return any(map(is_sized, set(map(type, elements))))


def is_vector(shape, dtype):
    """Whether an array of that shape and dtype can be a leaf vector."""
    return len(shape) == 1 and shape[0] > 0 and dtype.kind in "buif"


def as_vector(leaf):
    """Give a leaf as an array of real numbers.

    Parameters
    ----------
    leaf : object

    Returns
    -------
    vector : 1-D ndarray of booleans, integers or floats
        Of at least one entry.
    dtype : dtype or None
        That of an array; None of what has none, such as a list of numbers.

    Raises
    ------
    ValueError
        It is no such vector; the message says why.
    """
    try:
        return _read(leaf)
    except ValueError as error:
        hint = converter_hint(leaf)
        if hint is None:
            raise
        raise ValueError(f"{error}.\n{hint}") from error.__cause__


def as_array(X, name):
    """Read an array of any dtype and dimension, whatever goes wrong in reading it.

    `name` is what the user calls it.

    Raises
    ------
    ValueError
        Entries are masked, or `numpy.asarray` raised something.
    """
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(f"{name} has masked entries, and needs all its numbers")
    try:
        return np.asarray(X)
    except Exception as error:  # an __array__ of somebody else's may raise anything
        raise ValueError(
            f"{name} is of type {type(X).__name__}, which numpy cannot read: "
            f"{type(error).__name__}: {error}"
        ) from error


def _read(leaf):
    if type(leaf) is list and set(map(type, leaf)) <= NUMBERS:
        array = np.asarray(leaf)
        if is_vector(array.shape, array.dtype):
            return array, None
    if is_kind(leaf, tuple):
        raise ValueError("an empty tuple; an inner node has at least one child")
    items = _items(leaf)
    # numpy would go down into lists of lists, without end into one that holds itself.
    if items is not None and any(map(_is_list_like, set(map(type, items)))):
        raise ValueError(NOT_LISTS)
    try:
        array = as_array(leaf if items is None else items, "leaf")
    except ValueError:
        if items is not None and any_is_sized(items):
            raise ValueError(NOT_LISTS) from None
        raise
    has_dtype = items is None and array.dtype.kind != "O"
    if array.dtype.kind == "O":
        array = _of_real_objects(array)
    if not is_vector(array.shape, array.dtype):
        raise ValueError(_why_no_vector(leaf, items, array))
    return array, array.dtype if has_dtype else None


def _items(leaf):
    """List what is in a list or another sequence of Python's; None of what is none.

    A list's own, whatever a subclass of list says they are.
    """
    if is_kind(leaf, list):
        return list(own_items(leaf))
    if not _is_list_like(type(leaf)) or converter_hint(leaf) is not None:
        return None
    try:
        return list(islice(leaf, len(leaf)))
    except Exception:  # then numpy's word for it is as good
        return None


def _is_list_like(kind):
    """Whether numpy would read objects of that class item by item."""
    if issubclass(kind, list | tuple):
        return True
    return (
        is_sized(kind)
        and hasattr(kind, "__getitem__")
        and not issubclass(kind, Mapping | Set | bytearray | memoryview)
        and not any(hasattr(kind, name) for name in ARRAY_PROTOCOLS)
    )


def _of_real_objects(array):
    """Give float64 for an array of Python's real numbers, else the array itself."""
    if not all(isinstance(item, Real | np.bool_) for item in array.flat):
        return array
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise ValueError("leaf contains a value too large for float64") from None


def _why_no_vector(leaf, items, array):
    if items is None and array.ndim == 1 and array.dtype.kind == "O":
        items = array.tolist()
    if items is not None and any_is_sized(items):
        return NOT_LISTS
    if array.ndim == 0:
        what = "a scalar of" if array.dtype.kind in "buifc" else "of"
        return (
            f"leaf is {what} type {type(leaf).__name__}, "
            f"expected a vector of numbers (a tuple is an inner node){FOR_TOKENS}"
        )
    if array.ndim > 1:
        return f"leaf has {array.ndim} dimensions, expected 1"
    if array.dtype.kind == "c":
        return "leaf is complex, expected real numbers"
    if len(array) == 0:
        return "leaf is an empty vector"
    kind = array.dtype.type
    if array.dtype.kind == "O":
        kind = next(type(item) for item in array if not isinstance(item, Real))
    return f"leaf holds something other than numbers: {kind.__name__}"
