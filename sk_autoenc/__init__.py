"""Autoencoders that are true scikit-learn estimators, on numpy alone."""

from sk_autoenc.denoising import DenoisingAutoencoder

__all__ = ["DenoisingAutoencoder"]
