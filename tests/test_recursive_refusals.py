"""What is refused as trees, or as a setting, and in which words."""

from collections import UserList, deque

import numpy as np
import pandas as pd
import pytest
from tree_models import TREES, A, B, C, as_objects, every_estimator, make, make_trees

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

METHODS = (
    "fit",
    "partial_fit",
    "transform",
    "reconstruct",
    "score",
    "score_samples",
    "reconstruction_error",
    "transform_nodes",
)
WRONG = {
    r"tree 1, at \[0\]\[2\]: leaf has length 2, expected 3": [(A, B), ((A, B, C[:2]),)],
    r"tree 0, at \[1\]: an empty tuple": [(A, ())],
    r"tree 2, at \[0\]: leaf contains NaN": [(A, B), B, (A * np.nan, B)],
    r"tree 1, at \[1\]\[0\]: leaf contains infinity": [A, (B, (A * np.inf, C))],
    r"tree 0, at \[1\]: leaf is of type str": [(A, "word")],
    r"tree 0, at \[0\]: leaf is of type NoneType": [(None, A)],
    r"tree 0, at \[1\]: leaf is a scalar of type float": [(A, 1.5)],
    r"tree 0, at \[1\]: nodes are tuples": [(A, [B, C])],
    r"tree 1, at the root: leaf is of type NoneType": [(A, B), None],
}


# Trees


@every_estimator
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("message", "X"), WRONG.items())
def test_a_wrong_tree_is_refused_with_its_place(message, X, method, Estimator):
    model = make(Estimator).fit(TREES)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X)


@pytest.mark.parametrize(("message", "X"), WRONG.items())
def test_a_wrong_structure_is_refused_with_its_place(message, X):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=message):
        model.inverse_transform(np.zeros((len(X), 3)), structures=X)


@every_estimator
@pytest.mark.parametrize("method", [name for name in METHODS if name != "fit"])
@pytest.mark.parametrize("n_features", [2, 4])
def test_leaves_of_another_length_are_refused_in_scikit_learns_words(
    n_features, method, Estimator
):
    model = make(Estimator).fit(TREES)
    message = (
        rf"^X has {n_features} features, but {Estimator.__name__} is expecting 3 "
        "features as input"
    )
    other = make_trees(5, n_features=n_features)
    for X in (other, as_objects(other), Forest.from_nested(other)):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(np.zeros((5, n_features)))


def test_three_features_where_two_are_expected_are_refused_in_those_very_words():
    model = make().fit(make_trees(20, n_features=2))
    with pytest.raises(ValueError, match="X has 3 features") as error:
        model.transform(TREES)
    assert str(error.value).startswith(
        "X has 3 features, but UnfoldingRAETransformer is expecting 2 features as input"
    )


def test_a_wrong_tree_leaves_a_refitted_estimator_as_it_was():
    model = make().fit(TREES)
    codes = model.transform(TREES)
    with pytest.raises(ValueError, match="leaf has length"):
        model.fit([(A, B[:2])])
    assert (model.transform(TREES) == codes).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_tree_doubled_sixty_times_is_refused(method):
    model = make().fit(TREES)
    tree = (A, B)
    for _ in range(60):
        tree = (tree, tree)
    with pytest.raises(ValueError, match=f"unfolds to {3 * 2**60 + 2**60 - 1} nodes"):
        getattr(model, method)([tree])


# Nothing, and what is no data


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_forest_is_refused(method):
    model = make().fit(TREES)
    empty = Forest.from_nested(TREES)[:0]
    with pytest.raises(ValueError, match="0 trees, while at least 1 is required"):
        getattr(model, method)(empty)


@pytest.mark.parametrize(
    "empty",
    [[], (), as_objects([]), pd.Series([], dtype=object)],
    ids=["list", "tuple", "object array", "Series"],
)
@pytest.mark.parametrize("method", METHODS)
def test_an_empty_x_is_refused(method, empty):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=r"^X has no trees; at least one is needed$"):
        getattr(model, method)(empty)


