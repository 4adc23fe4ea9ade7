"""Autoencoders that are true scikit-learn estimators, on numpy and scipy."""

from sk_autoenc.anomaly import ReconstructionOutlierDetector
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.imputation import DenoisingImputer
from sk_autoenc.recursive import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.tabular import TableDenoisingAutoencoder
from sk_autoenc.trees.forest import Forest

__version__ = "0.1.0.dev0"

__all__ = [
    "DenoisingAutoencoder",
    "DenoisingImputer",
    "Forest",
    "RAETransformer",
    "ReconstructionOutlierDetector",
    "TableDenoisingAutoencoder",
    "UnfoldingRAETransformer",
]
