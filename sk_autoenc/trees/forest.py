"""Many trees as flat arrays."""

from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from sk_autoenc._typing import FloatArray, FloatDType, IntArray, Keys, Tree, TreesLike
from sk_autoenc.trees.compare import find_tree
from sk_autoenc.trees.joining import each_forest, join
from sk_autoenc.trees.leaves import as_table, table_dtype
from sk_autoenc.trees.nested import flatten, is_nested, nest
from sk_autoenc.trees.nodes import Columns, parts, ranges
from sk_autoenc.trees.on_disk import OnDisk
from sk_autoenc.trees.vector_trees import are_foreign


def is_forest_like(X: object) -> bool:
    """Tell trees, a `Forest`, nested tuples or others, from the rows of a 2-D array.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        Whether X is a `Forest`, or as `sk_autoenc.trees.nested.is_nested` or
        `sk_autoenc.trees.vector_trees.are_foreign` say.
    """
    return isinstance(X, Forest) or is_nested(X) or are_foreign(X)


class Forest(OnDisk):
    """An immutable batch of trees, each node a column of flat arrays.

    The nodes of a tree are in preorder (a node, then its children's subtrees from the
    first to the last), the trees one after the other. All but `tree_start` are the same
    in whatever forest a tree stands, so choosing trees copies columns and nothing else.
    Make one with `from_nested`, `from_rows`, `concatenate` or `open`.

    Indexing by an int, slice, index array, boolean mask or ``(key, ...)`` gives a
    Forest (of one tree for an int), which is what scikit-learn's splitters need; a
    slice of consecutive trees copies nothing. Iteration gives the trees as nested
    tuples, so ``list(forest)`` is again a valid X; `reversed` gives them from the last.

    Forests are equal (``==``) if they hold equal trees in the same order: of the same
    structure, with leaf vectors of equal values, in whatever dtype and table. ``tree in
    forest`` asks for an equal tree; `tree` is nested tuples, whose leaves are read in
    the forest's dtype, or a Forest of one. Copies share all arrays. `save` and `open`
    keep a Forest in files that need not fit into memory.

    Parameters
    ----------
    leaf_table, tree_start : ndarray
        As below. `leaf_table` is not copied.
    nodes : int32 array of shape (7, n_nodes), or sequence of its rows
        They are `leaf_row`, `parent`, `child_rank`, `n_children`, `depth`, `height` and
        `size`, as below.

    Attributes
    ----------
    leaf_table : ndarray of shape (n_distinct_leaves, n_features), float32 or float64
        The distinct leaf vectors. Forests made from one another share it.
    leaf_row : int32 array of shape (n_nodes,)
        A leaf's row in `leaf_table`; -1 for an inner node. It is int64 if the table has
        more than 2**31 rows.
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

    Raises
    ------
    ValueError
        By the constructor, and by loading a pickle: the arrays are not a forest.

    See Also
    --------
    RAETransformer, UnfoldingRAETransformer : Estimators whose X may be a Forest.

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
    >>> ((a, b), a) in forest
    True
    """

    @classmethod
    def from_nested(
        cls, trees: "Forest | TreesLike", dtype: FloatDType | None = None
    ) -> "Forest":
        """Read nested tuples.

        Parameters
        ----------
        trees : list, tuple, 1-D object array or Series of trees, or Forest
            A tuple is an inner node; anything else is a leaf, a 1-D array or a list of
            numbers. All leaves have one length. Shared subtuples are read as copies.
            One tree alone is ``[tree]``: a tuple of trees is a sequence of them too,
            so ``((a, b), c)`` is read as the two trees ``(a, b)`` and ``c``.
        dtype : {float32, float64}, default=None
            Of the leaf table. None: float32 if there are float32 arrays among the
            leaves, and no array that float32 cannot hold; else float64. Lists of
            numbers have no dtype of their own, and follow.

        Returns
        -------
        forest : Forest
            A leaf object met again is one row of its table. So are views on the same
            numbers, such as each ``M[i]`` of a matrix.

        Raises
        ------
        TypeError
            `trees` is not a sequence of trees.
        ValueError
            There are no trees, or one is wrong; the message says which and where.

        Warns
        -----
        UserWarning
            Some leaves are float32 and others need float64, so all become float64.

        See Also
        --------
        to_nested : Back to nested tuples.
        from_rows : From the rows of a 2-D array.

        Examples
        --------
        >>> forest = Forest.from_nested([([1.0], [2.0]), ([3.0],)])
        >>> forest.n_nodes
        array([3, 2])
        """
        dtype = None if dtype is None else table_dtype(dtype)
        if isinstance(trees, Forest):
            trees._check_finite()
            return trees if dtype is None else trees.astype(dtype)
        return cls._trusted(*flatten(trees, dtype))

    @classmethod
    def from_rows(cls, X: ArrayLike) -> Self:
        """Take each row x of an array as the tree ``(x,)``.

        Parameters
        ----------
        X : array-like of shape (n_trees, n_features)
            It becomes `leaf_table`, without a copy if it is a C-contiguous float32 or
            float64 array.

        Returns
        -------
        forest : Forest

        Raises
        ------
        ValueError
            X is not such an array, or a row is not finite; the message says which.

        See Also
        --------
        from_nested : From nested tuples.

        Examples
        --------
        >>> Forest.from_rows([[1.0, 2.0]]).to_nested()
        [(array([1., 2.]),)]
        """
        table = as_table(X, "row {}".format)
        n_rows = len(table)
        root = Columns(-1, -1, 0, n_children=1, depth=0, height=1, size=2)  # type: ignore[arg-type]
        leaf = Columns(0, 0, 0, n_children=0, depth=1, height=0, size=1)  # type: ignore[arg-type]
        pair = np.transpose((root, leaf)).astype(np.int32)
        columns = Columns(*np.tile(pair, n_rows))
        leaves = slice(1, None, 2)
        columns = columns.with_rows(leaves, np.arange(n_rows), n_rows)
        return cls._trusted(table, np.arange(0, 2 * n_rows + 1, 2), columns)

    @classmethod
    def concatenate(cls, forests: Iterable["Forest"]) -> Self:
        """Join forests, one after the other.

        Parameters
        ----------
        forests : iterable of Forest
            At least one, all with the same `n_features`.

        Returns
        -------
        forest : Forest
            It shares the table if all of them do. Otherwise it is float32 if all are.

        Raises
        ------
        TypeError
            Something is not a Forest, or is one Forest instead of several.
        ValueError
            No forests, or their leaves are of different lengths.

        See Also
        --------
        select : Choose some of the trees.
        save_parts : Write them as one, if memory does not hold them all.

        Examples
        --------
        >>> a, b = Forest.from_rows([[1.0]]), Forest.from_rows([[2.0], [3.0]])
        >>> Forest.concatenate([a, b]).n_trees
        3
        """
        forests = list(each_forest(forests, "concatenate"))
        lengths = {forest.n_features for forest in forests}
        if len(lengths) != 1:
            raise ValueError(
                "forests to concatenate need leaves of one length, got lengths "
                f"{sorted(lengths)}"
            )
        is_finite = all(forest._is_finite for forest in forests)
        table, tree_start, columns = join(forests)
        return cls._trusted(table, tree_start, columns, is_finite)

    def with_leaves(self, vectors: ArrayLike) -> "Forest":
        """Put other vectors on the leaves of the same structure.

        Parameters
        ----------
        vectors : array-like of shape (n_leaves.sum(), n_features)
            In leaf order, of any length. Not copied if it is a C-contiguous float32 or
            float64 array.

        Returns
        -------
        forest : Forest
            The same trees with these vectors at their leaves.

        Raises
        ------
        ValueError
            There are more or fewer vectors than leaves, or one is wrong; the message
            says where.

        See Also
        --------
        with_table : A vector for each distinct leaf, not for each leaf.

        Examples
        --------
        >>> forest = Forest.from_nested([([1.0], [2.0]), ([3.0],)])
        >>> forest.with_leaves([[7.0], [8.0], [9.0]]).to_nested()
        [(array([7.]), array([8.])), (array([9.]),)]
        """
        table, n_leaves = as_table(vectors, self._where_leaf), len(self.leaves)
        if len(table) != n_leaves:
            raise ValueError(f"got {len(table)} vectors for {n_leaves} leaves")
        return self._with_trusted_leaves(table, is_finite=True)

    def _with_trusted_leaves(
        self, vectors: FloatArray, is_finite: bool | None = None
    ) -> "Forest":
        """Put vectors on the leaves that are right, but maybe not finite.

        So are reconstructions by the package: they may overflow, and still be shown.
        """
        leaves = self.leaves
        columns = self._columns.with_rows(leaves, np.arange(len(leaves)), len(leaves))
        return Forest._trusted(vectors, self.tree_start, columns, is_finite)

    def with_table(self, table: ArrayLike) -> "Forest":
        """Put other vectors under the same leaf ids, the rows of `leaf_table`.

        So vectors are changed once for each distinct leaf: for words, say.

        Parameters
        ----------
        table : array-like of shape (n_distinct_leaves, n_features)
            As many rows as `leaf_table`, of any length. Not copied if it is a
            C-contiguous float32 or float64 array.

        Returns
        -------
        forest : Forest
            The same trees with this table under their leaf ids.

        Raises
        ------
        ValueError
            There are more or fewer rows, or one is wrong; the message says which, and
            where it is a leaf first.

        See Also
        --------
        with_leaves : A vector for each leaf, however often it stands.

        Notes
        -----
        A forest of a few trees does not pickle the rows that it does not use, so
        afterwards its ids are others.

        Examples
        --------
        >>> forest = Forest.from_nested([([1.0], [2.0]), ([3.0],)])
        >>> forest.with_table(10 * forest.leaf_table).to_nested()
        [(array([10.]), array([20.])), (array([30.]),)]
        """
        vectors, n_rows = as_table(table, self._where_row), len(self.leaf_table)
        if len(vectors) != n_rows:
            raise ValueError(
                f"got a table of {len(vectors)} rows for {n_rows} distinct leaves"
            )
        return Forest._trusted(vectors, self.tree_start, self._columns)

    def astype(self, dtype: FloatDType) -> "Forest":
        """Convert the leaf vectors.

        Parameters
        ----------
        dtype : {float32, float64}

        Returns
        -------
        forest : Forest
            Itself if it has that dtype.

        Raises
        ------
        ValueError
            A leaf has a value too large for the dtype; the message says where.

        See Also
        --------
        with_table : Any other change of the leaf vectors.

        Examples
        --------
        >>> Forest.from_rows([[1.0]]).astype(np.float32).dtype
        dtype('float32')
        """
        dtype = table_dtype(dtype)
        if dtype == self.dtype:
            return self
        with np.errstate(over="ignore", invalid="ignore"):
            table = self.leaf_table.astype(dtype)
        if self._is_finite:
            self._check_finite(dtype)
        return Forest._trusted(table, self.tree_start, self._columns, self._is_finite)

    def select(self, rows: IntArray) -> "Forest":
        """Choose trees; the fast path of indexing, made for minibatches.

        Parameters
        ----------
        rows : int array of shape (n_selected,)
            Any order, with repetitions if wanted.

        Returns
        -------
        forest : Forest
            It shares the leaf table, whatever rows of it are still used.

        See Also
        --------
        concatenate : Join forests.

        Examples
        --------
        >>> forest = Forest.from_nested([([1.0], [2.0]), ([3.0],)])
        >>> forest.select(np.array([1, 1, 0])).n_nodes
        array([2, 2, 3])
        """
        first, n_nodes = self.tree_start[:-1].take(rows), self.n_nodes.take(rows)
        nodes, tree_start = ranges(first, n_nodes)
        return self._alike(tree_start, self._columns.take(nodes))

    def to_nested(self) -> list[Tree]:
        """Give the trees as nested tuples.

        Returns
        -------
        trees : list of tuples and arrays
            Leaves are read-only views on `leaf_table`, one object for each row of it.

        See Also
        --------
        from_nested : The way here.

        Examples
        --------
        >>> forest = Forest.from_nested([([1.0], [2.0]), ([3.0],)])
        >>> forest.to_nested()
        [(array([1.]), array([2.])), (array([3.]),)]
        """
        return nest(self)

    def __iter__(self) -> Iterator[Tree]:
        for first, last in parts(self):
            yield from self._between(first, last).to_nested()

    def __reversed__(self) -> Iterator[Tree]:
        return reversed(self.to_nested())

    def __contains__(self, tree: object) -> bool:
        if not isinstance(tree, Forest):
            tree = Forest.from_nested([tree], self.dtype)
        if len(tree) != 1:
            raise ValueError(
                f"one tree can be in a Forest, got a Forest of {len(tree)}"
            )
        return len(find_tree(self, tree)) > 0

    def __getitem__(self, key: Keys) -> "Forest":
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            if step == 1:
                return self._between(first, max(first, last))
        rows = np.atleast_1d(np.arange(len(self))[key])
        if rows.ndim != 1:
            raise IndexError("a Forest has one dimension, its trees")
        return self.select(rows)
