"""Networks of trees with a head: losses by the oracle, gradients by differences."""

import copy
import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tree_cases import N_FEATURES, TREES, make_model

from sk_autoenc.feeds import Batch, LabelledTreeFeed
from sk_autoenc.networks.dropout import Dropout
from sk_autoenc.networks.tree.labels import Head, LabelledNetwork, Labels
from sk_autoenc.networks.tree.parameters import Parameters, Sizes, parameter_shapes
from sk_autoenc.objectives import Objective, SumOverChunks
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.losses import LOSSES, mixed_columns
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.known import frequent_leaves, knowing

N_OUTPUTS = 2
CASES = {
    "root": {},
    "nodes": {"nodes": True},
    "pooled": {"poolings": ("root", "mean", "max", "sum")},
    "weighted": {"nodes": True, "class_weights": np.array([0.5, 3.0])},
    "reconstruction": {"nodes": True, "reconstruction": 0.3},
    "unfolding alone": {"reconstruction": 1.0},
    "children": {"nodes": True, "reconstruction": 0.3, "asked_back": "children"},
    "subtrees": {"reconstruction": 0.3, "asked_back": "unfold_all"},
    "classes of nodes alone": {"nodes": True, "n_outputs": 4, "n_for_trees": 2},
    "numbers": {"nodes": True, "loss": LOSSES["squared_error"], "n_outputs": 1},
}
every_case = pytest.mark.parametrize("case", CASES)
every_composition = pytest.mark.parametrize("composition", COMPOSITIONS)


class Problem:
    """A network, random parameters, trees and labels."""

    def __init__(
        self,
        composition="gated",
        n_components=N_FEATURES,
        *,
        nodes=False,
        poolings=("root",),
        loss=None,
        n_outputs=N_OUTPUTS,
        n_for_trees=None,
        reconstruction=0.0,
        asked_back="unfold_root",
        class_weights=None,
        learned=True,
        trees=TREES,
        dtype=np.float64,
    ):
        plain = make_model(composition=composition, n_components=n_components)
        architecture = plain.network.architecture._replace(
            decodes=reconstruction > 0, loss=asked_back
        )
        loss = loss or mixed_columns(0, [n_outputs])
        head = Head(loss, poolings, reconstruction, class_weights)
        self.network = LabelledNetwork(
            head, architecture, n_components, N_FEATURES, dtype
        )
        self.forest = Forest.from_nested(trees, dtype)
        known = frequent_leaves(self.forest, 2) if learned else ()
        if learned:
            self.forest = knowing(self.forest, known)
        sizes = Sizes(
            n_components,
            N_FEATURES,
            COMPOSITIONS[composition].n_gates,
            reconstruction > 0,
            n_outputs,
            len(poolings) * n_components,
            len(known),
        )
        self.rng = np.random.default_rng(1)
        self.parameters = Parameters.zeros(parameter_shapes(sizes), dtype)
        values = self.rng.uniform(-0.8, 0.8, self.parameters.flat.shape)
        self.parameters.flat[:] = values
        self.labels = self.draw_labels(
            len(trees), n_outputs, nodes, n_for_trees or n_outputs
        )

    def draw_labels(self, n_trees, n_outputs, nodes, n_for_trees):
        n_nodes = len(self.forest.leaf_row)
        if n_outputs == 1:
            trees = self.rng.standard_normal((n_trees, 1))
            of_nodes = self.rng.standard_normal((n_nodes, 1))
            of_nodes[::3] = np.nan
        else:
            trees = np.eye(n_for_trees)[self.rng.integers(0, n_for_trees, n_trees)]
            of_nodes = self.rng.integers(-1, n_outputs, n_nodes)
        return Labels(trees, of_nodes if nodes else None, self.forest.tree_start)

    def batch(self, dropout=None):
        return Batch(dropout, self.forest, None, self.labels)

    def losses(self, dropout=None):
        return self.network.losses(self.parameters, self.batch(dropout))

    def gradient(self, dropout=None, scale=1.0):
        return self.network.gradient(self.parameters, self.batch(dropout), scale)


