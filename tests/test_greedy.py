"""Greedy trees are those of trying all pairs anew, whatever sequences are beside."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import TreeOracle
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from structure_oracles import greedy_tree
from tree_cases import N_FEATURES, make_model, named
from tree_models import leaves

from sk_autoenc import Forest, GreedyTrees, RAETransformer, UnfoldingRAETransformer
from sk_autoenc.networks.tree import merging
from sk_autoenc.networks.tree.merging import Model, greedy_merges
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.trees.sequences import balanced_spans, forest_of_spans, read_sequences

QUICK = {"normalize": True, "max_iter": 3, "random_state": 0}


def make_sequences(n_sequences=30, seed=0, n_features=N_FEATURES, longest=9):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, n_sequences)
    return [rng.uniform(-1, 1, (n, n_features)) for n in lengths]


SEQUENCES = make_sequences()
A, B, C = np.eye(3)


def make(n_rounds=2, **changes):
    return GreedyTrees(RAETransformer(**QUICK | changes), n_rounds=n_rounds)


def merged(model, sequences):
    """Trees by a network of given parameters, checked to be a forest."""
    read = read_sequences(sequences)
    network = Model(model.parameters, model.network.architecture)
    forest = forest_of_spans(read, greedy_merges(network, *read))
    return Forest(forest.leaf_table, forest.tree_start, forest._columns)


def oracle_of(model):
    architecture = model.network.architecture
    names = {activation: name for name, activation in ACTIVATIONS.items()}
    return TreeOracle(
        named(model.parameters),
        names[architecture.encoder_activation],
        names[architecture.decoder_activation],
        "children",
        0.0,
        architecture.normalize,
        architecture.child_weights,
        {c: name for name, c in COMPOSITIONS.items()}[architecture.composition],
    )


# Against all pairs from scratch


@pytest.mark.parametrize("composition", COMPOSITIONS)
@pytest.mark.parametrize("child_weights", ["equal", "leaves"])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("n_components", [2, N_FEATURES, 5])
@pytest.mark.parametrize(
    "pair", [("tanh", "identity"), ("logistic", "tanh"), ("relu", "logistic")]
)
def test_trees_are_those_of_trying_all_pairs_anew(
    pair, n_components, normalize, child_weights, composition
):
    model = make_model(
        "children",
        pair,
        n_components,
        normalize=normalize,
        child_weights=child_weights,
        composition=composition,
    )
    sequences = make_sequences(8, seed=n_components)
    expected = [greedy_tree(oracle_of(model), sequence) for sequence in sequences]
    assert merged(model, sequences) == Forest.from_nested(expected)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    seed=st.integers(0, 100),
    n_words=st.integers(1, 4),
)
def test_words_that_repeat_are_merged_as_by_all_pairs(lengths, seed, n_words):
    words = np.random.default_rng(seed).uniform(-1, 1, (n_words, N_FEATURES))
    rng = np.random.default_rng(seed)
    sequences = [list(words[rng.integers(n_words, size=n)]) for n in lengths]
    model = make_model("children", normalize=True, seed=seed)
    expected = [greedy_tree(oracle_of(model), sequence) for sequence in sequences]
    assert merged(model, sequences) == Forest.from_nested(expected)


def test_of_ties_the_first_is_merged():
    # Codes are all zero, and so all errors are.
    model = make_model("children", ("relu", "relu"))
    model.parameters.flat[:] = 0
    forest = merged(model, [[0 * A] * 4])
    assert forest == Forest.from_nested([(((0 * A, 0 * A), 0 * A), 0 * A)])


@pytest.mark.parametrize("entries", [1, 30, 200])
def test_trees_do_not_depend_on_how_the_work_is_cut(entries, monkeypatch):
    model = make_model("children", n_components=5)
    expected = merged(model, SEQUENCES)
    monkeypatch.setattr(merging, "MERGED_ENTRIES", entries)
    monkeypatch.setattr(merging, "PAIRS", 3)
    assert merged(model, SEQUENCES) == expected


def test_errors_that_are_not_finite_still_give_trees():
    model = make_model("children", ("relu", "relu"))
    model.parameters.flat[:] = 1e200
    with np.errstate(all="ignore"):
        forest = merged(model, SEQUENCES)
    assert_array_equal(forest.n_leaves, [len(x) for x in SEQUENCES])


# The estimator


def test_leaves_stay_in_their_order():
    forest = make().fit_transform(SEQUENCES)
    for tree, sequence in zip(forest, SEQUENCES, strict=True):
        assert_array_equal(leaves(tree), sequence)
    inner = forest.n_children[forest.n_children > 0]
    assert (inner == 2).all()


def test_trees_are_made_by_the_fitted_model():
    greedy = make(n_components=2).fit(SEQUENCES)
    with greedy.estimator_._ready(Forest.from_rows(SEQUENCES[0])) as ready:
        _, parameters, _ = ready
    oracle = TreeOracle(named(parameters), "tanh", "identity", "children", 0.0, True)
    expected = [greedy_tree(oracle, sequence) for sequence in SEQUENCES[:8]]
    assert greedy.transform(SEQUENCES[:8]) == Forest.from_nested(expected)


def test_training_starts_from_balanced_trees():
    greedy = make(n_rounds=1).fit([[A, B, C, A, B], [A, C]])
    balanced = [(((A, B), C), (A, B)), (A, C)]
    expected = RAETransformer(**QUICK).fit(balanced)
    assert_array_equal(greedy.estimator_.encoder_left_, expected.encoder_left_)
    assert greedy.n_rounds_ == 1


def test_a_further_round_trains_on_the_trees_that_were_made():
    first = make(n_rounds=1).fit(SEQUENCES)
    expected = first.estimator_.set_params(warm_start=True)
    expected.fit(first.transform(SEQUENCES))
    greedy = make(n_rounds=2).fit(SEQUENCES)
    assert_array_equal(greedy.estimator_.encoder_left_, expected.encoder_left_)
    assert not greedy.estimator_.warm_start
    assert len(greedy.estimator_.loss_curve_) == 2 * QUICK["max_iter"]


def test_trees_that_stay_the_same_end_the_rounds():
    sequences = [x[:2] for x in SEQUENCES]
    assert make(n_rounds=5).fit(sequences).n_rounds_ == 1


def test_a_frozen_model_is_taken_as_it_is():
    model = RAETransformer(**QUICK).fit([(A, (B, C))])
    greedy = GreedyTrees(FrozenEstimator(model)).fit(SEQUENCES)
    assert greedy.n_rounds_ == 0
    codes = model.encoder_left_.copy()
    greedy.transform(SEQUENCES)
    assert_array_equal(model.encoder_left_, codes)


def test_greedy_trees_restore_children_better_than_balanced_ones():
    greedy = make(max_iter=10).fit(SEQUENCES)
    read = read_sequences(SEQUENCES)
    balanced = forest_of_spans(read, balanced_spans(read.lengths))
    model = greedy.estimator_
    assert model.score(greedy.transform(SEQUENCES)) > model.score(balanced)


def test_without_an_estimator_codes_are_normalised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        greedy = GreedyTrees().fit(SEQUENCES[:3])
    assert greedy.estimator_.normalize
    assert greedy.get_params()["estimator"] is None


def test_the_estimator_that_is_given_is_never_changed():
    model = RAETransformer(**QUICK)
    before = dict(vars(model))
    GreedyTrees(model).fit(SEQUENCES)
    assert vars(model) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_trees_have_the_dtype_of_the_vectors(dtype):
    sequences = [x.astype(dtype) for x in SEQUENCES]
    forest = make().fit_transform(sequences)
    assert forest.dtype == dtype
    assert forest.n_trees == len(sequences)


# Containers


def as_series(sequences):
    return pd.Series(sequences, index=range(10, 10 + len(sequences)))


CONTAINERS = {
    "lists of vectors": lambda X: [list(x) for x in X],
    "lists of lists": lambda X: [x.tolist() for x in X],
    "tuples": lambda X: [tuple(map(tuple, x.tolist())) for x in X],
    "tuple": tuple,
    "object array": lambda X: np.fromiter(X, object, len(X)),
    "Series": as_series,
    "frames": lambda X: [pd.DataFrame(x) for x in X],
    "Forest": lambda X: Forest.from_nested([tuple(x) for x in X]),
    "deep Forest": lambda X: Forest.from_nested(
        [x[0] if len(x) == 1 else (x[0], tuple(x[1:])) for x in X]
    ),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_every_container_gives_the_same_trees(container):
    greedy = make().fit(SEQUENCES)
    X = container(SEQUENCES)
    assert greedy.transform(X) == greedy.transform(SEQUENCES)
    assert make().fit_transform(X) == greedy.transform(SEQUENCES)


def test_a_three_dimensional_array_is_sequences_of_one_length():
    X = np.random.default_rng(0).normal(size=(6, 4, 3))
    assert make().fit_transform(X) == make().fit_transform(list(X))


def test_a_word_that_is_met_again_is_one_leaf_of_the_table():
    forest = make().fit_transform([[A, B, A], [B, A]])
    assert len(forest.leaf_table) == 2


def test_one_sequence_alone_has_the_tree_that_it_has_among_others():
    greedy = make().fit(SEQUENCES)
    expected = greedy.transform(SEQUENCES)
    for number in range(len(SEQUENCES)):
        one = greedy.transform(SEQUENCES[number : number + 1])
        assert one == expected[number]


# In scikit-learn


def test_its_trees_go_on_through_a_pipeline():
    y = [len(x) > 4 for x in SEQUENCES]
    pipeline = make_pipeline(
        make(),
        UnfoldingRAETransformer(max_iter=3, random_state=0, pooling="sum"),
        LogisticRegression(),
    )
    train, test, train_y, test_y = train_test_split(SEQUENCES, y, random_state=0)
    assert pipeline.fit(train, train_y).score(test, test_y) > 0.5


def test_a_search_over_its_settings_works():
    y = [len(x) > 4 for x in SEQUENCES]
    pipeline = make_pipeline(
        make(), RAETransformer(max_iter=2, random_state=0), LogisticRegression()
    )
    normalize = "greedytrees__estimator__normalize"
    grid = {"greedytrees__n_rounds": [1, 2], normalize: [True, False]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(SEQUENCES, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_clones_and_pickles_make_the_same_trees():
    greedy = make().fit(SEQUENCES)
    expected = greedy.transform(SEQUENCES)
    assert pickle.loads(pickle.dumps(greedy)).transform(SEQUENCES) == expected
    assert clone(greedy).fit_transform(SEQUENCES) == expected
    assert not hasattr(clone(greedy), "estimator_")


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_scikit_learns_checks_of_what_is_no_table_pass():
    for estimator, check in estimator_checks_generator(make()):
        check(estimator)


# Refused


WRONG = {
    "2-D array; expected a list of sequences.* pass \\[X\\]": np.eye(3),
    "sequence 1, vector 2: leaf has length 2, expected 3": [[A], [B, C, C[:2]]],
    "sequence 0, vector 1: leaf contains NaN": [np.array([A, B * np.nan])],
    "sequence 1 is empty": [[A], []],
    "sequence 0 is empty": [np.empty((0, 3))],
    "sequence 1: expected a 2-D array .*got 1 dimensions": [[A], A],
    "sequence 0: expected a 2-D array .*got str": ["words"],
    "sequence 0: expected a 2-D array .*got dict": [{}],
    "sequence 0, vector 1 is an inner node.*from_nested": [(A, (B, C))],
    "sequence 0, vector 0: leaf is a scalar": [[1.0, 2.0]],
    "sequence 0, vector 0: leaf is of type str": [["a", "b"]],
    "X has no sequences": [],
    "X is a Forest of 0 trees": Forest.from_nested([(A, B)])[:0],
}


@pytest.mark.parametrize(("message", "X"), WRONG.items())
def test_wrong_sequences_are_refused_with_their_place(message, X):
    greedy = make()
    with pytest.raises(ValueError, match=message):
        greedy.fit(X)
    assert not hasattr(greedy, "estimator_")


def test_a_forest_with_nan_is_refused_with_its_place():
    forest = Forest.from_nested([(A, (B, C))])
    table = forest.leaf_table * np.array([[1.0], [np.nan], [1.0]])
    forest = Forest(table, forest.tree_start, forest._columns)
    with pytest.raises(ValueError, match=r"tree 0, at \[1\]\[0\]: leaf contains NaN"):
        make().fit(forest)


@pytest.mark.parametrize("X", [None, 3, {"a": [A]}, "words", pd.DataFrame(np.eye(3))])
def test_what_is_no_list_of_sequences_is_a_type_error(X):
    with pytest.raises(TypeError, match="expected a list of sequences"):
        make().fit(X)


@pytest.mark.parametrize("n_rounds", [0, -1, 1.5, "2", None])
def test_a_wrong_number_of_rounds_is_refused_by_name(n_rounds):
    with pytest.raises(ValueError, match="'n_rounds' parameter of GreedyTrees"):
        make(n_rounds).fit(SEQUENCES)


@pytest.mark.parametrize(
    "estimator",
    [
        RAETransformer,
        UnfoldingRAETransformer(),
        LogisticRegression(),
        FrozenEstimator(LogisticRegression()),
        "rae",
    ],
)
def test_what_does_not_restore_children_is_refused(estimator):
    with pytest.raises(ValueError, match="estimator must be None, a RAETransformer"):
        GreedyTrees(estimator).fit(SEQUENCES)


def test_before_fit_it_is_not_fitted():
    with pytest.raises(NotFittedError):
        make().transform(SEQUENCES)
    with pytest.raises(NotFittedError):
        GreedyTrees(FrozenEstimator(RAETransformer())).fit(SEQUENCES)


def test_vectors_of_another_length_are_refused_in_scikit_learns_words():
    greedy = make().fit(SEQUENCES)
    message = "X has 2 features, but GreedyTrees is expecting"
    with pytest.raises(ValueError, match=message):
        greedy.transform(make_sequences(n_features=2))
    frozen = GreedyTrees(FrozenEstimator(greedy.estimator_))
    with pytest.raises(ValueError, match="but RAETransformer is expecting"):
        frozen.fit(make_sequences(n_features=2))


# Size


def test_a_long_sequence_needs_no_recursion():
    sequence = np.random.default_rng(0).normal(size=(3000, 2))
    model = RAETransformer(**QUICK).fit([tuple(sequence[:5])])
    forest = GreedyTrees(FrozenEstimator(model)).fit_transform([sequence])
    assert forest.n_nodes[0] == 2 * len(sequence) - 1
    assert_array_equal(forest.leaf_vectors(), sequence)


def test_balanced_trees_of_many_leaves_are_flat():
    read = read_sequences([np.ones((100_000, 1)), np.ones((1, 1)), np.ones((3, 1))])
    forest = forest_of_spans(read, balanced_spans(read.lengths))
    forest = Forest(forest.leaf_table, forest.tree_start, forest._columns)
    assert forest.heights.tolist() == [17, 0, 2]
