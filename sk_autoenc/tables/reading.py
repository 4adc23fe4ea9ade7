"""Tables taken apart: into columns as they are, and which of their entries are missing.

A data frame is read column by column through ``numpy.asarray``: neither pandas nor
polars is imported.
"""

import re
from collections import Counter
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from sk_autoenc.array_validation import refuse_other_arrays

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

    def observed(self, place):
        """Return the values of a column that are not missing."""
        return self.columns[place][~self.missing[:, place]]


def is_frame(X):
    """Tell whether X is a data frame: of pandas, polars or one that acts like them."""
    return (hasattr(X, "iloc") or hasattr(X, "get_column")) and hasattr(X, "columns")


def read_table(estimator, X, missing_values, *, reset, opaque=None):
    """Validate a table and take it apart.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and `feature_names_in_`, or is compared with them.
    X : data frame or array-like of shape (n_rows, n_columns)
    missing_values : object
        What stands for a missing entry; NaN, None and pandas.NA stand for each other.
    reset : bool
    opaque : collection of str or int, default=None
        Names or places of columns of any type, which encoders of the user's are to
        understand. None: the user cannot name encoders.

    Returns
    -------
    table : Table
    """
    refuse_other_arrays(X)
    if is_frame(X):
        if min(X.shape) == 0:
            check_array(np.empty(X.shape), estimator=estimator)  # its own words
        names = [str(name) for name in X.columns]
        check_different(names)
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
            dtype=None if kind in "bOUSTmMV" else [np.float64, np.float32],
            ensure_all_finite=False,
        )
        names = [f"x{k}" for k in range(X.shape[1])]
        columns, named = list(X.T), [kind == "b"] * X.shape[1]
        integers = [None] * X.shape[1]
    missing = np.column_stack(
        [
            missing_entries(
                name,
                column,
                missing_values,
                opaque=None if opaque is None else name in opaque or k in opaque,
            )
            for k, (name, column) in enumerate(zip(names, columns, strict=True))
        ]
    )
    return Table(X, names, columns, named, integers, missing)


def check_different(names):
    """Refuse two columns of one name."""
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"X has several columns named {name!r}. Rename them.")


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
    if hasattr(X, "collect_schema"):
        raise TypeError(
            "X is a LazyFrame, which has no values yet. Pass X.collect(), a DataFrame."
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


def missing_entries(name, column, missing_values, *, opaque):
    """Tell which entries of a column are missing; refuse what cannot be used."""
    kind = column.dtype.kind
    if column.ndim > 1:  # structs and arrays of polars
        raise ValueError(
            f"Column {name!r} of X holds several values in each entry. Make a column "
            "of each of them, or drop it."
        )
    if opaque and kind in "mM":
        return np.isnat(column)
    if kind in "mMcV":
        encoder = "" if opaque is None else "name an encoder of it in column_encoders, "
        raise ValueError(
            f"Column {name!r} of X has the type {column.dtype}, which is neither a "
            "number nor a category. Make numbers of it (such as days since a date) or "
            f"strings, {encoder}or drop it."
        )
    if kind == "f":
        nothing = np.isnan(column)
        if np.isinf(column).any():
            raise ValueError(
                f"Column {name!r} of X contains infinity. Replace it by NaN, which is "
                "taken as missing, or by a number."
            )
    elif kind in ("O", "T"):
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
            f"{missing_values!r} stands for missing entries. Let one mark stand for "
            "all of them, such as NaN with missing_values=np.nan."
        )
    if kind in "fiub" and not isinstance(missing_values, Real):
        return nothing  # a number is no string
    return np.asarray(column == missing_values, bool)
