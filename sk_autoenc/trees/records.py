"""Leaves that are records: each key a column of tokens or of numbers."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import FloatArray
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.trees.given_vectors import Given, Where
from sk_autoenc.trees.leaves import check_finite
from sk_autoenc.trees.token_table import Settings, TokenTable, at, learn_table
from sk_autoenc.trees.token_trees import distinct


def _same(values: FloatArray) -> FloatArray:
    return values


def _signed_log(values: FloatArray) -> FloatArray:
    return np.sign(values) * np.log1p(np.abs(values))


def _signed_exp(values: FloatArray) -> FloatArray:
    return np.sign(values) * np.expm1(np.abs(values))


NUMBERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "number": (_same, _same),
    "log_number": (_signed_log, _signed_exp),
}
"""What is done to numbers before they are standardised, and how it is undone."""


@kept_plain
class NumberColumn(NamedTuple):
    """A key with numbers, standardised; 0, the mean, where there is none."""

    kind: str
    mean: float
    scale: float
    n_features: int = 1

    def names(self, key: Any) -> list[str]:
        """Name the only entry."""
        return [str(key)]

    def encode(self, values: list[Any], where: Where) -> FloatArray:
        """Make a column, (n_records, 1), of values."""
        numbers = NUMBERS[self.kind][0](_numbers(values, where))
        standardised = (numbers - self.mean) / self.scale
        return np.nan_to_num(standardised, nan=0.0)[:, None]

    def decode(self, vectors: FloatArray) -> list[Any]:
        """Give the number of each vector."""
        with np.errstate(over="ignore"):
            numbers = vectors[:, 0].astype(np.float64) * self.scale + self.mean
            return NUMBERS[self.kind][1](numbers).tolist()


@kept_plain
class TokenColumn(NamedTuple):
    """A key with tokens; zeros where there is none."""

    table: TokenTable

    @property
    def n_features(self) -> int:
        """Number of entries of a leaf vector."""
        return self.table.n_features

    def names(self, key: Any) -> list[str]:
        """Name the entries."""
        return [f"{key}_{name}" for name in self.table.names("")]

    def encode(self, values: list[Any], where: Where) -> FloatArray:
        """Make columns, (n_records, n_features), of values."""
        there, tokens = _there(values)
        vectors = np.zeros((len(values), self.n_features), self.table.table.dtype)
        rows, table = self.table.rows(tokens, at(where, there))
        vectors[there] = table[rows]
        return vectors

    def decode(self, vectors: FloatArray) -> list[Any]:
        """Give the nearest token of each vector; None where there is none."""
        found = self.table.nearest(vectors)
        for number in np.flatnonzero(~vectors.any(axis=1)):
            found[number] = None
        return found


@kept_plain
class Records(NamedTuple):
    """How leaves that are records become vectors."""

    columns: dict[Any, NumberColumn | TokenColumn]
    dtype: str

    @property
    def n_features(self) -> int:
        """Length of a vector."""
        return sum(column.n_features for column in self.columns.values())

    @property
    def tables(self) -> dict[Any, TokenTable]:
        """The tables of the keys with tokens."""
        return {
            key: column.table
            for key, column in self.columns.items()
            if isinstance(column, TokenColumn)
        }

    def names(self, prefix: str) -> list[str]:
        """Name the entries of vectors."""
        return [
            name for key, column in self.columns.items() for name in column.names(key)
        ]

    def rows(
        self, leaves: list[Any], where: Where
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """Make the table of the distinct records, and find the row of each leaf."""
        records, ids, where = distinct_records(leaves, self.columns, where)
        table, start = np.empty((len(records), self.n_features), self.dtype), 0
        for place, (key, column) in enumerate(self.columns.items()):
            values = [record[place] for record in records]
            stop = start + column.n_features
            with np.errstate(over="ignore"):
                table[:, start:stop] = column.encode(values, _with_key(where, key))
            start = stop
        check_finite(table, table.__getitem__, where)
        table.flags.writeable = False
        return ids, table

    def nearest(self, vectors: FloatArray) -> list[Any]:
        """Give the nearest record of each vector; without tokens that are unknown."""
        found: list[dict[Any, Any]] = [{} for _ in vectors]
        start = 0
        for key, column in self.columns.items():
            stop = start + column.n_features
            values = column.decode(vectors[:, start:stop])
            for record, value in zip(found, values, strict=True):
                if value is not None:
                    record[key] = value
            start = stop
        return found


def learn_records(
    sources: dict[Any, str | Given],
    leaves: list[Any],
    settings: Settings,
    where: Where,
) -> Records:
    """Learn how records become vectors.

    Parameters
    ----------
    sources : dict
        key -> a name of `LEAF_VECTORS` or of `NUMBERS`, or the user's vectors.
    leaves : list of object
    settings : Settings
    where : callable
        ``where(number)`` words the place of a leaf.

    Returns
    -------
    records : Records

    Raises
    ------
    ValueError
        A leaf is no record, a key stands nowhere, or a value is wrong.
    """
    records, ids, where = distinct_records(leaves, sources, where)
    counts = np.bincount(ids, minlength=len(records))
    columns: dict[Any, NumberColumn | TokenColumn] = {}
    for place, (key, source) in enumerate(sources.items()):
        values, where_key = [record[place] for record in records], _with_key(where, key)
        there, tokens = _there(values)
        if not tokens:
            keys = {name for leaf in leaves[:1000] for name in leaf}
            raise ValueError(
                f"no leaf has a value for {key!r}, a key of vectors; the leaves have "
                f"{sorted(map(repr, keys))[:10]}"
            )
        if isinstance(source, str) and source in NUMBERS:
            columns[key] = _learn_numbers(source, _numbers(values, where_key), counts)
        else:
            weights, where_token = counts[there], at(where_key, there)
            columns[key] = TokenColumn(
                learn_table(source, tokens, settings, where_token, weights)
            )
    return Records(columns, settings.dtype.name)


def distinct_records(
    leaves: list[Any], keys: Mapping[Any, Any], where: Where
) -> tuple[list[tuple[Any, ...]], NDArray[np.intp], Where]:
    """List the values of records, each once.

    Parameters
    ----------
    leaves : list of object
    keys : mapping
        Its keys are those of interest.
    where : callable
        ``where(number)`` words the place of a leaf.

    Returns
    -------
    records : list of tuple
        The value of each key; None where there is none.
    ids : intp array of shape (n_leaves,)
        The number of each leaf's record.
    where : callable
        ``where(number)`` words the first place of a record.
    """
    for number, leaf in enumerate(leaves):
        if not isinstance(leaf, Mapping):
            raise ValueError(
                f"{where(number)}: leaf is of type {type(leaf).__name__!r}, but "
                "vectors is a dict of columns, for leaves that are records: expected a "
                f"dict with {', '.join(map(repr, keys))}"
            )
    values = [tuple(map(leaf.get, keys)) for leaf in leaves]
    try:
        records, ids = distinct(values)
    except TypeError:
        number, key, value = next(
            (number, key, value)
            for number, record in enumerate(values)
            for key, value in zip(keys, record, strict=True)
            if not _is_hashable(value)
        )
        raise ValueError(
            f"{_with_key(where, key)(number)}: the value is a {type(value).__name__!r};"
            " expected a token (hashable: a string, say) or a number"
        ) from None
    return records, ids, lambda number: where(int(np.argmax(ids == number)))


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _there(values: list[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Take the values that are there: neither None nor NaN."""
    is_there = [value is not None and value == value for value in values]
    there = np.flatnonzero(is_there)
    return there, [values[i] for i in there]


