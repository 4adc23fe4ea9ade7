"""Hypothesis strategies for random trees of mixed arity, shrinking towards one leaf."""

import numpy as np
from hypothesis import strategies as st


def leaf_vectors(n_features, dtype=np.float64):
    """Vectors in [-1, 1) by a drawn seed: all bits vary, and drawing is cheap."""
    return st.integers(0, 2**32 - 1).map(
        lambda seed: (
            np.random.default_rng(seed).uniform(-1, 1, n_features).astype(dtype)
        )
    )


def trees(leaves, max_leaves=30):
    """Nested tuples over `leaves`: arity 1 to 4, now and then 5 to 12 leaves.

    A bare leaf is a tree too. `leaves` is a strategy that does not draw tuples.
    """
    wide = st.lists(leaves, min_size=5, max_size=12).map(tuple)
    narrow = st.recursive(
        st.one_of(leaves, leaves, leaves, wide),
        lambda subtrees: st.lists(subtrees, min_size=1, max_size=4).map(tuple),
        max_leaves=max_leaves,
    )
    return st.one_of(leaves.map(lambda leaf: (leaf,)), narrow)


@st.composite
def tree_lists(draw, n_features, max_trees=5, max_leaves=30, dtype=np.float64):
    """Lists of trees, in which some leaf objects are met again and others once."""
    words = draw(st.lists(leaf_vectors(n_features, dtype), min_size=1, max_size=4))
    leaves = st.one_of(st.sampled_from(words), leaf_vectors(n_features, dtype))
    return draw(st.lists(trees(leaves, max_leaves), min_size=1, max_size=max_trees))


def chain(depth, leaf):
    """Give ``(((leaf,), leaf), leaf)`` and so on, `depth` tuples, 2 `depth` nodes."""
    tree = (leaf,)
    for _ in range(depth - 1):
        tree = (tree, leaf)
    return tree
