"""RecursiveClassifier and RecursiveRegressor: what a user meets."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_autoenc import (
    Forest,
    RAETransformer,
    RecursiveClassifier,
    RecursiveRegressor,
    UnfoldingRAETransformer,
)

A, B, NOT = np.eye(3)
BOTH = (RecursiveClassifier, RecursiveRegressor)
both = pytest.mark.parametrize("Estimator", BOTH)


def grow(rng, n_leaves):
    """A random binary tree of A, B and NOT."""
    row = [(A, B, NOT)[k] for k in rng.integers(0, 3, n_leaves)]
    while len(row) > 1:
        k = int(rng.integers(0, len(row) - 1))
        row[k : k + 2] = [(row[k], row[k + 1])]
    return row[0] if isinstance(row[0], tuple) else (row[0],)


def value(tree):
    """A is 1, B is -1, (NOT, x) is -x, anything else the sum of its children."""
    if not isinstance(tree, tuple):
        return {0: 1.0, 1: -1.0, 2: 0.0}[int(np.argmax(tree))]
    if len(tree) == 2 and tree[0] is NOT:
        return -value(tree[1])
    return sum(map(value, tree))


def values_of_nodes(tree):
    """In preorder."""
    children = tree if isinstance(tree, tuple) else ()
    return [value(tree), *(v for child in children for v in values_of_nodes(child))]


RNG = np.random.default_rng(0)
TREES = [grow(RNG, int(n)) for n in RNG.integers(2, 7, 240)]
NUMBERS = np.array([value(tree) for tree in TREES])
CLASSES = np.where(NUMBERS > 0, "up", "down")
QUICK = {"n_components": 3, "max_iter": 4, "early_stopping": True, "random_state": 0}
LABELS = {RecursiveClassifier: CLASSES, RecursiveRegressor: NUMBERS}


def quick(Estimator, **changes):
    return Estimator(**QUICK | changes)


def of_nodes(tree, function):
    return [function(v) for v in values_of_nodes(tree)]


def test_order_and_structure_are_learned_that_a_bag_of_leaves_cannot_tell():
    model = RecursiveClassifier(12, dropout=0.0, max_iter=60, random_state=0)
    model.fit(TREES[:200], CLASSES[:200])
    assert model.score(TREES[200:], CLASSES[200:]) >= 0.9
    assert value((NOT, (A, A))) != value((A, (NOT, A)))
    assert list(model.predict([(NOT, (A, A)), (NOT, (B, B))])) == ["down", "up"]


def test_numbers_are_learned():
    model = RecursiveRegressor(16, dropout=0.0, max_iter=60, random_state=0)
    model.fit(TREES[:200], NUMBERS[:200])
    assert model.score(TREES[200:], NUMBERS[200:]) > 0.8


@both
@pytest.mark.parametrize("composition", ["blend", "gated", "lstm"])
def test_every_composition_lowers_the_loss(Estimator, composition):
    model = quick(Estimator, composition=composition, max_iter=15, dropout=0.0)
    model.fit(TREES, LABELS[Estimator])
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


def test_probabilities_add_up_and_agree_with_predict_and_decision_function():
    model = quick(RecursiveClassifier).fit(TREES, CLASSES)
    probabilities = model.predict_proba(TREES)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_array_equal(model.predict(TREES), model.classes_[probabilities.argmax(1)])
    odds = np.log(probabilities[:, 1] / probabilities[:, 0])
    assert_allclose(model.decision_function(TREES), odds, atol=1e-12)


def test_three_classes_have_a_column_each():
    y = np.sign(NUMBERS).astype(int)
    model = quick(RecursiveClassifier).fit(TREES, y)
    assert_array_equal(model.classes_, [-1, 0, 1])
    assert model.decision_function(TREES).shape == (240, 3)


@both
def test_a_forest_and_nested_tuples_give_the_same_model(Estimator):
    y = LABELS[Estimator]
    nested = quick(Estimator).fit(TREES, y)
    forest = quick(Estimator).fit(Forest.from_nested(TREES), y)
    assert_array_equal(nested.predict(TREES), forest.predict(TREES))
    assert_array_equal(nested.leaf_vectors_, forest.leaf_vectors_)


@both
def test_transform_gives_the_pooled_codes_that_the_head_reads(Estimator):
    model = quick(Estimator, n_components=5, pooling=("root", "mean"))
    codes = model.fit(TREES, LABELS[Estimator]).transform(TREES)
    assert codes.shape == (240, 10)
    outputs = codes @ model.output_weights_.T + model.output_intercept_
    assert_allclose(model._outputs(TREES), outputs, atol=1e-12)
    assert len(model.get_feature_names_out()) == 10


# Labels of nodes


def test_labels_of_nodes_teach_the_nodes():
    labels = [of_nodes(tree, lambda v: "up" if v > 0 else "down") for tree in TREES]
    model = RecursiveClassifier(12, dropout=0.0, max_iter=30, random_state=0)
    model.fit(TREES, CLASSES, node_labels=labels)
    predicted = model.predict_nodes(TREES)
    assert list(map(len, predicted)) == list(map(len, labels))
    assert np.mean(np.concatenate(predicted) == np.concatenate(labels)) > 0.9
    assert_array_equal([of_tree[0] for of_tree in predicted], model.predict(TREES))


def test_numbers_of_nodes_teach_the_nodes():
    labels = [values_of_nodes(tree) for tree in TREES]
    model = RecursiveRegressor(16, dropout=0.0, max_iter=30, random_state=0)
    model.fit(TREES, NUMBERS, node_labels=labels)
    errors = np.concatenate(model.predict_nodes(TREES)) - np.concatenate(labels)
    assert np.mean(errors**2) < 0.5 * np.var(np.concatenate(labels))


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_labels_are_the_same_however_they_are_written(missing):
    labels = [
        of_nodes(tree, lambda v: "up" if v > 1 else missing) for tree in TREES[:60]
    ]
    plain = [[label if label == "up" else None for label in tree] for tree in labels]
    one, other = (
        quick(RecursiveClassifier).fit(TREES[:60], CLASSES[:60], node_labels=given)
        for given in (labels, plain)
    )
    assert_array_equal(one.output_weights_, other.output_weights_)


@both
def test_no_labels_of_nodes_are_the_same_however_they_are_written(Estimator):
    y = LABELS[Estimator]
    nothing = [None] * len(TREES)
    each = [[None] * len(values_of_nodes(tree)) for tree in TREES]
    plain, *others = (
        quick(Estimator).fit(TREES, y, node_labels=given)
        for given in (None, nothing, each)
    )
    for other in others:
        assert_array_equal(plain.output_weights_, other.output_weights_)


def test_a_tree_is_never_of_a_class_that_only_nodes_have():
    labels = [["other", *["part"] * (len(values_of_nodes(t)) - 1)] for t in TREES]
    model = quick(RecursiveClassifier, max_iter=15)
    model.fit(TREES, CLASSES, node_labels=labels)
    assert_array_equal(model.classes_, ["down", "up"])
    assert_array_equal(model.node_classes_, ["down", "up", "other", "part"])
    assert set(model.predict(TREES)) <= {"down", "up"}
    assert model.predict_proba(TREES).shape == (240, 2)
    assert_allclose(model.predict_proba(TREES).sum(axis=1), 1)
    predicted = model.predict_nodes(TREES)
    below = np.concatenate([of_tree[1:] for of_tree in predicted])
    assert np.mean(below == "part") > 0.9
    assert_array_equal([of_tree[0] for of_tree in predicted], model.predict(TREES))
    assert model.score(TREES, CLASSES) > 0.5


def test_the_label_of_the_root_is_y():
    labels = [["down", *[None] * (len(values_of_nodes(t)) - 1)] for t in TREES]
    given = quick(RecursiveClassifier).fit(TREES, CLASSES, node_labels=labels)
    plain = quick(RecursiveClassifier).fit(TREES, CLASSES)
    assert_array_equal(given.output_weights_, plain.output_weights_)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([["a"]], "labels of 1 trees, but X has 2 trees"),
        ([None, ["a", "b"]], r"node_labels\[1\] has 2 labels, but tree 1 has 3 nodes"),
        ("ab", "one list of labels for each tree"),
        ([None, "abc"], r"node_labels\[1\] must be a list of labels or None"),
        ([None, [1, None, None]], "got 1 beside 'up'"),
        ([None, ["a", 1, None]], "mixes text and other labels: 'a' and 1"),
        ([None, np.ones((3, 2))], r"node_labels\[1\] must be a list of single labels"),
    ],
)
def test_wrong_labels_of_nodes_are_refused_by_place(labels, message):
    model = quick(RecursiveClassifier, early_stopping=False)
    with pytest.raises(ValueError, match=message):
        model.fit([(A, B), (B, A)], ["up", "down"], node_labels=labels)
    assert not hasattr(model, "classes_")


@both
def test_labels_of_nodes_need_the_code_of_one_node(Estimator):
    labels = [None] * len(TREES)
    with pytest.raises(ValueError, match="node_labels needs pooling='root'"):
        quick(Estimator, pooling="mean").fit(TREES, LABELS[Estimator], labels)
    model = quick(Estimator, pooling="mean").fit(TREES, LABELS[Estimator])
    with pytest.raises(ValueError, match="predict_nodes needs pooling='root'"):
        model.predict_nodes(TREES)


# Leaves


@both
def test_leaves_are_learned_from_the_given_vectors(Estimator):
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    assert_array_equal(
        np.sort(model.leaf_vectors_given_, axis=0), np.sort(np.eye(3), 0)
    )
    moved = np.abs(model.leaf_vectors_ - model.leaf_vectors_given_)
    assert 0 < moved.max() < 2


@both
def test_frozen_leaves_stay(Estimator):
    model = quick(Estimator, learn_leaves=False).fit(TREES, LABELS[Estimator])
    assert not hasattr(model, "leaf_vectors_")


@both
def test_an_unseen_leaf_keeps_its_vector(Estimator):
    model = quick(Estimator, n_components=3).fit(TREES, LABELS[Estimator])
    codes, _ = model.transform_nodes([(np.full(3, 0.25), A)])
    assert_array_equal(codes[1], np.full(3, 0.25))
    row = np.flatnonzero(model.leaf_vectors_given_ @ A)
    assert_array_equal(codes[2], model.leaf_vectors_[row[0]])


@both
def test_a_leaf_is_known_again_in_another_dtype(Estimator):
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    single = Forest.from_nested(TREES, np.float32)
    assert_allclose(model.transform(single), model.transform(TREES), atol=1e-12)


def test_an_autoencoder_learns_leaves_and_still_reconstructs_the_given_ones():
    settings = {"max_iter": 30, "learn_leaves": True, "random_state": 0}
    model = UnfoldingRAETransformer(4, composition="gated", **settings).fit(TREES)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    errors = model.reconstruction_error(TREES)
    vectors = Forest.from_nested(model.reconstruct(TREES)).leaf_vectors()
    given = Forest.from_nested(TREES).leaf_vectors()
    assert_allclose(errors, ((vectors - given) ** 2).sum(axis=1), atol=1e-12)
    assert_allclose(model.partial_fit(TREES).leaf_vectors_.shape, (3, 3))


def test_corruption_of_learned_leaves_is_refused():
    model = UnfoldingRAETransformer(
        learn_leaves=True, corruption="masking", corruption_level=0.3
    )
    with pytest.raises(ValueError, match="corruption='masking' changes the leaf"):
        model.fit(TREES)


# The start


@both
@pytest.mark.parametrize("Transformer", [UnfoldingRAETransformer, RAETransformer])
def test_a_fitted_transformer_gives_the_start(Estimator, Transformer):
    start = Transformer(
        composition="gated", learn_leaves=True, **QUICK | {"n_components": 5}
    ).fit(TREES)
    still = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-300}
    model = Estimator(5, init=start, dropout=0.0, alpha=0.0, max_iter=1, **still)
    model.fit(TREES, LABELS[Estimator])
    assert_array_equal(model.encoder_left_, start.encoder_left_)
    assert_array_equal(model.leaf_encoder_, start.leaf_encoder_)
    assert_array_equal(model.leaf_vectors_, start.leaf_vectors_)
    assert_allclose(model.transform(TREES), start.transform(TREES), atol=1e-12)


def test_leaves_that_the_start_has_learned_elsewhere_are_kept():
    extra = np.array([0.5, 0.5, 0.0])
    settings = {"composition": "gated", "learn_leaves": True} | QUICK
    start = UnfoldingRAETransformer(**settings).fit([*TREES, (extra, A), (extra, B)])
    model = quick(RecursiveClassifier, init=start).fit(TREES, CLASSES)
    codes, _ = model.transform_nodes([(extra, A)])
    row = np.flatnonzero((start.leaf_vectors_given_ == extra).all(axis=1))
    assert_array_equal(codes[1], start.leaf_vectors_[row[0]])
    with pytest.raises(ValueError, match="init has learned leaf vectors"):
        quick(RecursiveClassifier, init=start, learn_leaves=False).fit(TREES, CLASSES)


def test_a_search_keeps_a_frozen_start():
    start = UnfoldingRAETransformer(
        composition="gated", **QUICK | {"n_components": 5}
    ).fit(TREES)
    model = quick(RecursiveClassifier, n_components=5, init=FrozenEstimator(start))
    search = GridSearchCV(model, {"dropout": [0.0, 0.2]}, cv=2).fit(TREES, CLASSES)
    assert search.best_estimator_.init.estimator is start


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (UnfoldingRAETransformer(), "FrozenEstimator"),
        ("blend", "init was fitted with composition='blend', but composition is"),
        (
            "size",
            "codes of length 4 of leaf vectors of length 3; here they are 5 and 3",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_refused(start, message):
    if start == "blend":
        start = UnfoldingRAETransformer(**QUICK | {"n_components": 5}).fit(TREES)
    elif start == "size":
        start = UnfoldingRAETransformer(
            composition="gated", **QUICK | {"n_components": 4}
        ).fit(TREES)
    model = quick(RecursiveClassifier, n_components=5, init=start)
    with pytest.raises(ValueError, match=message):
        model.fit(TREES, CLASSES)


@both
def test_an_unknown_start_is_refused(Estimator):
    with pytest.raises(ValueError, match="'init' parameter"):
        quick(Estimator, init="zeros").fit(TREES, LABELS[Estimator])


# Training


@both
def test_the_best_parameters_on_held_out_trees_are_kept(Estimator):
    model = quick(Estimator, max_iter=12).fit(TREES, LABELS[Estimator])
    assert len(model.validation_loss_curve_) == 12
    assert model.best_loss_ == min(model.validation_loss_curve_)


def test_what_is_watched_is_the_accuracy_of_the_held_out_trees():
    model = quick(RecursiveClassifier, max_iter=3).fit(TREES, CLASSES)
    wrong = 24 * np.array(model.validation_loss_curve_)
    assert np.all((wrong % 1 > 0) & (wrong % 1 < 0.5))


@both
def test_one_seed_gives_one_model(Estimator):
    y = LABELS[Estimator]
    one, other = (quick(Estimator).fit(TREES, y) for _ in range(2))
    assert_array_equal(one.predict(TREES), other.predict(TREES))


@both
def test_warm_start_goes_on(Estimator):
    y = LABELS[Estimator]
    model = quick(Estimator, warm_start=True).fit(TREES, y)
    assert model.fit(TREES, y).n_iter_ == 8


def test_warm_start_knows_its_classes():
    model = quick(RecursiveClassifier, warm_start=True).fit(TREES, CLASSES)
    with pytest.raises(ValueError, match=r"goes on with classes .* has \['left'\]"):
        model.fit(TREES, ["left", *CLASSES[1:]])


def test_class_weights_move_the_border():
    rare = np.where(NUMBERS > 2, 1, 0)
    counts = []
    for weight in (None, "balanced", {0: 1.0, 1: 100.0}):
        model = quick(RecursiveClassifier, class_weight=weight, max_iter=10)
        counts.append(model.fit(TREES, rare).predict(TREES).sum())
    assert counts[0] < min(counts[1:])


@both
def test_lbfgs_trains_without_dropout(Estimator):
    model = quick(Estimator, solver="lbfgs", dropout=0.0, max_iter=20, tol=10)
    model.fit(TREES[:60], LABELS[Estimator][:60])
    assert model.loss_ < model.loss_curve_[0] or model.n_iter_ == 1


@both
def test_lbfgs_with_dropout_is_refused(Estimator):
    with pytest.raises(ValueError, match="dropout"):
        quick(Estimator, solver="lbfgs", dropout=0.1).fit(TREES, LABELS[Estimator])


@both
@pytest.mark.parametrize(("n_features", "length"), [(2, 50), (60, 60), (1000, 128)])
def test_codes_are_as_long_as_leaves_within_bounds(Estimator, n_features, length):
    X = np.eye(n_features)[[0, 1] * 20]
    model = quick(Estimator, n_components=None, max_iter=1).fit(X, [0, 1] * 20)
    assert model.transform(X).shape == (40, length)


@both
def test_children_or_leaves_are_asked_back(Estimator):
    settings = {"reconstruction": 0.5, "dropout": 0.0}
    leaves, children = (
        quick(Estimator, reconstruction_of=name, **settings).fit(
            TREES, LABELS[Estimator]
        )
        for name in ("leaves", "children")
    )
    assert children.loss_curve_[0] != leaves.loss_curve_[0]
    assert np.isfinite(children.loss_curve_).all()
    with pytest.raises(ValueError, match="'reconstruction_of' parameter"):
        quick(Estimator, reconstruction_of="root").fit(TREES, LABELS[Estimator])


@both
def test_reconstruction_beside_the_labels_has_a_decoder(Estimator):
    model = quick(Estimator, reconstruction=0.5).fit(TREES, LABELS[Estimator])
    assert model.decoder_left_.shape == (3, 3)
    plain = quick(Estimator).fit(TREES, LABELS[Estimator])
    assert not hasattr(plain, "decoder_left_")


def test_the_unit_of_y_does_not_matter():
    plain = quick(RecursiveRegressor).fit(TREES, NUMBERS)
    scaled = quick(RecursiveRegressor).fit(TREES, 1000 * NUMBERS + 5)
    assert_allclose(scaled.predict(TREES), 1000 * plain.predict(TREES) + 5, rtol=1e-6)


def test_several_outputs_are_predicted_side_by_side():
    y = np.column_stack([NUMBERS, -NUMBERS])
    model = quick(RecursiveRegressor).fit(TREES, y)
    assert model.predict(TREES).shape == (240, 2)
    with pytest.raises(ValueError, match="for one output, but y has 2 columns"):
        quick(RecursiveRegressor).fit(TREES, y, node_labels=[None] * 240)


def test_a_constant_target_is_predicted():
    model = quick(RecursiveRegressor, alpha=0.0).fit(TREES, np.full(240, 7.0))
    assert_allclose(model.predict(TREES), 7, atol=0.5)


# scikit-learn


@both
def test_pipelines_searches_and_processes(Estimator):
    pipeline = make_pipeline(FunctionTransformer(Forest.from_nested), quick(Estimator))
    y = LABELS[Estimator]
    assert len(cross_val_score(pipeline, TREES, y, cv=2, n_jobs=2)) == 2


@both
def test_labels_of_nodes_go_through_pipelines_and_searches(Estimator):
    y = LABELS[Estimator]
    labels = [
        [label] * len(values_of_nodes(t))
        for t, label in zip(TREES, y.tolist(), strict=True)
    ]
    pipeline = make_pipeline(FunctionTransformer(Forest.from_nested), quick(Estimator))
    name = f"{Estimator.__name__.lower()}__node_labels"
    direct = quick(Estimator).fit(TREES, y, node_labels=labels)
    pipeline.fit(TREES, y, **{name: labels})
    assert_array_equal(pipeline.predict(TREES), direct.predict(TREES))
    search = GridSearchCV(quick(Estimator), {"alpha": [1e-3, 1e-2]}, cv=2)
    assert search.fit(TREES, y, node_labels=labels).best_index_ in (0, 1)


@both
def test_metadata_routing_hands_labels_of_nodes_on(Estimator):
    y = LABELS[Estimator]
    labels = [
        [label] * len(values_of_nodes(t))
        for t, label in zip(TREES, y.tolist(), strict=True)
    ]
    direct = quick(Estimator).fit(TREES, y, node_labels=labels)
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            FunctionTransformer(Forest.from_nested), quick(Estimator)
        )
        pipeline.fit(TREES, y, node_labels=labels)
        scores = cross_val_score(
            quick(Estimator), TREES, y, cv=2, params={"node_labels": labels}
        )
    assert_array_equal(pipeline.predict(TREES), direct.predict(TREES))
    assert len(scores) == 2


@both
def test_a_pickle_predicts_the_same(Estimator):
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(TREES), model.predict(TREES))
    assert not hasattr(clone(model), "output_weights_")


@both
def test_an_error_leaves_the_old_model(Estimator):
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    before = model.predict(TREES)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model.fit(TREES, LABELS[Estimator][:-1])
    assert_array_equal(model.predict(TREES), before)


@both
@pytest.mark.parametrize(
    ("parameter", "bad"),
    [
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("reconstruction", 1.5),
        ("composition", "sum"),
        ("learn_leaves", "yes"),
        ("pooling", "last"),
        ("child_weights", "both"),
        ("n_components", 0),
    ],
)
def test_a_wrong_parameter_is_named(Estimator, parameter, bad):
    with pytest.raises(ValueError, match=parameter):
        quick(Estimator, **{parameter: bad}).fit(TREES, LABELS[Estimator])


@pytest.mark.parametrize("bad", [1, "heavy"])
def test_a_wrong_class_weight_is_named(bad):
    with pytest.raises(ValueError, match="class_weight"):
        quick(RecursiveClassifier, class_weight=bad).fit(TREES, CLASSES)


@both
def test_a_chain_20_000_deep_is_classified(Estimator):
    deep = A
    for _ in range(20_000):
        deep = (deep,)
    model = quick(Estimator).fit(TREES, LABELS[Estimator])
    assert len(model.predict([deep])) == 1


@both
def test_codes_of_short_leaf_vectors_have_room(Estimator):
    model = Estimator(max_iter=1, random_state=0).fit(TREES, LABELS[Estimator])
    assert model.encoder_left_.shape[1] == 50
