"""Autoencoders that are true scikit-learn estimators, on numpy and scipy."""

from sk_autoenc.anomaly import ReconstructionOutlierDetector
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.greedy import GreedyTrees
from sk_autoenc.imputation import DenoisingImputer
from sk_autoenc.leaf_vectorizer import LeafVectorizer
from sk_autoenc.marginalized import MarginalizedDenoisingAutoencoder
from sk_autoenc.node_neighbors import NodeNeighbors
from sk_autoenc.pairs import TreePairFeatures
from sk_autoenc.recursive import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.recursive_labels import RecursiveClassifier, RecursiveRegressor
from sk_autoenc.saving import skops_types
from sk_autoenc.stacked import StackedDenoisingAutoencoder
from sk_autoenc.stacked_labels import (
    StackedDenoisingClassifier,
    StackedDenoisingRegressor,
)
from sk_autoenc.subtree_counts import SubtreeCounts
from sk_autoenc.tabular import TableDenoisingAutoencoder
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.from_objects import tree_from
from sk_autoenc.trees.readers import node_labels, read_tree
from sk_autoenc.trees.reshaping import (
    binarize,
    collapse_unary,
    limit_arity,
    map_leaves,
    tree_shape,
)
from sk_autoenc.trees.text import from_bracketed, from_newick

__version__ = "0.1.0.dev0"

__all__ = [
    "DenoisingAutoencoder",
    "DenoisingImputer",
    "Forest",
    "GreedyTrees",
    "LeafVectorizer",
    "MarginalizedDenoisingAutoencoder",
    "NodeNeighbors",
    "RAETransformer",
    "ReconstructionOutlierDetector",
    "RecursiveClassifier",
    "RecursiveRegressor",
    "StackedDenoisingAutoencoder",
    "StackedDenoisingClassifier",
    "StackedDenoisingRegressor",
    "SubtreeCounts",
    "TableDenoisingAutoencoder",
    "TreePairFeatures",
    "UnfoldingRAETransformer",
    "binarize",
    "collapse_unary",
    "from_bracketed",
    "from_newick",
    "limit_arity",
    "map_leaves",
    "node_labels",
    "read_tree",
    "skops_types",
    "tree_from",
    "tree_shape",
]
