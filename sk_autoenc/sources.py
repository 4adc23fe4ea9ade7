"""Rows that are read a block at a time: from files, or from anything cut like them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from sk_autoenc._typing import IntArray

BLOCK_BYTES = 2**23
"""Read at once, about: enough for a disk to be fast, few beside a buffer."""


class Source(NamedTuple):
    """Where rows come from."""

    n_features: int
    dtype: np.dtype[Any]
    """Of what is read."""
    start: IntArray
    """(n_blocks + 1,): the first row of each block, and the number of rows."""
    read: Callable[[int], Any]
    """``read(number)`` -> a block, (n_rows, n_features)."""
    names: Any = None
    """Of the features, (n_features,) strs; None: they have none."""

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return int(self.start[-1])

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return len(self.start) - 1


def source_of(X: Any) -> Source:
    """Make a source of an array, a zarr array, an HDF5 data set or a pyarrow data set.

    Raises
    ------
    TypeError
        It is nothing of these.
    ValueError
        It is not two-dimensional, has no rows, or columns that are no numbers.
    """
    if hasattr(X, "get_fragments"):
        return of_dataset(X)
    if scipy.sparse.issparse(X) or hasattr(X, "dask"):
        raise TypeError(
            f"X is a {type(X).__name__}: sparse matrices are not read in blocks, and "
            "collections of Dask go to sk_autoenc.dask.fit. Pass a sparse matrix to "
            "fit itself, or cut it into a dask array."
        )
    if not (hasattr(X, "shape") and hasattr(X, "dtype") and hasattr(X, "__getitem__")):
        raise TypeError(
            "X must be an array that is read by slices, such as numpy.memmap, a zarr "
            "array or an HDF5 data set, or a pyarrow.dataset.Dataset; got "
            f"{type(X).__name__}. Open files of Parquet by "
            "pyarrow.dataset.dataset(path)."
        )
    if len(X.shape) != 2:
        raise ValueError(
            f"Expected a 2-D array, got one of shape {X.shape}. Pass rows of "
            "(n_samples, n_features)."
        )
    n_rows, n_features = X.shape
    refuse_no_rows(n_rows)
    dtype = np.dtype(X.dtype)
    size = max(1, BLOCK_BYTES // max(1, n_features * dtype.itemsize))
    chunk = getattr(X, "chunks", None)
    if chunk:  # whole chunks: each is read and decompressed as one
        size = max(1, size // chunk[0]) * chunk[0]
    start = np.append(np.arange(0, n_rows, size), n_rows)
    return Source(
        n_features,
        dtype,
        start,
        lambda number: np.asarray(X[start[number] : start[number + 1]]),
    )


def of_dataset(dataset: Any) -> Source:
    """Make a source of a pyarrow data set, whose blocks are its row groups."""
    index = (dataset.schema.pandas_metadata or {}).get("index_columns", [])
    fields = [field for field in dataset.schema if field.name not in index]
    names = [field.name for field in fields]
    groups = []
    for fragment in dataset.get_fragments():
        refuse_missing_columns(fragment, names)
        groups += groups_of(fragment)
    for field in fields:
        is_number = str(field.type).startswith(
            ("int", "uint", "float", "double", "halffloat", "bool")
        )
        if not is_number:
            raise ValueError(
                f"column {field.name!r} is of type {field.type}, and only numbers can "
                "be trained on. Choose columns when writing the files, or encode it."
            )
    n_rows = [count_rows(group) for group in groups]
    groups = [group for group, n in zip(groups, n_rows, strict=True) if n]
    start = np.cumsum([0, *(n for n in n_rows if n)])
    refuse_no_rows(int(start[-1]))
    schema = dataset.schema

    def read(number: int) -> Any:
        table = groups[number].to_table(schema=schema, columns=names)
        # A null is NaN.
        columns = [column.to_numpy() for column in table.columns]
        return np.column_stack(columns)

    dtype = np.result_type(*(field.type.to_pandas_dtype() for field in fields))
    return Source(len(names), dtype, start, read, np.array(names, object))


def refuse_missing_columns(fragment: Any, names: list[str]) -> None:
    """Refuse a file without a column that others have: it would be read as missing."""
    if getattr(fragment, "partition_expression", None) is None:
        return
    there = {*fragment.physical_schema.names}
    of_folders = str(fragment.partition_expression)
    for name in names:
        if name not in there and name not in of_folders:
            raise ValueError(
                f"{getattr(fragment, 'path', 'a part')} of X has no column {name!r}, "
                "which others have. Write it, or choose the columns of all."
            )


def groups_of(fragment: Any) -> list[Any]:
    """Cut a file into row groups, if it is one of Parquet."""
    if hasattr(fragment, "split_by_row_group"):
        groups: list[Any] = fragment.split_by_row_group()
        return groups
    return [fragment]


def count_rows(group: Any) -> int:
    """Count the rows of a row group, whose own method counts those of the file."""
    if hasattr(group, "row_groups"):
        return sum(part.num_rows for part in group.row_groups)
    return int(group.count_rows())


def refuse_no_rows(n_rows: int) -> None:
    """Refuse nothing to learn from."""
    if not n_rows:
        raise ValueError("Found 0 samples in X, while at least 1 is required.")
