"""Stacks of denoising autoencoders with labels. No derivative here."""

from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from sk_autoenc._compat import with_callbacks
from sk_autoenc._typing import (
    FloatArray,
    IntArray,
    LearningRate,
    MatrixLike,
    RandomState,
    Solver,
    typed,
)
from sk_autoenc.base_stack_labels import BaseLabelledStack
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.label_validation import (
    check_some_classes,
    check_some_numbers,
    mean_and_scale,
    one_hot,
    refuse_new_classes,
    refuse_other_outputs,
    weights_of_classes,
)
from sk_autoenc.parts import misfits
from sk_autoenc.parts.losses import LOSSES, Loss, mixed_columns

UNLABELLED = -1


class StackedDenoisingClassifier(ClassifierMixin, BaseLabelledStack):
    """Classify rows by a stack of denoising autoencoders, fine-tuned on labels.

    Layers are trained one by one to reconstruct what is below them though a part of it
    is hidden; then a softmax is put on the last one, and all weights are trained on the
    labels, with dropout [1]_ [2]_. Rows with ``y = -1`` have no label, as in
    `sklearn.semi_supervised`: the layers learn from them, the softmax does not. (If
    there is only one number beside it, -1 is the other class.)

    Missing entries, NaN, and sparse X are as for `DenoisingAutoencoder`. Read more in
    ``doc/guide_rows.md``; ``doc/derivation.md`` has the equations.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(500, 250)
        Units of each layer, from the first on; a number is one layer.

    autoencoder : DenoisingAutoencoder or None, default=None
        A template, cloned for each layer of the pretraining; None is
        ``DenoisingAutoencoder()``. Its activation is that of all layers. Its other
        parameters are about the pretraining, as for `StackedDenoisingAutoencoder`; with
        `reconstruction` its corruption, emphasis, loss and feature groups are those of
        the training on labels, too. A search reaches those of a template that is given,
        as ``autoencoder__corruption_level``.

    pretrain : bool, default=True
        Whether layers are trained one by one to reconstruct what is below them, before
        they learn the labels; rows without a label take part in that. False: all
        weights start at random.

    dropout : float, default=0.5
        Share of the entries of each layer's codes that is set to 0 at each step of the
        training on labels, in [0, 1).

    input_dropout : float, default=0.2
        The same of the entries of X.

    reconstruction : float, default=0.0
        Share r in [0, 1]: the objective of a row is (1 - r) times the loss of its label
        plus r times its denoising loss per feature, Eq. (59). Only rows with a label
        are reconstructed beside their labels.

    class_weight : dict, "balanced" or None, default=None
        What a label of each class counts; a class that the dict lacks counts 1.
        "balanced": n_labelled / (n_classes * labels of the class).

    alpha : float, default=0.0
        L2 penalty: (alpha / 2) times the sum of squares of all weight matrices is added
        to the mean loss per row.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Of the training on labels, as are all parameters that follow. "lbfgs" needs
        ``dropout=0, input_dropout=0``.

    batch_size : int or "auto", default="auto"
        Rows of a step; "auto" is a tenth of the rows with labels, but no fewer than 10
        (or all there are) and no more than 100.

    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, default="cosine"
        As for `DenoisingAutoencoder`.

    learning_rate_init : float, default=None
        Step size. None is 0.001 for "adam" and 0.01 for "sgd".

    power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon : various
        As for `DenoisingAutoencoder`, with the same defaults.

    max_iter : int or "auto", default="auto"
        Largest number of epochs ("cosine" runs them all), or of iterations of "lbfgs".
        "auto": 60 epochs, or as many as make 1000 steps; 200 for "lbfgs".

    shuffle, tol, n_iter_no_change : various
        As for `DenoisingAutoencoder`, with the same defaults.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows with labels and keep the
        parameters that were best on them: of the highest accuracy, and of equals that
        of the lowest loss. "cosine" runs all epochs nevertheless. The pretraining uses
        all rows, without their labels. Of few labels, none can be spared.

    validation_fraction : float, default=0.1
        Fraction of the rows with labels to hold out, in (0, 1).

    layers : {"last", "all"} or int, default="last"
        What `transform` returns, as for `StackedDenoisingAutoencoder`.

    warm_start : bool, default=False
        Whether `fit` goes on with the training on labels from the parameters of the
        last `fit`.

    random_state : int, RandomState instance or None, default=None
        Decides all that is random; of the pretraining only where the template's is
        None.

    verbose : int, default=0
        1 prints number, loss and time of each epoch of the training on labels.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; -1 is none.

    coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        Weights of each hidden layer, and `intercepts_`, of shape (n_outputs,).

    output_weights_ : ndarray of shape (n_outputs, n_codes)
        W_c of Eq. (59), and `output_intercept_` of shape (n_outputs,).

    pretraining_loss_curves_ : list of list of float
        The loss of each layer in each epoch of its pretraining.

    loss_name_, output_activation_ : str
        Loss and output activation of reconstructions of X.

    data_min_, data_max_ : ndarray of shape (n_features,)
        Smallest and largest value of each feature seen in training; NaN if none was.

    n_iter_, t_, loss_, loss_curve_, best_loss_
        As of `DenoisingAutoencoder`, of the training on labels.

    validation_loss_curve_ : list of float or None
        1 - accuracy of the held-out rows, and less than half a row's part more by their
        loss, after each epoch; None without early stopping.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit, if they are all strings.

    See Also
    --------
    StackedDenoisingRegressor : For numbers.
    StackedDenoisingAutoencoder : Without labels.
    sklearn.neural_network.MLPClassifier : Without pretraining and dropout.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked
       Denoising Autoencoders", JMLR 11:3371-3408, 2010.
    .. [2] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov,
       "Dropout", JMLR 15:1929-1958, 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_autoenc import DenoisingAutoencoder, StackedDenoisingClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y = X / 16, y.copy()
    >>> y[500:] = -1  # no labels
    >>> model = StackedDenoisingClassifier(
    ...     (100, 50), autoencoder=DenoisingAutoencoder(max_iter=10), random_state=0
    ... )
    >>> model.fit(X, y).predict(X).shape
    (1797,)
    """

    classes_: NDArray[Any]

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (500, 250),
        *,
        autoencoder: DenoisingAutoencoder | None = None,
        pretrain: bool = True,
        dropout: float = 0.5,
        input_dropout: float = 0.2,
        reconstruction: float = 0.0,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        alpha: float = 0.0,
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
        layers: Literal["last", "all"] | int = "last",
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.autoencoder = autoencoder
        self.pretrain = pretrain
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.reconstruction = reconstruction
        self.class_weight = class_weight
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
        self.layers = layers
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @typed(with_callbacks)
    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Fit the model to rows and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is a missing entry.
        y : array-like of shape (n_samples,)
            The class of each row; -1 where it has none (among strings, too, in an
            array of objects).

        Returns
        -------
        self : StackedDenoisingClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or y is not valid, if no row has a label, or if a loss
            stops being finite. The estimator then is as it was before the call.

        See Also
        --------
        predict : The class of each row.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingClassifier
        >>> model = StackedDenoisingClassifier((3, 2), pretrain=False, random_state=0)
        >>> model.fit(np.eye(4).repeat(5, axis=0), ["a", "b", "b", "a"] * 5).classes_
        array(['a', 'b'], dtype='<U1')
        """
        return self._fit(X, y)

    def predict(self, X: MatrixLike) -> NDArray[Any]:
        """Predict the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is a missing entry.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The most probable class of each.

        See Also
        --------
        predict_proba : How probable each class is.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingClassifier
        >>> X, y = np.eye(2).repeat(20, axis=0), [0] * 20 + [1] * 20
        >>> model = StackedDenoisingClassifier((8, 8), random_state=0).fit(X, y)
        >>> model.predict([[1.0, 0.0], [0.0, 1.0]])
        array([0, 1])
        """
        model = self._fitted_model()
        return model.classes_[model._outputs(X).argmax(axis=1)]

    def predict_proba(self, X: MatrixLike) -> FloatArray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is a missing entry.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; each row adds up to 1.

        See Also
        --------
        predict : The most probable class.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingClassifier
        >>> X, y = np.eye(2).repeat(20, axis=0), [0] * 20 + [1] * 20
        >>> model = StackedDenoisingClassifier((8, 8), random_state=0).fit(X, y)
        >>> model.predict_proba([[1.0, 0.0]]).shape
        (1, 2)
        """
        outputs = self._outputs(X)
        return mixed_columns(0, [outputs.shape[1]]).output(outputs)

    def decision_function(self, X: MatrixLike) -> FloatArray:
        """Return the pre-activations of the softmax.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is a missing entry.

        Returns
        -------
        outputs : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes the logarithm of the odds of the second one; else one column
            for each class, in the order of `classes_`.

        See Also
        --------
        predict_proba : Their softmax.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingClassifier
        >>> X, y = np.eye(2).repeat(20, axis=0), [0] * 20 + [1] * 20
        >>> model = StackedDenoisingClassifier((8, 8), random_state=0).fit(X, y)
        >>> model.decision_function([[1.0, 0.0], [0.0, 1.0]]) > 0
        array([False,  True])
        """
        outputs = self._outputs(X)
        if outputs.shape[1] == 2:
            return outputs[:, 1] - outputs[:, 0]
        return outputs

    def _read_labels(
        self, y: Any, X: Any, learned: dict[str, Any]
    ) -> tuple[IntArray, FloatArray]:
        known = learned.get("classes_")
        labelled, y = check_some_classes(self, y, X, UNLABELLED, known)
        if known is None:
            learned["classes_"] = np.unique(y)
        else:
            refuse_new_classes(known, y)
        return labelled, one_hot(y, learned["classes_"])

    def _loss(self, n_outputs: int) -> Loss:
        return mixed_columns(0, [n_outputs])

    def _class_weights(
        self, settings: SimpleNamespace, targets: FloatArray, learned: dict[str, Any]
    ) -> FloatArray | None:
        return weights_of_classes(
            settings.class_weight, learned["classes_"], targets.argmax(axis=1)
        )

    def _misfit(
        self,
        outputs: FloatArray,
        targets: FloatArray,
        class_weights: FloatArray | None,
    ) -> float:
        return misfits.of_classes(outputs, targets, class_weights)

    def _strata(self, targets: FloatArray) -> IntArray:
        return targets.argmax(axis=1)


