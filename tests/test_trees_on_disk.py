"""Estimators of trees that are in files: the same results, in little memory."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sk_autoenc import (
    Forest,
    RAETransformer,
    RecursiveClassifier,
    RecursiveRegressor,
    UnfoldingRAETransformer,
)
from sk_autoenc.networks.tree import levels
from sk_autoenc.trees import compare, nodes

N_TREES, N_FEATURES = 60, 3


def random_tree(rng, leaves):
    row = [leaves[n] for n in rng.integers(0, len(leaves), rng.integers(1, 9))]
    while len(row) > 1:
        start = rng.integers(0, len(row) - 1)
        stop = rng.integers(start + 1, len(row) + 1)
        row[start:stop] = [tuple(row[start:stop])]
    return row[0]


@pytest.fixture(scope="module")
def forest():
    rng = np.random.default_rng(0)
    leaves = list(rng.uniform(-1, 1, (20, N_FEATURES)).astype(np.float32))
    return Forest.from_nested([random_tree(rng, leaves) for _ in range(N_TREES)])


@pytest.fixture
def opened(tmp_path, forest, monkeypatch):
    """Open the same trees, which are several blocks and parts."""
    for module in (nodes, compare):
        monkeypatch.setattr(module, "PART_NODES", 100)
    monkeypatch.setattr(levels, "BLOCK_CODE_ENTRIES", 400)
    forest.save(tmp_path / "trees")
    return Forest.open(tmp_path / "trees")


def fitted(model, X, *y, **labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.set_params(max_iter=2, random_state=0).fit(X, *y, **labels)


def assert_same_parameters(model, other):
    names = [name for name, value in vars(model).items() if name.endswith("_")]
    assert "loss_" in names
    for name in names:
        assert_array_equal(getattr(model, name), getattr(other, name), name)


@pytest.mark.parametrize(
    "model",
    [
        UnfoldingRAETransformer(5),
        UnfoldingRAETransformer(unfold_from="all"),
        UnfoldingRAETransformer(corruption="gaussian", corruption_level=0.1),
        UnfoldingRAETransformer(corruption="salt_and_pepper", solver="sgd"),
        UnfoldingRAETransformer(solver="lbfgs"),
        UnfoldingRAETransformer(early_stopping=True, corruption="masking"),
        UnfoldingRAETransformer(learn_leaves=True, batch_size=7),
        RAETransformer(4, child_weights="leaves"),
        RAETransformer(composition="lstm", pooling=("root", "max")),
    ],
    ids=repr,
)
def test_an_autoencoder_of_opened_trees_is_that_of_trees_in_memory(
    opened, forest, model
):
    fitted(model, forest)
    parameters = {k: v for k, v in vars(model).items() if k.endswith("_")}
    codes, scores = model.transform(forest), model.score_samples(forest)
    errors, (of_nodes, index) = (
        model.reconstruction_error(forest),
        model.transform_nodes(forest),
    )
    assert_array_equal(model.transform(opened), codes)
    assert_array_equal(model.score_samples(opened), scores)
    assert_array_equal(model.reconstruction_error(opened), errors)
    assert_array_equal(model.transform_nodes(opened)[0], of_nodes)
    assert_array_equal(model.transform_nodes(opened)[1], index)
    assert model.reconstruct(opened) == model.reconstruct(forest)
    fitted(model, opened)
    for name, value in parameters.items():
        assert_array_equal(getattr(model, name), value, name)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("of_nodes", [False, True])
def test_a_classifier_of_opened_trees_is_that_of_trees_in_memory(
    opened, forest, early_stopping, of_nodes
):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, N_TREES)
    labels = {"node_labels": [rng.integers(0, 3, n) for n in forest.n_nodes]}
    labels = labels if of_nodes else {}
    models = [
        fitted(
            RecursiveClassifier(
                4, early_stopping=early_stopping, validation_fraction=0.4, dropout=0.2
            ),
            X,
            y,
            **labels,
        )
        for X in (forest, opened)
    ]
    assert_same_parameters(*models)
    in_memory, on_disk = models
    assert_array_equal(on_disk.predict_proba(opened), in_memory.predict_proba(forest))
    for left, right in zip(
        on_disk.predict_nodes(opened), in_memory.predict_nodes(forest), strict=True
    ):
        assert_array_equal(left, right)


def test_a_regressor_of_opened_trees_is_that_of_trees_in_memory(opened, forest):
    y = np.random.default_rng(0).normal(size=N_TREES)
    models = [
        fitted(RecursiveRegressor(4, reconstruction=0.5), X, y)
        for X in (forest, opened)
    ]
    assert_same_parameters(*models)


@pytest.mark.parametrize("learn_leaves", [False, True])
def test_a_model_of_another_dtype_converts_leaves_as_it_reads_them(
    opened, forest, learn_leaves
):
    wide = forest.astype(np.float64)
    model = fitted(UnfoldingRAETransformer(4, learn_leaves=learn_leaves), wide)
    codes = model.transform(opened)
    assert codes.dtype == np.float64
    assert_array_equal(codes, model.transform(wide))
    assert_array_equal(model.score_samples(opened), model.score_samples(wide))
    single = fitted(UnfoldingRAETransformer(4, learn_leaves=learn_leaves), opened)
    assert single.transform(wide).dtype == np.float64


@pytest.mark.parametrize("corruption", [None, "salt_and_pepper"])
def test_going_on_in_float32_with_float64_trees_converts_batch_by_batch(
    forest, corruption
):
    wide = forest.astype(np.float64)
    models = [
        UnfoldingRAETransformer(4, corruption=corruption, random_state=0)
        .partial_fit(forest)
        .partial_fit(X)
        for X in (forest, wide)
    ]
    assert models[1].encoder_left_.dtype == np.float32
    assert_same_parameters(*models)


def test_going_on_in_float32_refuses_what_it_does_not_hold(forest):
    model = UnfoldingRAETransformer(4).partial_fit(forest)
    trees = [([1e300, 1.0, 1.0], [0.0, 0.0, 0.0])]
    with pytest.raises(ValueError, match=r"^tree 0, at \[0\]: .* large for float32$"):
        model.partial_fit(trees)


# Memory


CHILD = """
import resource, sys, warnings
from pathlib import Path
import numpy as np
from sk_autoenc import Forest, RecursiveClassifier, UnfoldingRAETransformer
from sk_autoenc.networks.tree import levels

