"""RecursiveClassifier and RecursiveRegressor: hostile labels, changes and readers."""

import re
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sk_autoenc import (
    Forest,
    RAETransformer,
    RecursiveClassifier,
    RecursiveRegressor,
    UnfoldingRAETransformer,
)
from sk_autoenc.networks.tree.labels import LabelledNetwork

A, B, C = np.eye(3)
TREES = [(A, B), (B, (C, A)), (C, B), ((A, A), B)] * 4
CLASSES = np.array(["up", "down"] * 8)
NUMBERS = np.arange(16.0)
QUICK = {"n_components": 3, "max_iter": 2, "early_stopping": False, "random_state": 0}
LABELS = {RecursiveClassifier: CLASSES, RecursiveRegressor: NUMBERS}
both = pytest.mark.parametrize("Estimator", list(LABELS))


def quick(Estimator, **changes):
    return Estimator(**QUICK | changes)


# Readers while another thread fits, and errors in mid-fit


@both
@pytest.mark.parametrize("method", ["predict", "predict_nodes"])
def test_a_prediction_is_of_one_model_though_another_is_fitted_meanwhile(
    Estimator, method, monkeypatch
):
    """The fit of another thread, at the worst moment: after the outputs."""
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    before = np.hstack(getattr(model, method)(TREES))
    outputs = LabelledNetwork.outputs

    def interrupted(self, parameters, forest, nodes=None):
        result = outputs(self, parameters, forest, nodes)
        monkeypatch.setattr(LabelledNetwork, "outputs", outputs)
        other = LABELS[Estimator][:1].repeat(16)
        thread = threading.Thread(target=model.fit, args=(TREES, other))
        thread.start()
        thread.join()
        return result

    monkeypatch.setattr(LabelledNetwork, "outputs", interrupted)
    assert_array_equal(np.hstack(getattr(model, method)(TREES)), before)


@both
@pytest.mark.parametrize("error", [MemoryError, ZeroDivisionError])
def test_an_error_in_mid_fit_leaves_the_old_model(Estimator, error, monkeypatch):
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    before = vars(model).copy()
    losses, calls = LabelledNetwork._losses, []

    def failing(self, *arguments):
        calls.append(None)
        if len(calls) == 2:
            raise error
        return losses(self, *arguments)

    monkeypatch.setattr(LabelledNetwork, "_losses", failing)
    with pytest.raises(error):
        model.fit(TREES, LABELS[Estimator])
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())


# Going on from a model, and starts


@both
@pytest.mark.parametrize(
    "change",
    [
        {"composition": "lstm"},
        {"composition": "blend"},
        {"pooling": "mean"},
        {"pooling": ("root", "mean")},
        {"reconstruction": 0.5},
    ],
)
def test_warm_start_names_what_it_cannot_go_on_with(Estimator, change):
    model = quick(Estimator, warm_start=True).fit(TREES, LABELS[Estimator])
    before = vars(model).copy()
    (name,) = change
    with pytest.raises(ValueError, match=f"{name}=.* to go on from was fitted with"):
        model.set_params(**change).fit(TREES, LABELS[Estimator])
    assert all(vars(model)[k] is v for k, v in before.items() if k != name)


@both
def test_warm_start_may_leave_the_reconstruction_off(Estimator):
    model = quick(Estimator, warm_start=True, reconstruction=0.5)
    model.fit(TREES, LABELS[Estimator]).set_params(reconstruction=0.0)
    assert model.fit(TREES, LABELS[Estimator]).n_iter_ == 4


@pytest.mark.parametrize("Transformer", [UnfoldingRAETransformer, RAETransformer])
def test_partial_fit_names_a_changed_composition(Transformer):
    model = Transformer(random_state=0).partial_fit(TREES)
    with pytest.raises(ValueError, match="composition='gated', but the model to go on"):
        model.set_params(composition="gated").partial_fit(TREES)


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1), (2, 3)])
def test_warm_start_knows_how_many_numbers_there_are(first, then):
    model = quick(RecursiveRegressor, warm_start=True)
    model.fit(TREES, np.column_stack([NUMBERS] * first))
    with pytest.raises(ValueError, match=f"with {first} outputs, but y has {then}"):
        model.fit(TREES, np.column_stack([NUMBERS] * then))


