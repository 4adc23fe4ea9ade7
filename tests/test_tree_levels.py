import numpy as np
from strategies import chain
from tree_cases import N_FEATURES, X, Y

from sk_autoenc.networks.tree import levels
from sk_autoenc.networks.tree.levels import blocks, subtrees
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
