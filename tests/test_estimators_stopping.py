"""When a fit ends and what it says about it, whichever the estimator."""

import warnings

import numpy as np
import pytest
from estimators import STILL, Recording, every_case, every_corruption
from sklearn.exceptions import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# The training loss


@every_case
def test_a_convergence_warning_says_that_max_iter_was_reached(case):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        case.make(learning_rate="constant").fit(case.X)


@every_case
def test_a_convergence_warning_shows_the_line_that_called_fit(case):
    with pytest.warns(ConvergenceWarning) as caught:
        case.make(learning_rate="constant").fit(case.X)
    assert caught[0].filename == __file__


@every_case
def test_a_converged_fit_does_not_warn(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings = {"learning_rate": "constant", "tol": 100.0, "n_iter_no_change": 4}
        model = case.make(max_iter=50, **settings).fit(case.X)
    assert model.n_iter_ == 8


@every_case
def test_the_end_of_a_cosine_is_no_reason_to_warn(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = case.make(learning_rate="cosine", max_iter=3).fit(case.X)
    assert model.n_iter_ == 3


@every_case
def test_defaults_run_as_many_epochs_as_the_samples_call_for(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = case.make(max_iter="auto").fit(case.X)
    assert model.n_iter_ == 200


@every_case
def test_an_adaptive_rate_falls_when_the_loss_stays(case):
    settings = {"solver": "sgd", "learning_rate": "adaptive", "tol": 100.0}
    model = case.make(
        learning_rate_init=1e-3, n_iter_no_change=1, max_iter=100, **settings
    )
    model.fit(case.X)
    steps = np.ceil(np.log(1e3) / np.log(5)) + 1
    assert model.n_iter_ == 2 * steps


# Early stopping


@every_case
def test_early_stopping_stops(case):
    settings = {"early_stopping": True, "tol": 100.0, "n_iter_no_change": 3}
    model = case.make(max_iter=99, learning_rate="constant", **settings)
    assert model.fit(case.X).n_iter_ == 6


@every_case
def test_early_stopping_keeps_the_curve_and_the_best_loss(case):
    model = case.make(early_stopping=True, max_iter=10).fit(case.X)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 10
    assert model.best_loss_ == min(model.validation_loss_curve_)


@every_case
def test_early_stopping_counts_the_samples_trained_on(case):
    model = case.make(early_stopping=True, max_iter=10).fit(case.X)
    assert model.t_ == 10 * 0.9 * len(case.X)


@every_case
def test_early_stopping_restores_the_best_parameters(case):
    settings = {"early_stopping": True, "learning_rate_init": 0.3, "batch_size": 3}
    settings["learning_rate"] = "constant"
    long = case.make(max_iter=20, **settings).fit(case.X)
    best_epoch = int(np.argmin(long.validation_loss_curve_)) + 1
    assert best_epoch < 20  # or there is nothing to restore
    stopped_there = case.make(max_iter=best_epoch, **settings).fit(case.X)
    np.testing.assert_array_equal(case.weights(long), case.weights(stopped_there))


@every_case
@every_corruption
def test_early_stopping_measures_under_one_fixed_corruption(corruption, case):
    """The same parameters have the same loss in every epoch."""
    settings = {"corruption": corruption, "corruption_level": 0.5, **STILL}
    model = case.make(early_stopping=True, **settings).fit(case.X)
    assert len(model.validation_loss_curve_) == 3
    assert len(set(model.validation_loss_curve_)) == 1


@every_case
def test_held_out_samples_are_corrupted_too(case):
    first_losses = [
        case.make(early_stopping=True, corruption="masking", corruption_level=level)
        .set_params(**STILL)
        .fit(case.X)
        .validation_loss_curve_[0]
        for level in (0.0, 0.9)
    ]
    assert first_losses[0] != first_losses[1]


def fit_numbered_samples(case):
    """A model, and the numbers of samples it trained on and of those held out."""
    record = Recording()
    settings = {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 1}
    model = case.make(corruption=record, batch_size=16, alpha=0.1, **settings)
    model.fit(numbered_samples(case, range(20)))
    trained, held_out = (
        {round(20 * number) for number in vectors[:, 0]} for vectors in record.vectors
    )
    return model, trained, held_out


def numbered_samples(case, numbers):
    """Every entry is the sample's number / 20, so that batches tell which they hold."""
    return case.single_samples([number / 20 for number in numbers])


@every_case
def test_held_out_samples_are_not_trained_on(case):
    _, trained, held_out = fit_numbered_samples(case)
    assert len(held_out) == 4
    assert len(trained) == 16
    assert trained | held_out == set(range(20))


@every_case
def test_the_validation_loss_is_that_of_the_held_out_samples(case):
    model, _, held_out = fit_numbered_samples(case)
    losses = case.losses_by_equations(model, numbered_samples(case, held_out))
    assert model.validation_loss_curve_ == [pytest.approx(np.mean(losses), rel=1e-12)]


@every_case
def test_early_stopping_needs_samples_to_train_on(case):
    with pytest.raises(ValueError, match="leaves none to train on"):
        case.make(early_stopping=True).fit(case.X[:1])


# Talk


@every_case
def test_verbose_prints_an_epochs_number_loss_and_time(case, capsys):
    model = case.make(verbose=1).fit(case.X)
    lines = capsys.readouterr().out.splitlines()
    for number, (line, loss) in enumerate(
        zip(lines, model.loss_curve_, strict=True), start=1
    ):
        assert line.startswith(f"Epoch {number}: loss {loss:.6g} (")
        assert line.endswith(" s)")


@every_case
def test_verbose_prints_the_loss_of_held_out_samples(case, capsys):
    model = case.make(verbose=1, early_stopping=True).fit(case.X)
    lines = capsys.readouterr().out.splitlines()
    for line, loss in zip(lines, model.validation_loss_curve_, strict=True):
        assert f", validation loss {loss:.6g} (" in line


@every_case
def test_training_is_silent_by_default(case, capsys):
    for solver in case.solvers:
        case.make(solver=solver, corruption=None).fit(case.X)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
