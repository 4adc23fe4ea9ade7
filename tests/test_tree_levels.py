import tracemalloc

import numpy as np
import pytest
from strategies import chain
from tree_cases import N_FEATURES, X, Y, make_model

from sk_autoenc.networks.tree import blends, levels
from sk_autoenc.networks.tree.levels import blocks, prepare, subtrees
from sk_autoenc.trees.forest import Forest


def test_blocks_keep_to_their_size_unless_one_tree_is_larger(monkeypatch):
    monkeypatch.setattr(levels, "BLOCK_CODE_ENTRIES", 5 * N_FEATURES)
    sizes = [1, 3, 2, 40, 1, 1, 5]
    forest = Forest.from_nested([X if n == 1 else (X,) * (n - 1) for n in sizes])
    parts = list(blocks(forest, N_FEATURES, np.float64))
    starts = [part.structure.trees.tree_start for part in parts]
    assert [np.diff(start).tolist() for start in starts] == [
        [1, 3],
        [2],
        [40],
        [1, 1],
        [5],
    ]


def test_blocks_know_their_place_in_the_forest(monkeypatch):
    monkeypatch.setattr(levels, "BLOCK_CODE_ENTRIES", 4 * N_FEATURES)
    forest = Forest.from_nested([X, (X, Y), (Y, (X,)), Y])
    parts = list(blocks(forest, N_FEATURES, np.float64))
    assert len(parts) == 3
    for part in parts:
        assert part.nodes.start == forest.tree_start[part.trees.start]
        assert part.nodes.stop == forest.tree_start[part.trees.stop]
        own = forest[part.trees]
        assert part.structure.n_nodes == own.n_nodes.sum()
        assert part.structure.n_leaves == own.n_leaves.sum()
        assert part.leaves.start == forest[: part.trees.start].n_leaves.sum()
        assert part.leaves.stop == part.leaves.start + own.n_leaves.sum()


def test_subtrees_of_every_inner_node_come_in_bounded_blocks(monkeypatch):
    monkeypatch.setattr(levels, "BLOCK_CODE_ENTRIES", 120 * N_FEATURES)
    forest = Forest.from_nested([chain(50, X), Y])
    parts = list(subtrees(forest, N_FEATURES, np.float64))
    assert sum(len(roots) for roots, _ in parts) == 51
    assert len(parts) > 20
    assert all(part.n_nodes <= 120 for _, part in parts)


def wide_chains(width, depth, leaf):
    """Give a node with chains of only children below it."""
    tree = leaf
    for _ in range(depth):
        tree = (tree,)
    return (tree,) * width


def peak_of(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("width", [8, 45])
def test_deep_trees_of_wide_nodes_take_300_bytes_a_node_beside_their_codes(width):
    forest = Forest.from_nested([wide_chains(width, 32_000 // width, X)])
    n_nodes = len(forest.size)
    assert peak_of(lambda: prepare(forest, np.float64)) < 300 * n_nodes
    model = make_model()
    codes = peak_of(lambda: model.network.root_codes(model.parameters, forest))
    codes_and_sums = 1.25 * 3 * N_FEATURES * 8  # buffers are a quarter larger
    assert codes < (300 + codes_and_sums) * n_nodes


@pytest.mark.parametrize("limit", [0, 1000, 10**6])
def test_the_dense_blends_of_a_block_are_bounded(monkeypatch, limit):
    monkeypatch.setattr(blends, "DENSE_BYTES", limit)
    monkeypatch.setattr(blends, "DENSE_BYTES_PER_NODE", 0)
    forest = Forest.from_nested([wide_chains(5, 30, X), chain(40, Y)])
    matrices = [level.spread for level in prepare(forest, np.float64).levels]
    dense = [matrix for matrix in matrices if isinstance(matrix, np.ndarray)]
    assert sum(matrix.nbytes for matrix in dense) <= limit
    assert bool(dense) == bool(limit)
    assert (len(dense) == len(matrices) - 1) == (limit == 10**6)  # the last has None