@both
@pytest.mark.parametrize("n_features", [4, 5])
@pytest.mark.parametrize("learn_leaves", [False, True])
def test_a_start_of_other_leaf_vectors_is_refused(Estimator, n_features, learn_leaves):
    other = [(np.eye(n_features)[0], np.eye(n_features)[1])] * 4
    start = UnfoldingRAETransformer(
        3, composition="gated", learn_leaves=learn_leaves, max_iter=1, random_state=0
    ).fit(other)
    message = f"of leaf vectors of length {n_features}; here they are 3 and 3"
    with pytest.raises(ValueError, match=message):
        quick(Estimator, init=start).fit(TREES, LABELS[Estimator])


@both
def test_a_start_of_normalised_codes_is_refused(Estimator):
    start = RAETransformer(
        3, composition="gated", normalize=True, max_iter=1, random_state=0
    ).fit(TREES)
    with pytest.raises(ValueError, match="init was fitted with normalize=True"):
        quick(Estimator, init=start).fit(TREES, LABELS[Estimator])


@both
@pytest.mark.parametrize(
    ("start", "remedy"),
    [
        (3, ""),
        (UnfoldingRAETransformer, ""),
        (make_pipeline(UnfoldingRAETransformer()), r" .* init=pipeline\[-1\], and"),
    ],
)
def test_a_start_that_is_no_transformer_of_trees_is_told_what_one_is(
    Estimator, start, remedy
):
    message = r"'init' parameter .* a fitted UnfoldingRAETransformer or"
    with pytest.raises(ValueError, match=f"(?s){message}.* instead.{remedy}"):
        quick(Estimator, init=start).fit(TREES, LABELS[Estimator])


# Labels of nodes

NA_LIKE = type("NAType", (), {"__ne__": lambda self, other: self})
"""pandas.NA is neither equal to itself nor not."""


def with_label(label, like):
    """Labels of the nodes of tree 1, whose second node has an odd one."""
    return [None, [like, label, None, None, None], *[None] * 14]


@pytest.mark.parametrize(
    "label", [["up"], ("up", "down"), {"up": 1}, np.array(["up", "down"])]
)
def test_a_list_as_label_of_a_node_is_refused_by_place(label):
    with pytest.raises(ValueError, match=r"node_labels\[1\]\[1\] must be a single"):
        quick(RecursiveClassifier).fit(TREES, CLASSES, with_label(label, "up"))


@pytest.mark.parametrize("label", [np.inf, -np.inf, "up", 1j, 10**400, object()])
def test_a_label_of_a_node_that_is_no_number_is_refused_by_place(label):
    with pytest.raises(ValueError, match=r"node_labels\[1\]\[0\] must be a finite"):
        quick(RecursiveRegressor).fit(TREES, NUMBERS, with_label(label, label))


@both
def test_missing_labels_of_pandas_are_missing(Estimator):
    y = LABELS[Estimator]
    one, other = (
        quick(Estimator).fit(TREES, y, with_label(label, y[1]))
        for label in (None, NA_LIKE())
    )
    assert_array_equal(one.output_weights_, other.output_weights_)


def test_labels_of_nodes_in_columns_of_pandas():
    pandas = pytest.importorskip("pandas")
    columns = [
        None if labels is None else pandas.Series(labels, dtype="string")
        for labels in with_label("down", "up")
    ]
    model = quick(RecursiveClassifier).fit(TREES, CLASSES, columns)
    plain = quick(RecursiveClassifier).fit(TREES, CLASSES, with_label("down", "up"))
    assert_array_equal(model.output_weights_, plain.output_weights_)


@both
@pytest.mark.parametrize("labels", [{1, 2, 3}, {0: 1, 1: 2, 2: 3}])
def test_labels_of_nodes_without_an_order_are_refused(Estimator, labels):
    y = LABELS[Estimator]
    with pytest.raises(ValueError, match=r"node_labels\[0\] must be a list of labels"):
        quick(Estimator).fit(TREES, y, [labels, *[None] * 15])


@pytest.mark.parametrize("y", [CLASSES, np.arange(16) % 2, np.arange(16) % 2 == 0])
def test_no_labels_of_nodes_leave_the_type_of_the_classes(y):
    model = quick(RecursiveClassifier).fit(TREES, y, node_labels=[None] * 16)
    assert model.classes_.dtype == y.dtype
    assert 0 <= model.score(TREES, y) <= 1


