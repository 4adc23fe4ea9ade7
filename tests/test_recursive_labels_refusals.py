"""RecursiveClassifier and RecursiveRegressor: hostile labels, changes and readers."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc import RecursiveClassifier, RecursiveRegressor
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
