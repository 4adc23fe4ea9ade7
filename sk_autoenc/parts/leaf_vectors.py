"""Vectors of tokens that a user picks by name: a function each, and a dict of them.

What follows from a token is the same in every process: Python's own `hash` is not.
"""

from collections.abc import Callable
from hashlib import blake2b
from numbers import Integral, Number
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import FloatArray

BLOCK = 2**22
"""Entries of random vectors that are made at a time."""
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio, odd: the step of SplitMix64."""


class NoBytes(ValueError):
    """A token that is not spelled the same in every process."""


class Unknown:
    """Stands among tokens for all that are unknown."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()


class LeafVectors(NamedTuple):
    """A kind of vectors."""

    make: Callable[[list[Any], int, bytes], FloatArray]
    """``make(tokens, n_features, key)`` -> an array (n_tokens, n_features); `key` is
    what `random_state` adds."""
    n_features: int
    """The default; of "one_hot", the most."""
    of_any_token: bool
    """Whether a token that training has not seen has a vector too."""


def one_hot(tokens: list[Any], n_features: int, key: bytes = b"") -> FloatArray:
    """Give each token a column.

    Parameters
    ----------
    tokens : list of object
    n_features : int
        As many as tokens.
    key : bytes
        Not used.

    Returns
    -------
    vectors : float32 array of shape (n_tokens, n_features)
    """
    return np.eye(len(tokens), n_features, dtype=np.float32)


def hashing(tokens: list[Any], n_features: int, key: bytes = b"") -> FloatArray:
    """Give each token 1 or -1 in a column that follows from its hash.

    As in [1]_.

    Parameters
    ----------
    tokens : list of object
    n_features : int
    key : bytes
        Not used: the vectors depend on nothing but the tokens.

    Returns
    -------
    vectors : float32 array of shape (n_tokens, n_features)

    References
    ----------
    .. [1] K. Weinberger, A. Dasgupta, J. Langford, A. Smola, J. Attenberg, "Feature
       Hashing for Large Scale Multitask Learning", ICML 2009.
       :doi:`10.1145/1553374.1553516`
    """
    hashes = hashes_of(tokens, b"")
    vectors = np.zeros((len(tokens), n_features), dtype=np.float32)
    column = (hashes >> np.uint64(1)) % np.uint64(n_features)
    sign = np.where(hashes & np.uint64(1), 1, -1)
    vectors[np.arange(len(tokens)), column.astype(np.intp)] = sign
    return vectors


def random(tokens: list[Any], n_features: int, key: bytes = b"") -> FloatArray:
    """Give each token random numbers of its own, of mean 0 and variance 1 / n_features.

    Uniform, by SplitMix64 [1]_ started at the hash of the token.

    Parameters
    ----------
    tokens : list of object
    n_features : int
    key : bytes
        At most 64; other keys, other vectors.

    Returns
    -------
    vectors : float32 array of shape (n_tokens, n_features)

    References
    ----------
    .. [1] G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number
       Generators", OOPSLA 2014. :doi:`10.1145/2660193.2660195`
    """
    starts = hashes_of(tokens, key)
    steps = np.arange(1, n_features + 1, dtype=np.uint64) * GOLDEN
    vectors = np.empty((len(tokens), n_features), dtype=np.float32)
    n_rows = max(1, BLOCK // n_features)
    for first in range(0, len(tokens), n_rows):
        rows = slice(first, first + n_rows)
        uniform = _mix(starts[rows, None] + steps) * 2.0**-64
        vectors[rows] = (2 * uniform - 1) * np.sqrt(3 / n_features)
    return vectors


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Make random bits of the states of SplitMix64."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return state ^ (state >> np.uint64(31))


def hashes_of(tokens: list[Any], key: bytes) -> NDArray[np.uint64]:
    """Hash tokens, those that are equal alike.

    Parameters
    ----------
    tokens : list of object
    key : bytes
        At most 64.

    Returns
    -------
    hashes : uint64 array of shape (n_tokens,)

    Raises
    ------
    NoBytes
        A token is neither text nor a number; see `bytes_of`.
    """
    digests = (
        blake2b(bytes_of(token), digest_size=8, key=key).digest() for token in tokens
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def bytes_of(token: Any) -> bytes:
    """Spell a token, whatever the process; equal numbers are spelled alike.

    Parameters
    ----------
    token : object

    Returns
    -------
    spelling : bytes

    Raises
    ------
    NoBytes
        It is neither text nor a number, nor a class or one of Python's constants.
    """
    if isinstance(token, str):
        return b"s" + token.encode("utf-8", "surrogatepass")
    if isinstance(token, bytes):
        return b"b" + bytes(token)
    if isinstance(token, np.generic):
        token = token.item()
    if isinstance(token, Number):
        return b"n" + repr(_plain_number(token)).encode()
    if token is None or token is Ellipsis or token is UNKNOWN:
        return b"c" + repr(token).encode()
    if isinstance(token, type):
        return b"t" + f"{token.__module__}.{token.__qualname__}".encode()
    raise NoBytes(
        f"a token of type {type(token).__name__!r} is not spelled the same in every "
        "process; give text or numbers, such as map_leaves(str, tree), or take "
        "vectors='one_hot'"
    )


def _plain_number(number: Any) -> int | float | complex:
    """Give one number for all that are equal: 1, 1.0, True."""
    if isinstance(number, Integral):
        return int(number)
    value = complex(number)
    if value.imag:
        return value
    return int(value.real) if value.real.is_integer() else value.real


LEAF_VECTORS = {
    "one_hot": LeafVectors(one_hot, 2000, of_any_token=False),
    "hashing": LeafVectors(hashing, 256, of_any_token=True),
    "random": LeafVectors(random, 100, of_any_token=True),
}
