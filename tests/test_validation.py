import functools
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from sk_autoenc import DenoisingAutoencoder, Forest
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.row_validation import (
    check_emphasis,
    choose_loss,
    feature_range,
    learning_rate_for_rows,
)
from sk_autoenc.tree_facts import TreeFacts
from sk_autoenc.tree_validation import learning_rate_for_trees
from sk_autoenc.validation import (
    check_codes,
    check_X,
    count_held_out,
    resolve_batch_size,
    resolve_max_iter,
)

METHODS = ("transform", "reconstruct", "score_samples", "score", "reconstruction_error")
every_method = pytest.mark.parametrize("method", METHODS)


def make(**changes):
    settings = {
        "n_components": 3,
        "batch_size": 60,
        "max_iter": 2,
        "tol": 0,
        "random_state": 0,
    }
    return DenoisingAutoencoder(**settings | changes)


def assert_refuses(message, X, **changes):
    """By `fit` and by `partial_fit`, with this in the message; both leave nothing."""
    for method in ("fit", "partial_fit"):
        estimator = make(**changes)
        with pytest.raises(ValueError, match=message):
            getattr(estimator, method)(X)
        assert not estimator.__sklearn_is_fitted__()
        assert not [name for name in vars(estimator) if name.endswith("_")]


@pytest.fixture
def fitted(X):
    return make(max_iter=1).partial_fit(X)


# X


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_infinity_is_refused(container, value, X, fitted):
    X[3, 2] = value
    assert_refuses("infinity", container(X))
    for method in METHODS:
        with pytest.raises(ValueError, match="infinity"):
            getattr(fitted, method)(container(X))


def test_strings_are_refused():
    assert_refuses("could not convert string", np.array([["a", "b"], ["c", "d"]]))
    assert_refuses("could not convert string", [["a", "b"], ["c", "d"]])


def test_complex_numbers_are_refused(X):
    assert_refuses("Complex data not supported", X + 1j)


def test_one_dimension_is_refused_with_a_way_out(X, fitted):
    assert_refuses("(?s)Expected 2D array, got 1D array.*Reshape your data", X[0])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        fitted.transform(X[0])


def test_three_dimensions_are_refused(X):
    assert_refuses("dim 3", X[None])


@pytest.mark.parametrize(
    ("shape", "message"),
    [((0, 4), "0 sample"), ((4, 0), "0 feature")],
)
def test_empty_data_are_refused(shape, message):
    assert_refuses(message, np.empty(shape))


@every_method
def test_a_wrong_number_of_features_is_refused(method, X, fitted):
    with pytest.raises(ValueError, match=r"X has 7 features, but .* expecting 8"):
        getattr(fitted, method)(X[:, 1:])


def test_a_wrong_number_of_features_is_refused_in_further_training(X, fitted):
    with pytest.raises(ValueError, match=r"X has 7 features, but .* expecting 8"):
        fitted.partial_fit(X[:, 1:])


def test_unknown_feature_names_are_refused(X):
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(8)])
    estimator = make().partial_fit(frame)
    with pytest.raises(ValueError, match="feature names"):
        estimator.transform(frame.rename(columns={"f0": "other"}))


def test_codes_of_a_wrong_width_are_refused(fitted):
    message = "X has 4 features, but inverse_transform .* expecting 3 features"
    with pytest.raises(ValueError, match=message):
        fitted.inverse_transform(np.zeros((2, 4)))


def test_codes_with_nan_or_of_one_dimension_are_refused(fitted):
    with pytest.raises(ValueError, match="contains NaN"):
        fitted.inverse_transform([[0, np.nan, 0]])
    with pytest.raises(ValueError, match="Expected 2D array"):
        fitted.inverse_transform([0, 0, 0])


# Parameters by name


@pytest.mark.parametrize(
    ("parameter", "known"),
    [
        ("corruption", [name for name in CORRUPTIONS if name]),
        ("activation", ACTIVATIONS),
        ("output_activation", ["auto", *ACTIVATIONS]),
        ("loss", ["auto", *LOSSES]),
        ("solver", SOLVERS),
        ("learning_rate", ["constant", "invscaling", "adaptive"]),
    ],
)
def test_an_unknown_name_is_refused_with_a_list_of_the_known_ones(parameter, known, X):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter") as error:
        make(**{parameter: "nonsense"}).fit(X)
    assert "'nonsense'" in str(error.value)
    for name in known:
        assert repr(name) in str(error.value)