def test_whole_floats_of_nodes_are_integers_with_holes():
    y = np.arange(16) % 2
    labels = [None, [1.0, 0.0, np.nan, 2.0, np.nan], *[None] * 14]
    model = quick(RecursiveClassifier).fit(TREES, y, node_labels=labels)
    assert model.node_classes_.dtype == y.dtype
    assert_array_equal(model.node_classes_, [0, 1, 2])
    labels[1][1] = 0.5
    with pytest.raises(ValueError, match="continuous"):
        quick(RecursiveClassifier).fit(TREES, y, node_labels=labels)


# Labels of trees


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("make", [list, lambda y: np.array(y, object)])
def test_a_tree_without_a_class_is_refused_by_place(missing, make):
    y = make([*CLASSES[:-1].tolist(), missing])
    with pytest.raises(ValueError, match=r"contains NaN or None: y\[15\] is"):
        quick(RecursiveClassifier).fit(TREES, y)


def test_a_tree_without_a_class_among_floats_is_refused_by_place():
    y = np.array([0.0, 1.0] * 7 + [0.0, np.nan])
    with pytest.raises(ValueError, match=r"contains NaN or None: y\[15\] is"):
        quick(RecursiveClassifier).fit(TREES, y)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, None, "ten"])
@pytest.mark.parametrize("make", [list, lambda y: np.array(y, object)])
def test_a_tree_without_a_finite_number_is_refused_by_place(number, make):
    y = make([0.0, 1.0, number, *NUMBERS[3:].tolist()])
    message = f"^{re.escape('y[2]')} must be a finite number, .* got {number!r}. Fit"
    with pytest.raises(ValueError, match=message):
        quick(RecursiveRegressor).fit(TREES, y)


def test_a_tree_one_of_whose_numbers_is_not_finite_is_refused_by_place():
    y = np.column_stack([NUMBERS, NUMBERS])
    y[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"y\[3\] must be .* got array\(\[3.0, inf\]"):
        quick(RecursiveRegressor).fit(TREES, y)


@pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e300])
def test_numbers_of_any_size_are_learned_alike(unit):
    plain = quick(RecursiveRegressor).fit(TREES, NUMBERS)
    scaled = quick(RecursiveRegressor).fit(TREES, NUMBERS * unit)
    assert_allclose(scaled.predict(TREES) / unit, plain.predict(TREES), rtol=1e-6)


# Weights of classes


def test_a_class_that_only_nodes_have_has_its_weight():
    labels = with_label("third", "up")
    one, other = (
        quick(RecursiveClassifier, class_weight={"third": weight})
        .fit(TREES, CLASSES, labels)
        .output_intercept_
        for weight in (0, 50)
    )
    assert one[2] < other[2]  # down, up, third


@pytest.mark.parametrize("weights", [{"up": 1, "down": 1, "third": 3}, {"third": 3}])
def test_a_class_that_no_tree_has_may_have_a_weight(weights):
    model = quick(RecursiveClassifier, class_weight=weights).fit(TREES, CLASSES)
    plain = quick(RecursiveClassifier).fit(TREES, CLASSES)
    assert_array_equal(model.output_weights_, plain.output_weights_)


@pytest.mark.parametrize("bad", [-1, np.nan, np.inf, None, "1"])
def test_a_weight_that_is_none_is_refused(bad):
    model = quick(RecursiveClassifier, class_weight={"up": bad, "down": 1})
    with pytest.raises(ValueError, match=r"class_weight\['up'\] must be a finite"):
        model.fit(TREES, CLASSES)


@pytest.mark.parametrize(("unit", "offset"), [(1, 1e9), (1e-50, 0), (1e50, 0)])
def test_numbers_that_float32_cannot_tell_apart_are_predicted(unit, offset):
    forest, y = Forest.from_nested(TREES, np.float32), NUMBERS * unit + offset
    predicted = quick(RecursiveRegressor).fit(forest, y).predict(forest)
    plain = quick(RecursiveRegressor).fit(forest, NUMBERS).predict(forest)
    assert_allclose((predicted - offset) / unit, plain, rtol=1e-4)


@both
@pytest.mark.parametrize("wrap", [FrozenEstimator, lambda start: start])
def test_codes_are_as_long_as_those_of_the_start(Estimator, wrap):
    start = UnfoldingRAETransformer(5, composition="gated", max_iter=1, random_state=0)
    start.fit(TREES)
    model = quick(Estimator, n_components=None, init=wrap(start))
    assert model.fit(TREES, LABELS[Estimator]).transform(TREES).shape == (16, 5)