def _numbers(values: list[Any], where: Where) -> FloatArray:
    """Read numbers; NaN where there is none."""
    for number, value in enumerate(values):
        if not isinstance(value, Real | np.bool_) and value is not None:
            raise ValueError(
                f"{where(number)}: the value is {value!r}, expected a number, as "
                "vectors says"
            )
    try:
        numbers = np.array([np.nan if v is None else v for v in values], np.float64)
    except OverflowError:
        numbers = np.array([np.inf])
    if np.isinf(numbers).any():
        number = next(i for i, v in enumerate(values) if v is not None and not _fits(v))
        raise ValueError(f"{where(number)}: the value is too large for a float")
    return numbers


def _fits(value: Any) -> bool:
    try:
        return not np.isinf(float(value))
    except OverflowError:
        return False


def _learn_numbers(
    kind: str, numbers: FloatArray, counts: NDArray[np.intp]
) -> NumberColumn:
    """Take the mean and the standard deviation over all leaves that have a number."""
    there = ~np.isnan(numbers)
    numbers, counts = NUMBERS[kind][0](numbers[there]), counts[there]
    size = max(float(np.abs(numbers).max()), np.finfo(np.float64).tiny)
    mean = float(np.average(numbers / size, weights=counts))
    variance = np.average(np.square(numbers / size - mean), weights=counts)
    scale = float(np.sqrt(variance))
    is_constant = scale <= 8 * np.finfo(np.float64).eps * abs(mean)
    return NumberColumn(kind, mean * size, 1.0 if is_constant else scale * size)


def _with_key(where: Where, key: Any) -> Where:
    return lambda number: f"{where(number)}, key {key!r}"
