"""Callbacks came with scikit-learn 1.9: before, the classes need only stay valid."""

import subprocess
import sys

import numpy as np
import pytest
from estimators import CASES, DIVERGING, every_case
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@pytest.fixture
def callback():
    """The module with scikit-learn's own callbacks."""
    return pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")


@pytest.fixture
def ProgressBar(callback):
    pytest.importorskip("rich", reason="ProgressBar needs rich")
    return callback.ProgressBar


def make(case, *callbacks, **changes):
    estimator = case.make(**{"max_iter": 4, "learning_rate": "constant"} | changes)
    return estimator.set_callbacks(*callbacks) if callbacks else estimator


def labels(case):
    return np.arange(len(case.X)) % 2


def epochs_in_logs(monitor):
    return [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]


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


@every_case
def test_callbacks_hear_of_the_fit_and_of_each_epoch_in_order(case, recorder):
    make(case, recorder, max_iter=2).fit(case.X)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.events == [
        "setup",
        "begin fit",
        *epoch,
        *epoch,
        "end fit",
        "teardown",
    ]


@every_case
def test_callbacks_change_nothing_in_the_model(case, recorder):
    watched, alone = make(case, recorder).fit(case.X), make(case).fit(case.X)
    case.assert_same_model(watched, alone)


@every_case
def test_callbacks_get_the_data_of_the_fit(case, recorder):
    y = labels(case)
    make(case, recorder).fit(case.X, y)
    for seen_X, seen_y in recorder.data:
        assert seen_X is case.X
        assert seen_y is y


@every_case
def test_a_fitted_estimator_is_the_model_after_that_epoch(case, recorder):
    make(case, recorder).fit(case.X)
    for n_epochs, model in enumerate(recorder.models, start=1):
        expected = make(case, max_iter=n_epochs).fit(case.X)
        case.assert_same_model(model, expected)
        assert_array_equal(model.transform(case.X), expected.transform(case.X))
        assert model.n_iter_ == n_epochs