warnings.simplefilter("ignore")
levels.BLOCK_CODE_ENTRIES = 2**16  # blocks of this are small beside the trees
warm = Forest.from_rows(np.ones((300, 48), np.float32))
model = UnfoldingRAETransformer(4, max_iter=1, batch_size=1000, random_state=0)
wide = UnfoldingRAETransformer(4, max_iter=1).fit(warm.astype(np.float64))
model.fit(warm).score_samples(warm)
held = next(
    1024 * int(line.split()[1])
    for line in Path("/proc/self/status").read_text().splitlines()
    if line.startswith("VmData:")
)
limit = held + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
forest = Forest.open(sys.argv[1])
if sys.argv[3] == "copy":
    for copy in (
        lambda: forest.leaf_table.astype(np.float64),
        lambda: np.array(forest.leaf_table),
        lambda: forest[np.arange(len(forest))],
    ):
        try:
            copy()
        except MemoryError:
            print("refused")
else:
    model.set_params(corruption="salt_and_pepper", solver="sgd").fit(forest)
    model.transform(forest)
    model.score_samples(forest)
    wide.transform(forest)
    hash(forest), forest == forest, forest.n_leaves, repr(forest)
    labelled = RecursiveClassifier(4, max_iter=1, batch_size=1000, early_stopping=True)
    labelled.fit(forest, np.arange(len(forest)) % 2).predict(forest)
    print("done")
"""

LIMIT = 20 * 2**20
"""What opening, fitting and encoding may take."""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Trees that are several times as large as the limit."""
    rng = np.random.default_rng(0)
    leaves = list(np.eye(2, 48, dtype=np.float32))
    few = Forest.from_nested([random_tree(rng, leaves) for _ in range(1000)])
    shape = few.n_leaves.sum(), 48
    path = tmp_path_factory.mktemp("large") / "trees"
    Forest.save_parts(
        path, (few.with_leaves(rng.random(shape, np.float32) - 0.5) for _ in range(90))
    )
    return path


def printed_by_a_child(path, use):
    command = [sys.executable, "-c", CHILD, str(path), str(LIMIT), use]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


limited = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="asks Linux what a process holds"
)


@limited
def test_trees_larger_than_memory_are_opened_fitted_and_encoded(large):
    size = sum(file.stat().st_size for file in large.iterdir())
    assert size > 4 * LIMIT
    assert printed_by_a_child(large, "estimators") == ("done\n", "")


@limited
def test_the_limit_is_one_that_no_copy_keeps(large):
    assert printed_by_a_child(large, "copy") == (3 * "refused\n", "")