# Parameters out of range


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_components", 0),
        ("n_components", -1),
        ("n_components", 2.5),
        ("corruption_level", -0.1),
        ("corruption_level", "0.3"),
        ("corruption_level", None),
        ("tied_weights", "yes"),
        ("alpha", -1.0),
        ("batch_size", 0),
        ("batch_size", "all"),
        ("learning_rate_init", 0.0),
        ("learning_rate_init", -1.0),
        ("power_t", -1),
        ("momentum", -0.1),
        ("momentum", 1.1),
        ("nesterovs_momentum", "no"),
        ("beta_1", 1.0),
        ("beta_1", -0.1),
        ("beta_2", 1.0),
        ("beta_2", -0.1),
        ("epsilon", 0.0),
        ("max_iter", 0),
        ("max_iter", -5),
        ("max_iter", 1.5),
        ("shuffle", None),
        ("tol", -1e-4),
        ("n_iter_no_change", 0),
        ("early_stopping", "yes"),
        ("validation_fraction", 0.0),
        ("validation_fraction", 1.0),
        ("warm_start", "yes"),
        ("random_state", "seed"),
        ("verbose", -1),
        ("activation", None),
        ("loss", None),
        ("solver", 3),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_its_name(parameter, value, X):
    assert_refuses(f"The '{parameter}' parameter of Denoising", X, **{parameter: value})


def test_infinite_and_nan_parameters_are_refused(X):
    for parameter in ("alpha", "tol", "learning_rate_init", "corruption_level"):
        for value in (np.nan, np.inf):
            with pytest.raises(ValueError, match=parameter):
                make(corruption="gaussian", **{parameter: value}).fit(X)


@pytest.mark.parametrize(
    "name", [n for n in CORRUPTIONS if CORRUPTIONS[n].max_level == 1], ids=str
)
def test_a_level_that_is_no_probability_is_refused(name, X):
    assert_refuses(
        rf"corruption_level must be in \[0, 1\] for corruption='{name}'.*got 1.5",
        X,
        corruption=name,
        corruption_level=1.5,
    )


def test_gaussian_noise_may_have_a_standard_deviation_above_1(X):
    make(corruption="gaussian", corruption_level=1.5).partial_fit(X)


def test_the_level_of_a_callable_is_its_own_business(X):
    make(corruption=lambda X, level, rng: X + level, corruption_level=7).partial_fit(X)


@pytest.mark.parametrize(
    "emphasis",
    [
        (1,),
        (1, 2, 3),
        (-1, 1),
        (0, 0),
        (np.nan, 1),
        (np.inf, 1),
        1.0,
        None,
        "ab",
        (1, "x"),
    ],
    ids=str,
)
def test_emphasis_that_is_not_two_weights_is_refused(emphasis, X):
    assert_refuses("emphasis must be two numbers >= 0", X, emphasis=emphasis)


def test_emphasis_is_none_when_both_weights_are_1():
    assert check_emphasis((1, 1.0)) is None
    assert check_emphasis([1, 0.5]) == (1.0, 0.5)
    assert check_emphasis(np.array([2, 2])) == (2.0, 2.0)


# A user's corruption


def in_place(X, level, rng):
    X *= 0
    return X


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_matrix])
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda X, level, rng: X[:, :3], r"returned an array of shape \(60, 3\) for"),
        (in_place, "in_place changed its input in place"),
        (lambda X, level, rng: X / 0, "returned NaN or infinity"),
    ],
    ids=["shape", "in place", "infinite"],
)
def test_a_callable_that_breaks_its_contract_is_told_so(
    function, message, container, X
):
    with np.errstate(all="ignore"):
        assert_refuses(message, container(X), corruption=function)


def test_a_callable_cannot_change_the_users_data(X):
    before = X.copy()
    assert_refuses("in place", X, corruption=in_place)
    assert_array_equal(X, before)


def test_an_error_inside_a_callable_passes_through(X):
    def fail(X, level, rng):
        raise RuntimeError("from the user")

    estimator = make(corruption=fail)
    with pytest.raises(RuntimeError, match="from the user"):
        estimator.fit(X)
    assert not estimator.__sklearn_is_fitted__()


def test_a_partial_function_will_do_as_a_corruption(X):
    def scale(X, level, rng, factor):
        return X * factor

    make(corruption=functools.partial(scale, factor=0.5)).partial_fit(X)


# Loss and output activation


def test_auto_chooses_cross_entropy_inside_the_unit_interval():
    assert choose_loss("auto", "auto", (0, 1)) == ("cross_entropy", "logistic")
    assert choose_loss("auto", "logistic", (0, 1)) == ("cross_entropy", "logistic")


