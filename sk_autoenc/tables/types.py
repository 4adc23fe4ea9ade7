"""The types of a table's columns as plain values, and an empty table that has them.

A data frame is made by its own library, which is imported where one is to be given
back and nowhere else: a model of a data frame encodes arrays without it.
"""

from importlib import import_module
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.parts.plain import kept_plain


@kept_plain
class TableTypes(NamedTuple):
    """What is kept of a table: its library, and the types and names of its columns."""

    library: str
    """A key of `LIBRARIES`."""
    types: Any
    """As the library's function describes them."""

    @classmethod
    def of(cls, source):
        """Describe a data frame of pandas or polars, or an array."""
        library = "numpy" if isinstance(source, np.ndarray) else "polars"
        if hasattr(source, "iloc"):
            library = "pandas"
        describe, _ = LIBRARIES[library]
        return cls(library, describe(source))

    def empty(self):
        """Make a table of these types that has no rows."""
        _, make = LIBRARIES[self.library]
        return make(self.types)


def types_of_array(array):
    """Describe an array's type."""
    if array.dtype.kind != "T":
        return array.dtype.str
    given = hasattr(array.dtype, "na_object")
    return {"na_object": array.dtype.na_object} if given else {}


def empty_array(types):
    """Make an array without rows."""
    is_name = isinstance(types, str)
    return np.empty((0, 0), types if is_name else np.dtypes.StringDType(**types))


def types_of_pandas(frame):
    """Describe the columns of pandas' frame, and their labels."""
    return {
        "labels": labels_of(frame.columns),
        "types": [type_of_pandas(dtype) for dtype in frame.dtypes],
    }


def labels_of(index):
    """Describe an index of pandas."""
    names = list(index.names)
    if index.nlevels > 1:
        return {"names": names, "values": index.tolist(), "type": None}
    type_of_label = type_of_pandas(index.dtype)
    return {"names": names, "values": index.to_numpy(), "type": type_of_label}


def type_of_pandas(dtype):
    """Describe a type of pandas: by its name, if that says all of it."""
    if hasattr(dtype, "ordered"):
        levels = labels_of(dtype.categories)
        return {"kind": "category", "levels": levels, "ordered": dtype.ordered}
    if hasattr(dtype, "pyarrow_dtype"):
        schema = import_module("pyarrow").schema([("", dtype.pyarrow_dtype)])
        return {"kind": "pyarrow", "schema": schema.serialize().to_pybytes()}
    if hasattr(dtype, "storage") and str(dtype) == "string":
        return f"string[{dtype.storage}]"
    author = type(dtype).__module__.partition(".")[0]
    return str(dtype) if author in ("numpy", "pandas") else dtype


def empty_pandas(types):
    """Make a frame of pandas without rows."""
    pandas = import_module("pandas")
    columns = [
        pandas.Series([], dtype=dtype_of_pandas(pandas, each))
        for each in types["types"]
    ]
    frame = pandas.concat(columns, axis=1)
    return frame.set_axis(index_of(pandas, types["labels"]), axis=1)


def index_of(pandas, labels):
    """Make the index that `labels_of` described."""
    if labels["type"] is None:
        return pandas.MultiIndex.from_tuples(labels["values"], names=labels["names"])
    dtype = dtype_of_pandas(pandas, labels["type"])
    return pandas.Index(labels["values"], dtype=dtype, name=labels["names"][0])


def dtype_of_pandas(pandas, described):
    """Make the type that `type_of_pandas` described."""
    if not isinstance(described, dict):
        return described
    if described["kind"] == "category":
        levels = index_of(pandas, described["levels"])
        return pandas.CategoricalDtype(levels, ordered=described["ordered"])
    ipc, buffer = import_module("pyarrow.ipc"), BytesIO(described["schema"])
    return pandas.ArrowDtype(ipc.read_schema(buffer).field(0).type)


def types_of_polars(frame):
    """Describe the columns of polars' frame, in Arrow's format."""
    # It has no word for columns of Python objects.
    objects = [name for name, dtype in frame.schema.items() if str(dtype) == "Object"]
    table = frame.clear().drop(objects).write_ipc(None).getvalue()
    return {"names": frame.columns, "objects": objects, "table": table}


def empty_polars(types):
    """Make a frame of polars without rows."""
    polars = import_module("polars")
    frame = polars.read_ipc(BytesIO(types["table"]))
    objects = [polars.Series(name, [], polars.Object) for name in types["objects"]]
    return frame.with_columns(objects).select(types["names"])


LIBRARIES = {
    "numpy": (types_of_array, empty_array),
    "pandas": (types_of_pandas, empty_pandas),
    "polars": (types_of_polars, empty_polars),
}
"""By the name of a library: what describes types, and what makes them again."""