class StackedDenoisingRegressor(RegressorMixin, BaseLabelledStack):
    """Predict numbers of rows by a stack of denoising autoencoders, fine-tuned on them.

    The relative of `StackedDenoisingClassifier` with the squared error of numbers,
    which are standardised in training, in place of the softmax. Rows of which y is NaN
    (in one of its columns) have no label.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(500, 250)
        Units of each layer, from the first on; a number is one layer.

    autoencoder : DenoisingAutoencoder or None, default=None
        A template, cloned for each layer of the pretraining; None is
        ``DenoisingAutoencoder()``. Its activation is that of all layers. Its other
        parameters are about the pretraining, as for `StackedDenoisingAutoencoder`; with
        `reconstruction` its corruption, emphasis, loss and feature groups are those of
        the training on labels, too. A search reaches those of a template that is given,
        as ``autoencoder__corruption_level``.

    pretrain : bool, default=True
        Whether layers are trained one by one to reconstruct what is below them, before
        they learn the labels; rows without a label take part in that. False: all
        weights start at random.

    dropout : float, default=0.2
        Share of the entries of each layer's codes that is set to 0 at each step of the
        training on labels, in [0, 1).

    input_dropout : float, default=0.1
        The same of the entries of X.

    reconstruction : float, default=0.0
        Share r in [0, 1]: the objective of a row is (1 - r) times the loss of its label
        plus r times its denoising loss per feature, Eq. (59). Only rows with a label
        are reconstructed beside their labels.

    alpha : float, default=0.0
        L2 penalty: (alpha / 2) times the sum of squares of all weight matrices is added
        to the mean loss per row.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Of the training on labels, as are all parameters that follow. "lbfgs" needs
        ``dropout=0, input_dropout=0``.

    batch_size : int or "auto", default="auto"
        Rows of a step; "auto" is a tenth of the rows with labels, but no fewer than 10
        (or all there are) and no more than 100.

    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, default="cosine"
        As for `DenoisingAutoencoder`.

    learning_rate_init : float, default=None
        Step size. None is 0.001 for "adam" and 0.01 for "sgd".

    power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon : various
        As for `DenoisingAutoencoder`, with the same defaults.

    max_iter : int or "auto", default="auto"
        Largest number of epochs ("cosine" runs them all), or of iterations of "lbfgs".
        "auto": 60 epochs, or as many as make 1000 steps; 200 for "lbfgs".

    shuffle, tol, n_iter_no_change : various
        As for `DenoisingAutoencoder`, with the same defaults.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows with labels and keep the
        parameters that were best on them: of the highest R2. "cosine" runs all epochs
        nevertheless. The pretraining uses all rows, without their labels.

    validation_fraction : float, default=0.1
        Fraction of the rows with labels to hold out, in (0, 1).

    layers : {"last", "all"} or int, default="last"
        What `transform` returns, as for `StackedDenoisingAutoencoder`.

    warm_start : bool, default=False
        Whether `fit` goes on with the training on labels from the parameters of the
        last `fit`.

    random_state : int, RandomState instance or None, default=None
        Decides all that is random; of the pretraining only where the template's is
        None.

    verbose : int, default=0
        1 prints number, loss and time of each epoch of the training on labels.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Mean and standard deviation (1 for 0) of y, which outputs are multiples of.

    coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        Weights of each hidden layer, and `intercepts_`, of shape (n_outputs,).

    output_weights_ : ndarray of shape (n_outputs, n_codes)
        W_c of Eq. (59), and `output_intercept_` of shape (n_outputs,).

    pretraining_loss_curves_ : list of list of float
        The loss of each layer in each epoch of its pretraining.

    loss_name_, output_activation_ : str
        Loss and output activation of reconstructions of X.

    data_min_, data_max_ : ndarray of shape (n_features,)
        Smallest and largest value of each feature seen in training; NaN if none was.

    n_iter_, t_, loss_, loss_curve_, best_loss_
        As of `DenoisingAutoencoder`, of the training on labels.

    validation_loss_curve_ : list of float or None
        1 - R2 of the held-out rows, the mean over outputs, after each epoch; None
        without early stopping.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit, if they are all strings.

    See Also
    --------
    StackedDenoisingClassifier : For classes.
    sklearn.neural_network.MLPRegressor : Without pretraining and dropout.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked
       Denoising Autoencoders", JMLR 11:3371-3408, 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sk_autoenc import DenoisingAutoencoder, StackedDenoisingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = StackedDenoisingRegressor(
    ...     (50, 20), autoencoder=DenoisingAutoencoder(max_iter=10), random_state=0
    ... )
    >>> model.fit(X, y).predict(X).shape
    (442,)
    """

    target_mean_: FloatArray
    target_scale_: FloatArray

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (500, 250),
        *,
        autoencoder: DenoisingAutoencoder | None = None,
        pretrain: bool = True,
        dropout: float = 0.2,
        input_dropout: float = 0.1,
        reconstruction: float = 0.0,
        alpha: float = 0.0,
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
        layers: Literal["last", "all"] | int = "last",
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.autoencoder = autoencoder
        self.pretrain = pretrain
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.reconstruction = reconstruction
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
        self.layers = layers
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @typed(with_callbacks)
    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Fit the model to rows and their numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is a missing entry.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The numbers of each row; NaN where it has none.

        Returns
        -------
        self : StackedDenoisingRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or y is not valid, if no row has a number, or if a loss
            stops being finite. The estimator then is as it was before the call.

        See Also
        --------
        predict : The numbers of each row.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingRegressor
        >>> model = StackedDenoisingRegressor((3, 2), pretrain=False, random_state=0)
        >>> model.fit(np.eye(4), [1.0, 2.0, 3.0, np.nan]).target_mean_
        array([2.])
        """
        return self._fit(X, y)

    def predict(self, X: MatrixLike) -> FloatArray:
        """Predict the numbers of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is a missing entry.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the form of the y of `fit`, float64.

        See Also
        --------
        fit : Learns them.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingRegressor
        >>> model = StackedDenoisingRegressor((3, 2), pretrain=False, random_state=0)
        >>> model.fit(np.eye(4), [[1.0, 2.0]] * 4).predict(np.eye(4)).shape
        (4, 2)
        """
        model = self._fitted_model()
        numbers = model._outputs(X) * model.target_scale_ + model.target_mean_
        return numbers[:, 0] if model._target_ndim == 1 else numbers

    def _read_labels(
        self, y: Any, X: Any, learned: dict[str, Any]
    ) -> tuple[IntArray, FloatArray]:
        labelled, y = check_some_numbers(self, y, X)
        learned["_target_ndim"] = y.ndim
        y = y.reshape(len(y), -1)
        if "target_mean_" in learned:
            refuse_other_outputs(y, len(learned["target_mean_"]))
        else:
            learned["target_mean_"], learned["target_scale_"] = mean_and_scale(y)
        return labelled, (y - learned["target_mean_"]) / learned["target_scale_"]

    def _loss(self, n_outputs: int) -> Loss:
        return LOSSES["squared_error"]

    def _class_weights(
        self, settings: SimpleNamespace, targets: FloatArray, learned: dict[str, Any]
    ) -> None:
        return None

    def _misfit(
        self, outputs: FloatArray, targets: FloatArray, class_weights: None
    ) -> float:
        return misfits.of_numbers(outputs, targets)

    def _strata(self, targets: FloatArray) -> FloatArray | None:
        return targets[:, 0] if targets.shape[1] == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