@pytest.mark.parametrize("value_range", [(-0.01, 1), (0, 1.01), (-5, 5)])
def test_auto_chooses_squared_error_outside_it(value_range):
    assert choose_loss("auto", "auto", value_range) == ("squared_error", "identity")


def test_auto_chooses_a_loss_that_goes_with_the_output():
    assert choose_loss("auto", "tanh", (0, 1)) == ("squared_error", "tanh")


def test_the_rounding_of_a_scaler_does_not_change_the_choice():
    value_range = (-(2.0**-52), 1 + 2.0**-52)
    assert choose_loss("auto", "auto", value_range)[0] == "cross_entropy"


@pytest.mark.parametrize("loss", LOSSES)
def test_every_output_that_a_loss_allows_is_accepted(loss):
    for output in LOSSES[loss].output_activations:
        assert choose_loss(loss, output, (0, 1)) == (loss, output)


@pytest.mark.parametrize("output", set(ACTIVATIONS) - {"logistic"})
def test_an_output_that_does_not_go_with_the_loss_is_refused(output, X):
    message = f"output_activation='{output}' does not go with loss='cross_entropy'"
    assert_refuses(message, X, loss="cross_entropy", output_activation=output)


def assert_names_range_and_remedies(error, low, high):
    message = str(error.value)
    assert re.search(rf"from {re.escape(low)} to {re.escape(high)}", message)
    assert "[0, 1]" in message
    assert "MinMaxScaler" in message
    assert "loss='squared_error'" in message


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_cross_entropy_outside_the_unit_interval_names_range_and_remedies(
    method, container, X
):
    X[3, 2], X[5, 1] = -0.25, 16
    with pytest.raises(ValueError, match="cross_entropy") as error:
        getattr(make(loss="cross_entropy"), method)(container(X))
    assert_names_range_and_remedies(error, "-0.25", "16")


@pytest.mark.parametrize("loss", ["auto", "cross_entropy"])
def test_a_later_chunk_outside_the_unit_interval_names_range_and_remedies(loss, X):
    estimator = make(loss=loss).partial_fit(X)
    before = estimator.components_.copy()
    X[3, 2] = 1.5
    with pytest.raises(ValueError, match="cross_entropy") as error:
        estimator.partial_fit(X)
    assert_names_range_and_remedies(error, f"{min(X.min(), 1):.10g}", "1.5")
    assert_array_equal(estimator.components_, before)


def test_warm_start_outside_the_unit_interval_names_range_and_remedies(X):
    estimator = make(warm_start=True, n_iter_no_change=1, tol=10, max_iter=9).fit(X)
    with pytest.raises(ValueError, match="cross_entropy") as error:
        estimator.fit(3 * X)
    assert "MinMaxScaler" in str(error.value)


# Batches and held-out rows


@pytest.mark.parametrize(
    ("n_samples", "expected"), [(10**6, 200), (1200, 120), (60, 10), (7, 7), (1, 1)]
)
def test_auto_batches_are_a_tenth_of_the_rows_from_10_to_200(n_samples, expected):
    assert resolve_batch_size("auto", n_samples, warn=True) == expected


def test_a_batch_larger_than_the_data_is_clipped_with_a_warning(X):
    estimator = make(batch_size=61, max_iter=9, tol=10, n_iter_no_change=1)
    with pytest.warns(UserWarning, match=r"`batch_size` \(61\) larger than .* clipped"):
        estimator.fit(X)
    whole = make(batch_size=60, max_iter=9, tol=10, n_iter_no_change=1).fit(X)
    assert_array_equal(estimator.components_, whole.components_)


def test_chunks_smaller_than_a_batch_need_no_warning(X):
    make(batch_size=61).partial_fit(X)


@pytest.mark.parametrize(
    ("n_samples", "fraction", "expected"), [(10, 0.1, 1), (11, 0.1, 2), (3, 0.5, 2)]
)
def test_held_out_rows_are_rounded_up(n_samples, fraction, expected):
    assert count_held_out(n_samples, fraction) == expected


def test_early_stopping_needs_rows_to_train_on(X):
    estimator = make(early_stopping=True)
    message = (
        "early_stopping=True with validation_fraction=0.1 holds out 1 of n_samples=1"
    )
    with pytest.raises(ValueError, match=message):
        estimator.fit(X[:1])
    assert not estimator.__sklearn_is_fitted__()


# Going on from a model


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_another_number_of_components_is_refused_when_going_on(method, X, fitted):
    fitted.set_params(n_components=5, warm_start=True)
    with pytest.raises(ValueError, match=r"n_components=5, but the model .* has 3"):
        getattr(fitted, method)(X)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("before", [True, False])
