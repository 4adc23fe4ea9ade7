"""Layer by layer: each is a denoising autoencoder of the codes of the one below.

Codes of unbounded units (relu, identity) have whatever size training gave them, and a
second autoencoder, whose learning rate is made for inputs of a usual size, would lose
all of its units on large ones. So such a layer's weights are multiplied by a number
that makes its codes vary as much as its inputs (in their mean square over rows): s(c a)
= c s(a) for these units, so that nothing else changes. And codes of relu are nowhere
negative: a unit above, whose weights happen to have a negative sum, would be 0 for all
rows, and stay so. So the mean of the codes is subtracted before the next layer learns
from them, and goes into its intercepts once it has: W (y - m) + b = W y + (b - W m).
"""

from typing import Any, NamedTuple

import numpy as np

from sk_autoenc._typing import FloatArray
from sk_autoenc.base import seeded
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.feeds import RowFeed
from sk_autoenc.training import DivergenceError

OUTPUTS_OF_CODES = {
    "logistic": ("cross_entropy", "logistic"),
    "tanh": ("squared_error", "tanh"),
    "relu": ("squared_error", "identity"),
    "identity": ("squared_error", "identity"),
}
"""Loss and output activation of an autoencoder of codes, by what made these."""
UNBOUNDED = ("relu", "identity")
LEAST_SPREAD = 1e-4
"""Of codes, beside their size: codes of a constant X differ by rounding."""


class Layer(NamedTuple):
    """A trained autoencoder: y = s(W x + b), z = W' y + b' before its activation."""

    weights: FloatArray
    """W, (n_codes, n_inputs)."""
    intercept: FloatArray
    decoder_weights: FloatArray
    """W', (n_inputs, n_codes)."""
    decoder_intercept: FloatArray
    loss_curve: list[float]


def pretrain(
    template: DenoisingAutoencoder,
    sizes: tuple[int, ...],
    X: Any,
    rng: np.random.Generator,
) -> list[Layer]:
    """Train layer after layer, each on the clean codes of the layers below.

    Parameters
    ----------
    template : DenoisingAutoencoder
        Cloned for each layer. Those above the first one reconstruct codes: they choose
        loss and output activation by the activation, and have no groups of features.
    sizes : tuple of int
        The units of each layer.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Checked; NaN is missing.
    rng : numpy.random.Generator
        Seeds a layer if the template's `random_state` is None.

    Returns
    -------
    layers : list of Layer

    Raises
    ------
    DivergenceError
        When the loss of a layer is not finite.
    """
    layers: list[Layer] = []
    offset = np.zeros(X.shape[1], X.dtype)  # subtracted from what a layer learns from
    for size in sizes:
        model = seeded(template, rng).set_params(n_components=size, warm_start=False)
        which = f"Layer {len(layers) + 1}, trained by itself as `autoencoder` says: "
        model._part_of_another = which
        if layers:
            loss, output = OUTPUTS_OF_CODES[template.activation]
            model.set_params(
                loss=loss,
                output_activation=output,
                feature_groups=None,
                reconstruction_sampling=None,  # codes are dense
            )
        try:
            model.fit(X)
        except DivergenceError as error:
            raise DivergenceError(f"{which}{error}") from error
        codes = model.transform(X)
        mean, factor = np.zeros(size, codes.dtype), 1.0
        if template.activation in UNBOUNDED:
            mean, size_before = codes.mean(axis=0), size_of(codes)
            codes -= mean
            spread = size_of(codes)
            if spread > LEAST_SPREAD * size_before:  # else rounding is all that varies
                factor = size_of(X) / spread or 1.0
            codes *= codes.dtype.type(factor)
        weights = model.components_
        layers.append(
            Layer(
                weights * factor,
                (model.intercept_hidden_ - weights @ offset) * factor,
                model.decoder_components_.T / factor,
                model.intercept_visible_ + offset,
                model.loss_curve_,
            )
        )
        X, offset = codes, mean * codes.dtype.type(factor)
    return layers


def size_of(X: Any) -> float:
    """Return the root of the mean square length of rows, missing entries being 0."""
    feed = RowFeed(X)
    total = 0.0
    for rows in feed.blocks():
        block = feed.inputs(rows)
        values = block if isinstance(block, np.ndarray) else block.data
        total += float(np.vdot(values, values))
    return float(np.sqrt(total / len(feed)))
