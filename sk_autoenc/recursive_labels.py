"""Estimators of trees with labels in the objective. No derivative here."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from sk_autoenc._compat import with_callbacks
from sk_autoenc._typing import (
    Activation,
    Composition,
    Directory,
    FloatArray,
    LearningRate,
    Pooling,
    RandomState,
    Solver,
    TreesLike,
    typed,
)
from sk_autoenc.base_tree_labels import BaseLabelledTree, refuse_nodes_of
from sk_autoenc.label_validation import (
    check_classes,
    check_numbers,
    comparable,
    mean_and_scale,
    one_hot,
    refuse_new_classes,
    refuse_other_outputs,
    weights_of_classes,
)
from sk_autoenc.parts import misfits
from sk_autoenc.parts.losses import LOSSES, Loss, mixed_columns
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.labelling import flatten_node_labels, numbers_of

WITHOUT_CLASS = ", or give those to an UnfoldingRAETransformer and pass it as init"
"""What trees without a class are good for."""


class RecursiveClassifier(ClassifierMixin, BaseLabelledTree):
    """Classify trees by a recursive network that is trained on their labels.

    A tree is encoded from the leaves up, as by `UnfoldingRAETransformer`, and a softmax
    on the code of its root, or on pooled codes, gives the class. Everything below the
    softmax is trained with it: the composition and the leaf vectors. Nodes may have
    labels, too.

    Parameters
    ----------
    n_components : int or None, default=None
        Length D of a code. None: that of a leaf vector, but from 50 to 128; or that of
        a fitted `init`. If it is not that of a leaf vector, these are projected by a
        learned affine map.

    composition : {"blend", "gated", "lstm"}, default="gated"
        How the code of a node is made of those of its children, as for
        `UnfoldingRAETransformer`.

    learn_leaves : bool, default=True
        Whether leaf vectors that stand in two places or more are learned, from those
        given on. Other leaves keep their vectors, those of later trees too.

    reconstruction : float, default=0.0
        Share r in [0, 1]: the objective of a tree is (1 - r) times the loss of its
        labels plus r times its reconstruction error per leaf and entry: Eq. (85).

    reconstruction_of : {"leaves", "children"}, default="leaves"
        What the objective asks back: all leaves of the root's code, or of every inner
        node its children's codes, Eq. (40) in the place of (24).

    dropout : float, default=0.3
        The share of the entries of leaves' codes, and of the codes that the softmax
        reads, that is set to 0 at each step of training, in [0, 1).

    pooling : {"root", "mean", "sum", "max"} or tuple of these, default="root"
        What the softmax reads, and `transform` returns. Labels of nodes need "root".

    class_weight : dict, "balanced" or None, default=None
        What a label of each class counts, those of nodes too; a class that the dict
        lacks counts 1. "balanced": n_trees / (n_classes * trees of the class).

    encoder_activation : {"tanh", "logistic", "relu", "identity"}, default="tanh"
        Activation f of the composition.

    decoder_activation : {"identity", "tanh", "logistic", "relu"}, default="identity"
        Activation g of the unfolding; only for ``reconstruction > 0``.

    child_weights : {"equal", "leaves"}, default="equal"
        How children enter the composition, as for `UnfoldingRAETransformer`.

    init : {"glorot", "average"} or a fitted transformer of trees, default="glorot"
        Start of the weights. A fitted `UnfoldingRAETransformer` or `RAETransformer` of
        the same composition gives its encoder, and its learned leaves: it may have
        learned on many more trees, without labels. For a search wrap it in
        `sklearn.frozen.FrozenEstimator`.

    alpha : float, default=1e-4
        L2 penalty: (alpha / 2) times the sum of squares of the weight matrices, not of
        the intercepts and leaf vectors, is added to the mean loss per tree.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        As for `UnfoldingRAETransformer`. "lbfgs" needs ``dropout=0``.

    batch_size : int or "auto", default="auto"
        Trees of a step; "auto" is 32, or all there are.

    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, default="cosine"
        As for `UnfoldingRAETransformer`.

    learning_rate_init : float, default=None
        Step size. None is for "adam" 14 divided by the number of steps of the whole
        fit, but from 0.001 to 0.1, and for "sgd" as for `UnfoldingRAETransformer`.

    power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon, \
