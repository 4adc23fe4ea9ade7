"""A table as rows of numbers, by scikit-learn's encoders or the user's, and back.

Each column has an encoder of its own, which sees what is observed of it and no more,
and gives a group of features; what is missing is NaN. What is not 0 or 1 is
standardised: an encoder may give seconds since 1970. A category comes back as the level
whose encoding is the nearest, and so as one that is there.
"""

from collections import Counter
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn import config_context
from sklearn.base import clone

from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.tables.columns import MOST_LEVELS, as_numbers
from sk_autoenc.tables.encoding import FURTHEST
from sk_autoenc.tables.types import TableTypes
from sk_autoenc.tables.writing import as_type, make_table

DENSE = 0.25
"""Share of values that are not 0 from which on features are a dense array."""
TINY = 1e-12
"""Spread of a feature, over its size, that is none."""
MOST_CODES = 2**25
"""Numbers in the encodings of a category's levels, where they are kept."""


@kept_plain
class Scaling(NamedTuple):
    """Makes encoded features alike in size; what holds zeros and ones stays."""

    shift: np.ndarray
    """(n_encoded,); 0 if the encoder gives a sparse matrix, which is to stay sparse."""
    scale: np.ndarray
    """(n_encoded,)."""

    @classmethod
    def learn(cls, encoded):
        """Learn mean and standard deviation of features, dense or sparse."""
        size = largest(encoded)  # squares of large numbers are no numbers
        if scipy.sparse.issparse(encoded):
            shift = np.zeros(len(size))
            scale = size * np.sqrt(encoded.multiply(1 / size).power(2).mean(axis=0))
            is_binary = ~(encoded != abs(encoded).sign()).sum(axis=0).astype(bool)
        else:
            unit = encoded / size
            shift, scale = size * unit.mean(axis=0), size * unit.std(axis=0)
            is_binary = ((encoded == 0) | (encoded == 1)).all(axis=0)
        scale[scale <= TINY * np.abs(shift)] = 1
        return cls(np.where(is_binary, 0, shift), np.where(is_binary, 1, scale))

    def __call__(self, encoded):
        """Scale features; return them as a CSR array without stored zeros."""
        if scipy.sparse.issparse(encoded) and not self.shift.any():
            scaled = encoded.multiply(1 / self.scale).tocsr()
        else:
            dense = encoded.toarray() if scipy.sparse.issparse(encoded) else encoded
            with np.errstate(over="ignore"):  # of what is far beyond training
                scaled = scipy.sparse.csr_array((dense - self.shift) / self.scale)
        np.clip(scaled.data, -FURTHEST, FURTHEST, out=scaled.data)
        scaled.eliminate_zeros()
        scaled.sort_indices()
        return scaled

    def undo(self, scaled):
        """Return what the encoder gave, from a dense array."""
        return scaled * self.scale + self.shift