@every_case
def test_arrays_of_a_fitted_estimator_do_not_change_later(case, callback):
    seen = []

    class Watcher(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            names = case.learned(fitted_estimator)
            arrays = [getattr(fitted_estimator, name) for name in names]
            seen.append((arrays, [array.copy() for array in arrays]))

    make(case, Watcher()).fit(case.X).partial_fit(case.X)
    assert len(seen) == 5
    for arrays, copies in seen:
        for array, before in zip(arrays, copies, strict=True):
            assert_array_equal(array, before)


@every_case
def test_changing_a_fitted_estimator_does_not_disturb_the_training(case, callback):
    class Vandal(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                for name in case.learned(fitted_estimator):
                    getattr(fitted_estimator, name)[...] = np.nan
                fitted_estimator.loss_curve_.clear()

    watched, alone = make(case, Vandal()).fit(case.X), make(case).fit(case.X)
    case.assert_same_model(watched, alone)


@every_case
def test_the_estimator_itself_is_not_fitted_while_it_trains(case, callback):
    """What hooks get is complete; the estimator shows nothing half-done."""
    fitted = []

    class Peeper(Recorder):
        def on_fit_task_end(self, estimator, context):
            fitted.append(estimator.__sklearn_is_fitted__())

    make(case, Peeper(), max_iter=2).fit(case.X)
    assert fitted == [False, False, True]


@every_case
def test_a_callback_can_stop_the_training(case, callback):
    recorder = Recorder(stop_after=2)
    model = make(case, recorder, max_iter=50).fit(case.X)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert recorder.events[-2:] == ["end fit", "teardown"]


@every_case
@pytest.mark.filterwarnings("error")
def test_a_training_stopped_by_a_callback_does_not_warn(case, callback):
    make(case, Recorder(stop_after=1)).fit(case.X)


@every_case
def test_early_stopping_tells_callbacks_the_validation_curve(case, recorder):
    make(case, recorder, early_stopping=True).fit(case.X)
    lengths = [len(model.validation_loss_curve_) for model in recorder.models]
    assert lengths == [1, 2, 3, 4]


@every_case
def test_a_failing_callback_is_torn_down_and_leaves_nothing(case, callback):
    recorder = Recorder(fail_after=2)
    model = make(case, recorder)
    with pytest.raises(RuntimeError, match="from a callback"):
        model.fit(case.X)
    assert recorder.events[-1] == "teardown"
    with pytest.raises(NotFittedError):
        model.transform(case.X)
    assert not [name for name in vars(model) if "context" in name or "ctx" in name]


@every_case
@pytest.mark.parametrize("bad", ["parameter", "data", "rate"])
def test_a_failing_fit_tears_down_what_was_set_up(bad, case, recorder):
    model, X = make(case, recorder), case.X
    if bad == "parameter":
        model.set_params(max_iter=0)
    if bad == "data":
        X = case.map_vectors(lambda x: x * np.nan, X)
    if bad == "rate":
        model.set_params(**case.linear, **DIVERGING)
    with pytest.raises(ValueError):  # noqa: PT011 - the message is tested elsewhere
        model.fit(X)
    assert recorder.events.count("setup") == recorder.events.count("teardown")


@every_case
def test_callbacks_stay_for_the_next_fit(case, recorder):
    model = make(case, recorder).fit(case.X).fit(case.X)
    assert recorder.events.count("end fit") == 2
    assert model.n_iter_ == 4


@every_case
def test_warm_start_tells_of_the_further_epochs_alone(case, recorder):
    make(case, recorder, warm_start=True, max_iter=2).fit(case.X).fit(case.X)
    assert [model.n_iter_ for model in recorder.models] == [1, 2, 3, 4]


# scikit-learn's own


@every_case
def test_a_scoring_monitor_logs_each_epoch(case, callback):
    monitor = callback.ScoringMonitor(scoring=score)
    model = make(case, monitor).fit(case.X, labels(case))
    logged = [row["score"] for row in epochs_in_logs(monitor)]
    expected = [make(case, max_iter=n).fit(case.X).score(case.X) for n in range(1, 5)]
    assert logged == pytest.approx(expected, rel=1e-12)
    assert model.score(case.X) == pytest.approx(expected[-1], rel=1e-12)


@every_case
def test_a_scoring_monitor_works_inside_a_pipeline(case, callback):
    monitor = callback.ScoringMonitor(scoring=score)
    pipeline = make_pipeline(make(case, monitor), LogisticRegression())
    pipeline.fit(case.X, labels(case))
    assert len(epochs_in_logs(monitor)) == 4


@every_case
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_scoring_monitor_works_inside_a_grid_search(n_jobs, case, callback):
    monitor = callback.ScoringMonitor(scoring=score)
    grid = {"alpha": [0.1, 0.3]}
    search = GridSearchCV(make(case, monitor), grid, cv=2, n_jobs=n_jobs)
    search.fit(case.X, labels(case))
    assert len(epochs_in_logs(monitor)) == (2 * 2 + 1) * 4


@every_case
def test_a_progress_bar_works(case, ProgressBar, capsys):
    make(case, ProgressBar()).fit(case.X)
    assert f"{case.name} - fit" in capsys.readouterr().out


@every_case
def test_a_progress_bar_works_when_training_stops_early(case, ProgressBar, capsys):
    settings = {"tol": 100.0, "n_iter_no_change": 1, "max_iter": 50}
    make(case, ProgressBar(), **settings).fit(case.X)
    assert f"{case.name} - fit" in capsys.readouterr().out


@every_case
def test_a_progress_bar_works_around_a_pipeline(case, ProgressBar, capsys):
    # Of scikit-learn's scalers, only this one supports callbacks in 1.9.
    pipeline = make_pipeline(make(case), StandardScaler(), LogisticRegression())
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None))
    pipeline.fit(case.X, labels(case))
    printed = capsys.readouterr().out
    assert "Pipeline" in printed
    assert case.name in printed


@every_case
def test_a_progress_bar_works_around_a_grid_search(case, ProgressBar, capsys):
    search = GridSearchCV(make(case), {"alpha": [0.1, 0.3]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None))
    search.fit(case.X, labels(case))
    assert "GridSearchCV" in capsys.readouterr().out


# Before scikit-learn 1.9

WITHOUT_CALLBACKS = """
import sys
sys.modules["sklearn.callback"] = None  # as if it did not exist
import numpy as np
import sk_autoenc
X = np.random.default_rng(0).random((20, 5))
for name in sys.argv[1:]:
    estimator = getattr(sk_autoenc, name)(2, max_iter=9, tol=99, n_iter_no_change=1)
    model = estimator.fit(X)
    print(model.partial_fit(X).transform(X).shape, hasattr(model, "set_callbacks"))
"""


def test_the_classes_work_without_scikit_learns_callbacks():
    names = [case.name for case in CASES]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_CALLBACKS, *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["(20, 2) False"] * len(names), done.stderr
