"""Tables of numbers, categories and holes: what a user passes -> arrays, and back.

`read_table` takes a table apart into columns, `learn_columns` says what each holds,
`Encoding` makes the matrix that networks learn from. A data frame is read column by
column through ``numpy.asarray`` and written through its own classes: neither pandas nor
polars is imported.
"""

import re
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import validate_data

FURTHEST = 1e6
"""Standard deviations from the mean that a number is taken to lie, at most."""
MOST_LEVELS = 1000
"""Of a category: each takes a column."""
OF_TIMES = ("isoformat", "strftime", "total_seconds")
"""Methods that dates and times have."""
CATEGORICAL_TYPES = ("category", "categorical", "enum", "bool")
"""How their names begin, in pandas and polars."""


class Table(NamedTuple):
    """A table taken apart."""

    source: Any
    """What the user passed: a data frame, or an array of it."""
    names: list[str]
    """Of the columns; of an array x0, x1, ..."""
    columns: list[np.ndarray]
    """The values of each, (n_rows,), as they are."""
    named_categories: list[bool]
    """Whether the type of a column says that it holds a category."""
    integers: list[tuple[int, int] | None]
    """Of a column whose type holds whole numbers only, the smallest and the largest."""
    missing: np.ndarray
    """bool, (n_rows, n_columns)."""

    @property
    def is_frame(self):
        """Whether the user passed a data frame."""
        return not isinstance(self.source, np.ndarray)

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.missing)


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


