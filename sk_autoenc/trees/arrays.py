"""The arrays of a forest, frozen, and what follows from them alone."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import FloatArray, IntArray
from sk_autoenc.trees.compare import same_trees
from sk_autoenc.trees.integrity import check_arrays
from sk_autoenc.trees.leaves import all_finite, check_finite
from sk_autoenc.trees.nodes import PART_NODES, Columns, parts, place


class NodeArrays:
    """What a `Forest` is made of; it documents the parameters and the attributes.

    The arrays are checked where they come from outside: by the constructor, and when a
    pickle is loaded.
    """

    leaf_table: FloatArray
    leaf_row: IntArray
    tree_start: NDArray[np.int64]
    parent: NDArray[np.int32]
    child_rank: NDArray[np.int32]
    n_children: NDArray[np.int32]
    depth: NDArray[np.int32]
    height: NDArray[np.int32]
    size: NDArray[np.int32]
    n_nodes: NDArray[np.int64]
    known_row: NDArray[np.int32] | None = None
    """As of `nodes.Nodes`; not kept in pickles and files."""

    def __init__(
        self,
        leaf_table: FloatArray,
        tree_start: IntArray | None = None,
        nodes: NDArray[np.int32] | Sequence[IntArray] | None = None,
    ) -> None:
        if tree_start is None or nodes is None:
            raise TypeError(
                "a Forest is made of three arrays; of nested tuples it is made by "
                "Forest.from_nested(trees), of rows by Forest.from_rows(X)"
            )
        table, start, columns = check_arrays(leaf_table, tree_start, nodes)
        # The checks hold for as long as nobody writes into what they were made on.
        copies = Columns(*[column.copy() for column in columns])
        self._assign(table, start.copy(), copies, None)

    @classmethod
    def _trusted(
        cls,
        leaf_table: FloatArray,
        tree_start: IntArray,
        columns: Columns,
        is_finite: bool | None = True,
        known_row: NDArray[np.int32] | None = None,
    ) -> Self:
        """Make a forest of arrays that are known to be one.

        `is_finite` says whether all leaves are; None is not known.
        """
        forest = cls.__new__(cls)
        forest._assign(leaf_table, tree_start, columns, is_finite)
        forest.known_row = known_row
        return forest

    def _assign(
        self,
        leaf_table: FloatArray,
        tree_start: IntArray,
        columns: Columns,
        is_finite: bool | None,
    ) -> None:
        self.leaf_table = frozen(leaf_table)
        self.tree_start = frozen(tree_start)
        self.n_nodes = frozen(np.diff(tree_start))
        self._columns = Columns(*map(frozen, columns))
        (
            self.leaf_row,
            self.parent,
            self.child_rank,
            self.n_children,
            self.depth,
            self.height,
            self.size,
        ) = self._columns  # in the order of `Columns`
        self._is_finite = is_finite

    @property
    def shape(self) -> tuple[int]:
        """``(n_trees,)``, by which scikit-learn knows an array of samples."""
        return (len(self.n_nodes),)

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.n_nodes)

    @property
    def n_features(self) -> int:
        """Length of a leaf vector."""
        return self.leaf_table.shape[1]

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """Of the leaf vectors: float32 or float64."""
        return self.leaf_table.dtype

    @property
    def leaves(self) -> NDArray[np.intp]:
        """The nodes that are leaves: intp array of shape (n_leaves.sum(),).

        Their numbers in the whole forest, ascending; "leaf order" is this order.
        """
        return np.flatnonzero(self.n_children == 0)

    @property
    def n_leaves(self) -> NDArray[np.int64]:
        """The leaves of each tree: int64 array of shape (n_trees,)."""
        n_leaves = np.empty(len(self), np.int64)
        for first, last in parts(self):
            part = self._between(first, last)
            is_leaf, roots = part.n_children == 0, part.tree_start[:-1]
            n_leaves[first:last] = np.add.reduceat(is_leaf, roots, dtype=np.int64)
        return n_leaves

    @property
    def heights(self) -> NDArray[np.int32]:
        """The height of each tree's root: int32 array of shape (n_trees,)."""
        return self.height[self.tree_start[:-1]]

    @property
    def arities(self) -> NDArray[np.int32]:
        """The most children of a node in each tree: int32 array (n_trees,)."""
        return np.maximum.reduceat(self.n_children, self.tree_start[:-1])

    def leaf_vectors(self) -> FloatArray:
        """Gather the leaf vectors.

        Returns
        -------
        vectors : ndarray of shape (n_leaves.sum(), n_features)
            In leaf order.

        See Also
        --------
        Forest.with_leaves : Put others in their place.

        Examples
        --------
        >>> from sk_autoenc import Forest
        >>> Forest.from_nested([([1.0], [2.0]), ([1.0],)]).leaf_vectors()
        array([[1.],
               [2.],
               [1.]])
        """
        return self.leaf_table.take(self.leaf_row[self.leaves], axis=0)

    def __len__(self) -> int:
        return len(self.n_nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeArrays):
            return NotImplemented
        return same_trees(self, other)

    def __hash__(self) -> int:
        hashes = [
            hash(array[first : first + PART_NODES].tobytes())
            for array in (self.tree_start, self.n_children)
            for first in range(0, len(array), PART_NODES)
        ]
        return hash(tuple(hashes))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if not _may_be_written(self.leaf_table):
            return self
        table = self.leaf_table.copy()
        return self._trusted(table, self.tree_start, self._columns, self._is_finite)

    def __getstate__(self) -> dict[str, Any]:
        forest = self._compact()
        return {
            "leaf_table": forest.leaf_table,
            "tree_start": forest.tree_start,
            "nodes": tuple(forest._columns),
        }

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise ValueError(f"no forest: its state is a {type(state).__name__!r}")
        names = ("leaf_table", "tree_start", "nodes")
        table, start, columns = check_arrays(*map(state.get, names))
        self._assign(table, start, columns, None)

    def _compact(self) -> Self:
        """Drop the rows of the table that no leaf has, if these are most of it.

        So a few trees of a large forest do not take its whole table along.
        """
        if 2 * self._count_leaves() >= len(self.leaf_table):
            return self
        leaves = self.leaves
        used, rows = np.unique(self.leaf_row[leaves], return_inverse=True)
        columns = self._columns.with_rows(leaves, rows, len(used))
        table = self.leaf_table[used]
        return self._trusted(table, self.tree_start, columns, self._is_finite)

    def _count_leaves(self) -> int:
        return len(self.n_children) - int(np.count_nonzero(self.n_children))

    # None, not NoReturn, with which type checkers would take a Forest for an array.
    def __array__(self, dtype: Any = None, copy: Any = None) -> None:
        raise TypeError(
            "a Forest is not a numeric array: pass it to an estimator of trees as it "
            "is, or use forest.leaf_vectors() for its leaves as a 2-D array, or "
            "forest.to_nested() for nested tuples"
        )

    def __repr__(self) -> str:
        return (
            f"Forest(n_trees={self.n_trees}, n_nodes={self.tree_start[-1]}, "
            f"n_leaves={self._count_leaves()}, n_features={self.n_features}, "
            f"dtype={self.dtype})"
        )

    def _between(self, first: int, last: int) -> Self:
        """Take the trees from `first` to before `last`, without copying."""
        start = self.tree_start[first : last + 1]
        columns = self._columns.part(slice(int(start[0]), int(start[-1])))
        return self._alike(start - start[0], columns)

    def _alike(self, tree_start: IntArray, columns: Columns) -> Self:
        """Make a forest of other nodes over the same table."""
        return self._trusted(
            self.leaf_table, tree_start, columns, self._is_finite, self.known_row
        )

    def _check_finite(self, dtype: Any = None) -> None:
        """Refuse NaN and infinity in leaves, unless they are known to have none.

        And what becomes infinite in `dtype`, if that is narrower than the forest's.
        """
        narrower = dtype is not None and np.dtype(dtype) < self.dtype
        if self._is_finite and not narrower:
            return
        dtype = np.dtype(dtype) if narrower else self.dtype
        is_part = 2 * self._count_leaves() < len(self.leaf_table)
        # What is not finite may be in rows that have no leaf here.
        if is_part or not all_finite(self.leaf_table, dtype):
            self._check_leaves(dtype)
        self._is_finite = True

    def _check_leaves(self, dtype: np.dtype[Any]) -> None:
        """Refuse the first leaf that is not finite in a dtype."""
        for first, last in parts(self):
            part = self._between(first, last)
            given = part.leaf_vectors()
            with np.errstate(over="ignore", invalid="ignore"):
                vectors = given.astype(dtype, copy=False)
            where = partial(self._where_leaf_of, first, last)
            check_finite(vectors, given.__getitem__, where)

    def _where_leaf_of(self, first: int, last: int, number: int) -> str:
        """Word the place of a leaf of the trees from `first` to before `last`."""
        node = self.tree_start[first] + self._between(first, last).leaves[number]
        return place(self.tree_start, self, node)

    def _where_leaf(self, number: int) -> str:
        leaves = self.leaves
        if number >= len(leaves):
            return f"vector {number}"
        return place(self.tree_start, self, leaves[number])

    def _where_row(self, row: int) -> str:
        nodes = np.flatnonzero(self.leaf_row == row)
        where = place(self.tree_start, self, nodes[0]) if len(nodes) else "no leaf"
        return f"row {row} ({where})"


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Give a read-only view, or the very same array if it is read-only."""
    array = np.asarray(array)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def _may_be_written(array: object) -> bool:
    """Whether someone may hold a writable array of the same memory."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return True
        array = array.base
    return False
