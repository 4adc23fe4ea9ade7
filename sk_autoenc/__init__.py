"""Autoencoders that are true scikit-learn estimators, on numpy alone."""

from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.recursive import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.trees.forest import Forest

__all__ = [
    "DenoisingAutoencoder",
    "Forest",
    "RAETransformer",
    "UnfoldingRAETransformer",
]
