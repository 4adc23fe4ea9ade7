"""What the parameter `vectors` of `LeafVectorizer` may be."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS
from sk_autoenc.trees.given_vectors import Given, given_vectors
from sk_autoenc.trees.records import NUMBERS

Source: TypeAlias = str | Given


def leaf_sources(vectors: Any, n_features: int | None) -> Source | dict[Any, Source]:
    """Tell where vectors come from: of tokens, or of each key of records.

    Parameters
    ----------
    vectors : object
        As for `LeafVectorizer`.
    n_features : int or None

    Returns
    -------
    source : str, Given or dict
        A dict for records: key -> its source.

    Raises
    ------
    TypeError, ValueError
        It is nothing that gives vectors, or `n_features` is set for vectors that have a
        length.
    """
    if isinstance(vectors, Mapping) and not vectors:
        raise ValueError(
            "vectors is an empty dict; expected token -> vector, or, for leaves that "
            "are records, key -> a kind of vectors"
        )
    if not is_columns(vectors):
        source = _source("vectors", vectors, LEAF_VECTORS)
        _check_n_features(n_features, [source])
        return source
    kinds = [*LEAF_VECTORS, *NUMBERS]
    columns = {
        key: _source(f"vectors[{key!r}]", kind, kinds) for key, kind in vectors.items()
    }
    _check_n_features(n_features, columns.values())
    return columns


def is_columns(vectors: Any) -> bool:
    """Tell a dict of columns, for records, from a mapping of tokens to vectors.

    By its first value, which is a vector, or says how to make some.
    """
    if not isinstance(vectors, Mapping) or not vectors:
        return False
    first = next(iter(vectors.values()))
    if isinstance(first, str | Mapping) or callable(first):
        return True
    if getattr(first, "ndim", 1) == 2:
        return True
    return hasattr(type(first), "__contains__") and not (
        isinstance(first, list | tuple) or hasattr(type(first), "__array__")
    )


def _source(name: str, vectors: Any, kinds: Iterable[str]) -> Source:
    if not isinstance(vectors, str):
        return given_vectors(vectors, name)
    if vectors not in kinds:
        raise ValueError(
            f"{name} is one of {', '.join(map(repr, kinds))}, or vectors of yours; got "
            f"{vectors!r}"
        )
    return vectors


def _check_n_features(n_features: int | None, sources: Iterable[Source]) -> None:
    """Refuse a length for vectors that have one."""
    are_made = [isinstance(kind, str) and kind in LEAF_VECTORS for kind in sources]
    if n_features is not None and not any(are_made):
        raise ValueError(
            f"n_features={n_features} is for vectors that are made "
            f"({', '.join(map(repr, LEAF_VECTORS))}), and yours have a length; leave "
            "it None"
        )
