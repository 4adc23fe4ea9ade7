"""Vectors of tokens that a user has: a mapping, a frame, an array or a function."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from sk_autoenc.trees.containers import is_kind
from sk_autoenc.trees.vectors import as_array

Where: TypeAlias = Callable[[int], str]
"""Words the place of the token of that number."""
Found: TypeAlias = list[Any]
"""The vector of each token; None of one that has none."""


class Given(Protocol):
    """Vectors that a user has."""

    def look_up(self, tokens: list[Any], where: Where) -> Found:
        """Give the vectors of tokens."""


class Mapped(NamedTuple):
    """Anything with ``in`` and ``[]``: a dict, gensim's KeyedVectors."""

    vectors: Any

    def look_up(self, tokens: list[Any], where: Where) -> Found:
        """Give the vectors of tokens."""
        given = self.vectors
        return [given[token] if token in given else None for token in tokens]


class Framed(NamedTuple):
    """A data frame of pandas, a row for each token of its index."""

    frame: Any

    def look_up(self, tokens: list[Any], where: Where) -> Found:
        """Give the rows of tokens."""
        rows = self.frame.index.get_indexer(_as_objects(tokens))
        found = iter(self.frame.iloc[rows[rows >= 0]].to_numpy())
        return [None if row < 0 else next(found) for row in rows]


class Rows(NamedTuple):
    """An array, whose row i is the vector of the integer i."""

    array: Any

    def look_up(self, tokens: list[Any], where: Where) -> Found:
        """Give the rows of integers."""
        for number, token in enumerate(tokens):
            if isinstance(token, bool) or not isinstance(token, Integral):
                raise ValueError(
                    f"{where(number)}: leaf is {token!r}, but vectors is an array, of "
                    "which a leaf is the number of a row; for other tokens pass a "
                    "dict: token -> vector"
                )
        n_rows = len(self.array)
        return [self.array[row] if 0 <= row < n_rows else None for row in tokens]


class Called(NamedTuple):
    """A function of a token, which gives None where it knows no vector."""

    function: Callable[[Any], Any]

    def look_up(self, tokens: list[Any], where: Where) -> Found:
        """Call it; what it raises says of which token."""
        found = []
        for number, token in enumerate(tokens):
            try:
                found.append(self.function(token))
            except Exception as error:
                error.add_note(f"vectors({token!r}), {where(number)}")
                raise
        return found


def given_vectors(vectors: Any, name: str = "vectors") -> Given:
    """Tell what a user gives, or refuse it.

    Parameters
    ----------
    vectors : object
    name : str
        What the user calls it.

    Returns
    -------
    given : Given

    Raises
    ------
    TypeError, ValueError
        It is nothing that gives vectors.
    """
    kind = type(vectors)
    if is_kind(vectors, list, np.ndarray):
        return Rows(_two_dimensional(vectors, name))
    if hasattr(kind, "columns") and hasattr(kind, "index"):
        if not vectors.index.is_unique:
            token = vectors.index[vectors.index.duplicated()][0]
            raise ValueError(
                f"{name} has several rows for {token!r}; keep one of each: "
                f"{name}[~{name}.index.duplicated()]"
            )
        return Framed(vectors)
    if _has(kind, "__contains__", "__getitem__") and not _is_no_mapping(vectors):
        return Mapped(vectors)
    if callable(vectors):
        return Called(vectors)
    raise TypeError(
        f"{name} is of type {kind.__name__!r}; expected a mapping from tokens to "
        "vectors (a dict, KeyedVectors), a pandas DataFrame with tokens as index, a "
        "2-D array for leaves that are numbers of rows, or a function of a token"
    )


def _has(kind: type, *names: str) -> bool:
    return all(hasattr(kind, name) for name in names)


def _is_no_mapping(vectors: Any) -> bool:
    """Tell what can be indexed, but not by tokens: text, sequences, other frames."""
    kind = type(vectors)
    return issubclass(kind, str | bytes | tuple | range | memoryview) or (
        hasattr(kind, "to_numpy") and not hasattr(kind, "index")
    )


def _two_dimensional(vectors: Any, name: str) -> Any:
    """Read an array of row vectors."""
    array = as_array(vectors, name)
    if array.ndim != 2 or not array.shape[1] or array.dtype.kind not in "buif":
        raise ValueError(
            f"{name} is an array of shape {array.shape} and dtype {array.dtype}; "
            "expected numbers of shape (n_tokens, n_features), row i the vector of "
            "leaves that are the integer i"
        )
    return array


def _as_objects(tokens: list[Any]) -> Any:
    return np.fromiter(tokens, dtype=object, count=len(tokens))
