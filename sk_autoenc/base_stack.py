"""What estimators of several layers share: the template, parameters and codes."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from sk_autoenc._typing import FloatArray, MatrixLike, RandomState
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.feeds import RowFeed
from sk_autoenc.networks import layered
from sk_autoenc.pretraining import Layer, pretrain
from sk_autoenc.row_autoencoder import RowTransformer, check_rows
from sk_autoenc.row_validation import check_layers
from sk_autoenc.table_validation import check_hidden_layer_sizes
from sk_autoenc.threads import blas_threads


class BaseStack(RowTransformer):
    """Layers of codes, each of the one below.

    A subclass has ``_architecture(fitted_with)`` -> `layered.Architecture`; see
    `BaseIterative` for the rest. The parameters are kept as one array.
    """

    hidden_layer_sizes: tuple[int, ...]
    autoencoder: DenoisingAutoencoder | None
    layers: Literal["last", "all"] | int
    random_state: RandomState

    pretraining_loss_curves_: list[list[float]]
    _flat: FloatArray
    _fitted_with: dict[str, Any]

    _architecture: Callable[[dict[str, Any]], layered.Architecture]

    @property
    def coefs_(self) -> list[FloatArray]:
        """Weights of the layers that encode: (n_inputs, n_outputs) each."""
        return [weights.T for weights, _ in self._encoder()]

    @property
    def intercepts_(self) -> list[FloatArray]:
        """Intercepts of the layers that encode: (n_outputs,) each."""
        return [intercept for _, intercept in self._encoder()]

    def transform(self, X: MatrixLike) -> FloatArray:
        """Encode X, without corruption.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data to encode; NaN is a missing entry.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_codes)
            Those of the layer, or layers, that `layers` names, in the dtype of X or of
            the parameters, whichever is wider.

        See Also
        --------
        fit : Learns the codes.

        Examples
        --------
        >>> from sk_autoenc import DenoisingAutoencoder, StackedDenoisingAutoencoder
        >>> short = DenoisingAutoencoder(max_iter=3)
        >>> stack = StackedDenoisingAutoencoder((3, 2), autoencoder=short, layers="all")
        >>> stack.fit(np.eye(4)).transform(np.eye(4)).shape
        (4, 5)
        """
        model = self._fitted_model()
        return model._codes(check_rows(model, X), model._chosen_layers())

    def _sizes(self, settings: SimpleNamespace) -> tuple[int, ...]:
        """Return the units of each layer, checked, as the choice of layers is."""
        sizes: tuple[int, ...] = check_hidden_layer_sizes(settings.hidden_layer_sizes)
        if not sizes:
            raise ValueError(
                "hidden_layer_sizes must name the units of one layer or more, such as "
                "(500, 250); got ()."
            )
        check_layers(settings.layers, len(sizes))
        return sizes

    def _start(
        self,
        architecture: layered.Architecture,
        X: Any,
        reset: bool,
        by_layers: bool,
        rng: np.random.Generator,
        learned: dict[str, Any],
    ) -> layered.Parameters:
        """Return the parameters that training of all layers starts from.

        Those of the fitted model; with `reset` random ones, or, `by_layers`, those of
        layers that are trained here and now.
        """
        depth = learned["_fitted_with"]["depth"]
        if not reset:
            known = self._fitted_with
            check_same_layers(
                (architecture.sizes, depth), (known["sizes"], known["depth"])
            )
            shapes = layered.parameter_shapes(architecture)
            return layered.Parameters(shapes, self._flat.astype(X.dtype))
        parameters = layered.allocate_parameters(architecture, X.dtype)
        layered.initialise(parameters, architecture, rng)
        # Nothing says what never was observed: let no chance do so.
        never_observed = np.isnan(learned["data_min_"])
        parameters.layers[0][0][:, never_observed] = 0
        if architecture.loss is not None:
            parameters.layers[-1][0][never_observed] = 0
        layers: list[Layer] = []
        if by_layers:
            hidden = architecture.sizes[1 : depth + 1]
            layers = pretrain(self._template(), hidden, X, rng)
            start_from_layers(parameters, layers)
        learned["pretraining_loss_curves_"] = [each.loss_curve for each in layers]
        return parameters

    def _codes(self, X: Any, layers: list[int]) -> FloatArray:
        """Return the codes of some layers, counted from 1, side by side."""
        network, parameters = self._ready(X.dtype)
        sizes = network.architecture.sizes
        ends = np.cumsum([0, *(sizes[k] for k in layers)])
        codes = np.empty((X.shape[0], ends[-1]), network.dtype)
        feed = RowFeed(X, network.dtype, network=network)
        with blas_threads(network.flops(len(codes))):
            for rows in feed.blocks():
                of_block = network.codes(parameters, feed.inputs(rows), max(layers))
                for k, start, end in zip(layers, ends, ends[1:], strict=False):
                    codes[rows, start:end] = of_block[k - 1]
        return codes

    def _ready(self, dtype: Any) -> tuple[layered.Network, layered.Parameters]:
        """Return the network and its parameters for rows of a dtype."""
        dtype = np.result_type(dtype, self._flat.dtype)
        architecture = self._architecture(self._fitted_with)
        shapes = layered.parameter_shapes(architecture)
        parameters = layered.Parameters(shapes, self._flat.astype(dtype, copy=False))
        return layered.Network(architecture, dtype), parameters

    def _encoder(self) -> list[tuple[FloatArray, FloatArray]]:
        model = self._fitted_model()
        _, parameters = model._ready(model._flat.dtype)
        return parameters.layers[: model._fitted_with["depth"]]

    def _chosen_layers(self) -> list[int]:
        depth = self._fitted_with["depth"]
        check_layers(self.layers, depth)
        if self.layers == "all":
            return list(range(1, depth + 1))
        return [depth if self.layers == "last" else int(self.layers)]

    def _dtype(self, X: Any) -> np.dtype[Any]:
        return np.result_type(X.dtype, self._flat.dtype)

    @property
    def _n_features_out(self) -> int:
        model = self._fitted_model()
        sizes = model._fitted_with["sizes"]
        return sum(sizes[k] for k in model._chosen_layers())

    def _template(self) -> DenoisingAutoencoder:
        template = self.autoencoder
        if template is None:
            return DenoisingAutoencoder()
        if not isinstance(template, DenoisingAutoencoder):
            raise ValueError(
                "autoencoder must be a DenoisingAutoencoder, which is cloned for each "
                f"layer, or None; got {template!r:.200}."
            )
        return template

    def _parameter_attributes(self, parameters: Any) -> dict[str, FloatArray]:
        return {"_flat": parameters.flat}


def start_from_layers(parameters: layered.Parameters, layers: list[Layer]) -> None:
    """Copy pretrained layers; their decoders, too, as far as there are any."""
    depth = len(layers)
    decoders = parameters.layers[depth:]
    for (weights, intercept), layer in zip(parameters.layers, layers, strict=False):
        weights[...], intercept[...] = layer.weights, layer.intercept
    for (weights, intercept), layer in zip(decoders, reversed(layers), strict=False):
        weights[...] = layer.decoder_weights
        intercept[...] = layer.decoder_intercept


def mirrored(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of layers that encode, and of those that decode again."""
    return (*sizes, *reversed(sizes[:-1]))


def check_same_layers(
    layers: tuple[tuple[int, ...], int], fitted: tuple[tuple[int, ...], int]
) -> None:
    """Refuse to go on training with other layers than those there are.

    Both are sizes, from the input on, and how many of the layers encode.
    """
    if layers != fitted:
        now, before = (
            f"{sizes}, of which {depth} encode" for sizes, depth in (layers, fitted)
        )
        raise ValueError(
            f"The parameters give layers of the sizes {now}, but the model to go on "
            f"from has {before}. Set hidden_layer_sizes (and reconstruction) back, or "
            "start afresh: fit with warm_start=False."
        )
