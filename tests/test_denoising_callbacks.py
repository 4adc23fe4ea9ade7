"""Callbacks came with scikit-learn 1.9: before, the class need only stay valid."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_autoenc import DenoisingAutoencoder

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@pytest.fixture
def callback():
    """The module with scikit-learn's own callbacks."""
    return pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")


@pytest.fixture
def ProgressBar(callback):
    pytest.importorskip("rich", reason="ProgressBar needs rich")
    return callback.ProgressBar


@pytest.fixture
def y(X):
    return X[:, 0] > np.median(X[:, 0])


def make(*callbacks, **changes):
    settings = {"n_components": 4, "max_iter": 4, "tol": 0, "random_state": 0}
    estimator = DenoisingAutoencoder(**settings | changes)
    return estimator.set_callbacks(*callbacks) if callbacks else estimator


class Recorder:
    """Notes every call; may ask to stop after an epoch, or fail in it."""

    def __init__(self, stop_after=None, fail_after=None):
        self.stop_after, self.fail_after = stop_after, fail_after
        self.events, self.models, self.data = [], [], []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, fitted_estimator=None
    ):
        self.events.append(f"end {context.task_name}")
        self.data.append((X, y))
        if context.task_name != "epoch":
            return False
        self.models.append(fitted_estimator)
        if len(self.models) == self.fail_after:
            raise RuntimeError("from a callback")
        return len(self.models) == self.stop_after


def score(estimator, X, y=None):
    """A scorer without labels."""
    return {"score": estimator.score(X)}


@pytest.fixture
def recorder(callback):
    return Recorder()


# A callback of one's own


def test_callbacks_hear_of_the_fit_and_of_each_epoch_in_order(recorder, X):
    make(recorder, max_iter=2).fit(X)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.events == [
        "setup",
        "begin fit",
        *epoch,
        *epoch,
        "end fit",
        "teardown",
    ]


def test_callbacks_change_nothing_in_the_model(recorder, X):
    watched, alone = make(recorder).fit(X), make().fit(X)
    assert_array_equal(watched.components_, alone.components_)
    assert watched.loss_curve_ == alone.loss_curve_


def test_callbacks_get_the_data_of_the_fit(recorder, X, y):
    make(recorder).fit(X, y)
    for seen_X, seen_y in recorder.data:
        assert seen_X is X
        assert seen_y is y


def test_a_fitted_estimator_is_the_model_after_that_epoch(recorder, X):
    make(recorder).fit(X)
    for n_epochs, model in enumerate(recorder.models, start=1):
        expected = make(max_iter=n_epochs).fit(X)
        assert_array_equal(model.transform(X), expected.transform(X))
        assert model.n_iter_ == n_epochs
        assert model.loss_curve_ == expected.loss_curve_


