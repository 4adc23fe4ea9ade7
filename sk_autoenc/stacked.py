"""StackedDenoisingAutoencoder: validate -> train -> attributes. No derivative here."""

from functools import partial
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from sk_autoenc import base
from sk_autoenc._compat import with_callbacks
from sk_autoenc._typing import (
    Activation,
    FloatArray,
    Loss,
    MatrixLike,
    RandomState,
    typed,
)
from sk_autoenc.base import FitCallbacks, Problem, adopt
from sk_autoenc.base_stack import BaseStack, mirrored
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.feeds import RowFeed
from sk_autoenc.networks import layered
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import make_loss
from sk_autoenc.row_autoencoder import (
    RowAutoencoder,
    check_denoising,
    check_rows,
    corruption_of,
    denoising_objective,
    parts_of,
    range_and_loss,
    resolve_settings,
)
from sk_autoenc.row_facts import RowFacts
from sk_autoenc.row_validation import STACK_CONSTRAINTS
from sk_autoenc.threads import blas_threads
from sk_autoenc.training import Epoch, TrainingResult
from sk_autoenc.validation import check_codes, check_settings, features_of

RATE_OF_THE_WHOLE = 1 / 3
"""Of the joint training, beside that of a layer: deeper networks need shorter steps."""


class StackedDenoisingAutoencoder(BaseStack, RowAutoencoder):
    """Stack of denoising autoencoders, trained layer by layer and then as a whole.

    The first layer learns codes of X from which X can be reconstructed, though a part
    of it is hidden; the second learns codes of these codes in the same way, and so on
    [1]_. Then the stack is unrolled: all layers encode corrupted rows, and their
    mirror images decode them, and all weights are trained together to reconstruct X.

    Missing entries, NaN, and sparse X are as for `DenoisingAutoencoder`. Read more in
    ``doc/guide_rows.md``; ``doc/derivation.md`` has the equations.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(500, 250)
        Units of each layer, from the first on; a number is one layer.

    autoencoder : DenoisingAutoencoder or None, default=None
        A template, cloned for each layer; None is ``DenoisingAutoencoder()``. All of
        its parameters count but `n_components` and `warm_start`; `tied_weights` and
        `reconstruction_sampling` count until the joint training, in which the weights
        are free and all features are reconstructed. A search reaches those of a
        template that is given, as ``autoencoder__corruption_level``. `loss`,
        `output_activation` and `feature_groups` are about X. Layers above the first
        reconstruct codes: logistic ones with the cross-entropy, others with the squared
        error. Codes of "relu" and "identity" are scaled, and the next layer learns from
        them less their mean; rows then have the mean square length of those of X, so
        that one learning rate suits all layers and all units stay alive.
        ``learning_rate_init=None`` is a third as much in the joint training.

    fine_tune : bool, default=True
        Whether all layers are trained together after they were trained one by one.

    layers : {"last", "all"} or int, default="last"
        What `transform` returns: the codes of the last layer, of all layers side by
        side, or of one, counted from 1.

    warm_start : bool, default=False
        Whether `fit` goes on with the joint training from the parameters of the last
        `fit`.

    random_state : int, RandomState instance or None, default=None
        Decides all that is random; of a layer only where the template's is None.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        Weights of each layer, and `intercepts_`, of shape (n_outputs,): y = s(x @ coef
        + intercept).

    decoder_coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        Weights of the layers that decode, from the last code on, and
        `decoder_intercepts_`.

    pretraining_loss_curves_ : list of list of float
        The `loss_curve_` of each layer when it was trained by itself; empty without
        that.

    loss_name_, output_activation_ : str
        Loss and output activation in use.

    data_min_, data_max_ : ndarray of shape (n_features,)
        Smallest and largest value of each feature seen in training; NaN if none was.

    n_iter_, t_, loss_, loss_curve_, validation_loss_curve_, best_loss_
        As of `DenoisingAutoencoder`, of the joint training. With ``fine_tune=False``
        `n_iter_` is 0, `loss_curve_` is empty and `loss_` that of the stack as it is.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit, if they are all strings.

    See Also
    --------
    StackedDenoisingClassifier : The same with labels at the end.
    MarginalizedDenoisingAutoencoder : Layers in closed form.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked
       Denoising Autoencoders", JMLR 11:3371-3408, 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_autoenc import DenoisingAutoencoder, StackedDenoisingAutoencoder
    >>> X = load_digits().data / 16
    >>> stack = StackedDenoisingAutoencoder(
    ...     (32, 8), autoencoder=DenoisingAutoencoder(max_iter=5), random_state=0
    ... )
    >>> stack.fit(X).transform(X).shape
    (1797, 8)
    """

    loss_name_: Loss
    output_activation_: Activation
    data_min_: FloatArray
    data_max_: FloatArray

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (500, 250),
        *,
        autoencoder: DenoisingAutoencoder | None = None,
        fine_tune: bool = True,
        layers: Literal["last", "all"] | int = "last",
        warm_start: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.autoencoder = autoencoder
        self.fine_tune = fine_tune
        self.layers = layers
        self.warm_start = warm_start
        self.random_state = random_state

    @property
    def decoder_coefs_(self) -> list[FloatArray]:
        """Weights of the layers that decode: (n_inputs, n_outputs) each."""
        return [weights.T for weights, _ in self._decoder()]

    @property
    def decoder_intercepts_(self) -> list[FloatArray]:
        """Intercepts of the layers that decode: (n_outputs,) each."""
        return [intercept for _, intercept in self._decoder()]

    @typed(with_callbacks)
    def fit(self, X: MatrixLike, y: object = None) -> Self:
        """Fit the layers to X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; NaN is a missing entry.
        y : Ignored
            Present for API consistency; handed to callbacks only.

        Returns
        -------
        self : StackedDenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, or if the loss stops being finite. The
            estimator then is as it was before the call.

        Warns
        -----
        ConvergenceWarning
            As for `DenoisingAutoencoder`, from a layer or from the joint training.

        See Also
        --------
        partial_fit : The joint training by itself, for data that come in parts.

        Examples
        --------
        >>> from sk_autoenc import DenoisingAutoencoder, StackedDenoisingAutoencoder
        >>> short = DenoisingAutoencoder(max_iter=3)
        >>> stack = StackedDenoisingAutoencoder((3, 2), autoencoder=short)
        >>> [coef.shape for coef in stack.fit(np.eye(4)).coefs_]
        [(4, 3), (3, 2)]
        """
        if self.fine_tune:
            return self._fit(X, y, by_layers=True)
        problem = self._problem(X, y, reset=True, by_layers=True)
        context = self._init_callback_context(max_subtasks=0)
        callbacks = FitCallbacks(self, context, X, y, problem)
        result = TrainingResult(0)
        loss = float(problem.objective.losses(problem.parameters).mean(dtype=float))
        result.epochs.append(Epoch(loss, None, 0))
        no_epochs = {"n_iter_": 0, "loss_curve_": []}
        adopt(self, self._learned(problem, result) | no_epochs)
        callbacks.end_fit()
        return self

    @typed(available_if(lambda self: steps_by_minibatches(self)))
    def partial_fit(self, X: MatrixLike, y: object = None) -> Self:
        """Make one pass of the joint training over X.

        The first call starts from random weights, without training layers one by one;
        after `fit` it goes on from there.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of training data; NaN is a missing entry.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : StackedDenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        AttributeError
            With ``solver="lbfgs"``.
        ValueError
            If a parameter or X is not valid, or if the loss stops being finite. The
            estimator then is as it was before the call.

        See Also
        --------
        fit : Layer by layer, and all epochs.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingAutoencoder
        >>> StackedDenoisingAutoencoder((3, 2)).partial_fit(np.eye(4)).t_
        4
        """
        return self._partial_fit(X)

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """Decode codes, as `transform` returns them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_codes)
            Codes of the layer that `layers` names; of "all" the last are decoded.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            Of the code of layer k, by the last k layers that decode.

        See Also
        --------
        reconstruct : From rows to codes of the last layer and back.

        Examples
        --------
        >>> from sk_autoenc import StackedDenoisingAutoencoder
        >>> stack = StackedDenoisingAutoencoder((3, 2)).partial_fit(np.eye(4))
        >>> stack.inverse_transform([[0.0, 0.5]]).shape
        (1, 4)
        """
        model = self._fitted_model()
        codes = check_codes(model, X, model._n_features_out)
        layer = model._chosen_layers()[-1]
        size = model._fitted_with["sizes"][layer]
        return model._decode(np.ascontiguousarray(codes[:, -size:]), layer)

    def _encode(self, X: Any) -> FloatArray:
        return self._codes(X, [self._fitted_with["depth"]])

    def _decode(self, codes: FloatArray, layer: int | None = None) -> FloatArray:
        """Decode the codes of a layer, or of the last one."""
        network, parameters = self._ready(codes.dtype)
        architecture, depth = network.architecture, self._fitted_with["depth"]
        start = 2 * depth - (layer or depth)  # where the codes of `layer` come back
        loss, n_features = architecture.loss, architecture.sizes[-1]
        finish = loss.output or architecture.output_activation.value
        rows = np.empty((len(codes), n_features), network.dtype)
        feed = RowFeed(codes, network.dtype, network=network)
        with blas_threads(network.flops(len(codes))):
            for block in feed.blocks():
                output = network.decode(parameters, feed.inputs(block), start)
                rows[block] = finish(output)
        return rows

    def _decoder(self) -> list[tuple[FloatArray, FloatArray]]:
        model = self._fitted_model()
        _, parameters = model._ready(model._flat.dtype)
        return parameters.layers[model._fitted_with["depth"] :]

    def _n_codes(self) -> int:
        sizes, depth = self._fitted_with["sizes"], self._fitted_with["depth"]
        return int(sizes[depth])

    def _architecture(self, fitted_with: dict[str, Any]) -> layered.Architecture:
        return layered.Architecture(
            fitted_with["sizes"],
            ACTIVATIONS[fitted_with["activation"]],
            ACTIVATIONS[fitted_with["output_activation"]],
            make_loss(fitted_with["loss"], fitted_with["layout"]),
        )

    def _problem(
        self, X: Any, y: object, reset: bool, by_layers: bool = False
    ) -> Problem:
        own = check_settings(self, STACK_CONSTRAINTS)
        hidden = self._sizes(own)
        template = self._template()
        settings = check_denoising(template)
        settings.random_state = own.random_state
        if reset:
            X, learned = features_of(self, check_rows, X)
        else:
            X = check_rows(self, X).astype(self._flat.dtype, copy=False)
            learned = self._fitted_state()
        facts = RowFacts.of(settings, X)
        learned |= range_and_loss(settings, facts, None if reset else learned)
        is_usual_rate = settings.learning_rate_init is None
        resolve_settings(settings, X.shape[0], learned)
        if is_usual_rate:
            settings.learning_rate_init *= RATE_OF_THE_WHOLE
        draws = self._draws(settings, reset)
        sizes = mirrored((X.shape[1], *hidden))
        architecture = layered.Architecture(
            sizes, n_penalised=len(hidden), **parts_of(settings, learned)
        )
        learned["_fitted_with"] |= {
            "sizes": sizes,
            "depth": len(hidden),
            "loss": learned["loss_name_"],
            "output_activation": learned["output_activation_"],
        }
        parameters = self._start(architecture, X, reset, by_layers, draws.rng, learned)
        network = layered.Network(architecture, X.dtype)
        make = corruption_of(settings, learned)
        return Problem(
            settings,
            X.shape[0],
            parameters,
            None,
            make,
            draws,
            network.flops,
            learned,
            objective_of=partial(
                denoising_objective, settings, network, facts.has_missing
            ),
        ).of(X)


def steps_by_minibatches(estimator: StackedDenoisingAutoencoder) -> bool:
    """Refuse `partial_fit` to a template whose solver needs all rows at once."""
    template = estimator.autoencoder
    if not isinstance(template, DenoisingAutoencoder):
        return True  # None; or partial_fit says what it must be
    return base.steps_by_minibatches(template)
