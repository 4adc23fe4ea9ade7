"""From tokens to rows of a table of vectors, and from vectors to the nearest tokens."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import FloatArray
from sk_autoenc.parts.leaf_vectors import LEAF_VECTORS, UNKNOWN, NoBytes
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.trees.given_vectors import Found, Framed, Given, Where
from sk_autoenc.trees.leaves import stack
from sk_autoenc.trees.token_trees import distinct_tokens
from sk_autoenc.trees.vectors import FOR_TOKENS

BLOCK = 2**22
"""Distances that are held at a time."""


class Settings(NamedTuple):
    """What decides on vectors, beside the vectors themselves."""

    n_features: int | None
    handle_unknown: str
    lowercase: bool
    min_count: int
    dtype: np.dtype[Any]
    key: bytes
    """From `random_state`."""


@kept_plain
class Named(NamedTuple):
    """Vectors of a kind of `LEAF_VECTORS`."""

    name: str
    n_features: int
    key: bytes

    def look_up(self, tokens: list[Any], where: Where) -> Found:
        """Give the vectors of tokens, whatever they are."""
        kind = LEAF_VECTORS[self.name]
        try:
            return list(kind.make(tokens, self.n_features, self.key))
        except NoBytes:
            for number, token in enumerate(tokens):
                try:
                    kind.make([token], 1, self.key)
                except NoBytes as error:
                    raise ValueError(f"{where(number)}: leaf is {error}") from None
            raise


@kept_plain
class TokenTable(NamedTuple):
    """A table with a row for each token that is known."""

    source: Named | Given
    gives_more: bool
    """Whether tokens that are not in the table are looked up in the source."""
    tokens: list[Any]
    """Those that are known, by their rows, the most frequent first."""
    counts: NDArray[np.intp]
    """How many leaves each of them had."""
    table: FloatArray
    """Not writable. After the known tokens, the row of those that are unknown."""
    unknown: int | None
    """That row; None: they are refused."""
    lowercase: bool
    n_left_out: int
    """Tokens that are frequent enough, but too many."""

    @property
    def n_features(self) -> int:
        """Length of a vector."""
        return self.table.shape[1]

    @property
    def vocabulary(self) -> dict[Any, int]:
        """The row of each token, made anew: files need not keep odd keys of a dict."""
        return dict(zip(self.tokens, range(len(self.tokens)), strict=True))

    def rows(
        self, leaves: list[Any], where: Where
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """Find the row of each leaf.

        Parameters
        ----------
        leaves : list of object
        where : callable
            ``where(number)`` words the place of a leaf.

        Returns
        -------
        rows : intp array of shape (n_leaves,)
        table : ndarray of shape (n_rows, n_features)
            The table itself; with more rows, if the source has vectors of tokens that
            are not in it.

        Raises
        ------
        ValueError
            A leaf is no token, or is unknown and unknown ones are refused, or its
            vector is wrong.
        """
        tokens, ids = distinct_tokens(leaves, where, lowercase=self.lowercase)
        rows, table = self._look_up(tokens, first_leaf(ids, where))
        return rows[ids], table

    def _look_up(
        self, tokens: list[Any], where: Where
    ) -> tuple[NDArray[np.intp], FloatArray]:
        """Find the rows of tokens that are listed once."""
        vocabulary = self.vocabulary
        known = (vocabulary.get(token, -1) for token in tokens)
        rows = np.fromiter(known, np.intp, count=len(tokens))
        new, table = np.flatnonzero(rows < 0), self.table
        if len(new) and self.gives_more:
            found = self.source.look_up([tokens[i] for i in new], at(where, new))
            has_one = np.array([vector is not None for vector in found])
            more, new = new[has_one], new[~has_one]
            if len(more):
                vectors = _stacked(
                    found, [tokens[i] for i in more], at(where, more), table.dtype
                )
                table = _joined(table, vectors, where(more[0]))
                rows[more] = len(self.table) + np.arange(len(more))
        if len(new) and self.unknown is None:
            raise ValueError(_refusal(tokens[new[0]], where(new[0])))
        rows[new] = -1 if self.unknown is None else self.unknown
        return rows, table

    def names(self, prefix: str) -> list[str]:
        """Name the entries of vectors.

        Parameters
        ----------
        prefix : str
            Of names that are numbers.

        Returns
        -------
        names : list of str
        """
        if isinstance(self.source, Framed):
            return list(map(str, self.source.frame.columns))
        if isinstance(self.source, Named) and self.source.name == "one_hot":
            extra = self.n_features - len(self.tokens)
            return [*map(str, self.tokens), *[repr(UNKNOWN)] * extra]
        return [f"{prefix}{number}" for number in range(self.n_features)]

    def nearest(self, vectors: FloatArray) -> list[Any]:
        """Find the nearest token of each vector, by Euclid.

        Parameters
        ----------
        vectors : ndarray of shape (n_vectors, n_features)

        Returns
        -------
        tokens : list of object
            None for a vector that is exactly that of unknown tokens, and of no other.
        """
        if not self.tokens:
            return [None] * len(vectors)
        rows = nearest_rows(vectors, self.table[: len(self.tokens)])
        found = list(map(self.tokens.__getitem__, rows))
        if self.unknown is not None:
            is_unknown = (vectors == self.table[self.unknown]).all(axis=1)
            is_known = (vectors == self.table[rows]).all(axis=1)
            for number in np.flatnonzero(is_unknown & ~is_known):
                found[number] = None
        return found


def nearest_rows(vectors: FloatArray, table: FloatArray) -> NDArray[np.intp]:
    """Find the row of a table that is nearest to each vector, by Euclid.

    Parameters
    ----------
    vectors : ndarray of shape (n_vectors, n_features)
    table : ndarray of shape (n_rows, n_features)

    Returns
    -------
    rows : intp array of shape (n_vectors,)
        The first of those that are equally near.
    """
    centre = table.mean(axis=0, dtype=np.float64)  # far from 0, squares cancel
    table = table - centre
    half_squares = 0.5 * np.square(table).sum(axis=1)
    rows = np.empty(len(vectors), np.intp)
    n_at_a_time = max(1, BLOCK // len(table))
    for first in range(0, len(vectors), n_at_a_time):
        block = slice(first, first + n_at_a_time)
        products = (vectors[block] - centre) @ table.T
        rows[block] = (half_squares - products).argmin(axis=1)
    return rows


def learn_table(
    source: str | Given,
    leaves: list[Any],
    settings: Settings,
    where: Where,
    weights: NDArray[np.intp] | None = None,
) -> TokenTable:
    """Choose tokens and make their table.

    Parameters
    ----------
    source : str or Given
        A name of `LEAF_VECTORS`, or the user's vectors.
    leaves : list of object
    settings : Settings
    where : callable
        ``where(number)`` words the place of a leaf.
    weights : int array of shape (n_leaves,), default=None
        How often each leaf counts.

    Returns
    -------
    table : TokenTable

    Raises
    ------
    ValueError
        A leaf is no token, none is known, or a vector is wrong.
    """
    tokens, ids = distinct_tokens(leaves, where, lowercase=settings.lowercase)
    counts = np.bincount(ids, weights, len(tokens)).astype(np.intp)
    order = np.argsort(-counts, kind="stable")
    tokens, counts = [tokens[i] for i in order], counts[order]
    where = at(first_leaf(ids, where), order)
    extra, n_enough, gives_more = [], len(tokens), True
    if isinstance(source, str):
        extra = [UNKNOWN] if settings.handle_unknown == "learn" else []
        n_enough = _n_frequent_enough(tokens, counts, settings)
        of_any_token = LEAF_VECTORS[source].of_any_token
        gives_more = of_any_token and settings.min_count == 1 and not extra
        source = _named(source, n_enough, len(extra), settings)
        tokens = tokens[: n_enough if of_any_token else source.n_features - len(extra)]
    found = source.look_up([*tokens, *extra], where)
    known = np.flatnonzero([vector is not None for vector in found[: len(tokens)]])
    if not len(known) + len(extra):
        raise ValueError(_none_known(tokens))
    n_left_out = n_enough - len(tokens)
    tokens, counts = [tokens[i] for i in known], counts[known]
    vectors = _stacked(found, [*tokens, *extra], at(where, known), settings.dtype)
    unknown = None if settings.handle_unknown == "error" else len(tokens)
    if unknown is not None and not extra:
        vectors = _joined(vectors, _unknown(vectors, settings.handle_unknown))
    return TokenTable(
        source,
        gives_more,
        tokens,
        counts,
        vectors,
        unknown,
        settings.lowercase,
        n_left_out,
    )


def _n_frequent_enough(
    tokens: list[Any], counts: NDArray[np.intp], settings: Settings
) -> int:
    """Count the tokens, the most frequent first, that get a vector of their own."""
    n_enough = int(np.count_nonzero(counts >= settings.min_count))
    if not n_enough and settings.handle_unknown != "learn":
        raise ValueError(
            f"min_count={settings.min_count}, but no token occurs as often: the most "
            f"frequent, {tokens[0]!r}, {counts[0]} times. Lower it"
        )
    return n_enough


def _named(name: str, n_tokens: int, n_extra: int, settings: Settings) -> Named:
    """Settle how long the vectors of a kind are."""
    kind = LEAF_VECTORS[name]
    n_features = settings.n_features or kind.n_features
    if not kind.of_any_token:
        n_features = min(n_tokens, n_features) + n_extra
    return Named(name, n_features, settings.key)


def _unknown(vectors: FloatArray, handle_unknown: str) -> FloatArray:
    """Make the row of unknown tokens: zeros, or the mean of the others."""
    row = np.zeros((1, vectors.shape[1]), vectors.dtype)
    if handle_unknown != "zeros":
        row[0] = vectors.mean(axis=0, dtype=np.float64)
    return row


def _stacked(
    found: Found, tokens: list[Any], where: Where, dtype: np.dtype[Any]
) -> FloatArray:
    """Make a table of the vectors that were found, or say which is wrong."""

    def where_vector(number: int) -> str:
        return f"the vector of {tokens[number]!r} ({where(number)})"

    try:
        return stack([v for v in found if v is not None], dtype, where_vector)[0]
    except ValueError as error:
        raise ValueError(str(error).removesuffix(FOR_TOKENS)) from error.__cause__


def _joined(table: FloatArray, more: FloatArray, where: str = "") -> FloatArray:
    """Put rows below a table."""
    if more.shape[1] != table.shape[1]:
        raise ValueError(
            f"{where}: the vector has length {more.shape[1]}, expected {table.shape[1]}"
        )
    joined = np.concatenate([table, more])
    joined.flags.writeable = False
    return joined


def first_leaf(ids: NDArray[np.intp], where: Where) -> Where:
    """Word the first place of each token, from the places of leaves."""
    return lambda token: where(int(np.argmax(ids == token)))


def at(where: Where, numbers: NDArray[np.intp]) -> Where:
    """Word places of some of the tokens."""
    return lambda number: where(int(numbers[number]))


def _none_known(tokens: list[Any]) -> str:
    examples = ", ".join(map(repr, tokens[:3]))
    return (
        f"none of the {len(tokens)} tokens of X has a vector in vectors; the most "
        f"frequent are {examples}. Are the keys of vectors such tokens, of the same "
        "type and case (lowercase=True)?"
    )


def _refusal(token: Any, where: str) -> str:
    return (
        f"{where}: the token {token!r} is unknown: it has no vector, or was too rare "
        "in fit. handle_unknown='zeros', 'mean' or 'learn' gives such tokens one"
    )
