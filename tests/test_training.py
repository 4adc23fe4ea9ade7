"""The loop over minibatches: batches, curves, stopping, trouble, what it prints."""

import copy

import numpy as np
import pytest
from loops import ROWS, Bowl, Descent, Listener, Point, Rate, Scripted, make_plan, run
from numpy.testing import assert_allclose, assert_array_equal

from sk_autoenc.training import DivergenceError, Progress, minimise

# Batches


def test_every_row_is_visited_once_an_epoch_in_batches_with_a_shorter_last_one():
    bowl = Bowl(np.zeros(10))
    run(bowl, max_iter=2, batch_size=4)
    assert [len(batch) for batch in bowl.batches] == [4, 4, 2, 4, 4, 2]
    for epoch in (bowl.batches[:3], bowl.batches[3:]):
        assert_array_equal(np.sort(np.concatenate(epoch)), ROWS)


def test_shuffling_gives_another_order_each_epoch():
    bowl = Bowl(np.zeros(10))
    run(bowl, max_iter=2)
    assert not np.array_equal(bowl.batches[0], bowl.batches[1])
    assert not np.array_equal(bowl.batches[0], ROWS)


def test_without_shuffling_rows_come_in_their_order():
    bowl = Bowl(np.zeros(10))
    run(bowl, max_iter=2, shuffle=False)
    assert_array_equal(bowl.batches, [ROWS, ROWS])


def test_only_the_given_rows_are_visited():
    bowl = Bowl(np.zeros(10))
    run(bowl, rows=np.array([3, 7, 8]), max_iter=1)
    assert_array_equal(np.sort(np.concatenate(bowl.batches)), [3, 7, 8])


def test_a_last_batch_of_one_row_counts_as_one_row():
    bowl = Bowl([0.0, 0, 0, 0, 10])
    settings = {"rows": np.arange(5), "batch_size": 4, "shuffle": False}
    result, _ = run(bowl, max_iter=1, solver=Descent(rate=0), **settings)
    assert [len(batch) for batch in bowl.batches] == [4, 1]
    assert result.loss_curve == [pytest.approx(50 / 5)]


def test_the_mean_loss_of_an_epoch_weighs_batches_by_their_rows():
    bowl = Bowl(np.arange(10.0))
    result, _ = run(bowl, max_iter=1, batch_size=4, solver=Descent(rate=0))
    assert_allclose(result.loss_curve, [(np.arange(10.0) ** 2).mean() / 2])


def test_an_epoch_of_fewer_rows_takes_as_many_chosen_anew():
    bowl = Bowl(np.zeros(10))
    settings = {"batch_size": 4, "rows_per_epoch": 6, "n_iter_no_change": 40}
    run(bowl, max_iter=40, **settings)
    assert [len(batch) for batch in bowl.batches] == [4, 2] * 40
    epochs = [
        np.concatenate(pair)
        for pair in zip(bowl.batches[::2], bowl.batches[1::2], strict=True)
    ]
    assert all(len(set(rows)) == 6 for rows in epochs)
    assert not np.array_equal(np.sort(epochs[0]), np.sort(epochs[1]))
    visits = np.bincount(np.concatenate(epochs), minlength=10)
    assert visits.min() > 10  # of 24 expected


@pytest.mark.parametrize("rows_per_epoch", [10, 11, 1000])
def test_an_epoch_of_all_rows_or_more_is_as_without_a_limit(rows_per_epoch):
    targets = np.arange(10.0)
    settings = {"batch_size": 4, "rows_per_epoch": rows_per_epoch}
    limited, theta = run(Bowl(targets), **settings)
    whole, same = run(Bowl(targets), batch_size=4)
    assert theta == same
    assert limited.loss_curve == whole.loss_curve
    assert limited.n_samples_seen == whole.n_samples_seen


