"""Numbers of any kind as parameters give what the Python number gives."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sk_autoenc import DenoisingAutoencoder, UnfoldingRAETransformer

pytestmark = pytest.mark.filterwarnings(
    "ignore:Maximum iterations", "ignore:Got `batch"
)
X = np.random.default_rng(0).random((190, 3))
INTEGERS = {"n_components": 3, "batch_size": 100, "max_iter": 2, "n_iter_no_change": 3}
REALS = {
    "corruption_level": 0.25,
    "alpha": 0.125,
    "learning_rate_init": 0.0078125,
    "power_t": 0.5,
    "momentum": 0.5,
    "beta_1": 0.875,
    "beta_2": 0.75,
    "epsilon": 0.0009765625,
    "tol": 0.0009765625,
    "validation_fraction": 0.125,
}
BOOLEANS = ("shuffle", "early_stopping", "nesterovs_momentum", "warm_start")
INTEGER_TYPES = [
    np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64,
]  # fmt: skip
REAL_TYPES = [np.float16, np.float32, np.float64, np.longdouble]


def fit(Estimator, **changes):
    settings = {"max_iter": 2, "random_state": 0, "corruption": "masking"}
    return Estimator(**settings | changes).fit(X)


def assert_same(model, expected):
    for name, value in vars(expected).items():
        if name.endswith("_"):
            found = getattr(model, name)
            assert_array_equal(found, value)
            assert type(found) is type(value), name


either_estimator = pytest.mark.parametrize(
    "Estimator", [DenoisingAutoencoder, UnfoldingRAETransformer]
)


@either_estimator
@pytest.mark.parametrize("kind", INTEGER_TYPES)
@pytest.mark.parametrize("name", INTEGERS)
def test_numpy_integers_are_python_integers(Estimator, name, kind):
    value = INTEGERS[name]
    model = fit(Estimator, **{name: kind(value)})
    assert_same(model, fit(Estimator, **{name: value}))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", REAL_TYPES)
@pytest.mark.parametrize("name", REALS)
def test_numpy_floats_are_python_floats(name, kind, solver):
    settings = {"solver": solver, "early_stopping": True, "n_components": 3}
    value = REALS[name]
    model = fit(DenoisingAutoencoder, **settings | {name: kind(value)})
    assert_same(model, fit(DenoisingAutoencoder, **settings | {name: value}))


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("kind", INTEGER_TYPES)
def test_numpy_integers_are_levels_and_weights_too(kind, value):
    for name in ("corruption_level", "alpha", "momentum", "tol"):
        settings = {"solver": "sgd", "learning_rate_init": 0.01, "n_components": 3}
        model = fit(DenoisingAutoencoder, **settings | {name: kind(value)})
        assert_same(model, fit(DenoisingAutoencoder, **settings | {name: value}))


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("value", [False, True])
def test_numpy_booleans_are_python_booleans(name, value):
    settings = {"solver": "sgd", "learning_rate_init": 0.01, "n_components": 3}
    model = fit(DenoisingAutoencoder, **settings | {name: np.bool_(value)})
    assert_same(model, fit(DenoisingAutoencoder, **settings | {name: value}))


def test_true_components_are_one():
    model = fit(DenoisingAutoencoder, n_components=True)
    assert_same(model, fit(DenoisingAutoencoder, n_components=1))


@given(
    n_samples=st.integers(1, 400),
    batch_size=st.integers(1, 127),
    kind=st.sampled_from(INTEGER_TYPES),
)
def test_every_row_is_seen_whatever_the_batch_size_is_made_of(
    n_samples, batch_size, kind
):
    rows = np.random.default_rng(n_samples).random((n_samples, 2))
    seen = []

    def note(batch, level, rng):
        seen.append(batch[:, 0].copy())
        return batch

    settings = {"corruption": note, "max_iter": 1, "random_state": 0}
    DenoisingAutoencoder(2, batch_size=kind(batch_size), **settings).fit(rows)
    assert_array_equal(np.sort(np.concatenate(seen)), np.sort(rows[:, 0]))


@pytest.mark.parametrize("name", [*REALS, "emphasis"])
def test_an_integer_larger_than_any_float_is_refused_by_name(name):
    value = 10**400
    if name in ("corruption_level",):
        settings = {"corruption": "gaussian", name: value}
    else:
        settings = {name: (value, 1) if name == "emphasis" else value}
    with pytest.raises(ValueError, match=name):
        fit(DenoisingAutoencoder, **settings)


def test_a_fraction_is_a_number():
    model = fit(DenoisingAutoencoder, tol=Fraction(1, 8), n_components=3)
    assert_same(model, fit(DenoisingAutoencoder, tol=0.125, n_components=3))


@pytest.mark.parametrize(
    "emphasis", ["12", b"12", {1.0, 0.5}, {1: 0, 2: 0}, iter([1, 1]), ("1", "2"), 1.0]
)
def test_emphasis_that_is_not_a_pair_of_numbers_is_refused(emphasis):
    with pytest.raises(ValueError, match="emphasis must be two numbers"):
        fit(DenoisingAutoencoder, emphasis=emphasis)


@pytest.mark.parametrize("emphasis", [[1, 0.5], np.array([1, 0.5], np.float16)])
def test_emphasis_may_be_a_list_or_an_array(emphasis):
    model = fit(DenoisingAutoencoder, emphasis=emphasis, n_components=3)
    expected = fit(DenoisingAutoencoder, emphasis=(1.0, 0.5), n_components=3)
    assert_same(model, expected)
