"""What each column of a table holds: numbers or a category, learned from entries."""

from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.parts.plain import kept_plain

MOST_LEVELS = 1000
"""Of a category: each takes a column."""
OF_TIMES = ("isoformat", "strftime", "total_seconds")
"""Methods that dates and times have."""


@kept_plain
class Column(NamedTuple):
    """What was learned of one column."""

    name: str
    levels: np.ndarray | None
    """Those of a category, sorted, object array; None: the column holds numbers."""
    mean: float = 0.0
    scale: float = 1.0
    """Standard deviation of the observed numbers."""
    is_whole: bool = False
    """Whether all observed numbers are whole."""
    most_frequent: Any = None
    """Level of a category."""

    @property
    def is_empty(self):
        """Whether nothing was observed."""
        return np.isnan(self.mean) if self.levels is None else not len(self.levels)


def are_categories(table, categorical_features):
    """Tell of each column whether it holds a category."""
    chosen = chosen_columns(table, categorical_features)
    for k, is_category in enumerate(chosen):
        if is_category is None:  # the values are to say it
            values = table.observed(k)
            chosen[k] = values.dtype.kind in "OUST" and not all_numbers(values)
    return chosen


def chosen_columns(table, categorical_features):
    """Return for each column whether it is a category, or None if its values say it."""
    n_columns = len(table.names)
    if categorical_features is None:
        return [False] * n_columns
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return [True if named else None for named in table.named_categories]
    try:
        chosen = np.atleast_1d(np.asarray(categorical_features))
    except ValueError:  # lists of different lengths
        chosen = np.empty((1, 1))
    if chosen.shape == (0,):
        return [False] * n_columns
    if chosen.dtype.kind == "b" and chosen.shape == (n_columns,):
        return chosen.tolist()
    if chosen.ndim > 1 or isinstance(categorical_features, dict):
        pass
    elif chosen.dtype.kind in "UO" and set(chosen) <= set(table.names):
        return [name in set(chosen) for name in table.names]
    elif chosen.dtype.kind in "iu" and ((chosen >= 0) & (chosen < n_columns)).all():
        return [k in set(chosen.tolist()) for k in range(n_columns)]
    raise ValueError(
        "categorical_features must be 'from_dtype', None, names of columns, their "
        f"numbers from 0 to {n_columns - 1}, or a bool for each of the {n_columns}; "
        f"got {categorical_features!r}. The columns are {table.names}."
    )


def all_numbers(values):
    """Tell whether objects are all numbers; bools are none."""
    return all(
        isinstance(v, Real) and not isinstance(v, bool | np.bool_) for v in values
    )


def as_numbers(name, values):
    """Return values as float64, or say what is none."""
    try:
        numbers = np.asarray(values, np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"Column {name!r} of X is taken as numbers, but: {error}. Name it in "
            "categorical_features, or make numbers of it."
        ) from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"Column {name!r} of X contains infinity.")
    return numbers


def are_times(values):
    """Tell whether there are dates or times among objects."""
    kinds = set(map(type, values))
    return any(hasattr(kind, method) for kind in kinds for method in OF_TIMES)


def check_times(table, are_categories, opaque):
    """Refuse objects of dates and times in columns without an encoder of their own."""
    for place, is_category in enumerate(are_categories):
        if is_category and place not in opaque and are_times(table.observed(place)):
            raise ValueError(
                f"Column {table.names[place]!r} of X holds dates or times. Name an "
                "encoder of it in column_encoders, make numbers or strings of them, or "
                "drop it."
            )


def learn_numbers(name, observed):
    """Describe a column of numbers."""
    numbers = as_numbers(name, observed)
    if not len(numbers):
        return Column(name, None, mean=np.nan)
    is_whole = bool((numbers % 1 == 0).all())
    if (numbers == numbers[0]).all():
        return Column(name, None, float(numbers[0]), 0.0, is_whole=is_whole)
    size = np.abs(
        numbers
    ).max()  # squares of very large or small numbers are no numbers
    numbers = numbers / size
    mean, scale = float(size * numbers.mean()), float(size * numbers.std())
    return Column(name, None, mean, scale, is_whole=is_whole)


def rank(level):
    """Sort levels by type first: strings and numbers do not compare."""
    return "" if isinstance(level, Real) else type(level).__name__, level


def count_levels(name, observed):
    """Return how often each level comes, a dict."""
    counts: dict[Any, int] = {}
    try:
        for level in observed.tolist():
            counts[level] = counts.get(level, 0) + 1
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X: {error}; as the level of a category its argument "
            "must be a string or a number."
        ) from error
    return counts


def describe_levels(name, counts):
    """Describe a column by how often each of its levels comes."""
    if are_times(counts):
        raise ValueError(
            f"Column {name!r} of X holds dates or times. Make numbers of them, such as "
            "days since a date, or strings, or drop it."
        )
    if len(counts) > MOST_LEVELS:
        raise ValueError(
            f"Column {name!r} of X has {len(counts)} levels, more than {MOST_LEVELS}, "
            "too many to learn each. Drop it if it only names the rows, join rare "
            "levels, or say with categorical_features that it holds numbers."
        )
    try:
        levels = sorted(counts, key=rank)
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X: its levels cannot be sorted: {error}. Make strings "
            "of them."
        ) from error
    array = np.empty(len(levels), object)
    array[:] = levels
    return Column(name, array, most_frequent=max(levels, key=counts.get, default=None))
