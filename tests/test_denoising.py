import copy
import pickle
import tracemalloc
import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import Oracle
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sk_autoenc import DenoisingAutoencoder, objectives
from sk_autoenc.base import warn_unless_converged
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.training import TrainingResult

# Most fits here are short on purpose; those about the warning ask for it by name.
pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

SPARSE_FORMATS = ("csr", "csc", "coo")
SPARSE_TYPES = [
    getattr(scipy.sparse, f"{kind}_{family}")
    for kind in SPARSE_FORMATS
    for family in ("matrix", "array")
]
LEARNED = (
    "components_",
    "decoder_components_",
    "intercept_hidden_",
    "intercept_visible_",
)

every_corruption = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_sparse_type = pytest.mark.parametrize(
    "container", SPARSE_TYPES, ids=lambda container: container.__name__
)
either_tied = pytest.mark.parametrize("is_tied", [True, False])


def make(**changes):
    settings = {
        "n_components": 4,
        "batch_size": 16,
        "max_iter": 3,
        "tol": 0,
        "random_state": 0,
    }
    return DenoisingAutoencoder(**settings | changes)


def assert_same_model(left, right):
    """Bitwise."""
    for name in LEARNED:
        assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    assert left.loss_curve_ == right.loss_curve_


def state_of(estimator):
    """Everything the estimator holds, frozen."""
    return pickle.dumps(vars(estimator))


def distance(model, X):
    return -model.score(X)


# The equations


@either_tied
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_a_full_batch_step_of_plain_sgd_is_equations_15_to_17(container, is_tied, X):
    model = DenoisingAutoencoder(
        4,
        corruption=None,
        solver="sgd",
        momentum=0,
        batch_size=60,
        learning_rate_init=0.37,
        tied_weights=is_tied,
        random_state=0,
    )
    model.partial_fit(container(X))
    for _ in range(3):
        expected = Oracle.of(model).step(X, X, 0.37)
        model.partial_fit(container(X))
        actual = Oracle.of(model)
        for name in ("weights", "intercept_hidden", "intercept_visible"):
            assert_allclose(
                getattr(actual, name), getattr(expected, name), rtol=0, atol=1e-12
            )
        assert_allclose(
            actual.decoder_weights, expected.decoder_weights, rtol=0, atol=1e-12
        )


def test_a_step_on_corrupted_rows_reconstructs_the_clean_ones(X):
    seen = []

    def drop(X, level, rng):
        seen.append((X.copy(), X * (rng.random(X.shape) > level)))
        return seen[-1][1]

    model = make(corruption=drop, solver="sgd", momentum=0, batch_size=60)
    model.partial_fit(X)
    oracle = Oracle.of(model)
    model.partial_fit(X)
    clean, corrupted = seen[-1]
    expected = oracle.step(clean, corrupted, 0.1)
    assert_allclose(model.components_, expected.weights, rtol=0, atol=1e-12)
    value, _ = oracle.value_and_gradient(clean, corrupted)
    assert model.loss_ == pytest.approx(value, rel=1e-12)


def mirrored_groups():
    """10 rows of 20 binary features: two mirrored groups, some bits missing."""
    rows = np.zeros((5, 20))
    rows[:, :10] = 1
    rows[range(5), range(0, 10, 2)] = 0
    rows[[2, 3, 4], [7, 9, 1]] = 0
    return np.vstack([rows, rows[:, ::-1]])


def toy_model(seed):
    return DenoisingAutoencoder(
        5,
        solver="sgd",
        momentum=0,
        corruption_level=0.3,
        warm_start=True,
        tol=0,
        n_iter_no_change=1000,
        random_state=seed,
    )


def test_the_toy_data_of_the_note_are_learned_at_its_pace():
    X = mirrored_groups()
    losses = []
    for seed in range(4):
        model = toy_model(seed).partial_fit(X)
        small = np.random.default_rng(seed).uniform(-1 / 20, 1 / 20, (5, 20))
        model.components_[...] = small  # the note starts near nought
        model.intercept_hidden_[...] = model.intercept_visible_[...] = 0
        curve = [distance(model, X)]
        for n_steps in (50, 450):
            curve.append(distance(model.set_params(max_iter=n_steps).fit(X), X))
        losses.append(curve)
    assert_allclose(np.mean(losses, axis=0), [13.9, 8.1, 3.7], rtol=0, atol=0.6)


@pytest.mark.parametrize("seed", range(3))
def test_the_toy_data_are_learned_from_the_default_start(seed):
    X = mirrored_groups()
    model = toy_model(seed).set_params(max_iter=500).fit(X)
    assert distance(model, X) < 4.5