@pytest.mark.parametrize("method", METHODS)
def test_an_x_without_rows_is_refused_in_the_words_of_scikit_learn(method):
    model = make().fit(TREES)
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 3\)\)"):
        getattr(model, method)(np.empty((0, 3)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [iter, UserList, deque])
def test_what_a_list_can_be_made_of_is_refused_with_that_remedy(method, kind):
    model = make().fit(TREES)
    with pytest.raises(
        (TypeError, ValueError), match=r"If X holds trees: .* write list\(X\)"
    ):
        getattr(model, method)(kind(TREES))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("X", [None, "words", 3.0, {"a": 1}, iter(TREES)])
def test_what_is_no_data_is_refused(method, X):
    model = make().fit(TREES)
    with pytest.raises((TypeError, ValueError)):
        getattr(model, method)(X)


# Containers


@pytest.mark.parametrize(
    "trees", [[[[1.0, 2.0], [3.0, 4.0]]], [[[1.0, 2.0], [[3.0, 4.0], [1.0, 1.0]]]]]
)
def test_trees_written_as_lists_are_refused_with_a_hint_at_tuples(trees):
    with pytest.raises(ValueError, match=r"write \(a, b\), not \[a, b\]"):
        make().fit(trees)


@pytest.mark.parametrize(
    ("X", "hint"),
    [
        (np.array([(A, B), (B, C)], dtype=object), "pass the list of trees itself"),
        (np.array([((A, B), C)] * 2, dtype=object), "pass the list of trees itself"),
        (np.array([(A, B), (B, C)]), "pass the list of trees itself"),
        (
            pd.DataFrame({"tree": [(A, B), ((A, B), C)]}),
            r"pass the column .* X\['tree'\]",
        ),
    ],
    ids=["objects", "ragged", "numbers", "data frame"],
)
def test_trees_in_another_container_are_refused_with_a_hint(X, hint):
    with pytest.raises(ValueError, match=f"(?i)If X holds trees: .*{hint}"):
        make().fit(X)


@pytest.mark.parametrize(
    "X", [(tree for tree in TREES), dict(enumerate(TREES))], ids=["generator", "dict"]
)
def test_trees_that_can_be_gone_through_but_not_indexed_are_refused_with_a_hint(X):
    with pytest.raises(TypeError, match="If X holds trees: pass a list of them"):
        make().fit(X)


@pytest.mark.parametrize("X", [np.array([[1.0, np.nan]]), np.eye(3)[:0]])
def test_an_array_of_numbers_is_refused_without_a_word_of_trees(X):
    with pytest.raises(ValueError, match=r"NaN|0 sample") as error:
        make().fit(X)
    assert "trees" not in str(error.value)


# Settings


@every_estimator
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_components", 0),
        ("n_components", 2.5),
        ("encoder_activation", "sigmoid"),
        ("decoder_activation", None),
        ("init", "zeros"),
        ("solver", "newton"),
        ("corruption", "dropout"),
        ("corruption_level", -0.1),
        ("alpha", -1.0),
        ("batch_size", 0),
        ("max_iter", 0),
        ("momentum", 1.5),
        ("validation_fraction", 1.0),
        ("learning_rate", "fast"),
        ("warm_start", "yes"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_parameter_out_of_range_is_refused_by_its_name(
    method, parameter, value, Estimator
):
    if parameter == "solver" and method == "partial_fit":
        method = "fit"
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of"):
        getattr(make(Estimator, **{parameter: value}), method)(TREES)


@pytest.mark.parametrize(
    ("Estimator", "parameter", "value", "known"),
    [
        (UnfoldingRAETransformer, "unfold_from", "leaves", ("root", "all")),
        (UnfoldingRAETransformer, "solver", "newton", ("adam", "sgd", "lbfgs")),
        (UnfoldingRAETransformer, "init", "zeros", ("average", "glorot")),
        (UnfoldingRAETransformer, "encoder_activation", "sigmoid", tuple(ACTIVATIONS)),
        (RAETransformer, "solver", "newton", ("adam", "sgd", "lbfgs")),
    ],
)
def test_an_unknown_name_is_refused_with_a_list_of_the_known_ones(
    Estimator, parameter, value, known
):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter") as error:
        make(Estimator, **{parameter: value}).fit(TREES)
    assert all(repr(name) in str(error.value) for name in known)


def test_normalize_is_a_boolean():
    with pytest.raises(ValueError, match="'normalize' parameter of RAETransformer"):
        make(RAETransformer, normalize="l2").fit(TREES)