def test_the_mean_loss_of_a_cut_epoch_is_over_its_rows():
    settings = {"shuffle": False, "rows_per_epoch": 4, "batch_size": 3}
    bowl = Bowl(np.arange(10.0))
    result, _ = run(bowl, max_iter=1, solver=Descent(rate=0), **settings)
    assert result.loss_curve == [pytest.approx((0 + 1 + 4 + 9) / 2 / 4)]


def test_samples_seen_are_those_of_cut_epochs():
    solver = Descent()
    result, _ = run(Bowl(np.zeros(10)), solver=solver, rows_per_epoch=4)
    assert [seen for seen, _ in solver.rate.begun] == [0, 4, 8]
    assert result.n_samples_seen == 12


# What a run reports


def test_parameters_move_in_place_and_curves_have_an_entry_an_epoch():
    result, theta = run(Bowl(np.full(10, 2.0)), max_iter=4)
    assert len(result.loss_curve) == 4
    assert all(np.diff(result.loss_curve) < 0)
    assert 0 < theta < 2
    assert result.validation_loss_curve == []


def test_samples_seen_are_counted_from_where_the_plan_starts():
    solver = Descent()
    result, _ = run(Bowl(np.zeros(10)), solver=solver, n_samples_seen=100)
    assert [seen for seen, _ in solver.rate.begun] == [100, 110, 120]
    assert result.n_samples_seen == 130


def test_a_run_that_uses_up_max_iter_says_so():
    result, _ = run(Scripted(3.0, 2.0, 1.0))
    assert result.ran_out


def test_the_scale_of_the_gradient_is_asked_for_anew_in_every_epoch():
    class Halving(Rate):
        def begin_epoch(self, n_samples_seen, share_done):
            self.value /= 2

    solver = Descent()
    solver.rate = Halving(1.0)
    _, parameter = run(Bowl(np.full(10, 2.0)), solver=solver, max_iter=3)
    assert parameter == pytest.approx(2 - 2 * 0.5 * 0.75 * 0.875)


# Stopping


def make_progress(losses, tol=0.0, n_iter_no_change=2):
    progress = Progress(tol, n_iter_no_change)
    for loss in losses:
        progress.record(loss)
    return progress


def test_progress_is_over_when_a_mean_of_losses_is_no_lower_than_the_mean_before():
    assert make_progress([5.0, 4.0, 4.4, 4.6]).is_over
    assert not make_progress([5.0, 4.0, 4.4, 4.5]).is_over


def test_the_fall_that_counts_is_relative_to_the_loss():
    losses = np.array([100.0, 100.0, 99.5, 99.5])
    for scale in (1e-3, 1.0, 1e6):
        assert make_progress(scale * losses, tol=0.006).is_over
        assert not make_progress(scale * losses, tol=0.004).is_over


def test_one_lucky_epoch_does_not_end_the_progress():
    losses = 10 * 0.99 ** np.arange(40)
    losses[10] = 1.0
    for n_epochs in range(1, 41):
        progress = make_progress(losses[:n_epochs], tol=1e-3, n_iter_no_change=10)
        assert not progress.is_over


def test_noise_larger_than_the_fall_of_an_epoch_does_not_hide_a_fall():
    rng = np.random.default_rng(0)
    epochs = np.arange(1, 401)
    losses = 10 + 1000 / (epochs + 50) + rng.normal(scale=0.1, size=400)
    progress = Progress(1e-3, 10)
    for loss in losses:
        progress.record(loss)
        assert not progress.is_over


def test_progress_ends_on_a_plateau_with_noise():
    rng = np.random.default_rng(0)
    progress, n_epochs = Progress(1e-3, 10), 0
    while not progress.is_over:
        n_epochs += 1
        progress.record(10 + 10 / n_epochs**2 + rng.normal(scale=0.05))
    assert n_epochs < 200


def test_the_means_are_of_a_third_of_all_epochs_once_these_are_more():
    falling, flat = list(range(100, 60, -1)), [60.0] * 20
    assert make_progress([*falling, *flat], n_iter_no_change=2).is_over is False
    assert make_progress(flat[:4], n_iter_no_change=2).is_over


