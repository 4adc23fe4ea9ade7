"""What `Forest` inherits for forests larger than memory: its files, mapped."""

import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Self

from sk_autoenc.trees.arrays import NodeArrays
from sk_autoenc.trees.forest_files import ForestFiles, map_forest, new_directory
from sk_autoenc.trees.joining import each_forest
from sk_autoenc.trees.leaves import all_finite


class OnDisk(NodeArrays):
    """A forest that can be kept in files; `Forest` documents all else."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trees into a directory, for `open`.

        Each array is a ``.npy`` file of its own, and ``forest.json`` says what they
        must be like. They are written beside `path`, and take its name once all is
        there: so whoever opens `path` meantime gets the old trees or the new. A saved
        forest that is there already is replaced, as `numpy.save` and `joblib.dump`
        replace a file, an empty directory too; nothing else is.

        Parameters
        ----------
        path : str or path-like
            Of the directory, in one that is there.

        Raises
        ------
        FileExistsError
            Something else than a saved forest is there.
        OSError
            The files cannot be written; what was there before is there still.

        See Also
        --------
        open : The way back.
        save_parts : Write more trees than memory holds.

        Notes
        -----
        A few trees of a large forest do not take its whole leaf table along.

        Examples
        --------
        >>> import tempfile
        >>> from sk_autoenc import Forest
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     Forest.from_rows([[1.0], [2.0]]).save(f"{directory}/trees")
        ...     Forest.open(f"{directory}/trees").n_trees
        2
        """
        write_parts(path, [self._compact()])

    @staticmethod
    def save_parts(
        path: str | os.PathLike[str], forests: Iterable["NodeArrays"]
    ) -> None:
        """Write forests one after the other, as one, for `open`.

        Each is written before the next is asked for: a generator makes more trees than
        memory holds. All else is as `save` does it.

        Parameters
        ----------
        path : str or path-like
            Of the directory, in one that is there.
        forests : iterable of Forest
            At least one, all with the same `n_features` and `dtype`. If one has the
            same `leaf_table`, the very array, as the one before it, that is written
            once.

        Raises
        ------
        FileExistsError
            Something else than a saved forest is there.
        TypeError
            Something is not a Forest, or is one Forest instead of several.
        ValueError
            No forests, or their leaves are of different lengths or dtypes.
        OSError
            The files cannot be written; what was there before is there still.

        See Also
        --------
        save : Write one forest.
        concatenate : Join forests in memory.

        Examples
        --------
        >>> import tempfile
        >>> from sk_autoenc import Forest
        >>> parts = (Forest.from_rows([[float(n)], [-1.0]]) for n in range(3))
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     Forest.save_parts(f"{directory}/trees", parts)
        ...     Forest.open(f"{directory}/trees").n_trees
        6
        """
        write_parts(path, forests)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open trees that `save` or `save_parts` wrote, without reading them in.

        The arrays are memory maps, read-only: what is needed of them is read when it
        is. All of them is gone through once, to check that it is what was written and
        that it is a forest, in memory for some of the trees at a time.

        Parameters
        ----------
        path : str or path-like
            Of the directory.

        Returns
        -------
        forest : Forest
            In memory are the sizes of its trees, 8 bytes a tree. A slice of it is
            mapped, too; other indexing copies columns, 28 bytes a node, and shares the
            mapped table. A pickle holds the trees themselves, not the path.

        Raises
        ------
        FileNotFoundError
            There is nothing of that name.
        ValueError
            A file is missing, truncated, changed or of another version, or the arrays
            are no forest; the message says which, what was found and what is expected.

        See Also
        --------
        save, save_parts : Write the files.

        Notes
        -----
        As with any memory map, the files must stay as they are while they are in use;
        on POSIX systems `save` may replace them, and removing them takes their names
        only.

        Examples
        --------
        >>> import tempfile
        >>> from sk_autoenc import Forest
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     Forest.from_rows([[1.0], [2.0]]).save(f"{directory}/trees")
        ...     Forest.open(f"{directory}/trees")[1:].to_nested()
        [(array([2.]),)]
        """
        leaf_table, tree_start, columns = map_forest(absolute(path))
        # Whether a leaf is not finite, and which, is asked once trees are used.
        is_finite = True if all_finite(leaf_table) else None
        return cls._trusted(leaf_table, tree_start, columns, is_finite)


def write_parts(path: str | os.PathLike[str], forests: Iterable[NodeArrays]) -> None:
    """Write forests as one; see `OnDisk.save_parts`."""
    iterator = each_forest(forests, "save")
    first = next(iterator, None)
    if first is None:
        raise ValueError("forests to save are none; at least one is needed")
    with new_directory(absolute(path)) as directory:
        with closing(ForestFiles(directory, first)) as files:
            files.append(first)
            n_features, dtype = first.n_features, first.dtype
            del first
            for number, forest in enumerate(iterator, 1):
                if (forest.n_features, forest.dtype) != (n_features, dtype):
                    raise ValueError(
                        f"forest {number} to save has leaves of length "
                        f"{forest.n_features} and {forest.dtype}, the ones before "
                        f"{n_features} and {dtype}; make them alike (astype)"
                    )
                files.append(forest)
                del forest  # before the next is made
            files.finish()


def absolute(path: str | os.PathLike[str]) -> Path:
    """Give a path that has a name and does not depend on the working directory."""
    return Path(os.path.abspath(path))
