"""ReconstructionOutlierDetector: rows that a model of the others cannot give back."""

import copy
from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._typing import (
    FloatArray,
    IntArray,
    MatrixLike,
    OutlierScore,
    RandomState,
    TreesLike,
)
from sk_autoenc.base import draw_entropy, seeded
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.estimator import Estimator
from sk_autoenc.neighbours import Neighbours
from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES
from sk_autoenc.residuals import (
    Residuals,
    Scale,
    count_values,
    mean_by_tree,
    vectors_of,
)
from sk_autoenc.table_validation import (
    OUTLIER_CONSTRAINTS,
    check_no_holes,
    check_reconstructs,
    check_rows_only,
    check_something_to_compare,
)
from sk_autoenc.tree_validation import check_trees
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.validation import (
    FEATURE_ATTRIBUTES,
    check_settings,
    check_X,
    features_of,
    resolve_max_iter,
)

DEFAULT = DenoisingAutoencoder(
    64, corruption="swap", corruption_level=0.3, tied_weights=False, alpha=0.01
)
"""What ``estimator=None`` stands for, once rows are scaled."""

WHISKER = 2.0
"""Distances of the quartiles: scores have a longer tail than a normal distribution."""

LEFT_OUT = 0.1
"""Share of the rows that it does not train on."""