@kept_plain
class Group(NamedTuple):
    """The features that a column becomes."""

    place: int
    """Of the column in the table."""
    name: str
    encoder: Any
    """Fitted."""
    is_number: bool
    """Whether the encoder gets float64."""
    scaling: "Scaling"
    """Of the features that the encoder gives."""
    has_indicator: bool
    """Whether one more feature is 1 where the column is missing, else 0."""
    levels: np.ndarray | None
    """Of a category, the most frequent first, (n_levels,); None: another column."""
    codes: np.ndarray | None
    """The encoding of each level, (n_levels, n_encoded)."""

    @property
    def n_encoded(self):
        """Features that the encoder gives."""
        return len(self.scaling.scale)

    @property
    def width(self):
        """Number of features."""
        return self.n_encoded + self.has_indicator

    @property
    def is_one_hot(self):
        """Whether every level is a single 1 among zeros."""
        if self.codes is None:
            return False
        binary = ((self.codes == 0) | (self.codes == 1)).all()
        return bool(binary and (self.codes.sum(axis=1) == 1).all())

    def encode(self, table):
        """Encode the column.

        Returns
        -------
        features : CSR array of shape (n_rows, width)
        missing : ndarray of bool, of shape (n_rows,)
            Where nothing is observed, or a level that training has not seen.
        """
        missing = table.missing[:, self.place].copy()
        seen = np.flatnonzero(~missing)
        encoded = scipy.sparse.csr_array((0, self.n_encoded))
        if len(seen):
            given = values_for(self.encoder, table, self, ~missing)
            encoded = self.scaling(encoded_by(self, self.encoder.transform, given))
        if self.is_one_hot:  # all zeros is an unknown level
            known = np.diff(encoded.indptr) > 0
            missing[seen[~known]] = True
            encoded, seen = encoded[np.flatnonzero(known)], seen[known]
        return self._spread(encoded, seen, missing), missing

    def _spread(self, encoded, seen, missing):
        """Put encoded rows where they belong, and what says "missing" into holes."""
        # "Missing" is one more level of a category; else what is not there is NaN.
        is_level = self.is_one_hot and self.has_indicator
        columns = np.arange(self.n_encoded if is_level else 0, self.width)
        holes = np.where(columns < self.n_encoded, np.nan, 1.0)
        n_stored = np.full(len(missing), len(columns))
        n_stored[seen] = np.diff(encoded.indptr)
        start = np.concatenate([[0], np.cumsum(n_stored)])
        index, values = np.empty(start[-1], np.intp), np.empty(start[-1])
        of_hole = np.repeat(missing, n_stored)
        index[~of_hole], values[~of_hole] = encoded.indices, encoded.data
        index[of_hole] = np.tile(columns, missing.sum())
        values[of_hole] = np.tile(holes, missing.sum())
        shape = len(missing), self.width
        return scipy.sparse.csr_array((values, index, start), shape)

    def decode(self, features, limits):
        """Return the column's values from its features.

        `limits` are those of the column's type of integers, or None.
        """
        encoded = features[:, : self.n_encoded]
        if self.levels is not None:
            distance = np.square(self.codes).sum(axis=1) - 2 * encoded @ self.codes.T
            return self.levels[distance.argmin(axis=1)]
        if hasattr(self.encoder, "inverse_transform"):
            given = self.scaling.undo(encoded)
            with naming(self, "decode"):
                values = np.asarray(self.encoder.inverse_transform(given))
                values = values.reshape(len(encoded), -1)[:, 0]
            return as_type(values, limits)
        return np.full(len(encoded), None)


@kept_plain
class TableEncoding(NamedTuple):
    """How a table becomes rows of numbers, and what comes back."""

    groups: list[Group]
    """Those of columns with something observed."""
    types: TableTypes
    """Those of the columns of training."""
    integers: list[Any]
    """Of each column whose type holds whole numbers only, the smallest and the largest;
    of others None."""

    @property
    def feature_groups(self):
        """The number of the group of each feature, int, (n_features,)."""
        widths = [group.width for group in self.groups]
        return np.repeat(np.arange(len(widths)), widths)

    def encode(self, table, dtype):
        """Encode a table.

        Returns
        -------
        features : ndarray or CSR array of shape (n_rows, n_features)
            NaN where missing; sparse where most are 0.
        missing : ndarray of bool, of shape (n_rows, n_columns)
            Where nothing is observed, or a level that training has not seen.
        """
        missing = np.ones(table.missing.shape, bool)
        blocks = []
        for group in self.groups:
            block, missing[:, group.place] = group.encode(table)
            blocks.append(block.astype(dtype, copy=False))
        features = scipy.sparse.hstack(blocks, format="csr")
        if 2 * len(self.groups) > DENSE * features.shape[1]:
            return features.toarray(), missing
        return features, missing

    def decode(self, features):
        """Return the values of each column: a list of arrays."""
        columns = [np.full(len(features), None) for _ in self.integers]
        for group, place in self.blocks():
            limits = self.integers[group.place]
            columns[group.place] = group.decode(features[:, place], limits)
        return columns

    def table_of(self, columns):
        """Return a table of the type of that of training."""
        return make_table(self.types.empty(), columns)

    def blocks(self):
        """Yield each group and the place of its features."""
        start = 0
        for group in self.groups:
            yield group, slice(start, start + group.width)
            start += group.width


def learn_encoding(table, are_categories, encoders, *, add_indicator):
    """Learn to encode a table.

    Parameters
    ----------
    table : Table
    are_categories : list of bool
        Of each column.
    encoders : dict
        Place of a column -> estimator, cloned and never changed.
    add_indicator : bool
        Whether each column with something missing has a feature that says so.
    """
    groups = [
        learn_group(table, place, encoder, are_categories[place], add_indicator)
        for place, encoder in encoders.items()
        if not table.missing[:, place].all()
    ]
    return TableEncoding(groups, TableTypes.of(table.source), table.integers)


