"""The guard against small objects that unfold to more nodes than memory holds.

A tuple may stand at many places: sixty of them, each holding the one before twice,
spell a tree of 2**61 nodes.
"""

from itertools import compress

import numpy as np

from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.memory import available_memory

FIRST_CHECK = 1_000_000
"""Nodes unfolded before shared subtuples are looked for."""
BYTES_PER_NODE = 400
"""Memory that a node takes at the peak of reading, fitting and encoding, rounded up,
beside its codes."""
NUMBERS_PER_FEATURE = 10
"""Codes, sums and their gradients that fitting holds at once, of all nodes of a tree:
trees are worked through one after the other, but not in parts."""
UNCOUNTABLE = 10**100
"""Counts of nodes are exact below it: a DAG can spell numbers that fill the memory."""


def some_tuple_is_shared(objects, arities):
    """Tell if a tuple is met twice among nodes, of these numbers of children.

    Without sharing, what is walked is no larger than what the user already holds.
    """
    ids = np.fromiter(map(id, compress(objects, arities)), dtype=np.uintp)
    ids.sort()
    return bool((ids[1:] == ids[:-1]).any())


def refuse_more_nodes_than_fit(trees):
    """Refuse trees that unfold to more nodes than there is memory to learn from.

    Parameters
    ----------
    trees : list of object

    Raises
    ------
    ValueError
        The message says how many nodes, and of which tree.
    """
    sizes = _unfolded_sizes(trees)
    available = available_memory()
    memory = int(available // BYTES_PER_NODE)
    codes = 8 * NUMBERS_PER_FEATURE * _leaf_length(trees)  # codes are as long, or less
    limit = int(available // (BYTES_PER_NODE + codes))
    limit = min(limit, np.iinfo(np.int32).max)  # positions in a tree are int32
    for tree, size in enumerate(sizes):
        if size > limit:
            n_nodes = size if size < UNCOUNTABLE else "more than 10**100"
            raise ValueError(
                f"tree {tree}, at the root: unfolds to {n_nodes} nodes, "
                f"more than memory holds (about {limit})"
            )
    if sum(sizes) > memory:
        raise ValueError(
            f"the {len(trees)} trees unfold to {sum(sizes)} nodes together, "
            f"more than memory holds (about {memory})"
        )


def _leaf_length(trees):
    """Give the length of a leaf; 1 of what is none, and will be refused for that."""
    leaf = trees[0]
    while is_kind(leaf, tuple) and tuple.__len__(leaf):
        leaf = next(own_items(leaf))
    shape = getattr(leaf, "shape", None)
    if is_kind(leaf, list):
        shape = (list.__len__(leaf),)
    return shape[0] if isinstance(shape, tuple) and len(shape) == 1 else 1


def _unfolded_sizes(trees):
    """Count each tree's nodes as if shared tuples were copied, visiting each once."""
    sizes = {}  # of the distinct tuples, by id
    stack = [tree for tree in trees if is_kind(tree, tuple)]
    while stack:
        node = stack[-1]
        if id(node) in sizes:
            stack.pop()
            continue
        children = list(own_items(node))
        inner = [child for child in children if is_kind(child, tuple)]
        uncounted = [child for child in inner if id(child) not in sizes]
        stack += uncounted
        if not uncounted:
            n_leaves = len(children) - len(inner)
            size = 1 + n_leaves + sum(sizes[id(child)] for child in inner)
            sizes[id(node)] = min(size, UNCOUNTABLE)
    return [sizes.get(id(tree), 1) for tree in trees]
