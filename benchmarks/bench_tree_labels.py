"""An epoch of labelled trees with learned leaves, against torch by levels.

    python benchmarks/bench_tree_labels.py [--rounds 3] [--compositions gated lstm]

Random binary trees like sentences: 8500 trees, 320 000 nodes, 18 000 distinct leaves
that are as frequent as words are, codes of length 100, float32, five classes, a label
at every node. Both sides step by Adam in batches of 32 trees, through the same batches;
both update only the leaf vectors of the batch. They alternate in one process, on one
thread.

- ours: the package's own loop: it selects the trees of a batch and prepares their
  structure within the time.
- torch: autograd, one index_select, one or two index_add and one product a level; the
  structure of every batch is prepared beforehand, which the time does not contain.
"""

import argparse
from types import SimpleNamespace

import numpy as np
import torch
from side_by_side import at_threads, medians, print_table

from sk_autoenc import Forest
from sk_autoenc.feeds import LabelledTreeFeed
from sk_autoenc.networks.tree.labels import Head, LabelledNetwork, Labels
from sk_autoenc.networks.tree.parameters import (
    Architecture,
    Parameters,
    Sizes,
    initialise,
    parameter_shapes,
)
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.losses import mixed_columns
from sk_autoenc.parts.solvers import Adam
from sk_autoenc.training import Plan, run_epoch
from sk_autoenc.trees.known import frequent_leaves, knowing

N_COMPONENTS, N_CLASSES, BATCH, RATE = 100, 5, 32, 0.001
HEADER = ("composition", "ours, s", "torch, s", "torch/ours", "losses differ by")


def sentences(n_trees, n_words, rng):
    """Binary trees of 5 to 35 leaves, and a class for each node."""
    vectors = rng.standard_normal((n_words, N_COMPONENTS)).astype(np.float32) / 10
    frequency = 1 / np.arange(1, n_words + 1)
    frequency /= frequency.sum()
    trees = []
    for n_leaves in rng.integers(5, 36, n_trees):
        row = list(rng.choice(n_words, n_leaves, p=frequency))
        row = [vectors[word] for word in row]
        while len(row) > 1:
            place = int(rng.integers(0, len(row) - 1))
            row[place : place + 2] = [(row[place], row[place + 1])]
        trees.append(row[0])
    forest = Forest.from_nested(trees)
    forest = knowing(forest, frequent_leaves(forest, 2))
    return forest, rng.integers(0, N_CLASSES, len(forest.leaf_row))


def n_learned(forest):
    """Count the vectors that are learned: those that stand in two places or more."""
    _, counts = np.unique(forest.leaf_row[forest.leaves], return_counts=True)
    return int(np.count_nonzero(counts > 1))


def make_parameters(architecture, forest):
    sizes = Sizes(
        N_COMPONENTS,
        N_COMPONENTS,
        architecture.composition.n_gates,
        decodes=False,
        n_outputs=N_CLASSES,
        n_pooled=N_COMPONENTS,
        n_learned=n_learned(forest),
    )
    parameters = Parameters.zeros(parameter_shapes(sizes), np.float32)
    initialise(parameters, architecture, "glorot", np.random.default_rng(0))
    parameters.leaf_table[...] = forest.leaf_table[: sizes.n_learned]
    return parameters


def ours(name, forest, labels):
    """Return a function that runs an epoch and returns its mean loss."""
    tanh = ACTIVATIONS["tanh"]
    architecture = Architecture(
        tanh,
        ACTIVATIONS["identity"],
        "unfold_root",
        composition=COMPOSITIONS[name],
        decodes=False,
    )
    network = LabelledNetwork(
        Head(mixed_columns(0, [N_CLASSES])),
        architecture,
        N_COMPONENTS,
        N_COMPONENTS,
        np.float32,
    )
    targets = np.eye(N_CLASSES, dtype=np.float32)[labels[forest.tree_start[:-1]]]
    y = Labels(targets, labels, forest.tree_start)
    objective = Objective(network, LabelledTreeFeed(forest, y=y))
    parameters = make_parameters(architecture, forest)
    settings = SimpleNamespace(
        learning_rate_init=RATE,
        learning_rate="constant",
        power_t=0.5,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
    )
    solver = Adam(parameters.flat, settings)
    plan = Plan(BATCH, 1, False, 0.0, 1, False, np.random.default_rng(0))
    rows = np.arange(len(forest))
    return lambda: run_epoch(objective, parameters, rows, solver, plan)


class Levels:
    """The structure of a batch as torch needs it."""

    def __init__(self, forest, labels):
        parent = forest.parent + np.repeat(forest.tree_start[:-1], forest.n_nodes)
        inner = forest.n_children > 0
        self.leaves = torch.from_numpy(forest.leaves)
        self.rows = torch.from_numpy(forest.leaf_row[forest.leaves].astype(np.int64))
        self.labels = torch.from_numpy(labels)
        n_labels = np.repeat(1 / forest.n_nodes, forest.n_nodes)
        self.weights = torch.from_numpy(n_labels.astype(np.float32))
        self.n_nodes, self.n_trees = len(parent), len(forest)
        before = np.concatenate([[0], np.cumsum(forest.leaf_row >= 0)])
        node = np.arange(len(parent))
        n_leaves = before[node + forest.size] - before[node]
        self.levels = []
        for height in range(1, int(forest.height.max()) + 1):
            nodes = np.flatnonzero(inner & (forest.height == height))
            index = np.full(len(parent), -1)
            index[nodes] = np.arange(len(nodes))
            is_child = (forest.parent >= 0) & (index[parent] >= 0)
            sides = [
                np.flatnonzero(is_child & (forest.child_rank == k)) for k in (0, 1)
            ]
            sides = [side[np.argsort(index[parent[side]])] for side in sides]
            share = (n_leaves[sides[0]] / n_leaves[nodes]).astype(np.float32)[:, None]
            self.levels.append(
                [torch.from_numpy(part) for part in (nodes, *sides, share)]
            )


