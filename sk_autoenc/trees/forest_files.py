"""A forest as a directory of files, written part by part, and mapped when read."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import FloatArray, IntArray
from sk_autoenc.trees.array_files import (
    ArrayFacts,
    GrowingFile,
    map_array,
    read_json,
)
from sk_autoenc.trees.arrays import NodeArrays
from sk_autoenc.trees.integrity import check_arrays
from sk_autoenc.trees.joining import shifted_rows
from sk_autoenc.trees.nodes import Columns, parts, row_dtype

HEADER = "forest.json"
FORMAT = "sk_autoenc.Forest"
VERSION = 1
DTYPES = {
    "leaf_table": ("<f4", "<f8"),
    "tree_start": ("<i8",),
    "leaf_row": ("<i4", "<i8"),
    **dict.fromkeys(Columns._fields[1:], ("<i4",)),
}
"""Of each array, which is the file of its name."""
REMEDY = "Save the forest anew, by Forest.save or Forest.save_parts."


class ForestFiles:
    """The files of a forest that grows by the trees of others.

    Parameters
    ----------
    directory : Path
        Empty.
    first : NodeArrays
        A forest whose leaves are like all.
    """

    def __init__(self, directory: Path, first: NodeArrays) -> None:
        self.directory = directory
        self.n_features, self.dtype = first.n_features, first.dtype
        self.files: dict[str, GrowingFile] = {}
        self._begin("leaf_table", self.dtype, (self.n_features,))
        self._begin("tree_start", np.dtype(np.int64))
        self.files["tree_start"].append(np.zeros(1, np.int64))
        for name, dtype in zip(
            Columns._fields,
            [first.leaf_row.dtype] + [np.dtype(np.int32)] * (len(Columns._fields) - 1),
            strict=True,
        ):
            self._begin(name, dtype)
        self._table: FloatArray | None = None
        """The last one that was written; trees that share it do so here, too."""
        self._first_row = 0
        """Where it begins among all rows."""

    def append(self, forest: NodeArrays) -> None:
        """Write trees after those that are there."""
        if forest.leaf_table is not self._table:
            self._append_table(forest.leaf_table)
        n_rows = self.files["leaf_table"].n_rows
        for first, last in parts(forest):
            part = forest._between(first, last)
            n_nodes = self.files["size"].n_rows
            self.files["tree_start"].append(part.tree_start[1:] + n_nodes)
            leaf_row = shifted_rows(part, self._first_row, n_rows)
            self.files["leaf_row"].append(leaf_row)
            for name in Columns._fields[1:]:
                self.files[name].append(getattr(part, name))

    def finish(self) -> None:
        """Write what stands at the beginning, of the files and beside them."""
        facts = {name: file.close()._asdict() for name, file in self.files.items()}
        header = {"format": FORMAT, "version": VERSION, "arrays": facts}
        text = json.dumps(header, indent=1)
        (self.directory / HEADER).write_text(text + "\n", encoding="ascii")

    def close(self) -> None:
        """Close the files, as they are unless they are finished."""
        for file in self.files.values():
            file.abandon()

    def _begin(
        self, name: str, dtype: np.dtype[Any], row_shape: tuple[int, ...] = ()
    ) -> None:
        path = self.directory / f"{name}.npy"
        self.files[name] = GrowingFile(path, dtype, row_shape)

    def _append_table(self, table: FloatArray) -> None:
        file = self.files["leaf_table"]
        self._table, self._first_row = table, file.n_rows
        file.append(table)
        if self.files["leaf_row"].dtype.itemsize < row_dtype(file.n_rows).itemsize:
            self._widen_rows(row_dtype(file.n_rows))

    def _widen_rows(self, dtype: np.dtype[Any]) -> None:
        """Write the rows of leaves anew in a wider dtype."""
        narrow = self.files["leaf_row"]
        facts = narrow.close()
        path = narrow.path.with_suffix(".narrow")
        narrow.path.rename(path)
        self._begin("leaf_row", dtype)
        self.files["leaf_row"].append(map_array(path, facts))
        path.unlink()


def map_forest(path: Path) -> tuple[FloatArray, IntArray, Columns]:
    """Map the arrays of a forest, once they have been checked.

    Parameters
    ----------
    path : Path
        A directory that `ForestFiles` filled.

    Returns
    -------
    leaf_table, tree_start, columns
        As for `Forest`.

    Raises
    ------
    FileNotFoundError
        There is nothing of that name.
    ValueError
        A file is missing or damaged, or they are no forest; the message says which.
    """
    if not path.exists():
        raise FileNotFoundError(f"no forest at {str(path)!r}: there is nothing")
    arrays: dict[str, NDArray[Any]] = {}
    facts = read_header(path / HEADER)
    for name, expected in facts.items():
        file = path / f"{name}.npy"
        with naming(file):
            arrays[name] = map_array(file, expected)
    columns = [arrays[name] for name in Columns._fields]
    with naming(path):
        leaf_table, tree_start, checked = check_arrays(
            arrays["leaf_table"], arrays["tree_start"], columns
        )
    return leaf_table, tree_start, checked


def read_header(path: Path) -> dict[str, ArrayFacts]:
    """Read what the file beside the arrays says of each."""
    facts = {}
    with naming(path):
        header = read_json(path)
        if header.get("format") != FORMAT:
            raise ValueError(
                f"its format is {header.get('format')!r:.60}, expected {FORMAT!r}"
            )
        if header.get("version") != VERSION:
            raise ValueError(
                f"its version is {header.get('version')!r:.60}, but this sk_autoenc "
                f"reads version {VERSION}"
            )
        arrays = header.get("arrays")
        if not isinstance(arrays, dict) or set(arrays) != set(DTYPES):
            raise ValueError(f"its arrays are not {', '.join(DTYPES)}")
        for name, dtypes in DTYPES.items():
            try:
                facts[name] = ArrayFacts.of_json(
                    arrays[name], dtypes, 2 if name == "leaf_table" else 1
                )
            except ValueError as error:
                raise ValueError(f"{name} {error}") from error
    return facts


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say which file it is that is wrong, and what to do."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{str(path)!r}: {error}. {REMEDY}") from error


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Give an empty directory that takes its name, `path`, once all is written.

    Another saved forest of that name is there until then, and gone afterwards. If
    something fails before, all is as it was.

    Raises
    ------
    FileExistsError
        There is something else.
    """
    refuse_others(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"no directory {str(path.parent)!r} to save a Forest in"
        )
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    beside.mkdir()
    try:
        yield beside
        refuse_others(path)
        put_in_place(beside, path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def put_in_place(new: Path, path: Path) -> None:
    """Rename a directory, and remove the one that had its name."""
    if not path.exists():
        new.rename(path)
        return
    old = new.with_name(f"{new.name}.old")
    path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old)


def refuse_others(path: Path) -> None:
    """Refuse to replace what is no saved forest."""
    if not os.path.lexists(path):
        return
    if path.is_dir() and not path.is_symlink():
        names = set(os.listdir(path))
        ours = {HEADER, *(f"{name}.npy" for name in DTYPES)}
        if not names or (HEADER in names and names <= ours):
            return
    raise FileExistsError(
        f"{str(path)!r} is there already, and is no saved Forest, which would be "
        "replaced. Choose another path, or remove it"
    )
