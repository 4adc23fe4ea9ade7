"""Hints of what is public: mypy reads this file, and pytest runs it.

An unused ``type: ignore`` is an error to mypy: each shows a call that it must refuse.
"""

from pathlib import Path
from typing import Any, assert_type, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from sk_autoenc import (
    DenoisingAutoencoder,
    Forest,
    GreedyTrees,
    LeafVectorizer,
    NodeNeighbors,
    RAETransformer,
    ReconstructionOutlierDetector,
    SubtreeCounts,
    TreePairFeatures,
    UnfoldingRAETransformer,
    _typing,
    binarize,
    from_newick,
    limit_arity,
    map_leaves,
    node_labels,
    read_tree,
    tree_from,
)
from sk_autoenc._typing import FloatArray, Tree
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES
from sk_autoenc.parts.poolings import POOLINGS
from sk_autoenc.parts.solvers import SOLVERS

ROWS = np.eye(4)
LEAF = [0.0, 1.0]
TREES = [((LEAF, LEAF), LEAF), (LEAF, LEAF, LEAF)]


def shift(X: NDArray[Any], level: float, rng: np.random.Generator) -> NDArray[Any]:
    return X + level


def test_an_autoencoder_of_rows_keeps_its_type_through_fit() -> None:
    model = DenoisingAutoencoder(2, corruption=shift, max_iter=2, random_state=0)
    assert_type(model.fit(ROWS), DenoisingAutoencoder)
    assert_type(model.partial_fit(ROWS.tolist()), DenoisingAutoencoder)
    assert_type(model.transform(ROWS), FloatArray)
    assert_type(model.inverse_transform(model.transform(ROWS)), FloatArray)
    assert_type(model.reconstruction_error(ROWS), FloatArray)
    assert_type(model.score(ROWS), float)
    assert_type(model.components_, FloatArray)
    assert_type(model.loss_curve_, list[float])


def test_what_is_made_of_trees_keeps_its_type() -> None:
    model = UnfoldingRAETransformer(max_iter=2, random_state=0)
    finder = NodeNeighbors(model, n_neighbors=1)
    assert_type(finder.fit(TREES), NodeNeighbors)
    assert_type(finder.kneighbors(TREES), tuple[FloatArray, NDArray[np.void]])
    assert_type(finder.subtrees([(0, 1)]), Forest)
    pairs = [(TREES[0], TREES[1])]
    assert_type(TreePairFeatures(model, 3).fit(pairs).transform(pairs), FloatArray)
    assert_type(SubtreeCounts(n_features=8).fit(TREES), SubtreeCounts)
    greedy = GreedyTrees(RAETransformer(max_iter=2)).fit([ROWS, ROWS[:2]])
    assert_type(greedy.transform([ROWS.tolist()]), Forest)


def test_trees_come_back_as_they_were_given() -> None:
    model = UnfoldingRAETransformer(pooling=("root", "max"), max_iter=2, random_state=0)
    assert_type(model.fit(TREES), UnfoldingRAETransformer)
    forest = Forest.from_nested(TREES)
    assert_type(model.reconstruct(forest), Forest)
    assert_type(model.reconstruct(TREES), list[Tree] | FloatArray)
    codes = model.transform(forest)
    assert_type(codes, FloatArray)
    assert_type(model.inverse_transform(codes, forest), Forest)
    assert_type(model.inverse_transform(codes, TREES), list[Tree] | FloatArray)
    assert_type(RAETransformer(max_iter=2).fit(TREES).score(TREES), float)


def test_a_detector_of_outliers_takes_rows_and_trees() -> None:
    detector = ReconstructionOutlierDetector(contamination=0.1, random_state=0)
    assert_type(detector.fit(ROWS), ReconstructionOutlierDetector)
    assert_type(detector.score_samples(ROWS), FloatArray)
    assert_type(detector.feature_contributions(ROWS.tolist()), FloatArray)
    assert_type(detector.offset_, float)
    model = UnfoldingRAETransformer(max_iter=2)
    ReconstructionOutlierDetector(model).fit(TREES).predict(Forest.from_nested(TREES))


def test_a_part_of_a_forest_is_a_forest_and_its_trees_are_tuples() -> None:
    forest = Forest.from_nested(TREES, dtype=np.float32)
    assert_type(forest[1], Forest)
    assert_type(forest[np.array([True, False]), ...], Forest)
    assert_type(forest.with_table(forest.leaf_table), Forest)
    assert_type(Forest.concatenate([forest, forest[:1]]), Forest)
    assert_type(forest.to_nested(), list[Tree])
    assert_type(forest.depth, NDArray[np.int32])
    assert_type(forest.n_trees, int)


