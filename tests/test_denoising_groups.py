"""Features that come from one column of a table: corruption, loss, refusals."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from oracles import FUNCTIONS, apply, mixed_loss, naive_softmax
from row_models import assert_same_model, learned, make
from sklearn.base import clone

from sk_autoenc.feeds import Batch, RowFeed
from sk_autoenc.networks import one_hidden
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS, Coins, Groups, make_corruption
from sk_autoenc.parts.losses import mixed_groups
from sk_autoenc.row_facts import RowFacts
from sk_autoenc.row_validation import check_feature_groups

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

WIDTH = [3, 1, 2, 1]
"""A category, a number, a category, a number."""
CATEGORY = [True, False, True, False]
GROUPS = np.repeat([0, 1, 2, 3], WIDTH)
START = np.cumsum(WIDTH) - WIDTH
BLOCKS = [slice(start, start + wide) for start, wide in zip(START, WIDTH, strict=True)]
SETTINGS = {"feature_groups": GROUPS, "corruption": "swap"}
choosing = pytest.mark.parametrize("name", ["masking", "salt_and_pepper", "swap"])


def rows(n_rows=60, seed=0):
    """Of two categories and two numbers that depend on each other."""
    rng = np.random.default_rng(seed)
    cause = rng.integers(0, 3, n_rows)
    return np.column_stack(
        [
            np.eye(3)[cause],
            cause + 0.1 * rng.normal(size=n_rows),
            np.eye(2)[(cause > 0).astype(int)],
            rng.normal(size=n_rows),
        ]
    )


def with_holes(X):
    """Some groups of some rows missing."""
    X = X.copy()
    hidden = np.random.default_rng(1).random((len(X), len(WIDTH))) < 0.2
    X[hidden[:, GROUPS]] = np.nan
    return X


def corrupt(name, clean, level, seed=0, groups=WIDTH):
    feature_range = clean.min(axis=0), clean.max(axis=0)
    out = np.full_like(clean, np.nan)
    rng = np.random.default_rng(seed)
    made = make_corruption(name, level, feature_range, rng, Groups.of_widths(groups))
    return out, made.corrupt(clean, out).astype(bool)


def assert_one_hot(block):
    assert set(np.unique(block)) <= {0, 1}
    assert_array_equal(block.sum(axis=1), 1)


# Groups


def test_groups_of_widths_know_where_each_begins():
    groups = Groups.of_widths(WIDTH)
    assert_array_equal(groups.start, [0, 3, 4, 6])
    assert_array_equal(groups.of_feature, GROUPS)


def test_places_are_all_features_of_some_groups():
    groups = Groups.of_widths(WIDTH)
    found = groups.places(np.array([5, 5, 8]), np.array([2, 1, 0]))
    assert_array_equal(found[0], [5, 5, 5, 8, 8, 8])
    assert_array_equal(found[1], [4, 5, 3, 0, 1, 2])
    assert_array_equal(found[2], [0, 0, 1, 2, 2, 2])


def test_places_of_no_group_are_none():
    nothing = np.empty(0, int)
    for part in Groups.of_widths(WIDTH).places(nothing, nothing):
        assert len(part) == 0


def test_coins_fall_alike_for_a_group():
    coins = Coins(0.3, np.random.default_rng(0), bool, Groups.of_widths(WIDTH))
    tossed = coins.toss((5000, 7))
    for block in BLOCKS:
        part = tossed[:, block]
        assert_array_equal(part, np.broadcast_to(part[:, :1], part.shape))
    assert_allclose(tossed.mean(axis=0), 0.3, atol=0.035)


# Corruption


@choosing
@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
def test_each_group_is_chosen_as_a_whole_at_the_level_given(name, level):
    n_rows = 5000
    _, untouched = corrupt(name, rows(n_rows), level)
    for block in BLOCKS:
        part = untouched[:, block]
        assert_array_equal(part, np.broadcast_to(part[:, :1], part.shape))
    spread = 5 * (level * (1 - level) / n_rows) ** 0.5
    assert_allclose(1 - untouched.mean(axis=0), level, atol=spread)


@choosing
def test_groups_of_a_row_are_chosen_independently(name):
    _, untouched = corrupt(name, rows(5000), 0.5)
    correlation = np.corrcoef(untouched[:, START].T)
    assert_allclose(correlation, np.eye(4), atol=0.07)


def test_masking_sets_all_of_a_group_to_0():
    X = rows() + 1
    corrupted, untouched = corrupt("masking", X, 0.5)
    assert_array_equal(corrupted, X * untouched)
    assert 0 < untouched.mean() < 1


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_swap_makes_no_row_of_two_levels_or_none(level):
    corrupted, _ = corrupt("swap", rows(500), level)
    assert_one_hot(corrupted[:, BLOCKS[0]])
    assert_one_hot(corrupted[:, BLOCKS[2]])


def test_swap_takes_all_of_a_group_from_one_other_row():
    n_rows = 40
    X = np.add.outer(np.arange(n_rows), 100.0 * np.arange(7))
    corrupted, untouched = corrupt("swap", X, 0.5)
    donor = corrupted - 100 * np.arange(7)
    for block in BLOCKS:
        part = donor[:, block]
        assert_array_equal(part, np.broadcast_to(part[:, :1], part.shape))
    row = np.broadcast_to(np.arange(n_rows)[:, np.newaxis], donor.shape)
    assert_array_equal(donor == row, untouched)
    assert set(np.unique(donor)) <= set(range(n_rows))


def test_swap_takes_groups_of_a_row_from_different_rows():
    X = np.add.outer(np.arange(40), 100.0 * np.arange(7))
    corrupted, _ = corrupt("swap", X, 1.0)
    donor = (corrupted - 100 * np.arange(7))[:, START]
    assert (donor[:, 0] != donor[:, 1]).mean() > 0.8


def test_swap_draws_each_other_row_alike():
    n_rows, n_draws = 5, 4000
    X = np.arange(n_rows, dtype=float)[:, np.newaxis] * np.ones(2)
    count = np.zeros((n_rows, n_rows))
    for seed in range(n_draws // 10):
        corrupted, _ = corrupt("swap", X, 1.0, seed, groups=[2])
        count[np.arange(n_rows), corrupted[:, 0].astype(int)] += 1
    expected = n_draws / 10 / (n_rows - 1)
    assert_array_equal(np.diag(count), 0)
    others = count[~np.eye(n_rows, dtype=bool)]
    assert_allclose(others, expected, atol=5 * expected**0.5)


def test_swap_of_a_single_row_leaves_it():
    corrupted, untouched = corrupt("swap", rows(1), 1.0)
    assert_array_equal(corrupted, rows(1))
    assert untouched.all()


@pytest.mark.parametrize("name", CORRUPTIONS, ids=str)
def test_groups_of_one_feature_are_corrupted_as_without_groups(name):
    X = rows()
    feature_range = X.min(axis=0), X.max(axis=0)
    plain = np.empty_like(X)
    made = make_corruption(name, 0.4, feature_range, np.random.default_rng(0))
    made.corrupt(X, plain)
    corrupted, _ = corrupt(name, X, 0.4, groups=[1] * 7)
    assert_array_equal(corrupted, plain)


# Which groups are categories


def categories(X, start):
    groups = np.searchsorted(start, np.arange(X.shape[1]), side="right")
    settings = SimpleNamespace(feature_groups=groups, reconstruction_sampling=None)
    return RowFacts.of(settings, X).layout[1]


def test_a_group_is_one_hot_if_each_row_has_a_single_1_in_it():
    assert_array_equal(categories(rows(), START), [True, False, True, False])


@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_rows_with_holes_in_a_group_say_nothing_of_it(container):
    X = with_holes(rows())
    X[0, 0], X[0, 1] = np.nan, 1
    found = categories(container(X), START)
    assert_array_equal(found, [True, False, True, False])


NOT_ONE_HOT = {
    "two levels": [1, 1, 0],
    "none": [0, 0, 0],
    "halves": [0.5, 0.5, 0],
    "a sum of 1": [2, -1, 0],
}


@pytest.mark.parametrize("values", NOT_ONE_HOT.values(), ids=NOT_ONE_HOT)
def test_a_single_other_row_makes_numbers_of_a_group(values):
    X = rows()
    X[17, :3] = values
    assert_array_equal(categories(X, START), [False, False, True, False])


def test_a_group_that_is_wholly_missing_is_no_category():
    X = rows()
    X[:, :3] = np.nan
    assert not categories(X, START)[0]


def test_every_block_of_many_rows_is_looked_at(monkeypatch):
    monkeypatch.setattr("sk_autoenc.feeds.BLOCK_ENTRIES", 70)
    X = rows()
    X[59, 4:6] = 0
    assert_array_equal(categories(X, START), [True, False, False, False])


def test_a_group_of_one_feature_is_a_number():
    X = np.ones((20, 2))
    model = make(feature_groups=[0, 1], loss="mixed").fit(X)
    assert_array_equal(model._fitted_with["layout"][1], [False, False])


# The loss


ORDERS = {
    "categories first": ([3, 1, 2, 1], [True, False, True, False]),
    "numbers first": ([1, 1, 3, 2], [False, False, True, True]),
    "categories alone": ([3, 2], [True, True]),
    "numbers alone": ([3, 2], [False, False]),
    "numbers last": ([2, 3], [True, False]),
}
every_order = pytest.mark.parametrize(
    ("width", "is_category"), ORDERS.values(), ids=ORDERS
)
either_tied = pytest.mark.parametrize("is_tied", [True, False])


class Problem:
    """A network with random parameters, rows of groups and weights of entries."""

    def __init__(self, width, is_category, is_tied, alpha=0.1, n_rows=5):
        rng = np.random.default_rng(0)
        self.shape = 3, sum(width)
        self.alpha = alpha
        self.architecture = one_hidden.Architecture(
            ACTIVATIONS["tanh"],
            ACTIVATIONS["identity"],
            mixed_groups(width, is_category),
            is_tied,
        )
        blocks = [
            np.eye(wide)[rng.integers(0, wide, n_rows)]
            if category
            else rng.normal(size=(n_rows, wide))
            for wide, category in zip(width, is_category, strict=True)
        ]
        clean = np.hstack(blocks)
        corrupted = clean * (rng.random(clean.shape) < 0.7)
        weights = rng.uniform(0, 2, clean.shape) * (rng.random(clean.shape) < 0.8)
        self.batch = Batch(corrupted, clean, weights)
        self.parameters = one_hidden.allocate_parameters(*self.shape, is_tied, float)
        self.parameters.flat[:] = rng.uniform(-1, 1, self.parameters.flat.shape)

    def evaluate(self, flat=None):
        parameters = self.parameters
        if flat is not None:
            parameters = parameters._replace(flat=flat)
        network = one_hidden.Network(self.architecture, *self.shape, np.dtype(float))
        objective = Objective(network, lambda rows: self.batch, self.alpha)
        return objective(parameters, np.arange(len(self.batch.targets)))


@every_order
@either_tied
def test_the_gradient_of_the_network_equals_central_differences(
    width, is_category, is_tied
):
    problem = Problem(width, is_category, is_tied)
    flat, step = problem.parameters.flat, 1e-5
    numerical = [
        (problem.evaluate(flat + move)[0] - problem.evaluate(flat - move)[0])
        / (2 * step)
        for move in step * np.eye(flat.size)
    ]
    _, gradient = problem.evaluate()
    assert_allclose(gradient.flat, numerical, rtol=1e-6, atol=1e-9)


@every_order
@either_tied
def test_taylor_error_of_the_network_quarters_when_the_step_halves(
    width, is_category, is_tied
):
    problem = Problem(width, is_category, is_tied)
    flat = problem.parameters.flat
    value, gradient = problem.evaluate()
    direction = np.random.default_rng(1).normal(size=flat.size)

    def taylor_error(step):
        moved, _ = problem.evaluate(flat + step * direction)
        return moved - value - step * gradient.flat @ direction

    assert taylor_error(1e-3) / taylor_error(5e-4) == pytest.approx(4, rel=0.02)


def preactivation(model, x):
    """a of the visible layer, the slow way."""
    function, _ = FUNCTIONS[model.activation]
    hidden = apply(function, model.components_ @ x + model.intercept_hidden_)
    return hidden @ model.decoder_components_ + model.intercept_visible_


def loss_of_row(model, x, weights):
    """By the equations, group by group."""
    a, total = preactivation(model, np.nan_to_num(x)), 0.0
    for block, category in zip(BLOCKS, CATEGORY, strict=True):
        layout = (0, [a[block].size]) if category else (1, ())
        total += mixed_loss(a[block], np.nan_to_num(x[block]), weights[block], *layout)[
            0
        ]
    return total


@either_tied
def test_the_loss_in_training_is_that_of_the_equations(is_tied):
    X = rows()
    still = {"solver": "sgd", "learning_rate_init": 1e-12, "corruption": None}
    model = make(**SETTINGS | still, tied_weights=is_tied).partial_fit(X)
    expected = np.mean([loss_of_row(model, x, np.ones(7)) for x in X])
    assert model.loss_name_ == "mixed"
    assert model.loss_ == pytest.approx(expected, rel=1e-6)


def test_missing_groups_have_no_part_in_the_loss():
    X = with_holes(rows())
    still = {"solver": "sgd", "learning_rate_init": 1e-12, "corruption": None}
    model = make(**SETTINGS | still).partial_fit(X)
    expected = np.mean([loss_of_row(model, x, ~np.isnan(x)) for x in X])
    assert model.loss_ == pytest.approx(expected, rel=1e-6)


def test_lbfgs_reaches_a_lower_loss_without_corruption():
    X = rows()
    settings = {"corruption": None, "solver": "lbfgs", "max_iter": 20}
    model = make(**SETTINGS | settings).fit(X)
    curve = model.loss_curve_
    assert curve[-1] < curve[0] / 2
    assert (np.diff(curve) <= 0).all()


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_another_loss_may_go_with_groups(loss):
    X = np.clip(rows(), 0, 1)
    model = make(**SETTINGS, loss=loss).fit(X)
    assert model.loss_name_ == loss


# What comes out


@either_tied
def test_reconstructions_of_a_category_are_probabilities(is_tied, dtype):
    X = rows().astype(dtype)
    model = make(**SETTINGS, tied_weights=is_tied).fit(X)
    decoded = model.inverse_transform(model.transform(X))
    assert decoded.dtype == dtype
    for block in (BLOCKS[0], BLOCKS[2]):
        assert (decoded[:, block] > 0).all()
        assert_allclose(decoded[:, block].sum(axis=1), 1, rtol=1e-6)


def test_a_reconstruction_is_that_of_the_equations():
    X = rows()
    model = make(**SETTINGS).fit(X)
    for x, z in zip(X[:5], model.reconstruct(X[:5]), strict=True):
        a = preactivation(model, x)
        expected = np.concatenate(
            [naive_softmax(a[:3]), a[3:4], naive_softmax(a[4:6]), a[6:]]
        )
        assert_allclose(z, expected, rtol=1e-10)


def test_any_codes_decode_to_probabilities():
    model = make(**SETTINGS).fit(rows())
    wild = np.random.default_rng(0).normal(size=(30, 4)) * 1e4
    decoded = model.inverse_transform(wild)
    assert np.isfinite(decoded).all()
    assert_allclose(decoded[:, :3].sum(axis=1), 1)


@pytest.mark.parametrize("X", [rows(), with_holes(rows())], ids=["whole", "holes"])
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_array])
def test_scores_are_minus_half_the_errors_of_what_is_observed(X, container):
    model = make(**SETTINGS).fit(X)
    given = container(X)
    errors = model.reconstruction_error(given)
    expected = (model.reconstruct(given) - X) ** 2
    seen = ~np.isnan(X)
    assert_allclose(errors[seen], expected[seen], rtol=1e-8, atol=1e-14)
    assert not errors[~seen].any()
    with np.errstate(invalid="ignore"):
        scores = -errors.sum(axis=1) / 2 / seen.mean(axis=1)
    scores[~seen.any(axis=1)] = 0
    assert_allclose(model.score_samples(given), scores, rtol=1e-10)


def test_levels_that_follow_from_others_are_learned():
    X = rows(200)
    model = make(**SETTINGS, corruption_level=0.2, n_components=16, max_iter=100)
    model.set_params(learning_rate_init=0.02).fit(X)
    without = X.copy()
    without[:, 4:6] = np.nan
    guess = model.reconstruct(without)[:, 4:6].argmax(axis=1)
    assert (guess == X[:, 4:6].argmax(axis=1)).mean() > 0.95


# Dense and sparse, whole and with holes


@pytest.mark.parametrize("name", CORRUPTIONS, ids=str)
@pytest.mark.parametrize("X", [rows(), with_holes(rows())], ids=["whole", "holes"])
def test_sparse_rows_are_corrupted_and_learned_as_dense_ones(name, X):
    changes = {"corruption": name, "feature_groups": GROUPS}
    dense = make(**changes).fit(X)
    sparse = make(**changes).fit(scipy.sparse.csr_array(X))
    for one, other in zip(
        learned(dense).values(), learned(sparse).values(), strict=True
    ):
        assert_allclose(other, one, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", ["masking", "swap"])
def test_a_sparse_batch_is_corrupted_as_a_dense_one(name):
    X = rows()
    batches = []
    for container in (np.asarray, scipy.sparse.csr_array):
        made = make_corruption(
            name,
            0.5,
            (X.min(axis=0), X.max(axis=0)),
            np.random.default_rng(0),
            Groups.of_widths(WIDTH),
        )
        batches.append(RowFeed(container(X), corruption=made)(np.arange(60)))
    assert_array_equal(batches[0].inputs, batches[1].inputs)
    assert_array_equal(batches[0].targets, batches[1].targets)


def test_missing_groups_stay_0_however_they_are_corrupted():
    X = with_holes(rows())
    clean = np.nan_to_num(X)
    made = make_corruption(
        "swap",
        1.0,
        (clean.min(axis=0), clean.max(axis=0)),
        np.random.default_rng(0),
        Groups.of_widths(WIDTH),
    )
    batch = RowFeed(X, corruption=made)(np.arange(60))
    assert_array_equal(batch.inputs[np.isnan(X)], 0)
    assert_array_equal(batch.entry_weights == 0, np.isnan(X))
    levels = batch.inputs[:, BLOCKS[0]]
    assert (levels.sum(axis=1) <= 1).all()


def test_emphasis_counts_all_of_a_chosen_group():
    X = rows()
    still = {"solver": "sgd", "learning_rate_init": 1e-12, "shuffle": False}
    losses = {
        emphasis: make(**SETTINGS | still, emphasis=emphasis).partial_fit(X).loss_
        for emphasis in [(1, 0), (0, 1), (1, 1)]
    }
    assert losses[1, 1] == pytest.approx(losses[1, 0] + losses[0, 1], rel=1e-9)
    assert min(losses.values()) > 0


# Training goes on


def test_partial_fit_goes_on_with_the_same_groups():
    model = make(**SETTINGS).partial_fit(rows()).partial_fit(rows(30, seed=1))
    assert model.n_iter_ == 2
    assert model.loss_name_ == "mixed"


def test_partial_fit_keeps_what_the_first_rows_say_is_a_category():
    odd = rows(30, seed=1)
    odd[:, 4:6] = 0.5
    model = make(**SETTINGS).partial_fit(rows()).partial_fit(odd)
    assert_allclose(model.reconstruct(odd)[:, 4:6].sum(axis=1), 1)


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
@pytest.mark.parametrize("others", [None, [0, 0, 1, 1, 2, 2, 3], [0] * 7])
def test_going_on_with_other_groups_is_refused(method, others):
    model = make(**SETTINGS, warm_start=True).fit(rows())
    before = learned(model)
    model.set_params(feature_groups=others)
    with pytest.raises(ValueError, match="feature_groups are not those of the fitted"):
        getattr(model, method)(rows())
    for name, values in learned(model).items():
        assert_array_equal(values, before[name])


def test_going_on_with_groups_from_a_model_without_is_refused():
    model = make().partial_fit(rows())
    with pytest.raises(ValueError, match="feature_groups are not those"):
        model.set_params(feature_groups=GROUPS).partial_fit(rows())


def test_the_numbers_that_name_groups_do_not_matter():
    other = np.array([9, -1, 4, 0])[GROUPS]
    first, second = make(**SETTINGS), make(**SETTINGS | {"feature_groups": other})
    assert_same_model(first.fit(rows()), second.fit(rows()))
    first.set_params(feature_groups=other).partial_fit(rows())


def test_warm_start_goes_on():
    model = make(**SETTINGS, warm_start=True).fit(rows())
    before = model.loss_
    assert model.set_params(max_iter=30).fit(rows()).loss_ < before


def test_a_fit_anew_may_have_other_groups():
    model = make(**SETTINGS).fit(rows()).set_params(feature_groups=None)
    assert model.fit(rows()).loss_name_ == "squared_error"


@pytest.mark.parametrize("X", [rows(), with_holes(rows())], ids=["whole", "holes"])
def test_early_stopping_holds_rows_out(X):
    model = make(**SETTINGS, early_stopping=True).fit(X)
    assert len(model.validation_loss_curve_) == 3
    assert np.isfinite(model.validation_loss_curve_).all()


# Copies and settings


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deepcopy", "pickle"],
)
def test_a_copy_gives_the_same_and_goes_on_the_same(duplicate):
    model = make(**SETTINGS).fit(rows())
    copied = duplicate(model)
    assert_array_equal(copied.reconstruct(rows()), model.reconstruct(rows()))
    assert_same_model(copied.partial_fit(rows()), model.partial_fit(rows()))


def test_a_clone_has_the_groups_and_learns_the_same():
    model = make(**SETTINGS).fit(rows())
    cloned = clone(model)
    assert_array_equal(cloned.get_params()["feature_groups"], GROUPS)
    assert_same_model(cloned.fit(rows()), model)


def test_groups_set_after_a_fit_do_not_change_what_was_fitted():
    X = rows()
    model = make(**SETTINGS).fit(X)
    expected = model.reconstruct(X)
    model.set_params(feature_groups=None, loss="squared_error")
    assert_array_equal(model.reconstruct(X), expected)


def test_the_users_array_of_groups_is_not_changed():
    groups = GROUPS.copy()
    groups.flags.writeable = False
    model = make(**SETTINGS | {"feature_groups": groups}).fit(rows())
    assert model.feature_groups is groups


# Refusals

KINDS = {
    "list": GROUPS.tolist(),
    "tuple": tuple(GROUPS.tolist()),
    "uint8": GROUPS.astype(np.uint8),
    "negative": GROUPS - 2,
    "large": GROUPS + 2**62,
}


@pytest.mark.parametrize("groups", KINDS.values(), ids=KINDS)
def test_whole_numbers_of_any_kind_name_groups(groups):
    assert_array_equal(check_feature_groups(groups, 7), WIDTH)


WRONG = {
    "too few": GROUPS[:6],
    "too many": [*GROUPS, 4],
    "two dimensions": GROUPS[np.newaxis],
    "lists": [[0, 1, 2], [3], [4, 5], [6]],
    "floats": GROUPS.astype(float),
    "bools": GROUPS > 1,
    "strings": list("aaabccd"),
    "a string": "auto",
    "a number": 3,
    "nothing": [],
    "a dict": {0: 1},
    "huge": [2**70] * 7,
}


@pytest.mark.parametrize("groups", WRONG.values(), ids=WRONG)
def test_what_is_not_one_whole_number_a_feature_is_refused(groups):
    with pytest.raises(ValueError, match="feature_groups must be one whole number"):
        make(feature_groups=groups).fit(rows())


def test_a_group_in_several_places_is_refused_with_its_number():
    with pytest.raises(ValueError, match="side by side, but group 0 is in several"):
        make(feature_groups=[0, 0, 1, 0, 2, 2, 3]).fit(rows())


def test_mixed_loss_without_groups_is_refused():
    with pytest.raises(ValueError, match="loss='mixed' needs feature_groups"):
        make(loss="mixed").fit(rows())


def test_an_output_activation_of_its_own_does_not_go_with_mixed_loss():
    with pytest.raises(ValueError, match="output_activation='logistic' does not go"):
        make(**SETTINGS, output_activation="logistic").fit(rows())


def test_lbfgs_with_corruption_of_groups_is_refused():
    with pytest.raises(ValueError, match="needs the same loss at every evaluation"):
        make(**SETTINGS, solver="lbfgs").fit(rows())