def test_tying_or_untying_the_weights_is_refused_when_going_on(method, before, X):
    estimator = make(tied_weights=before, warm_start=True).partial_fit(X)
    estimator.set_params(tied_weights=not before)
    with pytest.raises(ValueError, match="tied_weights"):
        getattr(estimator, method)(X)


# What X becomes


def test_float_arrays_in_c_order_are_not_copied(dtype, X):
    X = X.astype(dtype)
    assert check_X(make(), X, reset=True) is X


def test_fortran_arrays_become_c_contiguous(X):
    checked = check_X(make(), np.asfortranarray(X), reset=True)
    assert checked.flags.c_contiguous
    assert_array_equal(checked, X)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("family", ["matrix", "array"])
def test_every_sparse_format_becomes_csr(kind, family, X):
    sparse = getattr(scipy.sparse, f"{kind}_{family}")(X)
    checked = check_X(make(), sparse, reset=True)
    assert checked.format == "csr"
    assert_array_equal(checked.toarray(), X)


def test_duplicate_entries_are_summed_in_a_copy():
    X = scipy.sparse.csr_array((np.ones(3), [1, 1, 0], [0, 2, 3]), shape=(2, 2))
    checked = check_X(make(), X, reset=True)
    assert checked.has_canonical_format
    assert_array_equal(checked.toarray(), [[0, 2], [1, 0]])
    assert X.nnz == 3


@pytest.mark.parametrize("kind", [int, bool, np.uint8, np.float16, object])
def test_other_numbers_become_double_precision(kind):
    checked = check_X(make(), np.array([[0, 1], [1, 1]], kind), reset=True)
    assert checked.dtype == np.float64


def test_feature_range_of_sparse_data_counts_the_zeros():
    X = np.array([[0.0, 2, -1], [3, 0, -2], [4, 1, 0]])
    for container in (np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csr_array):
        low, high = feature_range(container(X))
        assert_array_equal(low, [0, 0, -2])
        assert_array_equal(high, [4, 2, 0])


def test_codes_may_be_a_list(fitted):
    assert check_codes(fitted, [[1, 2, 3]], 3).dtype == np.float64


# Defaults that depend on the data


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [(1, 200), (1250, 200), (2500, 100), (10_000, 25), (10**6, 10)],
)
def test_automatic_epochs_see_as_many_rows_within_bounds(n_samples, expected):
    assert resolve_max_iter("auto", n_samples, by_minibatches=True) == expected


def test_automatic_iterations_on_all_rows_do_not_depend_on_their_number():
    assert resolve_max_iter("auto", 10**6, by_minibatches=False) == 200


def test_a_given_number_of_epochs_stays():
    assert resolve_max_iter(7, 10**6, by_minibatches=True) == 7


def rate_settings(solver, learning_rate_init=None):
    return SimpleNamespace(solver=solver, learning_rate_init=learning_rate_init)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_given_rate_stays(solver):
    settings = rate_settings(solver, 0.25)
    assert learning_rate_for_rows(settings, "squared_error") == 0.25
    assert learning_rate_for_trees(settings, None) == 0.25


def test_sgd_steps_shorter_on_the_squared_error_and_adam_does_not():
    losses = ("cross_entropy", "squared_error")
    sgd, adam = (
        [learning_rate_for_rows(rate_settings(solver), loss) for loss in losses]
        for solver in ("sgd", "adam")
    )
    assert sgd[1] < sgd[0]
    assert adam[1] == adam[0]


def rate_on_trees(forest):
    settings = SimpleNamespace(
        **vars(rate_settings("sgd")), corruption=None, learn_leaves=False
    )
    facts = TreeFacts.of(settings, forest)
    return learning_rate_for_trees(settings, facts.sum_of_squares / len(forest))


def test_sgd_steps_on_trees_by_the_inverse_of_the_loss_of_zeros():
    leaf = np.array([3.0, 4.0])
    forest = Forest.from_nested([(leaf, leaf), (leaf, (leaf, leaf, leaf))])
    assert rate_on_trees(forest) == pytest.approx(0.01 / (6 * 25 / 2 / 2))
    assert rate_on_trees(forest[[0]]) == pytest.approx(0.01 / 25)


def test_sgd_does_not_step_farther_on_leaves_near_zero():
    forest = Forest.from_nested([(np.zeros(2), np.zeros(2))])
    assert rate_on_trees(forest) == 0.01