class ReconstructionOutlierDetector(OutlierMixin, Estimator):
    """Find outliers: rows that a model of the others cannot reconstruct.

    A model that reconstructs rows from little, such as an autoencoder, learns how the
    columns of a table hang together. A row that breaks the pattern comes back wrong,
    and in the entries that are wrong. The detector turns the errors of any such model
    into a score, a threshold, and the contribution of every column.

    The default score looks at each entry *while it is hidden* from the model, eight
    times with other columns: an autoencoder can copy what it sees, even if it never saw
    the like, but not what it does not see. The error is divided by that of training
    rows, so that columns count alike, and log(1 + .) is taken, so that no single entry
    decides alone and outliers in the training data do little harm. To the mean over the
    entries the distance from the nearest rows of training is added: a row may lie where
    there are none, and yet every entry follow from the others.

    A missing entry, NaN, counts for nothing. The estimator that is given is cloned and
    never changed. Read more in ``doc/guide_rows.md``.

    Parameters
    ----------
    estimator : estimator object or None, default=None
        What reconstructs: a model with `reconstruct` (`DenoisingAutoencoder`,
        `UnfoldingRAETransformer`) or with `transform` and `inverse_transform` (PCA, or
        a Pipeline of a scaler and a model). It gets X as it is, so put a scaler before
        a model that needs one. NaN in X is allowed if the estimator's tags say so.

        None is for raw numeric tables: columns are standardised without their wildest
        values, what lies beyond three standard deviations is squashed, and
        ``DenoisingAutoencoder(64, corruption="swap", tied_weights=False, alpha=0.01)``
        learns the result, twice: first from all rows, then, with new scales, without
        the tenth of them that the first looks on as most unusual. NaN is allowed.

    contamination : "auto" or float, default="auto"
        Where the threshold `offset_` lies. With a number in (0, 0.5]: so that this
        share of the training rows are outliers. With "auto": at a long lower whisker of
        a box plot of the scores of the training rows, their first quartile less twice
        the distance of the quartiles, but so that no fewer than one in a hundred are.
        Outliers in the training data hardly move it, up to a quarter of them.

    outlier_score : {"auto", "hidden_near", "hidden", "log", "ratio", \
            "squared_error", "mahalanobis"}, default="auto"
        What is made of the residual r of every entry, where m is the mean of r^2 in
        training.

        - "hidden_near": "hidden", plus log(1 + d^2 / m') for d the distance from the
          fifth nearest of up to 2000 rows of training, in standardised features, and m'
          the mean of d^2 there. Features share it as they share the first part.
        - "hidden": log(1 + r^2 / m) of entries while they are hidden, that is while
          they have the mean of the training rows.
        - "log": log(1 + r^2 / m).
        - "ratio": r^2 / m.
        - "squared_error": r^2. Features count by their unit: for images.
        - "mahalanobis": r' S^-1 r for S the mean of r r' in training, divided by the
          number of features: the residuals' own correlation taken out.
        - "auto": "hidden_near" for rows, "log" for trees.

    random_state : int, RandomState instance or None, default=None
        Decides which features are hidden together, and every `random_state` of the
        estimator that is None. Pass an int for the same result at every `fit`.

    Attributes
    ----------
    estimator_ : estimator object
        The fitted model. With ``estimator=None``, of scaled rows.

    offset_ : float
        The threshold: rows with a lower score are outliers.

    outlier_score_ : str
        The score in use.

    n_features_in_ : int
        Number of features seen during fit; of trees the length of a leaf vector.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only if X has feature names that
        are all strings.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Quick, and good for single wild values.
    sklearn.neighbors.LocalOutlierFactor : Compares with the nearest rows.

    Notes
    -----
    Of trees, every leaf is scored like a row, unfolded from its tree; a tree has the
    mean over its leaves, so that large trees are not unusual for being large.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import ReconstructionOutlierDetector
    >>> x = np.random.default_rng(0).normal(size=(200, 1))
    >>> X = np.hstack([x, 2 * x, -x])
    >>> detector = ReconstructionOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[1.0, 2.0, -1.0], [1.0, 2.0, 1.0]])
    array([ 1, -1])
    >>> detector.feature_contributions([[1.0, 2.0, 1.0]]).argmax()
    np.int64(2)
    """

    estimator_: Any
    offset_: float
    outlier_score_: OutlierScore
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        estimator: Any = None,
        *,
        contamination: float | Literal["auto"] = "auto",
        outlier_score: OutlierScore | Literal["auto"] = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.contamination = contamination
        self.outlier_score = outlier_score
        self.random_state = random_state

    def fit(self, X: MatrixLike | TreesLike | Forest, y: object = None) -> Self:
        """Learn what is usual.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), list of trees or Forest
            Training rows, of at least two; some may be outliers. Trees if the estimator
            takes trees.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : ReconstructionOutlierDetector
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, or if the estimator cannot reconstruct.
            The detector then is as it was before the call.

        See Also
        --------
        fit_predict : The same, and labels of the training rows.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> ReconstructionOutlierDetector(random_state=0).fit(X).outlier_score_
        'hidden_near'
        """
        settings = check_settings(self, OUTLIER_CONSTRAINTS)
        check_reconstructs(settings.estimator)
        X, learned = features_of(self, check_rows_or_trees, X)
        check_something_to_compare(X)
        learned |= learn(settings, X)
        state = {k: v for k, v in vars(self).items() if k not in FEATURE_ATTRIBUTES}
        self.__dict__ = state | learned
        return self

    def score_samples(self, X: MatrixLike | TreesLike | Forest) -> FloatArray:
        """Score rows: the lower, the more unusual.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), list of trees or Forest
            Data of the kind that `fit` got.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus the mean over the observed entries of what the score's definition
            says, and with "hidden_near" minus the logarithm for the distance; 0 where
            nothing is observed.

        See Also
        --------
        feature_contributions : What each feature adds.
        decision_function : The same with the threshold at 0.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> detector = ReconstructionOutlierDetector(random_state=0).fit(X)
        >>> detector.score_samples([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]).argmin()
        np.int64(1)
        """
        return -self.feature_contributions(X).sum(axis=1)

    def feature_contributions(self, X: MatrixLike | TreesLike | Forest) -> FloatArray:
        """Say how much each feature adds to how unusual a row is: name the guilty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), list of trees or Forest
            Data of the kind that `fit` got.

        Returns
        -------
        contributions : ndarray of shape (n_samples, n_features)
            The sum of a row is minus its score. What the score's definition says of
            each entry, divided by the number of observed entries of the row; 0 where X
            is missing, or was throughout training. At least 0 but for
            "mahalanobis", whose products of residuals may be negative.

        See Also
        --------
        score_samples : Minus the sum of a row.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> detector = ReconstructionOutlierDetector(random_state=0).fit(X)
        >>> contributions = detector.feature_contributions(X)
        >>> np.allclose(contributions.sum(axis=1), -detector.score_samples(X))
        True
        """
        check_is_fitted(self)
        model = copy.copy(self)
        X = check_rows_or_trees(model, X, reset=False)
        return contributions(X, dict(vars(model)))

    def decision_function(self, X: MatrixLike | TreesLike | Forest) -> FloatArray:
        """Score rows with the threshold at 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), list of trees or Forest
            Data of the kind that `fit` got.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            `score_samples` less `offset_`: negative for outliers.

        See Also
        --------
        predict : Its sign.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> detector = ReconstructionOutlierDetector(random_state=0).fit(X)
        >>> detector.decision_function([[9.0, 9.0, 9.0]]) < 0
        array([ True])
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: MatrixLike | TreesLike | Forest) -> IntArray:
        """Tell outliers from inliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), list of trees or Forest
            Data of the kind that `fit` got.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            -1 for outliers, 1 for inliers.

        See Also
        --------
        decision_function : How clear it is.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> detector = ReconstructionOutlierDetector(random_state=0).fit(X)
        >>> detector.predict([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
        array([ 1, -1])
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = allows_nan(self.estimator)
        return tags


def learn(settings: SimpleNamespace, X: Any) -> dict[str, Any]:
    """Return the fitted attributes, but those about features."""
    rng = np.random.default_rng(draw_entropy(settings.random_state))
    name = settings.outlier_score
    if name == "auto":
        name = "log" if isinstance(X, Forest) else "hidden_near"
    if settings.estimator is not None:
        learned = learn_from(X, settings.estimator, name, rng)
    else:
        learned = learn_from_usual(check_rows_only(X), name, rng)
    scores = -contributions(X, learned).sum(axis=1)
    return learned | {"offset_": threshold(scores, settings.contamination)}


def learn_from_usual(X: Any, name: OutlierScore, rng: Any) -> dict[str, Any]:
    """Train the default model, on what a first look does not find too unusual.

    The first look trains half as long. It does not take out all outliers, but even some
    of them are worth more than the usual rows among those that it takes out. It does
    not look at the nearest rows: outliers may have each other.
    """
    n_epochs = resolve_max_iter("auto", len(X), by_minibatches=True)
    glance = clone(DEFAULT).set_params(max_iter=max(n_epochs // 2, 1))
    look = "hidden" if name == "hidden_near" else name
    first = learn_from(X, glance, look, rng, Scale.learn(X))
    scores = -contributions(X, first).sum(axis=1)
    usual = X[scores >= np.quantile(scores, LEFT_OUT)]
    return learn_from(usual, DEFAULT, name, rng, Scale.learn(usual))


def learn_from(
    X: Any, estimator: Any, name: OutlierScore, rng: Any, scale: Scale | None = None
) -> dict[str, Any]:
    """Train a model and learn what its residuals are like."""
    score = OUTLIER_SCORES[name]
    X = scaled(X, scale)
    model = seeded(estimator, rng).fit(X)
    residuals = Residuals.of(model, X, rng if score.hides else None)
    near = None
    if score.looks_near and len(vectors_of(X)) > 1:
        near = Neighbours.learn(vectors_of(X), rng, are_scaled=scale is not None)
    return {
        "estimator_": model,
        "outlier_score_": name,
        "_scale": scale,
        "_residuals": residuals,
        "_near": near,
        "_learned": score.learn(residuals(X)[0], count_values(vectors_of(X))),
    }


def contributions(X: Any, learned: dict[str, Any]) -> FloatArray:
    """Return what each feature adds, of rows or of trees."""
    X = scaled(X, learned["_scale"])
    residuals, has_value = learned["_residuals"](X)
    score = OUTLIER_SCORES[learned["outlier_score_"]]
    added = score.contributions(residuals, learned["_learned"])
    n_values = np.maximum(has_value.sum(axis=1, keepdims=True), 1)
    added /= n_values
    if learned["_near"] is not None:
        # Shared as the errors are: a distance says less of who is guilty.
        total = added.sum(axis=1, keepdims=True)
        share = np.where(total > 0, added / np.where(total > 0, total, 1), 1 / n_values)
        added += (
            np.where(has_value, share, 0) * learned["_near"](vectors_of(X))[:, None]
        )
    return mean_by_tree(added, X)


def scaled(X: Any, scale: Scale | None) -> Any:
    """Return what the model gets."""
    return X if scale is None else scale(X)


def threshold(scores: FloatArray, contamination: float | Literal["auto"]) -> float:
    """Return the score below which rows are outliers."""
    if contamination == "auto":
        lowest, lower, upper = np.percentile(scores, [1, 25, 75])
        return float(max(lowest, lower - WHISKER * (upper - lower)))
    return float(np.percentile(scores, 100 * contamination))


def allows_nan(estimator: Any) -> bool:
    """Tell whether an estimator says that it takes missing entries."""
    if estimator is None:
        return True
    tagged = hasattr(estimator, "__sklearn_tags__")
    return tagged and get_tags(estimator).input_tags.allow_nan


def check_rows_or_trees(
    detector: ReconstructionOutlierDetector, X: Any, *, reset: bool
) -> Any:
    """Validate rows, of which entries may be missing, or trees."""
    if is_forest_like(X):
        return check_trees(detector, X, reset=reset)
    X = check_X(detector, X, reset=reset, accept_sparse=False, allow_nan=True)
    if not allows_nan(detector.estimator):
        check_no_holes(X, detector.estimator)
    return X