def test_arrays_of_a_fitted_estimator_do_not_change_later(callback, X):
    seen = []

    class Watcher(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            arrays = (fitted_estimator.components_, fitted_estimator.intercept_hidden_)
            seen.append((arrays, [array.copy() for array in arrays]))

    make(Watcher(), tied_weights=False).fit(X).partial_fit(X)
    assert len(seen) == 5
    for arrays, copies in seen:
        for array, before in zip(arrays, copies, strict=True):
            assert_array_equal(array, before)


def test_changing_a_fitted_estimator_does_not_disturb_the_training(callback, X):
    class Vandal(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                fitted_estimator.components_[...] = np.nan
                fitted_estimator.loss_curve_.clear()

    assert_array_equal(make(Vandal()).fit(X).components_, make().fit(X).components_)


def test_the_estimator_itself_is_not_fitted_while_it_trains(callback, X):
    """What hooks get is complete; the estimator shows nothing half-done."""
    fitted = []

    class Peeper(Recorder):
        def on_fit_task_end(self, estimator, context):
            fitted.append(estimator.__sklearn_is_fitted__())

    make(Peeper(), max_iter=2).fit(X)
    assert fitted == [False, False, True]


def test_a_callback_can_stop_the_training(callback, X):
    recorder = Recorder(stop_after=2)
    model = make(recorder, max_iter=50).fit(X)  # and no ConvergenceWarning
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert recorder.events[-2:] == ["end fit", "teardown"]


@pytest.mark.filterwarnings("error")
def test_a_training_stopped_by_a_callback_does_not_warn(callback, X):
    make(Recorder(stop_after=1)).fit(X)


def test_early_stopping_tells_callbacks_the_validation_curve(recorder, X):
    make(recorder, early_stopping=True).fit(X)
    assert [len(model.validation_loss_curve_) for model in recorder.models] == [
        1,
        2,
        3,
        4,
    ]


def test_a_failing_callback_is_torn_down_and_leaves_nothing(callback, X):
    recorder = Recorder(fail_after=2)
    model = make(recorder)
    with pytest.raises(RuntimeError, match="from a callback"):
        model.fit(X)
    assert recorder.events[-1] == "teardown"
    with pytest.raises(NotFittedError):
        model.transform(X)
    assert not [name for name in vars(model) if "context" in name or "ctx" in name]


@pytest.mark.parametrize("bad", ["parameter", "data", "rate"])
def test_a_failing_fit_tears_down_what_was_set_up(bad, recorder, X):
    model = make(recorder)
    if bad == "parameter":
        model.set_params(max_iter=0)
    if bad == "data":
        X[0, 0] = np.nan
    if bad == "rate":
        model.set_params(learning_rate_init=1e300, activation="identity", solver="sgd")
    with pytest.raises(ValueError):  # noqa: PT011 - the message is tested elsewhere
        model.fit(X)
    assert recorder.events.count("setup") == recorder.events.count("teardown")


def test_callbacks_stay_for_the_next_fit_but_not_in_a_failed_state(recorder, X):
    model = make(recorder).fit(X).fit(X)
    assert recorder.events.count("end fit") == 2
    assert model.n_iter_ == 4


def test_warm_start_tells_of_the_further_epochs_alone(recorder, X):
    make(recorder, warm_start=True, max_iter=2).fit(X).fit(X)
    assert [model.n_iter_ for model in recorder.models] == [1, 2, 3, 4]


# scikit-learn's own


def test_a_scoring_monitor_logs_each_epoch(callback, X, y):
    monitor = callback.ScoringMonitor(scoring=score)
    model = make(monitor).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    expected = [make(max_iter=n).fit(X).score(X) for n in (1, 2, 3, 4)]
    assert [row["score"] for row in epochs] == pytest.approx(expected, rel=1e-12)
    assert model.score(X) == pytest.approx(expected[-1], rel=1e-12)


def test_a_scoring_monitor_works_inside_a_pipeline(callback, X, y):
    monitor = callback.ScoringMonitor(scoring=score)
    make_pipeline(MinMaxScaler(), make(monitor), LogisticRegression()).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == 4


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_scoring_monitor_works_inside_a_grid_search(n_jobs, callback, X, y):
    monitor = callback.ScoringMonitor(scoring=score)
    grid = {"corruption_level": [0.1, 0.3]}
    GridSearchCV(make(monitor), grid, cv=2, n_jobs=n_jobs).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 4


def test_a_progress_bar_works(ProgressBar, X, capsys):
    make(ProgressBar()).fit(X)
    assert "DenoisingAutoencoder - fit" in capsys.readouterr().out


def test_a_progress_bar_works_when_training_stops_early(ProgressBar, X, capsys):
    make(ProgressBar(), tol=100.0, n_iter_no_change=1, max_iter=50).fit(X)
    assert "DenoisingAutoencoder - fit" in capsys.readouterr().out


def test_a_progress_bar_works_around_a_pipeline(ProgressBar, X, y, capsys):
    # Of scikit-learn's scalers, only this one supports callbacks in 1.9.
    pipeline = make_pipeline(StandardScaler(), make(), LogisticRegression())
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None))
    pipeline.fit(X, y)
    printed = capsys.readouterr().out
    assert "Pipeline" in printed
    assert "DenoisingAutoencoder" in printed


def test_a_progress_bar_works_around_a_grid_search(ProgressBar, X, y, capsys):
    search = GridSearchCV(make(), {"corruption_level": [0.1, 0.3]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None))
    search.fit(X, y)
    assert "GridSearchCV" in capsys.readouterr().out


# Before scikit-learn 1.9

WITHOUT_CALLBACKS = """
import sys
sys.modules["sklearn.callback"] = None  # as if it did not exist
import numpy as np
from sk_autoenc import DenoisingAutoencoder
X = np.random.default_rng(0).random((20, 5))
model = DenoisingAutoencoder(2, max_iter=9, tol=99, n_iter_no_change=1).fit(X)
print(model.partial_fit(X).transform(X).shape, hasattr(model, "set_callbacks"))
"""


def test_the_class_works_without_scikit_learns_callbacks():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_CALLBACKS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "(20, 2) False", done.stderr
