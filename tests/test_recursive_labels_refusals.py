"""RecursiveClassifier and RecursiveRegressor: hostile labels, changes and readers."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc import (
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
