"""Trees with tokens at their leaves, in any form, to flat arrays."""

from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import AnyTree, FloatArray
from sk_autoenc.trees.containers import can_be_listed, is_kind, own_items
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.hints import converter_hint
from sk_autoenc.trees.kinds import JSON
from sk_autoenc.trees.nested import unroll
from sk_autoenc.trees.nodes import Columns, place
from sk_autoenc.trees.readers import find_kind, read_tree
from sk_autoenc.trees.record_trees import read_records

NAN = "nan"
"""The token for NaN, which is unlike itself, and so is no key."""


class TokenTrees(NamedTuple):
    """Trees as flat arrays, and what stands at their leaves."""

    tree_start: NDArray[np.int64]
    columns: Columns
    """All of `leaf_row` is -1."""
    leaf_at: NDArray[np.intp]
    """The nodes that are leaves, ascending."""
    leaves: list[Any]
    """Tokens or records, in that order."""

    def where(self, number: int) -> str:
        """Word the place of a leaf."""
        return place(self.tree_start, self.columns, self.leaf_at[number])

    def forest(self, table: FloatArray, rows: NDArray[np.intp]) -> Forest:
        """Put vectors on the leaves.

        Parameters
        ----------
        table : ndarray of shape (n_distinct, n_features)
            Finite.
        rows : intp array of shape (n_leaves,)
            The row of each leaf.

        Returns
        -------
        forest : Forest
        """
        columns = self.columns.with_rows(self.leaf_at, rows, len(table))
        return Forest._trusted(table, self.tree_start, columns)


def read_token_trees(X: Any, keys: Collection[Any] | None = None) -> TokenTrees:
    """Read trees of any kind that `read_tree` knows.

    Parameters
    ----------
    X : list, tuple, 1-D object array or Series of trees
    keys : collection, default=None
        Those of records, which then are leaves. None: a dict is JSON.

    Returns
    -------
    trees : TokenTrees

    Raises
    ------
    TypeError
        X is no sequence of trees.
    ValueError
        X is empty, or a tree is wrong; the message says which.
    """
    trees = sequence_of_trees(X)
    for number, tree in enumerate(trees):
        if type(tree) is not tuple:
            trees[number] = _nested(tree, number, keys)
    return TokenTrees(*unroll(trees))


def _nested(tree: Any, number: int, keys: Collection[Any] | None) -> AnyTree:
    """Make nested tuples of a tree of another library; a token is a tree too."""
    kind = None if is_kind(tree, tuple) else find_kind(tree)
    if kind is None:
        return tree
    try:
        if keys is not None and kind.name == JSON:
            return read_records(tree, keys)
        return read_tree(tree)
    except (TypeError, ValueError) as error:
        raise type(error)(f"tree {number}: {error}") from error


def sequence_of_trees(X: Any) -> list[Any]:
    """Give the trees of X as a new list, or refuse X."""
    one = "X is one tree, a {}; X is a list of trees, [tree] for one alone"
    if isinstance(X, Forest):
        raise TypeError(
            "X is a Forest, whose leaves are vectors already: leave LeafVectorizer out"
        )
    kind = type(X)
    if isinstance(X, str | bytes):
        raise TypeError(one.format(repr(kind.__name__)))
    if hasattr(kind, "columns") and hasattr(kind, "to_numpy"):
        raise TypeError(
            "X is a data frame; pass the column that the trees are in, such as "
            "X['tree']"
        )
    given = X.to_numpy() if hasattr(kind, "to_numpy") else X
    if isinstance(given, np.ndarray):
        if given.ndim != 1:
            raise ValueError(
                f"X has {given.ndim} dimensions, expected a sequence of trees: a list, "
                "or a 1-D array of objects"
            )
        given = given.tolist()
    elif is_one_tree(given):
        raise TypeError(one.format(repr(kind.__name__)))
    if not is_kind(given, list, tuple):
        raise TypeError(
            f"X is of type {kind.__name__!r}; expected a list of trees (or a tuple, "
            "1-D object array or Series of them)"
            + ("; write list(X)" if can_be_listed(given) else "")
        )
    trees = list(own_items(given))
    if not trees:
        raise ValueError("X has no trees; at least one is needed")
    return trees


def is_one_tree(X: Any) -> bool:
    """Tell one tree from a list or tuple of them, as far as that is possible.

    A tuple with a bare token in it is one: nobody has a tuple of trees of one leaf.
    """
    if is_kind(X, tuple):
        return any(find_kind(item) is None for item in own_items(X))
    kind = None if type(X) is list else find_kind(X)
    return kind is not None and not (is_kind(X, list) and kind.name == JSON)


