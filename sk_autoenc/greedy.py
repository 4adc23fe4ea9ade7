"""GreedyTrees: trees for plain sequences, which say nothing of a structure."""

from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.frozen import FrozenEstimator

from sk_autoenc._typing import TreesLike
from sk_autoenc.base import adopt, fitted_copy
from sk_autoenc.estimator import Estimator
from sk_autoenc.networks.tree.merging import Model, greedy_merges
from sk_autoenc.recursive import RAETransformer
from sk_autoenc.tree_validation import (
    GREEDY_CONSTRAINTS,
    check_kind_of_estimator,
    check_sequences,
    check_trees,
)
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.sequences import (
    Sequences,
    balanced_spans,
    forest_of_spans,
    leaves_in_order,
    read_sequences,
)
from sk_autoenc.validation import check_settings


class GreedyTrees(TransformerMixin, Estimator):
    """Make trees of plain sequences by merging neighbours that restore each other best.

    A sequence of vectors, such as the words of a sentence without a parser, has no
    tree. This makes one [1]_: of all neighbours, the two are merged whose parent's code
    gives them back with the least error, Eq. (40), and so on until one node is left,
    Eq. (72). The trees are binary, with the vectors as leaves, in their order.

    Which trees are made depends on the model, and the model on the trees that it is
    trained on. So `fit` goes by turns: it starts from balanced trees, trains the model
    on them, makes trees with it, trains it further on those, and so on.

    Parameters
    ----------
    estimator : RAETransformer or None, default=None
        What restores children, cloned in `fit`; or a FrozenEstimator of one that is
        fitted, which is taken as it is. None is ``RAETransformer(normalize=True)``:
        without normalised codes, neighbours are merged that have small ones.

    n_rounds : int, default=2
        How often the model is trained: the first time on balanced trees, then on those
        that it made, from the parameters that it had. Fewer if the trees stay the same.

    Attributes
    ----------
    estimator_ : RAETransformer
        The fitted model.

    n_rounds_ : int
        How often it was trained; 0 for a FrozenEstimator.

    n_features_in_ : int
        Length of a vector.

    See Also
    --------
    RAETransformer : Codes of the trees.
    Forest.from_nested : Trees that are known.

    Notes
    -----
    Trees are the same whatever sequences are beside them: the arithmetic is that of
    float64, and errors that are one as float32 are ties, of which the first is merged.

    Each merge is a step, which many sequences make together, and looks for the least of
    all errors of a sequence: of very long sequences, the time goes by the square of
    their length.

    References
    ----------
    .. [1] R. Socher, J. Pennington, E. H. Huang, A. Y. Ng, C. D. Manning,
       "Semi-Supervised Recursive Autoencoders for Predicting Sentiment Distributions",
       EMNLP 2011. https://aclanthology.org/D11-1014

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import GreedyTrees, RAETransformer
    >>> sentences = list(np.random.default_rng(0).normal(size=(20, 5, 3)))
    >>> model = RAETransformer(normalize=True, max_iter=5, random_state=0)
    >>> trees = GreedyTrees(model).fit_transform(sentences)
    >>> trees
    Forest(n_trees=20, n_nodes=180, n_leaves=100, n_features=3, dtype=float64)
    """

    estimator_: Any
    n_rounds_: int
    n_features_in_: int

    def __init__(self, estimator: Any = None, *, n_rounds: int = 2) -> None:
        self.estimator = estimator
        self.n_rounds = n_rounds

    def fit(self, X: Forest | TreesLike, y: object = None) -> Self:
        """Train the model and the trees by turns.

        Parameters
        ----------
        X : list of sequences or Forest
            A sequence is a 2-D array, or a list of vectors, which may be of any number
            but none. Of the trees of a Forest, the leaves are taken in their order.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : GreedyTrees
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter or a sequence is not valid. The transformer then is as it
            was.

        See Also
        --------
        transform : Trees by the fitted model.

        Examples
        --------
        >>> sequences = [[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[1.0, 0.0]]]
        >>> model = RAETransformer(normalize=True, max_iter=5, random_state=0)
        >>> GreedyTrees(model, n_rounds=1).fit(sequences).n_rounds_
        1
        """
        settings = check_settings(self, GREEDY_CONSTRAINTS)
        if settings.estimator is None:
            settings.estimator = RAETransformer(normalize=True)
        check_kind_of_estimator(settings.estimator, RAETransformer)
        learned = learn(settings, sequences_of(X))
        adopt(self, learned)
        return self

    def transform(self, X: Forest | TreesLike) -> Forest:
        """Make a tree of each sequence.

        Parameters
        ----------
        X : list of sequences or Forest
            As for `fit`.

        Returns
        -------
        trees : Forest
            Binary trees with the vectors as leaves; a sequence of one vector is a tree
            of one leaf.

        See Also
        --------
        fit : Before it.
        Forest.to_nested : As nested tuples.

        Examples
        --------
        >>> sequences = [[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[1.0, 0.0]]]
        >>> model = RAETransformer(normalize=True, max_iter=5, random_state=0)
        >>> GreedyTrees(model).fit_transform(sequences).n_nodes
        array([5, 1])
        """
        model = fitted_copy(self)
        sequences = sequences_of(X)
        n_features = sequences.table.shape[1]
        if n_features != model.n_features_in_:
            raise ValueError(
                f"X has {n_features} features, but GreedyTrees is expecting "
                f"{model.n_features_in_} features as input (the length of a vector)."
            )
        return greedy_forest(model.estimator_, sequences)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def sequences_of(X: Any) -> Sequences:
    """Read sequences, or the leaves of trees in their order."""
    if isinstance(X, Forest):
        if len(X) == 0:
            raise ValueError("X is a Forest of 0 trees; at least one is needed.")
        return leaves_in_order(Forest.from_nested(X))  # which checks the numbers
    return read_sequences(check_sequences(X))


def learn(settings: SimpleNamespace, sequences: Sequences) -> dict[str, Any]:
    """Return the fitted attributes."""
    model, n_rounds = clone(settings.estimator), 0
    forest = balanced_forest(sequences)
    if isinstance(model, FrozenEstimator):
        check_trees(model._fitted_model(), forest, reset=False)
    else:
        warm_start = model.warm_start
        for n_rounds in range(1, settings.n_rounds + 1):
            model.set_params(warm_start=n_rounds > 1).fit(forest)
            if n_rounds == settings.n_rounds:
                break
            trees = greedy_forest(model, sequences)
            if trees == forest:
                break
            forest = trees
        model.set_params(warm_start=warm_start)
    return {
        "estimator_": model,
        "n_rounds_": n_rounds,
        "n_features_in_": sequences.table.shape[1],
    }


def balanced_forest(sequences: Sequences) -> Forest:
    """Make the trees that the training starts from."""
    return forest_of_spans(sequences, balanced_spans(sequences.lengths))


def greedy_forest(estimator: Any, sequences: Sequences) -> Forest:
    """Make trees by a fitted model: Eq. (72)."""
    fitted = estimator._fitted_model()
    leaves = check_trees(fitted, balanced_forest(sequences), reset=False)
    with fitted._ready(leaves, np.dtype(np.float64)) as (network, parameters, known):
        table = known.leaf_table.astype(np.float64)
        model = Model(parameters, network.architecture)
        rows = known.leaf_row[known.leaves]  # balanced trees keep the leaves' order
        spans = greedy_merges(model, table, rows, sequences.lengths, known.known_row)
    return forest_of_spans(sequences, spans)
