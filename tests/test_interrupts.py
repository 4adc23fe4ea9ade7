"""An interrupt at any line leaves an estimator as it was, or wholly trained."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import sk_autoenc
from sk_autoenc import DenoisingAutoencoder, RAETransformer, UnfoldingRAETransformer

PACKAGE = str(Path(sk_autoenc.__file__).parent)
ROWS = np.random.default_rng(0).random((12, 3))
TREES = [((row, row[::-1]), row) for row in ROWS]
SETTINGS = {"max_iter": 2, "random_state": 0, "batch_size": 6}
CASES = {
    "rows": (DenoisingAutoencoder, ROWS, {}),
    "rows, early stopping": (DenoisingAutoencoder, ROWS, {"early_stopping": True}),
    "rows, lbfgs": (
        DenoisingAutoencoder,
        ROWS,
        {"solver": "lbfgs", "corruption": None},
    ),
    "trees": (UnfoldingRAETransformer, TREES, {"n_components": 2}),
    "trees, lbfgs": (RAETransformer, TREES, {"solver": "lbfgs"}),
}
every_case = pytest.mark.parametrize("case", CASES)


class Injection:
    """Raise an exception when one line of the package is about to run."""

    def __init__(self, error, target=None):
        self.error, self.target = error, target
        self.lines = {}  # place -> how often it has run

    def __enter__(self):
        self.previous = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self.previous)

    def trace(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            place = frame.f_code.co_filename, frame.f_lineno
            count = self.lines[place] = self.lines.get(place, 0) + 1
            if (place, count) == self.target:
                raise self.error
        return self.trace


def train(estimator, data, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(estimator, method)(data)


def fitted_attributes(estimator):
    names = [name for name in vars(estimator) if name.endswith("_")]
    return {name: getattr(estimator, name) for name in names}


def check_whole(estimator, before, data):
    """Either nothing has changed, or all has."""
    learned = fitted_attributes(estimator)
    if not learned or learned["loss_curve_"] is before.get("loss_curve_"):
        assert learned.keys() == before.keys()
        assert all(learned[name] is before[name] for name in learned)
        return False
    n_iter = len(learned["loss_curve_"])
    assert learned["n_iter_"] == n_iter
    assert learned["loss_"] == learned["loss_curve_"][-1]
    if learned["validation_loss_curve_"] is not None:
        assert len(learned["validation_loss_curve_"]) == n_iter
    assert np.isfinite(estimator.transform(data)).all()
    return True


def make(case, method):
    """An estimator before the call that is to be interrupted."""
    Estimator, data, settings = CASES[case]
    estimator = Estimator(**SETTINGS | settings)
    if method == "refit":
        train(estimator, data, "fit")
        estimator.set_params(max_iter=3, random_state=1)
    if method == "warm fit":
        estimator.set_params(warm_start=True)
        train(estimator, data, "fit")
    return estimator, data


def calls(case):
    names = ["fit", "refit", "warm fit"]
    return names if "lbfgs" in case else [*names, "partial_fit"]


@every_case
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_at_any_line_leaves_a_whole_estimator(case, error):
    seed = sorted(CASES).index(case)
    rng = np.random.default_rng(seed)
    outcomes = set()
    for method in calls(case):
        name = "partial_fit" if method == "partial_fit" else "fit"
        estimator, data = make(case, method)
        with Injection(error) as seen:
            train(estimator, data, name)
        expected = fitted_attributes(estimator)
        places = sorted(seen.lines)
        for i in rng.choice(len(places), 10, replace=False):
            estimator, data = make(case, method)
            before = fitted_attributes(estimator)
            parameters = estimator.get_params()
            count = int(rng.integers(1, seen.lines[places[i]] + 1))
            raised = False
            with Injection(error, (places[i], count)):
                try:
                    train(estimator, data, name)
                except error:
                    raised = True
            assert estimator.get_params() == parameters
            trained = check_whole(estimator, before, data)
            outcomes.add((raised, trained))
            if not trained:
                train(estimator, data, name)
                for attribute, value in fitted_attributes(estimator).items():
                    if isinstance(value, np.ndarray):
                        assert_array_equal(value, expected[attribute])
    assert (True, False) in outcomes


@every_case
@pytest.mark.parametrize("method", ["fit", "refit"])
def test_an_interrupt_before_each_line_in_turn_leaves_a_whole_estimator(case, method):
    """Every line of every file that a fit runs, the first time it runs."""
    estimator, data = make(case, method)
    with Injection(KeyboardInterrupt) as seen:
        train(estimator, data, "fit")
    assert len(seen.lines) > 300
    outcomes = set()
    for place in sorted(seen.lines):
        estimator, data = make(case, method)
        before, parameters = fitted_attributes(estimator), estimator.get_params()
        raised = False
        with Injection(KeyboardInterrupt, (place, 1)):
            try:
                train(estimator, data, "fit")
            except KeyboardInterrupt:
                raised = True
        assert estimator.get_params() == parameters
        outcomes.add((raised, check_whole(estimator, before, data)))
    assert (True, False) in outcomes