def compose(name, linear, left, right, share):
    """Codes and cells of binary nodes, of those of their children."""
    (left, left_cells), (right, right_cells) = left, right
    gates = linear(torch.cat([left, right], 1)).chunk(COMPOSITIONS[name].n_gates, 1)
    if name == "blend":
        return torch.tanh(gates[0]), None
    if name == "gated":
        mean = share * left + (1 - share) * right
        return mean + torch.sigmoid(gates[1]) * (torch.tanh(gates[0]) - mean), None
    value, entry, forget_left, forget_right, out = gates
    cells = torch.sigmoid(entry) * torch.tanh(value)
    cells = cells + torch.sigmoid(forget_left) * left_cells
    cells = cells + torch.sigmoid(forget_right) * right_cells
    return torch.sigmoid(out) * torch.tanh(cells), cells


def torch_side(name, forest, labels):
    """Return a function that runs an epoch by torch and returns its mean loss."""
    architecture = Architecture(
        ACTIVATIONS["tanh"],
        ACTIVATIONS["identity"],
        "unfold_root",
        composition=COMPOSITIONS[name],
        decodes=False,
    )
    start = make_parameters(architecture, forest)
    table = np.concatenate(
        [start.leaf_table, forest.leaf_table[len(start.leaf_table) :]]
    )
    embedding = torch.nn.Embedding.from_pretrained(
        torch.from_numpy(table), freeze=False, sparse=True
    )
    linear = torch.nn.Linear(2 * N_COMPONENTS, len(start.encoder))
    head = torch.nn.Linear(N_COMPONENTS, N_CLASSES)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(start.encoder))
        linear.bias.copy_(torch.from_numpy(start.encoder_intercept))
        head.weight.zero_()
        head.bias.zero_()
    dense = torch.optim.Adam([*linear.parameters(), *head.parameters()], lr=RATE)
    few = torch.optim.SparseAdam(embedding.parameters(), lr=RATE)
    batches = []
    for first in range(0, len(forest), BATCH):
        rows = np.arange(first, min(first + BATCH, len(forest)))
        nodes = slice(forest.tree_start[rows[0]], forest.tree_start[rows[-1] + 1])
        batches.append(Levels(forest.select(rows), labels[nodes]))
    has_cells = name == "lstm"

    def step(batch):
        dense.zero_grad()
        few.zero_grad()
        below = embedding(batch.rows)
        codes = torch.zeros(batch.n_nodes, N_COMPONENTS).index_copy(
            0, batch.leaves, below
        )
        cells = codes if has_cells else None
        for nodes, left, right, share in batch.levels:
            sides = [
                (
                    codes.index_select(0, side),
                    cells.index_select(0, side) if has_cells else None,
                )
                for side in (left, right)
            ]
            here, here_cells = compose(name, linear, *sides, share)
            codes = codes.index_copy(0, nodes, here)
            if has_cells:
                cells = cells.index_copy(0, nodes, here_cells)
        losses = torch.nn.functional.cross_entropy(
            head(codes), batch.labels, reduction="none"
        )
        loss = (losses * batch.weights).sum() / batch.n_trees
        loss.backward()
        dense.step()
        few.step()
        return loss.item() * batch.n_trees

    return lambda: sum(map(step, batches)) / len(forest)


def epochs(forest, labels, names=tuple(COMPOSITIONS), n_rounds=3):
    """Yield compositions and seconds of an epoch, ours and torch's, on one thread."""
    for name in names:
        sides = {
            "ours": ours(name, forest, labels),
            "torch": torch_side(name, forest, labels),
        }
        with at_threads(1):
            first = {side: run() for side, run in sides.items()}
            seconds = medians(sides, n_rounds)
        difference = abs(first["ours"] - first["torch"]) / first["torch"]
        yield (
            name,
            f"{seconds['ours']:.2f}",
            f"{seconds['torch']:.2f}",
            f"{seconds['torch'] / seconds['ours']:.2f}",
            f"{difference:.1e}",
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trees", type=int, default=8500)
    parser.add_argument(
        "--compositions", nargs="+", default=list(COMPOSITIONS), choices=COMPOSITIONS
    )
    arguments = parser.parse_args()
    forest, labels = sentences(arguments.trees, 18_000, np.random.default_rng(0))
    print(f"{forest}, {n_learned(forest)} vectors learned, torch {torch.__version__}\n")
    print_table(
        HEADER, epochs(forest, labels, arguments.compositions, arguments.rounds)
    )


if __name__ == "__main__":
    main()