@either_tied
@pytest.mark.parametrize("sign", [-1, 1])
def test_preactivations_of_800_give_finite_scores(is_tied, sign, dtype, X):
    model = make(tied_weights=is_tied).partial_fit(X.astype(dtype))
    model.components_[...] = 0
    model.decoder_components_[...] = 0
    model.intercept_visible_[...] = 800 * sign
    missed = 1 - X if sign > 0 else X
    scores = model.score_samples(X.astype(dtype))
    assert_allclose(scores, -800 * missed.sum(axis=1), rtol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@either_tied
def test_every_activation_and_loss_learn(activation, loss, is_tied, X):
    model = make(
        activation=activation,
        loss=loss,
        tied_weights=is_tied,
        max_iter=60,
        learning_rate_init=0.01,
    )
    model.fit(X)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


# After fit: what comes out


@either_tied
def test_codes_and_reconstructions_equal_the_equations(is_tied, X):
    model = make(tied_weights=is_tied).fit(X)
    oracle = Oracle.of(model)
    codes = [oracle.encode(x) for x in X]
    assert_allclose(model.transform(X), codes, rtol=0, atol=1e-13)
    reconstruction = [oracle.reconstruct(x) for x in X]
    assert_allclose(model.inverse_transform(codes), reconstruction, atol=1e-13)
    assert_allclose(model.reconstruct(X), reconstruction, atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@either_tied
def test_score_samples_are_minus_the_loss_of_clean_rows(loss, is_tied, X):
    model = make(loss=loss, tied_weights=is_tied, alpha=0.5, emphasis=(1, 0.2)).fit(X)
    oracle = Oracle.of(model)
    expected = [-oracle.entry_losses(x, x).sum() for x in X]
    assert_allclose(model.score_samples(X), expected, rtol=1e-12)


def test_score_is_the_mean_of_the_scores_of_samples(X):
    model = make().fit(X)
    score = model.score(X)
    assert isinstance(score, float)
    assert score == pytest.approx(model.score_samples(X).mean(), rel=1e-15)
    assert score == model.score(X, np.arange(60))


@pytest.mark.parametrize("loss", LOSSES)
def test_reconstruction_error_is_the_squared_error_of_each_entry(loss, X):
    model = make(loss=loss).fit(X)
    errors = model.reconstruction_error(X)
    assert errors.shape == X.shape
    assert_allclose(errors, (model.reconstruct(X) - X) ** 2, rtol=1e-13)


def test_reconstruction_error_finds_the_guilty_feature(X):
    model = make(n_components=6, max_iter=150, learning_rate_init=0.01).fit(X)
    odd = X[:1].copy()
    odd[0, 5] = 1 - np.round(odd[0, 5])
    assert model.reconstruction_error(odd)[0].argmax() == 5


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize(
    "method", ["transform", "reconstruct", "score_samples", "reconstruction_error"]
)
def test_outputs_do_not_depend_on_how_rows_are_split(method, kind, X, monkeypatch):
    X = kind(X)
    model = make().fit(X)
    whole = getattr(model, method)(X)
    parts = [getattr(model, method)(X[rows : rows + 7]) for rows in range(0, 60, 7)]
    assert_allclose(np.concatenate(parts), whole, rtol=1e-12)
    monkeypatch.setattr(objectives, "BLOCK_ENTRIES", 200)  # the last block is shorter
    assert_allclose(getattr(model, method)(X), whole, rtol=1e-12)


def test_validation_loss_does_not_depend_on_how_rows_are_split(X, monkeypatch):
    settings = {"corruption": None, "early_stopping": True, "validation_fraction": 0.7}
    whole = make(**settings).fit(X)
    monkeypatch.setattr(objectives, "BLOCK_ENTRIES", 200)
    blocks = make(**settings).fit(X)
    assert_allclose(
        blocks.validation_loss_curve_, whole.validation_loss_curve_, rtol=1e-12
    )


@every_corruption
def test_nothing_after_fit_is_random_or_corrupted(corruption, X):
    model = make(corruption=corruption, corruption_level=1.0).fit(X)
    clean_oracle = Oracle.of(model)
    codes = model.transform(X)
    assert_allclose(codes, [clean_oracle.encode(x) for x in X], atol=1e-13)
    before = state_of(model)
    for method in ("transform", "reconstruct", "score_samples", "reconstruction_error"):
        assert_array_equal(getattr(model, method)(X), getattr(model, method)(X))
    model.inverse_transform(codes)
    assert state_of(model) == before


def test_inverse_transform_does_not_change_the_codes(X):
    model = make().fit(X)
    codes = model.transform(X)
    before = codes.copy()
    model.inverse_transform(codes)
    assert_array_equal(codes, before)


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
@every_corruption
def test_the_users_data_are_not_changed(corruption, container, X):
    mine = container(X)
    model = make(corruption=corruption, activation="identity", loss="squared_error")
    model.fit(mine).partial_fit(mine)
    outputs(model, mine)
    assert_array_equal(mine if container is np.asarray else mine.toarray(), X)
    assert container is np.asarray or mine.nnz == X.size


# Fitted attributes


def test_attributes_have_their_shapes(X):
    model = make().fit(X)
    assert model.components_.shape == (4, 8)
    assert model.decoder_components_.shape == (4, 8)
    assert model.intercept_hidden_.shape == (4,)
    assert model.intercept_visible_.shape == (8,)
    assert model.n_features_in_ == 8
    assert_array_equal(model.data_min_, X.min(axis=0))
    assert_array_equal(model.data_max_, X.max(axis=0))


def test_attributes_tell_the_story_of_the_training(X):
    model = make(max_iter=7).fit(X)
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.t_ == 7 * 60
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_loss_curve_ is None


def test_a_tied_decoder_is_the_same_array_as_the_encoder(X):
    model = make().fit(X)
    assert model.decoder_components_ is model.components_


def test_a_free_decoder_is_another_array(X):
    model = make(tied_weights=False).fit(X)
    assert not np.shares_memory(model.decoder_components_, model.components_)


@pytest.mark.parametrize("duplicate", ["pickle", "deepcopy", "joblib"])
def test_a_tied_decoder_is_still_the_same_array_in_a_copy(duplicate, X, tmp_path):
    model = make().fit(X)
    if duplicate == "joblib":
        joblib.dump(model, tmp_path / "model")
        twin = joblib.load(tmp_path / "model")
    else:
        twin = {"pickle": lambda m: pickle.loads(pickle.dumps(m))}.get(
            duplicate, copy.deepcopy
        )(model)
    assert twin.decoder_components_ is twin.components_


def test_the_chosen_loss_and_output_are_told(X, X_real):
    model = make().fit(X)
    assert (model.loss_name_, model.output_activation_) == ("cross_entropy", "logistic")
    model.fit(X_real)
    assert (model.loss_name_, model.output_activation_) == ("squared_error", "identity")


def test_an_explicit_output_activation_is_used(X_real):
    model = make(output_activation="tanh").fit(X_real)
    assert (model.loss_name_, model.output_activation_) == ("squared_error", "tanh")
    assert np.abs(model.reconstruct(X_real)).max() <= 1


def test_parameters_given_at_construction_are_left_alone(X):
    model = make(learning_rate_init=None, loss="auto", batch_size="auto")
    before = model.get_params()
    model.fit(X)
    assert model.get_params() == before


def test_alpha_shrinks_the_weights(X):
    settings = {"max_iter": 100, "learning_rate_init": 0.02}
    free, penalised = (make(alpha=alpha, **settings).fit(X) for alpha in (0, 1.0))
    assert np.linalg.norm(penalised.components_) < np.linalg.norm(free.components_) / 2


@pytest.mark.parametrize("shuffle", [True, False])
def test_shuffle_decides_whether_rows_keep_their_order(shuffle, X):
    batches = []

    def record(X, level, rng):
        batches.append(X.copy())
        return X

    make(corruption=record, shuffle=shuffle).partial_fit(X)
    assert np.array_equal(np.concatenate(batches), X) != shuffle
    assert_array_equal(np.sort(np.concatenate(batches), axis=0), np.sort(X, axis=0))


# Corruption and emphasis in training


@every_corruption
def test_every_corruption_trains(corruption, X):
    model = make(corruption=corruption, max_iter=60, learning_rate_init=0.01).fit(X)
    assert model.loss_curve_[-1] < 0.95 * model.loss_curve_[0]


def test_epochs_are_corrupted_anew(X):
    masks = []

    def record(X, level, rng):
        masks.append(rng.random(X.shape))
        return X

    make(corruption=record, batch_size=60, shuffle=False).fit(X)
    assert len(masks) == 3
    assert not np.array_equal(masks[0], masks[1])


def test_masking_everything_leaves_the_mean_to_learn(X):
    model = make(corruption_level=1.0, max_iter=300, learning_rate_init=0.05).fit(X)
    blank = model.reconstruct(np.zeros((1, 8)))
    assert_allclose(blank[0], X.mean(axis=0), atol=0.02)


def test_full_emphasis_counts_masked_zeros():
    X = np.zeros((20, 6))
    settings = {"corruption_level": 1.0, "solver": "sgd", "learning_rate_init": 1e-12}
    model = make(emphasis=(1, 0), **settings).partial_fit(X)
    assert model.loss_ == pytest.approx(distance(model, X), rel=1e-6)
    assert model.loss_ > 1


def test_emphasis_on_untouched_entries_alone_ignores_masked_zeros():
    X = np.zeros((20, 6))
    model = make(corruption_level=1.0, emphasis=(0, 1)).partial_fit(X)
    assert model.loss_ == 0


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_emphasis_weighs_chosen_and_other_entries(container, X):
    settings = {
        "solver": "sgd",
        "learning_rate_init": 1e-12,
        "shuffle": False,
        "corruption_level": 0.5,
    }
    losses = {
        emphasis: make(emphasis=emphasis, **settings).partial_fit(container(X)).loss_
        for emphasis in [(1, 0), (0, 1), (1, 0.5), (2, 2)]
    }
    chosen, others = losses[1, 0], losses[0, 1]
    assert losses[1, 0.5] == pytest.approx(chosen + others / 2, rel=1e-9)
    assert losses[2, 2] == pytest.approx(2 * (chosen + others), rel=1e-9)
    assert chosen > 1
    assert others > 1


def test_gaussian_noise_counts_every_entry_as_corrupted(X):
    settings = {"corruption": "gaussian", "solver": "sgd", "learning_rate_init": 1e-12}
    assert make(emphasis=(0, 1), **settings).partial_fit(X).loss_ == 0


def test_emphasis_1_1_is_no_emphasis(X):
    assert_same_model(make(emphasis=(1.0, 1.0)).fit(X), make(emphasis=[1, 1]).fit(X))


def test_emphasis_2_2_doubles_the_plain_gradient(X):
    settings = {"solver": "sgd", "momentum": 0}
    doubled = make(emphasis=(2, 2), learning_rate_init=0.05, **settings).fit(X)
    plain = make(learning_rate_init=0.1, **settings).fit(X)
    assert_allclose(doubled.components_, plain.components_, rtol=1e-10, atol=1e-12)


# Randomness


@every_solver
@every_corruption
def test_two_fits_are_bitwise_equal(solver, corruption, X):
    settings = {"solver": solver, "corruption": corruption}
    assert_same_model(make(**settings).fit(X), make(**settings).fit(X))


def test_another_seed_is_another_model(X):
    first, second = make().fit(X), make(random_state=1).fit(X)
    assert not np.array_equal(first.components_, second.components_)


def test_a_refit_starts_afresh(X):
    model = make().fit(X[:30, :5])
    assert_same_model(model.fit(X), make().fit(X))


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_numpys_global_generator_is_left_alone(random_state, early_stopping, X):
    before = np.random.get_state()
    model = make(random_state=random_state, early_stopping=early_stopping)
    model.fit(X).partial_fit(X)
    after = np.random.get_state()
    assert before[2:] == after[2:]
    assert_array_equal(before[1], after[1])


def test_numpys_global_seed_decides_nothing(X):
    np_state = np.random.get_state()
    try:
        np.random.seed(0)
        first = make(random_state=None).fit(X)
        np.random.seed(0)
        second = make(random_state=None).fit(X)
    finally:
        np.random.set_state(np_state)
    assert not np.array_equal(first.components_, second.components_)


def test_a_random_state_instance_is_accepted_and_moves_on(X):
    random_state = np.random.RandomState(3)
    first, second = (make(random_state=random_state).fit(X) for _ in range(2))
    assert not np.array_equal(first.components_, second.components_)
    again = make(random_state=np.random.RandomState(3)).fit(X)
    assert_same_model(first, again)


# partial_fit


@every_solver
@every_corruption
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_the_first_partial_fit_is_the_first_epoch_of_fit(
    solver, corruption, container, X
):
    settings = {"solver": solver, "corruption": corruption, "max_iter": 1}
    fitted = make(**settings).fit(container(X))
    assert_same_model(fitted, make(**settings).partial_fit(container(X)))


def test_partial_fit_goes_on_and_curves_grow(X):
    model = make(learning_rate_init=0.01)
    for n_calls in range(1, 40):
        model.partial_fit(X)
        assert model.n_iter_ == len(model.loss_curve_) == n_calls
        assert model.t_ == 60 * n_calls
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


def test_chunks_of_different_sizes_are_counted_as_samples_seen(X):
    model = make().partial_fit(X).partial_fit(X[:7]).partial_fit(X[:1])
    assert model.t_ == 68


def test_partial_fit_draws_a_new_corruption_each_time(X):
    seen = []

    def record(X, level, rng):
        seen.append(rng.random(3))
        return X

    model = make(corruption=record, batch_size=60)
    model.partial_fit(X).partial_fit(X).partial_fit(X)
    assert len(np.unique(seen)) == 9


def test_partial_fit_keeps_the_momentum(X):
    momentum = {"solver": "sgd", "momentum": 0.9, "corruption": None, "batch_size": 60}
    twice = make(**momentum).partial_fit(X).partial_fit(X)
    once = make(**momentum).partial_fit(X)
    oracle = Oracle.of(once).step(X, X, 0.1)
    assert not np.allclose(twice.components_, oracle.weights, atol=1e-6)


def test_partial_fit_goes_on_after_fit(X):
    model = make().fit(X)
    before = model.components_.copy()
    model.partial_fit(X)
    assert model.n_iter_ == 4
    assert not np.array_equal(model.components_, before)


def test_partial_fit_widens_the_known_range(X):
    model = make().partial_fit(X * 0.5).partial_fit(X)
    assert_array_equal(model.data_min_, np.minimum(X * 0.5, X).min(axis=0))
    assert_array_equal(model.data_max_, X.max(axis=0))


def test_arrays_handed_out_do_not_change_in_later_training(X):
    model = make().partial_fit(X)
    handed_out = model.components_
    before = handed_out.copy()
    model.partial_fit(X)
    assert_array_equal(handed_out, before)


def test_partial_fit_does_not_change_a_shallow_copy(X):
    model = make(solver="adam").partial_fit(X)
    twin = copy.copy(model)
    model.partial_fit(X)
    expected = make(solver="adam").partial_fit(X).partial_fit(X)
    assert_same_model(twin.partial_fit(X), expected)


def test_a_failing_first_partial_fit_leaves_the_estimator_unfitted(X):
    model = make(learning_rate_init=1e300, solver="sgd", activation="identity")
    before = state_of(model)
    with pytest.raises(ValueError, match="diverged"):
        model.partial_fit(X)
    assert state_of(model) == before
    with pytest.raises(NotFittedError):
        model.transform(X)


def fail_in_the_last_batch(X, level, rng):
    """Of 60 rows in batches of 16, if the level says so."""
    if level == 1 and len(X) == 12:
        raise RuntimeError("on purpose")
    return X * (rng.random(X.shape) < 0.7)


@every_solver
def test_a_failing_partial_fit_leaves_the_estimator_as_it_was(solver, X):
    model = make(solver=solver, corruption=fail_in_the_last_batch).partial_fit(X)
    before = state_of(model)
    twin = pickle.loads(before)
    model.set_params(corruption_level=1.0)
    with pytest.raises(RuntimeError, match="on purpose"):
        model.partial_fit(X)
    model.set_params(corruption_level=0.3)
    assert state_of(model) == before
    model.partial_fit(X)
    assert model.loss_ == pytest.approx(twin_loss(twin, X), rel=1e-14)


def twin_loss(state, X):
    """The loss of the next partial_fit of an estimator with this state."""
    twin = make()
    vars(twin).update(state)
    return twin.partial_fit(X).loss_


# warm_start


def test_warm_start_goes_on_where_the_last_fit_ended(X):
    model = make(warm_start=True, max_iter=3).fit(X)
    first = model.loss_curve_
    model.fit(X)
    assert model.loss_curve_[:3] == first
    assert model.n_iter_ == len(model.loss_curve_) == 6
    assert model.t_ == 6 * 60
    assert model.best_loss_ == min(model.loss_curve_)


def test_warm_start_learns_further(X):
    model = make(warm_start=True, max_iter=40, learning_rate_init=0.01).fit(X)
    before = distance(model, X)
    assert distance(model.fit(X), X) < before


def test_warm_start_of_an_unfitted_estimator_is_a_fit(X):
    assert_same_model(make(warm_start=True).fit(X), make().fit(X))


def test_warm_start_grows_the_validation_curve(X):
    model = make(warm_start=True, early_stopping=True).fit(X).fit(X)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 6


# Stopping


def test_a_convergence_warning_says_that_max_iter_was_reached(X):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        make().fit(X)


def test_a_converged_fit_does_not_warn(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(max_iter=50, tol=100.0, n_iter_no_change=4).fit(X)
    assert model.n_iter_ == 6


def warnings_of(loss_curve, ran_out=False):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = TrainingResult(100, list(loss_curve), ran_out=ran_out)
        warn_unless_converged(result, 20)
    return [str(warning.message) for warning in caught]


def test_a_loss_that_rose_is_warned_of_whatever_ended_the_run():
    for ran_out in (True, False):
        (message,) = warnings_of(np.geomspace(3, 30, 20), ran_out)
        for part in ("loss rose from 3", "to 30", "learning_rate_init", "scale X"):
            assert part in message


def test_a_loss_that_fell_is_not_warned_of():
    assert warnings_of(np.geomspace(30, 3, 20)) == []


def test_noise_alone_is_not_called_a_rising_loss():
    """Parameters that stand still cannot have a learning rate too high."""
    for seed in range(10):
        model = make(solver="sgd", learning_rate_init=1e-300, random_state=seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.set_params(corruption="gaussian").fit([[0.3]])
        assert not [w for w in caught if "loss rose" in str(w.message)], seed


def test_partial_fit_never_speaks_of_convergence(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(max_iter=1).partial_fit(X)


def test_an_adaptive_rate_falls_when_the_loss_stays(X):
    model = make(
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=1.0,
        tol=100.0,
        n_iter_no_change=1,
        max_iter=100,
    )
    model.fit(X)
    steps = np.ceil(np.log(1e6) / np.log(5)) + 1
    assert model.n_iter_ == 1 + 2 * steps


def test_early_stopping_keeps_the_curve_and_the_best_loss(X):
    model = make(early_stopping=True, max_iter=20).fit(X)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == 20
    assert model.best_loss_ == min(model.validation_loss_curve_)


def test_early_stopping_restores_the_best_parameters(X):
    settings = {"early_stopping": True, "learning_rate_init": 0.5, "batch_size": 5}
    curve = make(max_iter=30, **settings).fit(X).validation_loss_curve_
    best_epoch = int(np.argmin(curve)) + 1
    assert best_epoch < 30  # or there is nothing to restore
    stopped_there = make(max_iter=best_epoch, **settings).fit(X)
    assert_array_equal(
        make(max_iter=30, **settings).fit(X).components_, stopped_there.components_
    )


@every_corruption
def test_early_stopping_measures_under_one_fixed_corruption(corruption, X):
    """The same parameters have the same loss in every epoch."""
    model = make(
        early_stopping=True,
        corruption=corruption,
        solver="sgd",
        momentum=0,
        learning_rate_init=1e-300,
    )
    curve = model.fit(X).validation_loss_curve_
    assert len(set(curve)) == 1


def test_held_out_rows_are_corrupted_too(X):
    settings = {"early_stopping": True, "solver": "sgd", "learning_rate_init": 1e-300}
    denoising = make(corruption_level=0.9, **settings).fit(X)
    plain = make(corruption=None, **settings).fit(X)
    assert denoising.validation_loss_curve_[0] != plain.validation_loss_curve_[0]


def test_the_validation_loss_is_that_of_the_held_out_rows(X):
    held_out = []

    def record(X, level, rng):
        if len(X) == 6:
            held_out.append(X.copy())
        return X

    model = make(
        early_stopping=True,
        corruption=record,
        batch_size=54,
        alpha=0.1,
        max_iter=1,
    )
    model.fit(X)
    rows = held_out[0]
    oracle = Oracle.of(model)
    expected = np.mean([oracle.entry_losses(x, x).sum() for x in rows])
    assert model.validation_loss_curve_[0] == pytest.approx(expected, rel=1e-12)


def test_held_out_rows_are_not_trained_on(X):
    seen = {6: [], 54: []}

    def record(X, level, rng):
        seen[len(X)].append(X.copy())
        return X

    make(early_stopping=True, corruption=record, batch_size=54).fit(X)
    held_out, trained = seen[6][0], seen[54][0]
    assert len(np.unique(np.vstack([held_out, trained]), axis=0)) == 60
    assert_array_equal(seen[6][0], seen[6][-1])


def test_early_stopping_stops(X):
    model = make(early_stopping=True, tol=100.0, n_iter_no_change=3, max_iter=99).fit(X)
    assert model.n_iter_ == 5


# The objective


def test_an_objective_serves_the_parameters_it_is_given(X):
    model = make(corruption=None)
    model.fit(X)
    first, second = model._current_parameters(), model._current_parameters()
    second.flat[:] *= 0.5
    objective = model._make_objective(X, first, np.random.default_rng(0))
    anew = model._make_objective(X, second, np.random.default_rng(0))
    rows = np.arange(7)
    for parameters in (first, second, first):
        value, gradient = objective.value_and_gradient(parameters, rows)
        if parameters is second:
            expected_value, expected = anew.value_and_gradient(second, rows)
            assert value == expected_value
            assert_array_equal(gradient.flat, expected.flat)
    assert value != expected_value


# Divergence


@pytest.mark.parametrize("already_fitted", [False, True])
def test_a_diverging_fit_says_where_and_what_to_do_and_leaves_nothing(
    already_fitted, X_real
):
    model = make(solver="sgd", momentum=0)
    if already_fitted:
        model.fit(X_real)
    model.set_params(learning_rate_init=1e6, activation="identity", max_iter=500)
    with pytest.raises(ValueError, match=r"in epoch \d+") as error:
        model.fit(X_real)
    assert "learning_rate_init" in str(error.value)
    assert "scale X" in str(error.value)
    assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        model.transform(X_real)


def test_huge_values_diverge_with_the_same_advice(X_real):
    with pytest.raises(ValueError, match=r"epoch 1 .* scale X"):
        make(solver="sgd", activation="identity").fit(X_real * 1e200)


def test_divergence_is_an_error_in_single_precision_too(X_real):
    with pytest.raises(ValueError, match=r"in epoch \d+"):
        make(solver="sgd", activation="relu", learning_rate_init=1e20).fit(
            X_real.astype(np.float32)
        )


def test_a_fit_after_a_diverged_one_works(X):
    model = make(solver="sgd", activation="identity", learning_rate_init=1e300)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X)
    model.set_params(learning_rate_init=0.01)
    expected = make(solver="sgd", activation="identity", learning_rate_init=0.01)
    assert_same_model(model.fit(X), expected.fit(X))


def test_a_diverging_warm_start_leaves_the_estimator_unfitted(X):
    model = make(warm_start=True, solver="sgd", activation="identity").fit(X)
    model.set_params(learning_rate_init=1e300)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.transform(X)


@pytest.mark.parametrize(
    "method",
    [
        "transform",
        "inverse_transform",
        "reconstruct",
        "score_samples",
        "score",
        "reconstruction_error",
        "get_feature_names_out",
    ],
)
def test_an_unfitted_estimator_says_so(method, X):
    arguments = () if method == "get_feature_names_out" else (X,)
    with pytest.raises(NotFittedError):
        getattr(make(), method)(*arguments)


# Interrupts and talk


class Interrupting:
    """A corruption that interrupts in the n-th batch."""

    def __init__(self, n):
        self.n = n

    def __call__(self, X, level, rng):
        self.n -= 1
        if self.n == 0:
            raise KeyboardInterrupt
        return X.copy()


def test_an_interrupt_keeps_the_completed_epochs(X):
    model = make(corruption=Interrupting(9), max_iter=50)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert model.t_ == 120
    assert np.isfinite(model.transform(X)).all()


def test_an_interrupt_in_the_first_epoch_leaves_the_estimator_unfitted(X):
    model = make(corruption=Interrupting(2))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert not model.__sklearn_is_fitted__()


def test_verbose_prints_an_epochs_number_loss_and_time(X, capsys):
    model = make(verbose=1, early_stopping=True).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for number, (line, loss) in enumerate(
        zip(lines, model.loss_curve_, strict=True), start=1
    ):
        assert line.startswith(f"Epoch {number}: loss {loss:.6g}, validation loss ")
        assert line.endswith(" s)")


def test_training_is_silent_by_default(X, capsys):
    make().fit(X)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


# Kinds of numbers


def outputs(model, X):
    codes = model.transform(X)
    return {
        "transform": codes,
        "inverse_transform": model.inverse_transform(codes),
        "reconstruct": model.reconstruct(X),
        "score_samples": model.score_samples(X),
        "reconstruction_error": model.reconstruction_error(X),
    }


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
@every_corruption
@every_solver
def test_precision_is_kept_end_to_end(solver, corruption, container, dtype, X):
    X = container(X.astype(dtype))
    model = make(solver=solver, corruption=corruption, emphasis=(1, 0.5), alpha=0.1)
    model.fit(X).partial_fit(X)
    for name in (*LEARNED, "data_min_", "data_max_"):
        assert getattr(model, name).dtype == dtype, name
    for name, output in outputs(model, X).items():
        assert output.dtype == dtype, name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_single_precision_gives_about_the_codes_of_double(loss, activation, X):
    double, single = (
        make(loss=loss, activation=activation).fit(X.astype(dtype)).transform(X)
        for dtype in (np.float64, np.float32)
    )
    assert_allclose(single, double, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("trained_on", [np.float32, np.float64])
def test_a_model_takes_data_of_the_other_precision(trained_on, container, X):
    model = make().fit(X.astype(trained_on))
    other = np.float64 if trained_on == np.float32 else np.float32
    expected = outputs(model, X.astype(trained_on))
    for name, output in outputs(model, container(X.astype(other))).items():
        assert output.dtype == np.float64, name
        assert_allclose(output, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("trained_on", [np.float32, np.float64])
def test_partial_fit_keeps_the_precision_of_the_model(trained_on, X):
    other = np.float64 if trained_on == np.float32 else np.float32
    model = make().fit(X.astype(trained_on)).partial_fit(X.astype(other))
    for name in (*LEARNED, "data_min_", "data_max_"):
        assert getattr(model, name).dtype == trained_on, name


@pytest.mark.parametrize("kind", [int, bool, np.uint8, np.int64])
def test_other_numbers_become_double_precision(kind, X):
    X = (X > 0.5).astype(kind)
    model = make().fit(X)
    assert model.components_.dtype == np.float64
    assert model.transform(X).dtype == np.float64
    assert_same_model(model, make().fit(X.astype(float)))


def test_integer_images_are_learned_by_their_squared_error(rng):
    images = rng.integers(0, 256, (40, 16), dtype=np.uint8)
    model = make(alpha=0.0).fit(images)
    assert model.loss_name_ == "squared_error"
    assert np.isfinite(model.score(images))
    assert_array_equal(model.data_max_, images.max(axis=0))


def test_a_list_of_lists_will_do(X):
    assert_same_model(make().fit(X.tolist()), make().fit(X))


# Shapes


@pytest.mark.filterwarnings("ignore:The loss rose")  # of one noisy entry
@every_corruption
@every_solver
@pytest.mark.parametrize(
    "shape", [(1, 8), (60, 1), (1, 1), (2, 3), (17, 8)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_small_shapes_work(shape, solver, corruption, X):
    """One sample, one feature, more components than features, a last batch of one."""
    X = X[: shape[0], : shape[1]]
    model = make(batch_size="auto", solver=solver, corruption=corruption)
    if shape[0] == 17:
        model.set_params(batch_size=16)
    model.fit(X).partial_fit(X)
    assert model.transform(X).shape == (shape[0], 4)
    assert model.reconstruct(X).shape == shape
    assert np.isfinite(model.score(X))


@every_corruption
@pytest.mark.parametrize("loss", LOSSES)
def test_constant_columns_work(loss, corruption, X):
    X[:, 0], X[:, 1], X[:, 2] = 0, 1, 0.5
    model = make(loss=loss, corruption=corruption, max_iter=20).fit(X)
    assert np.isfinite(model.score(X))


def test_constant_data_are_learned(dtype):
    X = np.full((20, 3), 0.25, dtype)
    model = make(max_iter=200, learning_rate_init=0.05, corruption=None).fit(X)
    assert_allclose(model.reconstruct(X), X, atol=0.02)


# Memory layouts


def test_fortran_order_gives_the_same_model(X):
    model = make().fit(np.asfortranarray(X))
    assert_same_model(model, make().fit(X))
    assert_array_equal(model.transform(np.asfortranarray(X)), model.transform(X))


def test_strided_views_give_the_same_model(X):
    wide = np.zeros((120, 16))
    wide[::2, ::2] = X
    assert_same_model(make().fit(wide[::2, ::2]), make().fit(X))


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
@every_corruption
def test_read_only_data_work(corruption, container, X):
    mine = container(X)
    for array in (mine,) if isinstance(mine, np.ndarray) else (mine.data, mine.indices):
        array.flags.writeable = False
    model = make(corruption=corruption).fit(mine).partial_fit(mine)
    assert np.isfinite(model.score(mine))
    assert np.isfinite(model.reconstruction_error(mine)).all()


def test_memory_mapped_data_give_the_same_model(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = make().fit(mapped).partial_fit(mapped)
    assert_same_model(model, make().fit(X).partial_fit(X))
    assert_array_equal(model.score_samples(mapped), model.score_samples(X))


# Sparse data


@pytest.fixture
def X_sparse():
    """80 rows of 12 features in [0, 1], seven in ten of them zeros."""
    rng = np.random.default_rng(4)
    causes = rng.random((80, 2)) < 0.5
    pattern = rng.random((2, 12)) < 0.35
    return (causes @ pattern > 0) * rng.uniform(0.5, 1, (80, 12))


@every_sparse_type
@either_tied
def test_sparse_data_give_the_model_of_dense_ones(container, is_tied, X_sparse):
    """Without corruption, which would draw its numbers for the stored entries alone."""
    settings = {"corruption": None, "tied_weights": is_tied}
    dense = make(**settings).fit(X_sparse)
    sparse = make(**settings).fit(container(X_sparse))
    for name in LEARNED:
        assert_allclose(
            getattr(sparse, name), getattr(dense, name), rtol=1e-9, atol=1e-12
        )


@every_sparse_type
def test_sparse_data_give_the_outputs_of_dense_ones(container, X_sparse):
    model = make().fit(X_sparse)
    expected = outputs(model, X_sparse)
    for name, output in outputs(model, container(X_sparse)).items():
        assert isinstance(output, np.ndarray)
        assert_allclose(output, expected[name], rtol=1e-12, atol=1e-14, err_msg=name)


@every_corruption
@pytest.mark.parametrize("emphasis", [(1, 1), (1, 0.5)])
def test_sparse_data_are_learned_as_well_as_dense_ones(corruption, emphasis, X_sparse):
    settings = {
        "corruption": corruption,
        "emphasis": emphasis,
        "max_iter": 80,
        "learning_rate_init": 0.01,
    }
    dense = make(**settings).fit(X_sparse)
    sparse = make(**settings).fit(scipy.sparse.csr_array(X_sparse))
    assert distance(sparse, X_sparse) == pytest.approx(
        distance(dense, X_sparse), rel=0.1
    )
    assert sparse.loss_ < 0.8 * sparse.loss_curve_[0]


def test_masking_sparse_data_masks_at_the_level(X_sparse):
    """Everything masked: only the mean is left to learn."""
    model = make(corruption_level=1.0, max_iter=300, learning_rate_init=0.05)
    model.fit(scipy.sparse.csr_array(X_sparse))
    blank = model.reconstruct(np.zeros((1, 12)))
    assert_allclose(blank[0], X_sparse.mean(axis=0), atol=0.03)


def test_early_stopping_works_on_sparse_data(X_sparse):
    settings = {"early_stopping": True, "corruption": None}
    dense = make(**settings).fit(X_sparse)
    sparse = make(**settings).fit(scipy.sparse.csr_array(X_sparse))
    assert_allclose(
        sparse.validation_loss_curve_, dense.validation_loss_curve_, rtol=1e-10
    )


def test_duplicate_entries_of_a_sparse_matrix_are_summed(X_sparse):
    canonical = scipy.sparse.csr_array(X_sparse)
    doubled = scipy.sparse.csr_array(
        (
            np.repeat(canonical.data / 2, 2),
            np.repeat(canonical.indices, 2),
            2 * canonical.indptr,
        ),
        shape=canonical.shape,
    )
    assert not doubled.has_canonical_format
    assert_same_model(make().fit(doubled), make().fit(canonical))
    assert doubled.nnz == 2 * canonical.nnz


def test_explicit_zeros_and_unsorted_indices_change_nothing(X_sparse):
    canonical = scipy.sparse.csr_array(X_sparse)
    unsorted = canonical[:, ::-1][:, ::-1]
    unsorted.has_sorted_indices = False
    settings = {"corruption": None}
    expected = make(**settings).fit(canonical)
    with_zeros = canonical.copy()
    with_zeros.data[0] = 0
    without = with_zeros.copy()
    without.eliminate_zeros()
    assert_allclose(
        make(**settings).fit(unsorted).components_, expected.components_, atol=1e-12
    )
    assert_allclose(
        make(**settings).fit(with_zeros).components_,
        make(**settings).fit(without).components_,
        atol=1e-12,
    )


def test_an_all_zero_sparse_matrix_works():
    X = scipy.sparse.csr_array((20, 6))
    model = make().fit(X)
    assert np.isfinite(model.score(X))


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def ones_in_random_places(n_samples, n_features):
    """A sparse matrix with one stored value a row."""
    columns = np.random.default_rng(0).integers(0, n_features, n_samples)
    return scipy.sparse.csr_array(
        (np.ones(n_samples), columns, np.arange(n_samples + 1)),
        shape=(n_samples, n_features),
    )


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_sparse_data_are_never_made_dense_whole_in_training(corruption):
    """They would take 40 MB; a batch of 100 rows takes 0.4 MB."""
    X = ones_in_random_places(10_000, 500)
    model = make(n_components=2, corruption=corruption, batch_size=100)
    assert peak_memory(lambda: model.partial_fit(X)) < 10e6


@pytest.mark.parametrize("method", ["transform", "score_samples"])
@pytest.mark.parametrize("shape", [(10_000, 500), (1000, 5000)], ids=["long", "wide"])
def test_sparse_data_are_never_made_dense_whole_afterwards(shape, method):
    """They would take 40 MB; BLOCK rows at a time must not take more than a quarter."""
    X = ones_in_random_places(*shape)
    model = make(n_components=2, batch_size=100, max_iter=1).fit(X[:200])
    assert peak_memory(lambda: getattr(model, method)(X)) < 10e6


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam"},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "invscaling"},
    ],
)
def test_passes_of_partial_fit_are_the_epochs_of_fit(X, settings):
    model = make(shuffle=False, corruption=None, tol=0, max_iter=3, **settings)
    in_passes = clone(model)
    for _ in range(3):
        in_passes.partial_fit(X)
    assert_array_equal(in_passes.components_, model.fit(X).components_)
    assert in_passes.loss_curve_ == model.loss_curve_


def test_a_warm_start_goes_on_with_the_schedule_of_the_rate(X):
    settings = {"solver": "sgd", "momentum": 0, "learning_rate": "invscaling"}
    model = make(shuffle=False, corruption=None, tol=0, max_iter=3, **settings)
    in_fits = clone(model).set_params(warm_start=True, max_iter=1)
    for _ in range(3):
        in_fits.fit(X)
    assert_array_equal(in_fits.components_, model.fit(X).components_)


def test_the_held_out_loss_is_weighted_by_emphasis(X):
    first = [
        make(
            early_stopping=True,
            emphasis=emphasis,
            solver="sgd",
            learning_rate_init=1e-15,
        )
        .fit(X)
        .validation_loss_curve_[0]
        for emphasis in ((1, 1), (3, 3))
    ]
    assert first[1] == pytest.approx(3 * first[0])


@pytest.mark.parametrize("method", ["score_samples", "transform"])
def test_memory_afterwards_does_not_grow_with_rows_of_many_components(method):
    X = np.random.default_rng(0).random((4000, 4))
    model = make(n_components=500, max_iter=1).fit(X[:100])
    codes = 4000 * 500 * X.itemsize if method == "transform" else 0
    assert peak_memory(lambda: getattr(model, method)(X)) < codes + 10e6


def test_wide_sparse_rows_are_encoded_without_a_copy_of_the_weights_per_block():
    X = ones_in_random_places(300, 100_000)
    model = make(n_components=2, batch_size=10, max_iter=1).fit(X[:10])
    parameters = model._parameters_for(X)
    assert parameters.weights.T.flags.c_contiguous
    assert_array_equal(parameters.weights, model.components_)
    assert_allclose(model.transform(X)[-1:], model.transform(X[-1:]), rtol=1e-12)


def test_held_out_sparse_rows_are_never_made_dense_whole():
    X = ones_in_random_places(1000, 5000)
    model = make(
        n_components=2,
        batch_size=20,
        max_iter=1,
        early_stopping=True,
        validation_fraction=0.6,
    )
    assert peak_memory(lambda: model.fit(X)) < 20e6


def test_memory_in_training_does_not_grow_with_the_dense_data():
    """Beyond X itself: buffers of a batch, and no copy of X."""
    X = np.random.default_rng(0).random((20_000, 100))
    model = make(batch_size=100)
    assert peak_memory(lambda: model.partial_fit(X)) < 0.25 * X.nbytes


def test_a_loss_that_explodes_within_few_epochs_is_warned_of():
    (message,) = warnings_of([1e3, 1e9, 1e20])
    assert "loss rose from 1e+03" in message


@pytest.mark.parametrize("nothing", [{"corruption": None}, {"corruption_level": 0}])
def test_full_emphasis_without_corruption_has_nothing_to_learn(X, nothing):
    model = make(emphasis=(1, 0), **nothing)
    with pytest.raises(
        ValueError, match=r"emphasis=\(1, 0\) gives untouched .* weight"
    ):
        model.fit(X)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_components": 5},
        {"tied_weights": False},
        {"loss": "cross_entropy", "output_activation": "tanh"},
    ],
)
def test_a_warm_start_that_is_refused_keeps_the_model(X, changes):
    model = make(warm_start=True).fit(X)
    settings, before = model.get_params(), state_of(model)
    with pytest.raises(ValueError, match=next(iter(changes))):
        model.set_params(**changes).fit(X)
    model.set_params(**settings)
    assert state_of(model) == before
    assert model.fit(X).n_iter_ > 1


def test_a_held_out_loss_that_overflows_leaves_the_model_unfitted(X):
    model = make(early_stopping=True, corruption=None, loss="squared_error")
    with pytest.raises(ValueError, match="Training diverged: in epoch 1 the loss"):
        model.fit(np.r_[X, np.full((20, 8), 1e200)])
    with pytest.raises(NotFittedError):
        model.transform(X)


def test_the_range_in_the_message_shows_what_is_wrong(X):
    X = X.copy()
    X[0, 0] = 1.000002
    with pytest.raises(ValueError, match=r"to 1\.000002"):
        make(loss="cross_entropy").fit(X)


@pytest.mark.parametrize("dtype", [str, complex])
def test_a_function_that_returns_no_real_numbers_is_named(X, dtype):
    def wrong(X, level, rng):
        return X.astype(dtype)

    with pytest.raises(ValueError, match=r"function wrong returned .* dtype"):
        make(corruption=wrong).fit(X)