def learn_group(table, place, encoder, is_category, add_indicator):
    """Learn to encode a column."""
    seen = ~table.missing[:, place]
    values = table.columns[place]
    group = Group(
        place,
        table.names[place],
        clone(encoder),
        is_number=not is_category and values.dtype.kind not in "mM",
        scaling=None,
        has_indicator=bool(add_indicator and not seen.all()),
        levels=None,
        codes=None,
    )
    given = values_for(encoder, table, group, seen)
    encoded = encoded_by(group, group.encoder.fit_transform, given)
    group = group._replace(scaling=Scaling.learn(encoded))
    if not is_category:
        return group
    return with_levels(group, values[seen].tolist(), group.scaling(encoded))


def with_levels(group, observed, encoded):
    """Say what levels a category has, unless there are too many, or no levels."""
    try:
        frequent = [level for level, _ in Counter(observed).most_common()]
    except TypeError:  # lists, say, which an encoder of the user's understands
        return group
    first = {}
    for row, level in enumerate(observed):
        first.setdefault(level, row)
    if len(frequent) * group.n_encoded > MOST_CODES:
        return group
    codes = encoded[[first[level] for level in frequent]].toarray()
    _, distinct = np.unique(codes, axis=0, return_index=True)
    if len(distinct) > MOST_LEVELS:
        return group
    distinct.sort()  # of levels with one encoding the most frequent stands for all
    levels = np.array([*frequent, None], object)[:-1]
    return group._replace(levels=levels[distinct], codes=codes[distinct])


def encoded_by(group, encode, given):
    """Return what a method of a column's encoder makes of it, dense or CSR."""
    is_training = group.scaling is None
    with naming(group, "encode"), config_context(transform_output="default"):
        encoded = as_features(encode(given))
        if is_training and np.isnan(stored(encoded)).any():
            raise ValueError("it gave NaN for what is not missing")
    n_rows, n_encoded = encoded.shape
    n_expected = n_encoded if is_training else group.n_encoded
    if n_rows != len(given) or not n_encoded or n_encoded != n_expected:
        width = "" if is_training else f"{n_expected} "
        raise ValueError(
            f"Column {group.name!r} of X: {type(group.encoder).__name__} gave an array "
            f"of shape {encoded.shape} for {len(given)} values; it must give one row "
            f"of {width}numbers for each."
        )
    return encoded


@contextmanager
def naming(group, verb):
    """Say of an error what column and what encoder it is about."""
    try:
        yield
    except (IndexError, TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"Column {group.name!r} of X: {type(group.encoder).__name__} cannot {verb} "
            f"it: {error}"
        ) from error


def values_for(encoder, table, group, seen):
    """Return the observed values of a column as its encoder wants them.

    A column of the table itself for skrub's encoders of single columns, else an array
    of shape (n_values, 1), of float64 if the column holds numbers, of objects if it
    holds a category.
    """
    if hasattr(encoder, "__single_column_transformer__") and table.is_frame:
        if hasattr(table.source, "iloc"):
            return table.source.iloc[np.flatnonzero(seen), group.place]
        return table.source.get_columns()[group.place].filter(seen.tolist())
    values = table.columns[group.place][seen]
    if group.is_number:
        values = as_numbers(group.name, values)
    elif values.dtype.kind not in "mM":  # a level of any type may be new
        values = values.astype(object)
    return values[:, np.newaxis]


def as_features(encoded):
    """Return what an encoder gave as a float64 array, or CSR array if it is sparse."""
    if hasattr(encoded, "tocsr"):
        encoded = scipy.sparse.csr_array(encoded).astype(np.float64)
    else:
        encoded = np.asarray(encoded, np.float64)
    if encoded.ndim != 2:
        raise ValueError(f"it gave an array of shape {encoded.shape}, which is not 2-D")
    if np.isinf(stored(encoded)).any():
        raise ValueError("it gave infinity")
    return encoded


def largest(encoded):
    """Return the largest size of each feature, 1 where all are 0."""
    size = abs(encoded).max(axis=0)
    size = size.toarray().ravel() if scipy.sparse.issparse(size) else size
    return np.where(size == 0, 1, size)


def stored(encoded):
    """Return the values of a dense array, or those of a CSR array that are stored."""
    return encoded.data if scipy.sparse.issparse(encoded) else encoded