def test_a_forest_is_opened_as_one(tmp_path: Path) -> None:
    forest = Forest.from_nested(TREES)
    forest.save(tmp_path / "trees")
    Forest.save_parts(str(tmp_path / "more"), (forest[n] for n in range(2)))
    assert_type(Forest.open(tmp_path / "trees"), Forest)


def test_trees_of_tokens_become_a_forest_and_come_back() -> None:
    trees = [(("the", "cat"), "sat"), ("it", "ran")]
    vectorizer = LeafVectorizer("random", handle_unknown="learn", random_state=0)
    assert_type(vectorizer.fit(trees), LeafVectorizer)
    forest = vectorizer.fit_transform(trees)
    assert_type(forest, Forest)
    assert_type(vectorizer.transform(trees), Forest)
    assert_type(vectorizer.inverse_transform(forest), list[Any])
    assert_type(vectorizer.table_, FloatArray)
    LeafVectorizer({"the": [1.0], "cat": np.ones(1)}).fit(trees)
    LeafVectorizer({"op": "one_hot", "rows": "number"}, dtype=np.float64)
    assert_type(read_tree("(S (NP it) (VP ran))"), Any)
    assert_type(node_labels("(S (NP it) (VP ran))"), list[Any])
    assert_type(from_newick("(a, b);"), Any)
    assert_type(map_leaves(str.upper, trees[0]), Any)
    assert_type(tree_from(trees, children=lambda node: None, leaf=str), Any)
    assert_type(limit_arity(trees[0], 2), Any)


def refused() -> None:
    """Calls that a type checker refuses."""
    DenoisingAutoencoder(solver="adma")  # type: ignore[arg-type]
    DenoisingAutoencoder(2, "masking")  # type: ignore[call-arg]
    DenoisingAutoencoder(corruption=lambda X: X)  # type: ignore[arg-type,misc]
    DenoisingAutoencoder().fit(Forest.from_rows(ROWS))  # type: ignore[arg-type]
    ReconstructionOutlierDetector(outlier_score="auc")  # type: ignore[arg-type]
    RAETransformer(unfold_from="all")  # type: ignore[call-arg]
    RAETransformer(pooling=("root", "median"))  # type: ignore[arg-type]
    UnfoldingRAETransformer().fit({"a": LEAF})  # type: ignore[arg-type]
    Forest.concatenate(TREES)  # type: ignore[arg-type]
    LeafVectorizer(handle_unknown="ignore")  # type: ignore[arg-type]
    LeafVectorizer("random", 100)  # type: ignore[call-arg]
    LeafVectorizer().fit({"a": "b"})  # type: ignore[arg-type]
    tree_from(TREES, children=3, leaf=str)  # type: ignore[arg-type]
    from_newick(TREES)  # type: ignore[arg-type]
    binarize((), direction="up")  # type: ignore[arg-type]


def names_in(hint: Any) -> set[str]:
    """All names of the literals of a hint."""
    if isinstance(hint, str):
        return {hint}
    return set().union(*map(names_in, get_args(hint)))


def test_hints_list_the_names_that_there_are() -> None:
    for hint, choices in [
        (_typing.Activation, ACTIVATIONS),
        (_typing.Composition, set(COMPOSITIONS)),
        (_typing.CorruptionName, {name for name in CORRUPTIONS if name is not None}),
        (_typing.HandleUnknown, {"zeros", "mean", "error", "learn"}),
        (_typing.LeafVectorsName, LEAF_VECTORS),
        (_typing.Loss, {"mixed", *LOSSES}),
        (_typing.OutlierScore, OUTLIER_SCORES),
        (_typing.Pooling, POOLINGS),
        (_typing.Solver, SOLVERS),
    ]:
        assert names_in(hint) == set(choices)


def test_every_parameter_of_an_estimator_has_a_hint() -> None:
    for estimator in (
        DenoisingAutoencoder,
        LeafVectorizer,
        RAETransformer,
        ReconstructionOutlierDetector,
        UnfoldingRAETransformer,
    ):
        hints = get_type_hints(estimator.__init__)
        assert set(estimator().get_params()) == set(hints) - {"return"}
