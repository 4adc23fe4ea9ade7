"""DenoisingImputer: whatever ends a fit, it stays as it was, or is wholly trained."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from table_models import correlated, holes, make, mixed_frame, outputs
from test_interrupts import Injection

from sk_autoenc import filling

X = holes()
OTHER = holes(n_features=5)


def state_of(imputer):
    """All that it holds beside its parameters, frozen."""
    parameters = imputer.get_params()
    return pickle.dumps(
        {name: value for name, value in vars(imputer).items() if name not in parameters}
    )


def with_infinity():
    return np.where(np.arange(5) == 2, np.inf, OTHER)


FAILURES = {
    "bad parameter": ({"n_bins": -1}, OTHER, "n_bins"),
    "bad sizes": ({"hidden_layer_sizes": (0,)}, OTHER, "hidden_layer_sizes"),
    "bad bounds": ({"min_value": [1, 2]}, OTHER, "min_value"),
    "bad columns": ({"categorical_features": ["z"]}, OTHER, "categorical_features"),
    "infinity": ({}, with_infinity(), "infinity"),
    "nothing observed": ({}, np.full((9, 5), np.nan), "Every entry of X is missing"),
    "no rows": ({}, OTHER[:0], "0 sample"),
    "one dimension": ({}, OTHER[0], "1D array"),
    "another mark": ({"missing_values": -1}, OTHER, "missing_values"),
    "divergence": ({"learning_rate_init": 1e300}, OTHER, "Training diverged"),
}


@pytest.mark.parametrize(("changes", "data", "words"), FAILURES.values(), ids=FAILURES)
def test_a_fit_that_fails_leaves_the_imputer_as_it_was(changes, data, words):
    imputer = make(add_indicator=True).fit(X)
    before, expected = state_of(imputer), imputer.transform(X)
    imputer.set_params(**changes)
    with pytest.raises(ValueError, match=words):
        imputer.fit(data)
    assert state_of(imputer) == before
    assert_array_equal(imputer.transform(X), expected)


@pytest.mark.parametrize(("changes", "data", "words"), FAILURES.values(), ids=FAILURES)
def test_a_first_fit_that_fails_leaves_nothing(changes, data, words):
    imputer = make(**changes)
    with pytest.raises(ValueError, match=words):
        imputer.fit(data)
    assert set(vars(imputer)) == set(imputer.get_params())


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_an_error_in_the_training_of_a_later_network_leaves_the_imputer(
    error, monkeypatch
):
    imputer = make().fit(X)
    before, calls = state_of(imputer), []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise error
        return minimise(*arguments)

    minimise = filling.minimise
    monkeypatch.setattr(filling, "minimise", failing)
    with pytest.raises(error):
        imputer.fit(OTHER)
    assert state_of(imputer) == before


def test_a_fit_forgets_all_of_the_fit_before():
    imputer = make(add_indicator=True).fit(mixed_frame())
    imputer.set_params(add_indicator=False)
    assert state_of(imputer.fit(X)) == state_of(make().fit(X))
    assert not hasattr(imputer, "feature_names_in_")


def test_a_call_that_fails_changes_nothing():
    imputer = make().fit(X)
    before = state_of(imputer)
    for method in (imputer.transform, imputer.score, imputer.sample_imputations):
        for data in (OTHER, X[:0], X[0], np.where(X > 0, np.inf, X)):
            with pytest.raises(ValueError, match=r"infinity|array|features"):
                method(data)
    assert state_of(imputer) == before


@pytest.mark.parametrize("method", ["transform", "score", "sample_imputations"])
def test_reading_changes_nothing(method):
    imputer = make().fit(X)
    before = state_of(imputer)
    getattr(imputer, method)(X)
    assert state_of(imputer) == before


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_at_any_line_leaves_a_whole_imputer(error, early_stopping):
    settings = {"max_steps": 4, "early_stopping": early_stopping}
    data = holes(12)

    def train(imputer):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "interrupted by user"
            imputer.fit(data)

    with Injection(error) as seen:
        train(make(**settings))
    places = sorted(seen.lines)
    rng = np.random.default_rng(0)
    outcomes = set()
    for i in rng.choice(len(places), 12, replace=False):
        imputer = make().fit(X)
        before = state_of(imputer)
        imputer.set_params(**settings)
        count = int(rng.integers(1, seen.lines[places[i]] + 1))
        raised = False
        with Injection(error, (places[i], count)):
            try:
                train(imputer)
            except error:
                raised = True
        unchanged = state_of(imputer) == before
        assert unchanged or imputer.n_features_in_ == 4
        if not unchanged:
            assert len(imputer.loss_curves_) == 2
        assert np.isfinite(imputer.transform(X)).all()
        outcomes.add((raised, unchanged))
    assert (True, True) in outcomes


def test_an_interrupt_after_an_epoch_keeps_what_was_learned_with_a_warning(
    monkeypatch,
):
    losses = []

    def objective_that_is_interrupted(self, *arguments):
        losses.append(0)
        if len(losses) == 12:
            raise KeyboardInterrupt
        return call(self, *arguments)

    call = filling.Objective.__call__
    monkeypatch.setattr(filling.Objective, "__call__", objective_that_is_interrupted)
    imputer = make(max_steps=40)
    with pytest.warns(UserWarning, match="interrupted by user"):
        imputer.fit(X)
    first, second = imputer.loss_curves_
    assert len(first) < len(second) == imputer.n_iter_
    assert np.isfinite(imputer.transform(X)).all()


@pytest.mark.parametrize(
    "data", [correlated(), X, mixed_frame()], ids=["no holes", "holes", "frame"]
)
def test_the_table_that_was_passed_stays_as_it_was(data):
    before = data.copy()
    imputer = make(add_indicator=True, n_imputations=2).fit(data)
    outputs(imputer, data)
    assert type(data) is type(before)
    same = (
        pd.testing.assert_frame_equal if hasattr(data, "iloc") else assert_array_equal
    )
    same(data, before)


def test_a_failed_first_fit_is_no_fit():
    imputer = make(n_bins=-1)
    with pytest.raises(ValueError, match="n_bins"):
        imputer.fit(X)
    with pytest.raises(NotFittedError):
        imputer.transform(X)
