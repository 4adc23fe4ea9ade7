"""Values written into the holes of a table, in the type that the user passed.

A data frame is written through its own classes: neither pandas nor polars is imported.
"""

import re

import numpy as np

from sk_autoenc.tables.columns import all_numbers

NUMBERS = r"(u?int|float)\d|(double|float|halffloat)\["
"""How names of types of numbers begin, in pandas, polars and pyarrow."""
OF_PYARROW = {"float[pyarrow]": "float32", "halffloat[pyarrow]": "float16"}
"""What numpy calls its narrow types of floats."""


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


def make_table(prototype, columns):
    """Make a table with the types of another.

    Parameters
    ----------
    prototype : data frame without rows, or ndarray
        What the types are taken from.
    columns : list of ndarray
        The values of each column; objects may be None where there is none.

    Returns
    -------
    table : data frame of the type of the prototype, or ndarray
    """
    if isinstance(prototype, np.ndarray):
        kind, dtype = prototype.dtype.kind, prototype.dtype
        empty = any(map(is_empty, columns))
        numbers = all(
            column.dtype.kind in "fiu" or is_empty(column) for column in columns
        )
        same = numbers if kind == "f" else kind in "bSTU" and not empty
        columns = [fitting(column, dtype).astype(object) for column in columns]
        stacked = np.stack(columns, axis=1)
        return stacked.astype(dtype if same else object)
    if hasattr(prototype, "iloc"):
        frame = prototype.reindex(range(len(columns[0])))  # all missing
        for k, column in enumerate(columns):
            if is_empty(column):
                continue
            old = prototype.iloc[:, k].set_axis(prototype.index[:0])
            values = fitting(column, old.dtype)
            frame.isetitem(k, of_pandas(old, values, index=frame.index))
        return frame
    return type(prototype)(
        [
            old.clear(len(column))
            if is_empty(column)
            else of_polars(old, fitting(column, old.dtype))
            for old, column in zip(prototype.get_columns(), columns, strict=True)
        ]
    )


def is_empty(column):
    """Tell whether a column holds None alone."""
    return column.dtype.kind == "O" and all(value is None for value in column)


def fitting(values, dtype):
    """Return floats within the range of a type, if it is a narrower one of floats."""
    name = OF_PYARROW.get(str(dtype), str(dtype).lower())
    if values.dtype.kind != "f" or name not in ("float16", "float32"):
        return values
    largest = np.finfo(name).max
    return np.clip(values, -largest, largest)


def holds(series, values):
    """Tell whether the type of a frame's column holds such values."""
    name = str(series.dtype).lower()
    if values.dtype.kind == "f":
        return bool(re.match(f"{NUMBERS}|object", name))
    if all_numbers(values.tolist()):
        return bool(re.match(f"{NUMBERS}|object|category|categorical", name))
    return not re.match(f"{NUMBERS}|null", name)


def of_pandas(old, values, index=None):
    """Make a column of pandas with other values, of its type if that holds them."""
    given = {"index": old.index if index is None else index, "name": old.name}
    if values.dtype.kind in "mM":
        return type(old)(values, **given).astype(old.dtype)
    if not holds(old, values):
        return type(old)(values.tolist(), **given)
    dtype = old.dtype
    if hasattr(dtype, "categories"):
        new = [v for v in dict.fromkeys(values.tolist()) if v not in dtype.categories]
        dtype = old.cat.add_categories(new).dtype
    return type(old)(values.tolist(), dtype=dtype, **given)


def of_polars(old, values):
    """Make a column of polars with other values, of its type if that holds them."""
    if values.dtype.kind in "mM":
        return type(old)(old.name, values).cast(old.dtype)
    if not holds(old, values):
        return type(old)(old.name, values.tolist())
    dtype = old.dtype
    if str(dtype).startswith("Enum"):
        known = dtype.categories.to_list()
        new = [v for v in dict.fromkeys(values.tolist()) if v not in known]
        dtype = type(dtype)([*known, *new])
    return type(old)(old.name, values.tolist(), dtype=dtype)


def as_type(values, limits):
    """Return whole numbers as such, within the limits of a type of integers, if any.

    NaN becomes None.
    """
    if limits is None or values.dtype.kind not in "fiu":
        return values
    low, high = limits
    whole = [
        None if np.isnan(value) else round(min(max(value, low), high))
        for value in values
    ]
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