def drop(seed=0):
    return Dropout(0.4, 0.3, np.random.default_rng(seed))


@every_case
@pytest.mark.parametrize("n_components", [N_FEATURES, 2])
@every_composition
def test_gradient_equals_central_differences(composition, n_components, case):
    problem = Problem(composition, n_components, **CASES[case])
    total, gradient = problem.gradient(drop(), scale=0.5)
    assert_allclose(total, problem.losses(drop()).sum(), rtol=1e-12)
    flat, differences = problem.parameters.flat, np.empty_like(gradient.flat)
    for place, value in enumerate(flat):
        sides = []
        for step in (1e-6, -1e-6):
            flat[place] = value + step
            sides.append(problem.losses(drop()).sum())
        flat[place] = value
        differences[place] = (sides[0] - sides[1]) / 2e-6
    scale = np.abs(differences).max()
    assert_allclose(2 * gradient.flat, differences, rtol=0, atol=1e-7 * scale)


@every_case
@every_composition
def test_losses_are_those_of_the_equations(composition, case):
    options = CASES[case] | {"learned": False}
    problem = Problem(composition, **options)
    head, parameters = problem.network.head, problem.parameters
    plain = make_model(composition=composition)
    shapes = plain.parameters.shapes
    given = {name: getattr(parameters, name, None) for name in shapes}
    kept = {name: part for name, part in given.items() if part is not None}
    oracle = plain._replace(parameters=plain.parameters._replace(**kept)).oracle()
    oracle.objective = problem.network.architecture.loss
    losses, start = [], problem.forest.tree_start
    for number, tree in enumerate(TREES):
        codes = np.array(oracle.codes(tree))
        inner = [row for row, node in enumerate(nodes_of(tree)) if is_inner(node)]
        pooled = {
            "root": codes[0],
            "mean": codes[inner or [0]].mean(axis=0),
            "sum": codes[inner or [0]].sum(axis=0),
            "max": codes[inner or [0]].max(axis=0),
        }
        rows = [np.concatenate([pooled[name] for name in head.poolings])]
        targets = [problem.labels.trees[number]]
        if problem.labels.nodes is not None:
            own = problem.labels.nodes[start[number] : start[number + 1]]
            for row, label in list(enumerate(own))[1:]:
                if own.ndim == 1 and label >= 0:
                    rows.append(codes[row])
                    targets.append(np.eye(len(parameters.head))[label])
                elif own.ndim == 2 and not np.isnan(label[0]):
                    rows.append(codes[row])
                    targets.append(label)
        values = [
            label_loss(
                head,
                (parameters.head @ row + parameters.head_intercept)[: len(target)],
                target,
            )
            for row, target in zip(rows, targets, strict=True)
        ]
        loss = (1 - head.reconstruction) * sum(values) / len(values)
        if head.reconstruction:
            n_leaves = len(list(nodes_of(tree))) - len(inner)
            error, _ = oracle.tree_gradient(tree, tree)
            loss += head.reconstruction * error / (n_leaves * N_FEATURES)
        losses.append(loss)
    assert_allclose(problem.losses(), losses, rtol=1e-12)


def label_loss(head, outputs, target):
    """-w log softmax, or half the squared error, one label."""
    if len(outputs) == 1:
        return (outputs[0] - target[0]) ** 2 / 2
    chosen = int(target.argmax())
    highest = max(outputs)
    total = sum(math.exp(a - highest) for a in outputs)
    weight = 1.0 if head.class_weights is None else head.class_weights[chosen]
    return weight * (math.log(total) + highest - outputs[chosen])


def is_inner(tree):
    return isinstance(tree, tuple)


def nodes_of(tree):
    """The nodes in preorder."""
    yield tree
    if is_inner(tree):
        for child in tree:
            yield from nodes_of(child)


@every_case
def test_a_batch_of_chosen_trees_has_their_losses(case):
    problem = Problem(**CASES[case])
    feed = LabelledTreeFeed(problem.forest, y=problem.labels)
    rows = np.array([2, 0, 2])
    losses = problem.network.losses(problem.parameters, feed(rows))
    assert_allclose(losses, problem.losses()[rows], rtol=1e-12)