def distinct_tokens(
    leaves: list[Any], where: Callable[[int], str], *, lowercase: bool = False
) -> tuple[list[Any], NDArray[np.intp]]:
    """List tokens, each once, in the order of their first appearance.

    Parameters
    ----------
    leaves : list of object
    where : callable
        ``where(number)`` words the place of a leaf.
    lowercase : bool, default=False
        Whether strings that differ in their case only are one.

    Returns
    -------
    tokens : list of object
    ids : intp array of shape (n_leaves,)
        The number of each leaf's token.

    Raises
    ------
    ValueError
        A leaf is no token; the message says where.
    """
    tokens, ids = _number(leaves, where)
    _refuse_trees_among(tokens, ids, where)
    plain = [_plain(token, lowercase) for token in tokens]
    if plain == tokens:
        return tokens, ids
    tokens, plain_ids = _number(plain, where)
    return tokens, plain_ids[ids]


def _number(
    leaves: list[Any], where: Callable[[int], str]
) -> tuple[list[Any], NDArray[np.intp]]:
    try:
        return distinct(leaves)
    except TypeError:
        number, problem = next(
            (number, problem)
            for number, problem in enumerate(map(_no_token, leaves))
            if problem
        )
        raise ValueError(f"{where(number)}: leaf is {problem}") from None


def distinct(keys: list[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """List keys, each once, and give the number of each.

    Parameters
    ----------
    keys : list of object
        Hashable.

    Returns
    -------
    distinct : list of object
        In the order of their first appearance.
    numbers : intp array of shape (n_keys,)
    """
    once = list(dict.fromkeys(keys))
    number_of = dict(zip(once, range(len(once)), strict=True))
    return once, np.fromiter(map(number_of.__getitem__, keys), np.intp, len(keys))


def _plain(token: Any, lowercase: bool) -> Any:
    """Give a string in lower case if that is wanted, a string for NaN."""
    if isinstance(token, str):
        return token.lower() if lowercase else token
    return NAN if isinstance(token, float | np.floating) and token != token else token


def _no_token(leaf: Any) -> str | None:
    """Say what a leaf is that is no key of a dict; None of a token."""
    try:
        hash(leaf)
    except TypeError:
        name = type(leaf).__name__
    else:
        return None
    if isinstance(leaf, Mapping):
        return (
            "a dict; for leaves that are records, vectors is a dict of columns, such "
            "as {'op': 'one_hot', 'rows': 'number'}"
        )
    is_vector = hasattr(leaf, "__array__") or (
        is_kind(leaf, list)
        and all(isinstance(item, Number) for item in own_items(leaf))
    )
    if is_vector:
        return (
            f"a vector (a {name!r}); LeafVectorizer makes vectors of tokens: leave it "
            "out"
        )
    kind = find_kind(leaf)
    if is_kind(leaf, list) and kind is not None and kind.name == JSON:
        return f"a {name!r}; nodes are tuples: write (a, b), not [a, b]"
    return _tree_in_words(leaf) or (
        f"of type {name!r}; a token is hashable: a string, a number"
    )


def _tree_in_words(leaf: Any) -> str | None:
    """Say that a leaf is a tree of its own; None if it is none."""
    if is_kind(leaf, tuple):
        return "an empty tuple; an inner node has at least one child"
    name = type(leaf).__name__
    if find_kind(leaf) is not None:
        return f"a {name!r}, a tree itself; make nested tuples of it with read_tree"
    if converter_hint(leaf) is not None:
        return (
            f"a {name!r}, which has children; make nested tuples of it: "
            "tree_from(obj, children='children', leaf=...), with the name of an "
            "attribute or a function"
        )
    return None


def _refuse_trees_among(
    tokens: list[Any], ids: NDArray[np.intp], where: Callable[[int], str]
) -> None:
    """Refuse nodes of other libraries below tuples; many of these can be keys."""
    examples: Iterable[tuple[type, int]] = {
        type(token): number for number, token in enumerate(tokens)
    }.items()
    for kind, number in examples:
        problem = None if issubclass(kind, str) else _tree_in_words(tokens[number])
        if problem:
            raise ValueError(
                f"{where(int(np.argmax(ids == number)))}: leaf is {problem}"
            )