def test_a_loss_of_zero_cannot_fall():
    assert make_progress([0.0] * 4).is_over


def test_too_few_epochs_show_no_end():
    assert not make_progress([1.0] * 19, n_iter_no_change=10).is_over
    assert make_progress([1.0] * 20, n_iter_no_change=10).is_over


def test_asking_for_progress_changes_nothing():
    progress = make_progress([1.0] * 4)
    before = copy.deepcopy(vars(progress))
    assert progress.is_over
    assert progress.is_over
    assert not progress.is_best
    assert vars(progress) == before


def test_progress_anew_forgets_the_losses_but_the_best():
    progress = make_progress([3.0, 1.0, 2.0, 2.0])
    assert progress.is_over
    progress.start_anew()
    assert not progress.is_over
    progress.record(1.5)
    assert not progress.is_best
    progress.record(0.5)
    assert progress.is_best


def test_training_stops_when_the_loss_no_longer_falls():
    script = Scripted(5.0, 4.0, 4.4, 4.6, 3.0)
    result, _ = run(script, max_iter=5, n_iter_no_change=2)
    assert result.loss_curve == [5.0, 4.0, 4.4, 4.6]
    assert not result.ran_out


def test_a_rate_that_slows_down_gets_the_whole_patience_again():
    solver = Descent(n_slower=2)
    result, _ = run(
        Scripted(*[1.0] * 20), max_iter=20, solver=solver, n_iter_no_change=2
    )
    assert solver.rate.n_slower == 0
    assert len(result.loss_curve) == 3 * 4


def test_a_schedule_that_needs_all_epochs_gets_them_and_has_not_run_out():
    solver = Descent(needs_all_epochs=True)
    result, _ = run(
        Scripted(*[1.0] * 20), max_iter=20, solver=solver, n_iter_no_change=2
    )
    assert len(result.loss_curve) == 20
    assert not result.ran_out


def test_a_schedule_hears_which_share_of_the_run_is_done():
    solver = Descent()
    run(Bowl(np.zeros(10)), solver=solver, max_iter=4)
    assert [share for _, share in solver.rate.begun] == [0, 0.25, 0.5, 0.75]


def test_a_held_out_loss_decides_instead_of_the_training_loss():
    held_out = iter([5.0, 4.0, 4.0, 4.0])
    result, _ = run(
        Scripted(*np.arange(10.0, 0, -1)),
        max_iter=10,
        n_iter_no_change=1,
        validate=lambda: next(held_out),
    )
    assert result.validation_loss_curve == [5.0, 4.0, 4.0]
    assert len(result.loss_curve) == 3


def test_with_a_held_out_loss_the_best_parameters_come_back():
    bowl, held_out = Bowl(np.full(10, 2.0)), iter([5.0, 3.0, 4.0, 4.5])
    path = []

    def validate():
        path.append(parameters.flat[0])
        return next(held_out)

    parameters = Point(np.zeros(1))
    plan = make_plan(max_iter=4, validate=validate)
    minimise(bowl, parameters, ROWS, Descent(), plan)
    assert parameters.flat[0] == path[1]
    assert len(set(path)) == 4


def test_without_a_held_out_loss_the_last_parameters_stay():
    listener = Listener()
    _, theta = run(Bowl(np.full(10, 2.0)), callbacks=listener)
    assert theta == listener.ended[-1][0][0]


# Callbacks


def test_callbacks_hear_of_every_epoch():
    listener = Listener()
    result, _ = run(Bowl(np.full(10, 2.0)), callbacks=listener)
    assert listener.begun == 3
    assert [len(curve) for _, curve in listener.ended] == [1, 2, 3]
    assert listener.ended[-1][1] == result.loss_curve


def test_a_callback_can_stop_the_run():
    result, _ = run(Scripted(3.0, 2.0, 1.0), callbacks=Listener(stop_after=2))
    assert result.loss_curve == [3.0, 2.0]
    assert not result.ran_out