@every_case
def test_blocks_change_nothing(case, monkeypatch):
    problem = Problem(**CASES[case])
    total, gradient = problem.gradient()
    flat = gradient.flat.copy()
    monkeypatch.setattr("sk_autoenc.networks.tree.levels.BLOCK_CODE_ENTRIES", 20)
    small_total, small = problem.gradient()
    assert_allclose(small_total, total, rtol=1e-12)
    assert_allclose(small.flat, flat, atol=1e-12)


def test_outputs_of_trees_are_those_of_their_roots():
    problem = Problem()
    network, parameters, forest = problem.network, problem.parameters, problem.forest
    outputs = network.outputs(parameters, forest)
    roots = network.outputs(parameters, forest, forest.tree_start[:-1])
    assert_allclose(outputs, roots, rtol=1e-12)


def test_only_rows_of_leaves_in_the_batch_are_touched():
    problem = Problem()
    feed = LabelledTreeFeed(problem.forest, y=problem.labels)
    batch = feed(np.array([1]))  # one bare leaf
    leaf = problem.forest.leaf_row[problem.forest.tree_start[1]]
    _, gradient = problem.network.gradient(problem.parameters, batch)
    assert_array_equal(gradient.touched, [leaf])
    others = np.delete(gradient.table, leaf, axis=0)
    assert_array_equal(others, np.zeros_like(others))


def test_a_gradient_keeps_nothing_of_the_batch_before():
    problem = Problem(nodes=True)
    feed = LabelledTreeFeed(problem.forest, y=problem.labels)
    _, gradient = problem.network.gradient(problem.parameters, feed(np.array([1])))
    alone = gradient.flat.copy()
    problem.network.gradient(problem.parameters, feed(np.array([0, 2, 3])))
    _, gradient = problem.network.gradient(problem.parameters, feed(np.array([1])))
    assert_array_equal(gradient.flat, alone)


def test_a_leaf_that_stands_once_is_not_learned():
    once = np.array([0.1, 0.2, 0.3])
    problem = Problem(trees=[*TREES, (TREES[1], once)])
    known = len(problem.parameters.leaf_table)
    assert_array_equal(problem.forest.leaf_table[known:], [once])
    _, gradient = problem.gradient()
    assert gradient.touched.max() < known


def test_sums_of_chunks_are_those_of_all_trees():
    problem = Problem(nodes=True, reconstruction=0.2)
    whole = Objective(
        problem.network, LabelledTreeFeed(problem.forest, y=problem.labels), 0.1
    )
    parts = []
    for rows in (np.array([0, 1]), np.array([2, 3])):
        feed = LabelledTreeFeed(problem.forest.select(rows), y=problem.labels[rows])
        parts.append(Objective(copy.copy(problem.network), feed, 0.1))
    value, gradient = whole(problem.parameters, np.arange(4))
    chunked, chunked_gradient = SumOverChunks(parts)(problem.parameters, np.arange(4))
    assert_allclose(chunked, value, rtol=1e-12)
    assert_allclose(chunked_gradient.flat, gradient.flat, atol=1e-12)


def test_a_pickled_network_gives_the_same_gradient():
    problem = Problem("lstm", nodes=True)
    _, gradient = problem.gradient()
    network = pickle.loads(pickle.dumps(problem.network))
    _, again = network.gradient(problem.parameters, problem.batch())
    assert_array_equal(again.flat, gradient.flat)


def test_dropout_keeps_the_mean():
    factors = drop().factors(0.4, (200, 200), np.float64)
    assert set(np.unique(factors)) == {0.0, 1 / 0.6}
    assert_allclose(factors.mean(), 1, atol=0.02)


def test_no_dropout_draws_nothing():
    dropout = Dropout(0.0, 0.0, np.random.default_rng(0))
    assert dropout.factors(0.0, (3, 3), np.float64) is None
