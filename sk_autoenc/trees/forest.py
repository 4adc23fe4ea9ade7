"""Many trees as flat arrays."""

import numpy as np

from sk_autoenc.trees.nested import flatten, is_nested


def is_forest_like(X):
    """Tell trees, a `Forest` or nested tuples, from the rows of a 2-D array.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        Whether X is a `Forest` or `sk_autoenc.trees.nested.is_nested`.
    """
    return isinstance(X, Forest) or is_nested(X)


class Forest:
    """An immutable batch of trees, each node a column of flat arrays.

    The nodes of a tree are in preorder (a node, then its children's subtrees from the
    first to the last), the trees one after the other. All but `tree_start` are the same
    in whatever forest a tree stands, so choosing trees copies columns and nothing else.
    Make one with `from_nested`, `from_rows` or `concatenate`.

    Indexing by an int, slice, index array, boolean mask or ``(key, ...)`` gives a
    Forest (of one tree for an int), which is what scikit-learn's splitters need.
    Iteration gives the trees as nested tuples, so ``list(forest)`` is again a valid X.

    Parameters
    ----------
    leaf_table, tree_start, nodes : ndarray
        Trusted and not copied. The rows of `nodes` are `leaf_row`, `parent`,
        `child_rank`, `n_children`, `depth`, `height` and `size`, as below.

    Attributes
    ----------
    leaf_table : ndarray of shape (n_distinct_leaves, n_features), float32 or float64
        The distinct leaf vectors. Forests made from one another share it.
    leaf_row : int32 array of shape (n_nodes,)
        A leaf's row in `leaf_table`; -1 for an inner node.
    tree_start : int64 array of shape (n_trees + 1,)
        Tree t has the nodes ``tree_start[t]:tree_start[t + 1]``.
    parent : int32 array of shape (n_nodes,)
        The parent's place within its tree: its node minus ``tree_start[t]``; -1 for a
        root.
    child_rank : int32 array of shape (n_nodes,)
        Place among its siblings, from 0; 0 for a root.
    n_children : int32 array of shape (n_nodes,)
        0 for a leaf.
    depth : int32 array of shape (n_nodes,)
        Steps from the root; 0 for a root.
    height : int32 array of shape (n_nodes,)
        Steps to the deepest leaf below; 0 for a leaf.
    size : int32 array of shape (n_nodes,)
        Nodes of the subtree, itself included.
    n_nodes : int64 array of shape (n_trees,)
        The nodes of each tree.

    Examples
    --------
    >>> from sk_autoenc import Forest
    >>> a, b = [1.0, 2.0], [3.0, 4.0]
    >>> forest = Forest.from_nested([((a, b), a), b])
    >>> forest
    Forest(n_trees=2, n_nodes=6, n_leaves=4, n_features=2, dtype=float64)
    >>> forest.depth
    array([0, 1, 2, 2, 1, 0], dtype=int32)
    >>> forest[1].to_nested()
    [array([3., 4.])]
    """

    def __init__(self, leaf_table, tree_start, nodes):
        self.leaf_table = _frozen(leaf_table)
        self.tree_start = _frozen(tree_start)
        self.n_nodes = _frozen(np.diff(tree_start))
        self._nodes = _frozen(nodes)
        (
            self.leaf_row,
            self.parent,
            self.child_rank,
            self.n_children,
            self.depth,
            self.height,
            self.size,
        ) = self._nodes

    @classmethod
    def from_nested(cls, trees, dtype=None):
        """Read nested tuples.

        Parameters
        ----------
        trees : list, tuple, 1-D object array or Series of trees, or Forest
            A tuple is an inner node; anything else is a leaf, a 1-D array or a list of
            numbers. All leaves have one length. Shared subtuples are read as copies.
        dtype : {float32, float64}, default=None
            Of the leaf table; None is float32 if every leaf is float32, else float64.

        Returns
        -------
        forest : Forest
            A leaf object met again is one row of its table.

        Raises
        ------
        TypeError
            `trees` is not a sequence of trees.
        ValueError
            There are no trees, or one is wrong; the message says which and where.
        """
        dtype = None if dtype is None else _table_dtype(dtype)
        if isinstance(trees, Forest):
            return trees if dtype is None else trees.astype(dtype)
        return cls(*flatten(trees, dtype))

    @classmethod
    def from_rows(cls, X):
        """Take each row x of an array as the tree ``(x,)``.

        Parameters
        ----------
        X : array-like of shape (n_trees, n_features)
            Trusted to be finite. It becomes `leaf_table`, without a copy if it is a
            C-contiguous float32 or float64 array.

        Returns
        -------
        forest : Forest

        Examples
        --------
        >>> Forest.from_rows([[1.0, 2.0]]).to_nested()
        [(array([1., 2.]),)]
        """
        table = _as_table(X)
        root, leaf = (-1, -1, 0, 1, 0, 1, 2), (0, 0, 0, 0, 1, 0, 1)
        nodes = np.tile(np.transpose((root, leaf)).astype(np.int32), len(table))
        nodes[0, 1::2] = np.arange(len(table))
        return cls(table, np.arange(0, 2 * len(table) + 1, 2), nodes)

    @classmethod
    def concatenate(cls, forests):
        """Join forests, one after the other.

        Parameters
        ----------
        forests : sequence of Forest
            At least one, all with the same `n_features`.

        Returns
        -------
        forest : Forest
            It shares the table if all of them do. Otherwise it is float32 if all are.

        Raises
        ------
        ValueError
            No forests, or their leaves are of different lengths.
        """
        lengths = {forest.n_features for forest in forests}
        if len(lengths) != 1:
            raise ValueError(
                "forests to concatenate need leaves of one length, got lengths "
                f"{sorted(lengths)}"
            )
        tables = {id(forest.leaf_table): forest.leaf_table for forest in forests}
        table_stop = np.cumsum([len(table) for table in tables.values()])
        table_start = dict(zip(tables, [0, *table_stop], strict=False))
        table = next(iter(tables.values()))
        if len(tables) > 1:
            table = np.concatenate(list(tables.values()))
        nodes = np.concatenate([forest._nodes for forest in forests], axis=1)
        shift = np.repeat(
            [table_start[id(forest.leaf_table)] for forest in forests],
            [len(forest.leaf_row) for forest in forests],
        )
        nodes[0] += np.where(nodes[0] < 0, 0, shift).astype(np.int32)
        n_nodes = np.concatenate([forest.n_nodes for forest in forests])
        return cls(table, _starts(n_nodes), nodes)

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
        return np.diff(_starts(self.n_children == 0)[self.tree_start])

    @property
    def heights(self):
        """The height of each tree's root: int32 array of shape (n_trees,)."""
        return self.height[self.tree_start[:-1]]

    @property
    def depths(self):
        """The depth of each tree's deepest node, which is the height of its root."""
        return self.heights

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

    def with_leaves(self, vectors):
        """Put other vectors on the leaves of the same structure.

        Parameters
        ----------
        vectors : array-like of shape (n_leaves.sum(), n_features)
            In leaf order, of any length; trusted to be finite. Not copied if it is a
            C-contiguous float32 or float64 array.

        Returns
        -------
        forest : Forest
        """
        table, leaves = _as_table(vectors), self.leaves
        if len(table) != len(leaves):
            raise ValueError(f"got {len(table)} vectors for {len(leaves)} leaves")
        nodes = self._nodes.copy()
        nodes[0, leaves] = np.arange(len(leaves))
        return Forest(table, self.tree_start, nodes)

    def astype(self, dtype):
        """Convert the leaf vectors.

        Parameters
        ----------
        dtype : {float32, float64}

        Returns
        -------
        forest : Forest
            Itself if it has that dtype.
        """
        dtype = _table_dtype(dtype)
        if dtype == self.dtype:
            return self
        return Forest(self.leaf_table.astype(dtype), self.tree_start, self._nodes)

    def select(self, rows):
        """Choose trees; the fast path of indexing, made for minibatches.

        Parameters
        ----------
        rows : int array of shape (n_selected,)
            Any order, with repetitions if wanted.

        Returns
        -------
        forest : Forest
            It shares the leaf table, whatever rows of it are still used.
        """
        n_nodes = self.n_nodes.take(rows)
        tree_start = _starts(n_nodes)
        index = np.repeat(self.tree_start[:-1].take(rows) - tree_start[:-1], n_nodes)
        index += np.arange(len(index))
        return Forest(self.leaf_table, tree_start, self._nodes.take(index, axis=1))

    def to_nested(self):
        """Give the trees as nested tuples.

        Returns
        -------
        trees : list of tuples and arrays
            Leaves are read-only views on `leaf_table`, one object for each row of it.
        """
        rows = self.leaf_row[self.leaves]
        vectors = {row: self.leaf_table[row] for row in set(rows.tolist())}
        done = []  # subtrees not yet taken by a parent, the leftmost last
        columns = zip(self.leaf_row.tolist(), self.n_children.tolist(), strict=True)
        for row, n_children in reversed(list(columns)):
            if n_children == 0:
                done.append(vectors[row])
            else:
                children = tuple(done[: -n_children - 1 : -1])
                del done[-n_children:]
                done.append(children)
        done.reverse()
        return done

    def __len__(self):
        return len(self.n_nodes)

    def __iter__(self):
        return iter(self.to_nested())

    def __getitem__(self, key):
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        rows = np.atleast_1d(np.arange(len(self))[key])
        if rows.ndim != 1:
            raise IndexError("a Forest has one dimension, its trees")
        return self.select(rows)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "a Forest is not a numeric array: pass it to an estimator of trees as it "
            "is, or use forest.leaf_vectors() for its leaves as a 2-D array, or "
            "forest.to_nested() for nested tuples"
        )

    def __reduce__(self):
        table, nodes, leaves = self.leaf_table, self._nodes, self.leaves
        # A few trees of a large forest do not take its whole table along.
        if 2 * len(leaves) < len(table):
            used, rows = np.unique(self.leaf_row[leaves], return_inverse=True)
            table, nodes = table[used], nodes.copy()
            nodes[0, leaves] = rows
        return type(self), (table, self.tree_start, nodes)

    def __repr__(self):
        return (
            f"Forest(n_trees={self.n_trees}, n_nodes={self.tree_start[-1]}, "
            f"n_leaves={len(self.leaves)}, n_features={self.n_features}, "
            f"dtype={self.dtype})"
        )


def _frozen(array):
    """Give a read-only view, or the very same array if it is read-only."""
    array = np.asarray(array)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def _starts(lengths):
    """CSR offsets of runs of these lengths: 0, and the running totals."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def _table_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"leaf vectors are float32 or float64, not {dtype}")
    return dtype


def _as_table(X):
    X = np.asarray(X)
    if X.ndim != 2:
        raise ValueError(f"expected a 2-D array, got {X.ndim} dimensions")
    is_float = X.dtype in (np.float32, np.float64)
    return np.ascontiguousarray(X, dtype=X.dtype if is_float else np.float64)
