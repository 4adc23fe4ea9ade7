"""Types of what a user passes and gets, for readers and for type checkers.

scikit-learn and scipy have no types of their own: what comes from there is Any. A
parameter for trees in any form is ``Forest | TreesLike``.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from types import EllipsisType
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Directory: TypeAlias = str | PathLike[str]
FloatArray: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64."""
IntArray: TypeAlias = NDArray[np.signedinteger[Any]]
FloatDType: TypeAlias = type[np.float32] | type[np.float64] | np.dtype[Any] | str


class Sparse(Protocol):
    """A sparse matrix or array of scipy, in any format."""

    def tocsr(self) -> Any:
        """Convert to compressed rows."""


MatrixLike: TypeAlias = ArrayLike | Sparse
"""Rows: an array, a data frame, a list of lists, a sparse matrix."""

Tree: TypeAlias = "FloatArray | tuple[Tree, ...]"
"""A tree as the package gives it: a leaf vector, or the tuple of the children."""
TreesLike: TypeAlias = Sequence[object] | ArrayLike
"""Trees as the package takes them, or rows. A checker sees no tree in a list of tuples
of different lengths, so the items are objects here."""
AnyTree: TypeAlias = Any
"""Nested tuples with any leaves, tokens or vectors; a leaf alone is one too."""
PlaceLabel: TypeAlias = Literal["drop", "first_leaf", "only_leaves"]
Key: TypeAlias = (
    SupportsIndex | slice | Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]
)
"""What chooses trees of a Forest."""
Keys: TypeAlias = Key | tuple[Key, EllipsisType]

Activation: TypeAlias = Literal["relu", "logistic", "tanh", "identity"]
CategoricalFeatures: TypeAlias = ArrayLike | Literal["from_dtype"] | None
CorruptionName: TypeAlias = Literal["masking", "gaussian", "salt_and_pepper", "swap"]
CorruptionFunction: TypeAlias = Callable[
    [NDArray[Any], float, np.random.Generator], ArrayLike
]
Composition: TypeAlias = Literal["blend", "gated", "lstm"]
Corruption: TypeAlias = CorruptionName | CorruptionFunction | None
LearningRate: TypeAlias = Literal["cosine", "constant", "invscaling", "adaptive"]
HandleUnknown: TypeAlias = Literal["zeros", "mean", "error", "learn"]
LeafVectorsName: TypeAlias = Literal["one_hot", "hashing", "random"]
Loss: TypeAlias = Literal["cross_entropy", "squared_error", "mixed"]
OutlierScore: TypeAlias = Literal[
    "hidden_near", "hidden", "log", "ratio", "squared_error", "mahalanobis"
]
Pooling: TypeAlias = Literal["root", "mean", "sum", "max"]
RandomState: TypeAlias = int | np.random.RandomState | None
Solver: TypeAlias = Literal["adam", "sgd", "lbfgs"]

Method = TypeVar("Method", bound=Callable[..., Any])


def typed(decorator: Callable[..., Any]) -> Callable[[Method], Method]:
    """Say of a decorator of scikit-learn that a method keeps its type.

    Parameters
    ----------
    decorator : callable

    Returns
    -------
    decorator : callable
        The same object.
    """
    return decorator