def is_frame(X):
    """Tell whether X is a data frame: of pandas, polars or one that acts like them."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_column"))


def read_table(estimator, X, missing_values, *, reset):
    """Validate a table and take it apart.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and `feature_names_in_`, or is compared with them.
    X : data frame or array-like of shape (n_rows, n_columns)
    missing_values : object
        What stands for a missing entry; NaN, None and pandas.NA stand for each other.
    reset : bool

    Returns
    -------
    table : Table
    """
    if is_frame(X):
        if min(X.shape) == 0:
            validate_data(estimator, np.empty(X.shape), reset=False)  # its own words
        names = [str(name) for name in X.columns]
        if hasattr(X, "iloc"):
            validate_data(estimator, X, reset=reset, skip_check_array=True)
        else:  # scikit-learn 1.7 does not see the names of polars 2
            check_names(estimator, names, reset=reset)
        series = [
            X.iloc[:, k] if hasattr(X, "iloc") else X.get_column(name)
            for k, name in enumerate(X.columns)
        ]
        columns = [values_of(one) for one in series]
        named = [str(one.dtype).lower().startswith(CATEGORICAL_TYPES) for one in series]
        integers = [range_of_integers(one) for one in series]
    else:
        X = as_array(X)
        kind = "f" if hasattr(X, "tocsr") else X.dtype.kind
        X = validate_data(
            estimator,
            X,
            reset=reset,
            dtype=None if kind in "bOUST" else [np.float64, np.float32],
            ensure_all_finite=False,
        )
        names = [f"x{k}" for k in range(X.shape[1])]
        columns, named = list(X.T), [kind == "b"] * X.shape[1]
        integers = [None] * X.shape[1]
    missing = np.column_stack(
        [
            missing_entries(name, column, missing_values)
            for name, column in zip(names, columns, strict=True)
        ]
    )
    return Table(X, names, columns, named, integers, missing)


def check_names(estimator, names, *, reset):
    """Keep the names of a frame's columns, or compare them with those kept."""
    if reset:
        estimator.n_features_in_ = len(names)
        estimator.feature_names_in_ = np.asarray(names, object)
        return
    if len(names) != estimator.n_features_in_:
        raise ValueError(
            f"X has {len(names)} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None and known.tolist() != names:
        raise ValueError(
            "The feature names should match those that were passed during fit, in the "
            f"same order: {known.tolist()}; got {names}."
        )


def as_array(X):
    """Return what is no data frame as an array; strings beside numbers as objects."""
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError(
            "X is a masked array, whose mask would be lost. Pass X.filled(np.nan), of "
            "floats."
        )
    if isinstance(X, np.ndarray) or hasattr(X, "tocsr"):
        return X
    array = np.asarray(X)
    return array if array.dtype.kind not in "US" else np.asarray(X, object)


def range_of_integers(series):
    """Return the range of a frame's column of integers, or None if it is no such."""
    name = str(series.dtype).lower()
    if not re.fullmatch(r"u?int(8|16|32|64)", name):
        return None
    limits = np.iinfo(name)
    return int(limits.min), int(limits.max)


def values_of(series):
    """Return a frame's column as an array; whole numbers with holes as objects."""
    if range_of_integers(series):
        if hasattr(series, "null_count") and series.null_count():  # polars
            return np.array([*series.to_list(), None], object)[:-1]
        if hasattr(series, "iloc") and series.isna().any():
            return np.asarray(series, object)
    return np.asarray(series)


def is_nothing(value):
    """Tell whether an object stands for no value: None, NaN, pandas.NA, NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and value != value


def missing_entries(name, column, missing_values):
    """Tell which entries of a column are missing; refuse what cannot be used."""
    kind = column.dtype.kind
    if kind in "mMcV":
        raise ValueError(
            f"Column {name!r} of X has the type {column.dtype}, which is neither a "
            "number nor a category. Make numbers of it (such as days since a date) or "
            "strings, or drop it."
        )
    if kind == "f":
        nothing = np.isnan(column)
        if np.isinf(column).any():
            raise ValueError(
                f"Column {name!r} of X contains infinity. Replace it by NaN, which is "
                "filled in, or by a number."
            )
    elif kind in "OT":
        nothing = np.fromiter(map(is_nothing, column), bool, len(column))
    else:
        nothing = np.zeros(len(column), bool)
    if np.ndim(missing_values) or isinstance(missing_values, dict):
        raise ValueError(
            "missing_values must be one number, string or mark such as numpy.nan; got "
            f"{missing_values!r}."
        )
    if is_nothing(missing_values):
        return nothing
    if nothing.any():
        raise ValueError(
            f"Column {name!r} of X contains NaN or None, while missing_values="
            f"{missing_values!r} stands for missing entries. Use missing_values=np.nan."
        )
    if kind in "fiub" and not isinstance(missing_values, Real):
        return nothing  # a number is no string
    return np.asarray(column == missing_values, bool)


def learn_columns(table, categorical_features):
    """Say of each column what it holds, from its observed entries.

    Returns
    -------
    columns : list of Column
        A column without an observed entry has no levels, or NaN as its mean.
    """
    categorical = chosen_columns(table, categorical_features)
    learned = []
    for k, name in enumerate(table.names):
        observed = table.columns[k][~table.missing[:, k]]
        is_category = categorical[k]
        if is_category is None:  # the values are to say it
            is_category = observed.dtype.kind in "OUST" and not all_numbers(observed)
        learn = learn_category if is_category else learn_numbers
        learned.append(learn(name, observed))
    return learned


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
        f"got {categorical_features!r}."
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
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"Column {name!r} of X is taken as numbers, but: {error}. Name it in "
            "categorical_features, or make numbers of it."
        ) from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"Column {name!r} of X contains infinity.")
    return numbers


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


def learn_category(name, observed):
    """Describe a column of levels."""
    counts: dict[Any, int] = {}
    try:
        for level in observed.tolist():
            counts[level] = counts.get(level, 0) + 1
    except TypeError as error:
        raise TypeError(
            f"Column {name!r} of X: {error}; as the level of a category its argument "
            "must be a string or a number."
        ) from error
    if any(hasattr(level, method) for level in counts for method in OF_TIMES):
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


class Encoding:
    """How columns become the matrix that networks learn from, and what comes back.

    Encoded, the standardised numbers come first, then each category as a block of
    columns with 1 for its level. A level that was never seen is missing. "Entry" means
    that of a column of the table, in the order of the encoding.

    Parameters
    ----------
    columns : list of Column
        Those that are empty take no part.
    """

    def __init__(self, columns):
        self.columns = columns
        numbers, categories = [], []
        for k, column in enumerate(columns):
            if not column.is_empty:
                (numbers if column.levels is None else categories).append(k)
        self.numbers = numbers
        """Places of the columns of numbers in the table."""
        self.categories = categories
        self.n_levels = [len(columns[k].levels) for k in categories]
        widths = [1] * len(numbers) + self.n_levels
        self.column_of = np.repeat(np.arange(len(widths)), widths)
        """The entry that each encoded column belongs to."""
        self.block_start = np.cumsum([len(numbers), *self.n_levels])

    @property
    def places(self):
        """Places in the table of the columns, in the order of the encoding."""
        return [*self.numbers, *self.categories]

    def encode(self, table):
        """Return values, (n_rows, n_encoded), 0 where missing, and what is observed.

        Returns
        -------
        values : float32 array of shape (n_rows, n_encoded)
        observed : ndarray of bool, of shape (n_rows, n_entries)
        """
        values = np.zeros((table.n_rows, len(self.column_of)), np.float32)
        observed = ~table.missing[:, self.places]
        for entry, place in enumerate(self.numbers):
            column, seen = self.columns[place], observed[:, entry]
            numbers = as_numbers(column.name, table.columns[place][seen])
            with np.errstate(over="ignore"):
                standardised = (numbers - column.mean) / (column.scale or 1.0)
            values[seen, entry] = np.clip(standardised, -FURTHEST, FURTHEST)
        for block, place in enumerate(self.categories):
            entry = len(self.numbers) + block
            code = self._codes(place, table, observed[:, entry])
            observed[:, entry] = code >= 0
            rows = np.flatnonzero(code >= 0)
            values[rows, self.block_start[block] + code[rows]] = 1
        return values, observed

    def _codes(self, place, table, seen):
        """Return the number of each level of a category; -1: missing, or never seen."""
        number = {level: k for k, level in enumerate(self.columns[place].levels)}
        code = np.full(table.n_rows, -1)
        code[seen] = [
            number.get(level, -1) for level in table.columns[place][seen].tolist()
        ]
        return code

    def numbers_of(self, place, standardised):
        """Give standardised numbers of a column in its own units."""
        column = self.columns[place]
        return column.mean + column.scale * standardised.astype(np.float64)

    def blocks(self, values):
        """Yield of each category its place and its encoded columns."""
        for block, place in enumerate(self.categories):
            yield (
                place,
                values[:, self.block_start[block] : self.block_start[block + 1]],
            )


def complete(table, filled, keep):
    """Write values into the holes of a table, in the type that the user passed.

    Parameters
    ----------
    table : Table
    filled : list of ndarray or None
        For each column the values of its missing entries, in their order.
    keep : list of int
        Places of the columns to give back.

    Returns
    -------
    completed : data frame of the type of the table's, or ndarray
    """
    columns = [
        completed(
            table.columns[place],
            table.missing[:, place],
            as_type(filled[place], table.integers[place]),
        )
        for place in keep
    ]
    if not table.is_frame:
        return np.stack(columns, axis=1)
    frame = table.source
    changed = [
        (k, place, values)
        for k, (place, values) in enumerate(zip(keep, columns, strict=True))
        if table.missing[:, place].any()
    ]
    if hasattr(frame, "iloc"):
        frame = frame.iloc[:, keep].copy()
        for k, _, values in changed:
            frame.isetitem(k, of_pandas(frame.iloc[:, k], values))
        return frame
    series = [frame.get_columns()[place] for place in keep]
    for k, _, values in changed:
        series[k] = of_polars(series[k], values)
    return type(frame)(series)


def holds(series, values):
    """Tell whether the type of a frame's column holds such values."""
    name = str(series.dtype).lower()
    if values.dtype.kind == "f":
        return bool(re.match(r"(u?int|float)\d|object", name))
    if all_numbers(values.tolist()):
        return bool(re.match(r"(u?int|float)\d|object|categor", name))
    return not re.match(r"(u?int|float)\d|null", name)


def of_pandas(old, values):
    """Make a column of pandas with other values, of its type if that holds them."""
    given = {"index": old.index, "name": old.name}
    if not holds(old, values):
        return type(old)(values.tolist(), **given)
    dtype = old.dtype
    if hasattr(dtype, "categories"):
        new = [v for v in dict.fromkeys(values.tolist()) if v not in dtype.categories]
        dtype = old.cat.add_categories(new).dtype
    return type(old)(values.tolist(), dtype=dtype, **given)


def of_polars(old, values):
    """Make a column of polars with other values, of its type if that holds them."""
    if not holds(old, values):
        return type(old)(old.name, values.tolist())
    dtype = old.dtype
    if str(dtype).startswith("Enum"):
        known = dtype.categories.to_list()
        new = [v for v in dict.fromkeys(values.tolist()) if v not in known]
        dtype = type(dtype)([*known, *new])
    return type(old)(old.name, values.tolist(), dtype=dtype)


def as_type(values, limits):
    """Return whole numbers as such, within the limits of a type of integers, if any."""
    if limits is None or values.dtype.kind not in "fiu":
        return values
    low, high = limits
    whole = [min(max(round(value), low), high) for value in values]
    return np.array([*whole, None], object)[:-1]


def completed(column, missing, values):
    """Return a column with values in its holes; the type stays if it holds them."""
    if not missing.any():
        return column
    kind = column.dtype.kind
    if kind == "U" and all(isinstance(value, str) for value in values):
        values = np.array([*values], "U")
        column = column.astype(np.result_type(column, values))
    elif values.dtype.kind != "f":
        column = column.astype(object)
    elif kind == "f":
        column = column.copy()
    else:  # numbers in another type
        numbers = np.empty(len(column))
        numbers[~missing] = column[~missing]
        column = numbers
    column[missing] = values
    return column