# Divergence


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_names_its_epoch_and_the_remedies(value):
    with pytest.raises(DivergenceError) as error:
        run(Scripted(3.0, value, 1.0))
    for part in ("epoch 2", str(value), "learning_rate_init", "scale X"):
        assert part in str(error.value)


def test_a_held_out_loss_that_is_not_finite_is_an_error_that_names_the_epoch():
    losses = iter([3.0, np.inf])
    with pytest.raises(DivergenceError, match=r"in epoch 2 the loss \(inf\)"):
        run(Bowl(np.zeros(10)), validate=lambda: next(losses))


def test_parameters_that_are_not_finite_are_an_error_in_their_epoch():
    class Explosion(Descent):
        def step(self, parameters, gradient):
            parameters += np.inf

    with pytest.raises(DivergenceError, match="epoch 1"):
        run(Scripted(3.0, 2.0, 1.0), solver=Explosion())


def test_divergence_is_a_value_error():
    assert issubclass(DivergenceError, ValueError)


def test_overflow_on_the_way_to_divergence_makes_no_noise():
    bowl = Bowl(np.full(10, 1e150))
    with pytest.raises(DivergenceError):
        run(bowl, solver=Descent(rate=1e200))


# Interrupts


def test_an_interrupt_keeps_the_completed_epochs_and_warns():
    with pytest.warns(UserWarning, match="interrupted"):
        result, _ = run(Scripted(3.0, 2.0, KeyboardInterrupt()))
    assert result.loss_curve == [3.0, 2.0]
    assert result.n_samples_seen == 20
    assert not result.ran_out


def test_an_interrupt_in_the_first_epoch_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        run(Scripted(KeyboardInterrupt()))


def test_an_interrupt_keeps_the_best_parameters_on_held_out_rows():
    bowl, held_out = Bowl(np.full(10, 2.0)), iter([3.0, 4.0])
    values = []

    def objective(parameters, rows, scale, out):
        if len(values) == 2:
            raise KeyboardInterrupt
        return bowl(parameters, rows, scale)

    def validate():
        values.append(parameters.flat[0])
        return next(held_out)

    parameters = Point(np.zeros(1))
    plan = make_plan(validate=validate)
    with pytest.warns(UserWarning, match="interrupted"):
        minimise(objective, parameters, ROWS, Descent(), plan)
    assert parameters.flat[0] == values[0]


# Talking


def test_verbose_prints_number_loss_and_time_of_each_epoch(capsys):
    run(Scripted(3.0, 2.5, 1.0), verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("Epoch 2: loss 2.5")
    assert lines[1].endswith(" s)")


def test_verbose_prints_the_held_out_loss_too(capsys):
    run(Scripted(3.0), max_iter=1, verbose=True, validate=lambda: 0.25)
    assert "validation loss 0.25" in capsys.readouterr().out


def test_nothing_is_printed_otherwise(capsys):
    run(Scripted(3.0, 2.0, 1.0))
    assert capsys.readouterr().out == ""


def test_a_solver_that_only_adds_leaves_the_adding_to_the_objective():
    class Adding(Descent):
        only_adds = True
        gradient_scale = -0.1

        def step(self, parameters, gradient):
            raise AssertionError("not asked for")

    class AddingBowl(Bowl):
        def __call__(self, parameters, rows, scale, out=None):
            assert out is parameters
            value, gradient = super().__call__(parameters, rows, scale)
            out.flat[...] += gradient.flat
            return value, out

    targets = np.arange(10.0)
    for batch_size in (10, 3):
        changes = {"batch_size": batch_size, "shuffle": False}
        by_steps, theta = run(Bowl(targets), solver=Descent(0.1), **changes)
        at_once, same = run(AddingBowl(targets), solver=Adding(), **changes)
        assert at_once.loss_curve == pytest.approx(by_steps.loss_curve)
        assert same == pytest.approx(theta)