max_iter, shuffle, tol, n_iter_no_change : various
        As for `UnfoldingRAETransformer`, with the same defaults.

    early_stopping : bool, default=True
        Whether to hold out `validation_fraction` of the trees and keep the parameters
        that were best on them: of the highest accuracy, and of equals that of the
        lowest loss. "cosine" runs all epochs nevertheless.

    validation_fraction : float, default=0.1
        Fraction of trees to hold out, in (0, 1).

    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the last `fit`.

    random_state : int, RandomState instance or None, default=None
        Decides initial weights, order of batches, dropout and held-out trees.

    verbose : int, default=0
        1 prints number, loss and time of each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes of trees, sorted.

    node_classes_ : ndarray of shape (n_node_classes,)
        The same, and after them the classes that only nodes have. A tree is never of
        one of those.

    output_weights_ : ndarray of shape (n_node_classes, \
            n_components * number of poolings)
        V of Eq. (84), and `output_intercept_` of shape (n_node_classes,).

    encoder_left_, encoder_right_, encoder_intercept_, leaf_encoder_, \
leaf_encoder_intercept_, leaf_vectors_, leaf_vectors_given_, input_kind_, n_iter_, \
t_, loss_, loss_curve_, n_features_in_, feature_names_in_
        As of `UnfoldingRAETransformer`; `decoder_left_` and the other parts of the
        decoder only if ``reconstruction > 0``.

    validation_loss_curve_ : list of float or None
        1 - accuracy of the held-out trees after each epoch, and less than half a tree's
        part more by their loss; `best_loss_` is its minimum.

    See Also
    --------
    RecursiveRegressor : For numbers instead of classes.
    UnfoldingRAETransformer : Codes without labels.

    References
    ----------
    .. [1] R. Socher, J. Pennington, E. H. Huang, A. Y. Ng, C. D. Manning,
       "Semi-Supervised Recursive Autoencoders for Predicting Sentiment Distributions",
       EMNLP 2011.
    .. [2] K. S. Tai, R. Socher, C. D. Manning, "Improved Semantic Representations From
       Tree-Structured Long Short-Term Memory Networks", ACL 2015.

    Examples
    --------
    >>> from sk_autoenc import RecursiveClassifier
    >>> good, bad, no = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]
    >>> trees = [(good, good), (no, good), (bad, good), (no, (bad, bad))] * 5
    >>> y = ["+", "-", "-", "+"] * 5
    >>> model = RecursiveClassifier(8, random_state=0).fit(trees, y)
    >>> model.predict([(no, good), (no, (bad, bad))])
    array(['-', '+'], dtype='<U1')
    """

    classes_: NDArray[Any]
    node_classes_: NDArray[Any]

    def __init__(
        self,
        n_components: int | None = None,
        *,
        composition: Composition = "gated",
        learn_leaves: bool = True,
        reconstruction: float = 0.0,
        reconstruction_of: Literal["leaves", "children"] = "leaves",
        dropout: float = 0.3,
        pooling: Pooling | tuple[Pooling, ...] = "root",
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        encoder_activation: Activation = "tanh",
        decoder_activation: Activation = "identity",
        child_weights: Literal["equal", "leaves"] = "equal",
        init: Any = "glorot",
        alpha: float = 1e-4,
        solver: Solver = "adam",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "cosine",
        learning_rate_init: float | None = None,
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        max_iter: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        tol: float = 1e-3,
        n_iter_no_change: int = 20,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.composition = composition
        self.learn_leaves = learn_leaves
        self.reconstruction = reconstruction
        self.reconstruction_of = reconstruction_of
        self.dropout = dropout
        self.pooling = pooling
        self.class_weight = class_weight
        self.encoder_activation = encoder_activation
        self.decoder_activation = decoder_activation
        self.child_weights = child_weights
        self.init = init
        self.alpha = alpha
        self.solver = solver
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @typed(with_callbacks)
    def fit(
        self,
        X: Forest | TreesLike,
        y: ArrayLike,
        node_labels: Sequence[Sequence[object] | None] | None = None,
        *,
        checkpoint: Directory | None = None,
    ) -> Self:
        """Fit the model to trees and their classes.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `UnfoldingRAETransformer.fit`.
        y : array-like of shape (n_trees,)
            The class of each tree.
        node_labels : list of (list of class or None), default=None
            Of each tree the class of every node in preorder (a node, then its
            children's subtrees from the first to the last), None or NaN where a node
            has none; None for a tree without any. That of the root is not used: `y` is.
        checkpoint : str, path-like or None, default=None
            A directory in which the run so far is kept, as for
            `UnfoldingRAETransformer.fit`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, a tree or a label is not valid, or if the loss stops being
            finite. The estimator then is as it was before the call.

        See Also
        --------
        predict : The class of each tree.
        predict_nodes : The class of each node.

        Examples
        --------
        >>> from sk_autoenc import RecursiveClassifier
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 5
        >>> labels = [["a", None, "b", None, None], ["b", None]] * 5
        >>> model = RecursiveClassifier(max_iter=3, random_state=0)
        >>> model.fit(trees, ["a", "b"] * 5, node_labels=labels).classes_
        array(['a', 'b'], dtype='<U1')
        """
        return self._fit(X, y, checkpoint, node_labels=node_labels)

    def predict(self, X: Forest | TreesLike) -> NDArray[Any]:
        """Predict the class of each tree.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        y : ndarray of shape (n_trees,)
            The most probable class of each.

        See Also
        --------
        predict_proba : How probable each class is.

        Examples
        --------
        >>> from sk_autoenc import RecursiveClassifier
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 10
        >>> model = RecursiveClassifier(random_state=0).fit(trees, [0, 1] * 10)
        >>> model.predict(trees[:2])
        array([0, 1])
        """
        model = self._fitted_model()
        return model.classes_[model._outputs(X).argmax(axis=1)]

    def predict_proba(self, X: Forest | TreesLike) -> FloatArray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_trees, n_classes)
            In the order of `classes_`; each row adds up to 1.

        See Also
        --------
        predict : The most probable class.

        Examples
        --------
        >>> from sk_autoenc import RecursiveClassifier
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 10
        >>> model = RecursiveClassifier(random_state=0).fit(trees, [0, 1] * 10)
        >>> model.predict_proba(trees[:2]).shape
        (2, 2)
        """
        outputs = self._outputs(X)
        return mixed_columns(0, [outputs.shape[1]]).output(outputs)

    def decision_function(self, X: Forest | TreesLike) -> FloatArray:
        """Return the pre-activations of the softmax.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        outputs : ndarray of shape (n_trees,) or (n_trees, n_classes)
            For two classes the logarithm of the odds of the second one; else one column
            for each class, in the order of `classes_`.

        See Also
        --------
        predict_proba : Their softmax.

        Examples
        --------
        >>> from sk_autoenc import RecursiveClassifier
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 10
        >>> model = RecursiveClassifier(random_state=0).fit(trees, [0, 1] * 10)
        >>> model.decision_function(trees[:2]) > 0
        array([False,  True])
        """
        outputs = self._outputs(X)
        if outputs.shape[1] == 2:
            return outputs[:, 1] - outputs[:, 0]
        return outputs

    def predict_nodes(self, X: Forest | TreesLike) -> list[NDArray[Any]]:
        """Predict the class of every node, by the softmax on its own code.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        labels : list of ndarray
            Of each tree the classes of its nodes in preorder, as `fit` takes them.
            That of the root is as of `predict`.

        Raises
        ------
        ValueError
            If the model was fitted with another pooling than "root".

        See Also
        --------
        transform_nodes : The codes of the nodes.

        Examples
        --------
        >>> from sk_autoenc import RecursiveClassifier
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 10
        >>> model = RecursiveClassifier(random_state=0).fit(trees, [0, 1] * 10)
        >>> [len(labels) for labels in model.predict_nodes(trees[:2])]
        [5, 2]
        """
        model = self._fitted_model()
        outputs, starts = model._node_outputs(X)
        outputs[np.r_[0, starts], len(model.classes_) :] = -np.inf  # roots: as predict
        return np.split(model.node_classes_[outputs.argmax(axis=1)], starts)

    def _read_labels(
        self,
        y: Any,
        node_labels: object,
        forest: Forest,
        settings: SimpleNamespace,
        learned: dict[str, Any],
    ) -> tuple[FloatArray, NDArray[Any] | None]:
        y = check_classes(self, y, forest, what="tree", remedy=WITHOUT_CLASS)
        labels, nodes = np.empty(0, y.dtype), None
        if node_labels is not None:
            refuse_nodes_of(self._poolings, "node_labels")
            labels, nodes = flatten_node_labels(node_labels, forest)
            labels = comparable(labels, y)
        if "classes_" in learned:
            refuse_new_classes(learned["classes_"], y, "y or node_labels")
            refuse_new_classes(learned["node_classes_"], labels, "y or node_labels")
        else:
            learned["classes_"] = np.unique(y)
            others = np.setdiff1d(labels, learned["classes_"])
            learned["node_classes_"] = np.concatenate([learned["classes_"], others])
        classes, node_classes = learned["classes_"], learned["node_classes_"]
        targets = one_hot(y, classes)
        if nodes is None:
            return targets, None
        order = node_classes.argsort()
        node_targets = np.full(len(forest.leaf_row), -1)
        node_targets[nodes] = order[node_classes[order].searchsorted(labels)]
        return targets, node_targets

    def _n_outputs(self, targets: FloatArray, learned: dict[str, Any]) -> int:
        return len(learned["node_classes_"])

    def _outputs(self, X: TreesLike | Forest) -> FloatArray:
        model = self._fitted_model()
        return super(RecursiveClassifier, model)._outputs(X)[:, : len(model.classes_)]

    def _loss(self, n_outputs: int) -> Loss:
        return mixed_columns(0, [n_outputs])

    def _class_weights(
        self, settings: SimpleNamespace, targets: FloatArray, learned: dict[str, Any]
    ) -> FloatArray | None:
        return weights_of_classes(
            settings.class_weight, learned["node_classes_"], targets.argmax(axis=1)
        )

    def _misfit(
        self,
        outputs: FloatArray,
        targets: FloatArray,
        class_weights: FloatArray | None,
    ) -> float:
        if class_weights is not None:  # of the classes that trees have
            class_weights = class_weights[: targets.shape[1]]
        return misfits.of_classes(outputs, targets, class_weights)


class RecursiveRegressor(RegressorMixin, BaseLabelledTree):
    """Predict numbers of trees by a recursive network that is trained on them.

    The relative of `RecursiveClassifier` with the squared error of numbers, which are
    standardised in training, in place of the softmax.

    Parameters
    ----------
    n_components, composition, learn_leaves, reconstruction, reconstruction_of, \
dropout, pooling, encoder_activation, decoder_activation, child_weights, init, alpha, \
solver, batch_size, learning_rate, learning_rate_init, power_t, momentum, \
nesterovs_momentum, beta_1, beta_2, epsilon, max_iter, shuffle, tol, n_iter_no_change, \
early_stopping, validation_fraction, warm_start, random_state, verbose : various
        As for `RecursiveClassifier`, and with its defaults, but ``dropout=0.0`` and
        ``early_stopping=False``. The latter keeps the parameters with the best R2 on
        the held-out trees.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Mean and standard deviation (1 for 0) of y, which outputs are multiples of.

    output_weights_, output_intercept_, encoder_left_, encoder_right_, \
encoder_intercept_, leaf_encoder_, leaf_encoder_intercept_, leaf_vectors_, \
leaf_vectors_given_, input_kind_, n_iter_, t_, loss_, loss_curve_, best_loss_, \
n_features_in_, feature_names_in_
        As of `RecursiveClassifier`.

    validation_loss_curve_ : list of float or None
        1 - R2 of the held-out trees after each epoch, the mean over outputs.

    See Also
    --------
    RecursiveClassifier : For classes.

    References
    ----------
    .. [1] K. S. Tai, R. Socher, C. D. Manning, "Improved Semantic Representations From
       Tree-Structured Long Short-Term Memory Networks", ACL 2015.

    Examples
    --------
    >>> from sk_autoenc import RecursiveRegressor
    >>> a, b = [1.0, 0.0], [0.0, 1.0]
    >>> trees = [(a, b), (a, (a, b)), (b, b, b), (a, a, (b, a))] * 5
    >>> y = [2.0, 3.0, 3.0, 4.0] * 5
    >>> model = RecursiveRegressor(8, dropout=0.0, random_state=0).fit(trees, y)
    >>> model.predict([(b, a)]).shape
    (1,)
    """

    target_mean_: FloatArray
    target_scale_: FloatArray

    def __init__(
        self,
        n_components: int | None = None,
        *,
        composition: Composition = "gated",
        learn_leaves: bool = True,
        reconstruction: float = 0.0,
        reconstruction_of: Literal["leaves", "children"] = "leaves",
        dropout: float = 0.0,
        pooling: Pooling | tuple[Pooling, ...] = "root",
        encoder_activation: Activation = "tanh",
        decoder_activation: Activation = "identity",
        child_weights: Literal["equal", "leaves"] = "equal",
        init: Any = "glorot",
        alpha: float = 1e-4,
        solver: Solver = "adam",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "cosine",
        learning_rate_init: float | None = None,
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        max_iter: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        tol: float = 1e-3,
        n_iter_no_change: int = 20,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.composition = composition
        self.learn_leaves = learn_leaves
        self.reconstruction = reconstruction
        self.reconstruction_of = reconstruction_of
        self.dropout = dropout
        self.pooling = pooling
        self.encoder_activation = encoder_activation
        self.decoder_activation = decoder_activation
        self.child_weights = child_weights
        self.init = init
        self.alpha = alpha
        self.solver = solver
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @typed(with_callbacks)
    def fit(
        self,
        X: Forest | TreesLike,
        y: ArrayLike,
        node_labels: Sequence[Sequence[object] | None] | None = None,
        *,
        checkpoint: Directory | None = None,
    ) -> Self:
        """Fit the model to trees and their numbers.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `UnfoldingRAETransformer.fit`.
        y : array-like of shape (n_trees,) or (n_trees, n_outputs)
            The numbers of each tree.
        node_labels : list of (list of float or None), default=None
            Of each tree the number of every node in preorder, None or NaN where a node
            has none; None for a tree without any. That of the root is not used: `y` is.
            Only for one output.
        checkpoint : str, path-like or None, default=None
            A directory in which the run so far is kept, as for
            `UnfoldingRAETransformer.fit`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, a tree or a number is not valid, or if the loss stops being
            finite. The estimator then is as it was before the call.

        See Also
        --------
        predict : The numbers of each tree.

        Examples
        --------
        >>> from sk_autoenc import RecursiveRegressor
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 5
        >>> model = RecursiveRegressor(max_iter=3, random_state=0)
        >>> model.fit(trees, [1.0, 2.0] * 5).target_mean_
        array([1.5])
        """
        return self._fit(X, y, checkpoint, node_labels=node_labels)

    def predict(self, X: Forest | TreesLike) -> FloatArray:
        """Predict the numbers of each tree.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        y : ndarray of shape (n_trees,) or (n_trees, n_outputs)
            In the form of the y of `fit`, float64.

        See Also
        --------
        predict_nodes : The numbers of every node.

        Examples
        --------
        >>> from sk_autoenc import RecursiveRegressor
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 5
        >>> model = RecursiveRegressor(random_state=0).fit(trees, [1.0, 2.0] * 5)
        >>> model.predict(trees[:2]).shape
        (2,)
        """
        model = self._fitted_model()
        return model._in_units(model._outputs(X))

    def predict_nodes(self, X: Forest | TreesLike) -> list[FloatArray]:
        """Predict the numbers of every node, from its own code.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        numbers : list of ndarray
            Of each tree those of its nodes in preorder.

        Raises
        ------
        ValueError
            If the model was fitted with another pooling than "root".

        See Also
        --------
        transform_nodes : The codes of the nodes.

        Examples
        --------
        >>> from sk_autoenc import RecursiveRegressor
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)] * 5
        >>> model = RecursiveRegressor(random_state=0).fit(trees, [1.0, 2.0] * 5)
        >>> [len(numbers) for numbers in model.predict_nodes(trees[:2])]
        [5, 2]
        """
        model = self._fitted_model()
        outputs, starts = model._node_outputs(X)
        return np.split(model._in_units(outputs), starts)

    def _in_units(self, outputs: FloatArray) -> FloatArray:
        # In float64 whatever the trees are: a time in seconds has no float32.
        numbers = outputs * self.target_scale_ + self.target_mean_
        return numbers[:, 0] if self._target_ndim == 1 else numbers

    def _read_labels(
        self,
        y: Any,
        node_labels: object,
        forest: Forest,
        settings: SimpleNamespace,
        learned: dict[str, Any],
    ) -> tuple[FloatArray, NDArray[Any] | None]:
        y = check_numbers(self, y, forest, what="tree")
        learned["_target_ndim"] = y.ndim
        y = y.reshape(len(y), -1)
        if "target_mean_" in learned:
            refuse_other_outputs(y, len(learned["target_mean_"]))
        else:
            learned["target_mean_"], learned["target_scale_"] = mean_and_scale(y)
        mean, scale = learned["target_mean_"], learned["target_scale_"]
        targets = (y - mean) / scale
        if node_labels is None:
            return targets, None
        refuse_nodes_of(self._poolings, "node_labels")
        if targets.shape[1] > 1:
            raise ValueError(
                f"node_labels are for one output, but y has {targets.shape[1]} columns"
            )
        labels, nodes = flatten_node_labels(node_labels, forest)
        node_targets = np.full((len(forest.leaf_row), 1), np.nan)
        labels = numbers_of(labels, nodes, forest)
        node_targets[nodes, 0] = (labels - mean) / scale
        return targets, node_targets

    def _loss(self, n_outputs: int) -> Loss:
        return LOSSES["squared_error"]

    def _misfit(
        self, outputs: FloatArray, targets: FloatArray, class_weights: None
    ) -> float:
        return misfits.of_numbers(outputs, targets)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
