"""The arrays of a forest, frozen, and what follows from them alone."""

import numpy as np

from sk_autoenc.trees.compare import same_trees
from sk_autoenc.trees.integrity import check_arrays
from sk_autoenc.trees.leaves import all_finite, check_finite
from sk_autoenc.trees.nodes import Columns, place, starts


class NodeArrays:
    """What a `Forest` is made of; it documents the parameters and the attributes.

    The arrays are checked where they come from outside: by the constructor, and when a
    pickle is loaded.
    """

    def __init__(self, leaf_table, tree_start, nodes):
        table, start, stacked = check_arrays(leaf_table, tree_start, nodes)
        # The checks hold for as long as nobody writes into what they were made on.
        self._assign(table, start.copy(), stacked.copy(), None)

    @classmethod
    def _trusted(cls, leaf_table, tree_start, stacked, is_finite=True):
        """Make a forest of arrays that are known to be one.

        `is_finite` says whether all leaves are; None is not known.
        """
        forest = cls.__new__(cls)
        forest._assign(leaf_table, tree_start, stacked, is_finite)
        return forest

    def _assign(self, leaf_table, tree_start, stacked, is_finite):
        self.leaf_table = _frozen(leaf_table)
        self.tree_start = _frozen(tree_start)
        self.n_nodes = _frozen(np.diff(tree_start))
        self._stacked = _frozen(stacked)
        (
            self.leaf_row,
            self.parent,
            self.child_rank,
            self.n_children,
            self.depth,
            self.height,
            self.size,
        ) = self._stacked  # in the order of `Columns`
        self._is_finite = is_finite

    @property
    def shape(self):
        """``(n_trees,)``, by which scikit-learn knows an array of samples."""
        return (len(self.n_nodes),)

    @property
    def n_trees(self):
        """Number of trees."""
        return len(self.n_nodes)

    @property
    def n_features(self):
        """Length of a leaf vector."""
        return self.leaf_table.shape[1]

    @property
    def dtype(self):
        """Of the leaf vectors: float32 or float64."""
        return self.leaf_table.dtype

    @property
    def leaves(self):
        """The nodes that are leaves: intp array of shape (n_leaves.sum(),).

        Their numbers in the whole forest, ascending; "leaf order" is this order.
        """
        return np.flatnonzero(self.n_children == 0)

    @property
    def n_leaves(self):
        """The leaves of each tree: int64 array of shape (n_trees,)."""
        return np.diff(starts(self.n_children == 0)[self.tree_start])

    @property
    def heights(self):
        """The height of each tree's root: int32 array of shape (n_trees,)."""
        return self.height[self.tree_start[:-1]]

    @property
    def arities(self):
        """The most children of a node in each tree: int32 array (n_trees,)."""
        return np.maximum.reduceat(self.n_children, self.tree_start[:-1])

    def leaf_vectors(self):
        """Gather the leaf vectors.

        Returns
        -------
        vectors : ndarray of shape (n_leaves.sum(), n_features)
            In leaf order.
        """
        return self.leaf_table.take(self.leaf_row[self.leaves], axis=0)

    def __len__(self):
        return len(self.n_nodes)

    def __eq__(self, other):
        if not isinstance(other, NodeArrays):
            return NotImplemented
        return same_trees(self, other)

    def __hash__(self):
        return hash((self.tree_start.tobytes(), self.n_children.tobytes()))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        if not _may_be_written(self.leaf_table):
            return self
        table = self.leaf_table.copy()
        return self._trusted(table, self.tree_start, self._stacked, self._is_finite)

    def __getstate__(self):
        table, stacked, leaves = self.leaf_table, self._stacked, self.leaves
        # A few trees of a large forest do not take its whole table along.
        if 2 * len(leaves) < len(table):
            used, rows = np.unique(self.leaf_row[leaves], return_inverse=True)
            table, stacked = table[used], stacked.copy()
            Columns(*stacked).leaf_row[leaves] = rows
        return {"leaf_table": table, "tree_start": self.tree_start, "nodes": stacked}

    def __setstate__(self, state):
        if not isinstance(state, dict):
            raise ValueError(f"no forest: its state is a {type(state).__name__!r}")
        names = ("leaf_table", "tree_start", "nodes")
        self._assign(*check_arrays(*map(state.get, names)), None)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "a Forest is not a numeric array: pass it to an estimator of trees as it "
            "is, or use forest.leaf_vectors() for its leaves as a 2-D array, or "
            "forest.to_nested() for nested tuples"
        )

    def __repr__(self):
        return (
            f"Forest(n_trees={self.n_trees}, n_nodes={self.tree_start[-1]}, "
            f"n_leaves={len(self.leaves)}, n_features={self.n_features}, "
            f"dtype={self.dtype})"
        )

    def _check_finite(self, given=None):
        """Refuse NaN and infinity in leaves, unless they are known to have none.

        `given` is the forest of another dtype that this was made of.
        """
        if self._is_finite:
            return
        if not all_finite(self.leaf_table):  # maybe in rows that have no leaf here
            vectors = (given or self).leaf_vectors
            check_finite(self.leaf_vectors(), vectors().__getitem__, self._where_leaf)
        self._is_finite = True

    def _where_leaf(self, number):
        leaves = self.leaves
        if number >= len(leaves):
            return f"vector {number}"
        return place(self.tree_start, self, leaves[number])

    def _where_row(self, row):
        nodes = np.flatnonzero(self.leaf_row == row)
        where = place(self.tree_start, self, nodes[0]) if len(nodes) else "no leaf"
        return f"row {row} ({where})"


def _frozen(array):
    """Give a read-only view, or the very same array if it is read-only."""
    array = np.asarray(array)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def _may_be_written(array):
    """Whether someone may hold a writable array of the same memory."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return True
        array = array.base
    return False
