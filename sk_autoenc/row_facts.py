"""What training has to know of all rows before its first step.

Facts of parts of the rows are `added` up to those of all: the parts may be blocks of a
file, or held by other processes.
"""

import hashlib
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse

from sk_autoenc._typing import FloatArray, IntArray
from sk_autoenc.feeds import may_have_missing, one_hot_groups
from sk_autoenc.parts.corruptions import Groups
from sk_autoenc.row_validation import check_feature_groups, feature_range
from sk_autoenc.sampled_feeds import sums_of_values

ROWS_DIGESTED = 64


class RowFacts(NamedTuple):
    """Facts of some rows, or of all."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    is_sparse: bool
    n_stored: int
    """Values, of which sparse rows store few."""
    has_missing: bool
    """Whether there may be NaN."""
    smallest: FloatArray
    """(n_features,), NaN where nothing is observed."""
    largest: FloatArray
    width: IntArray | None
    """(n_groups,): how many features each group has; None: there are no groups."""
    is_one_hot: Any
    """(n_groups,): whether no row says otherwise."""
    n_rows_of_group: Any
    """(n_groups,): of how many rows that is seen."""
    total: Any
    """(n_features,): what is observed, added up; None: nobody asks."""
    n_observed: Any
    digest: str
    """Of some rows: tells data apart."""

    @classmethod
    def of(cls, settings: SimpleNamespace, X: Any) -> Self:
        """Look at all rows; `settings` are those of a `DenoisingAutoencoder`."""
        is_sparse = scipy.sparse.issparse(X)
        width = check_feature_groups(settings.feature_groups, X.shape[1])
        is_one_hot = n_rows_of_group = total = n_observed = None
        if width is not None:
            start = Groups.of_widths(width).start
            is_one_hot, n_rows_of_group = one_hot_groups(X, start)
        if settings.reconstruction_sampling is not None and is_sparse:
            total, n_observed = sums_of_values(X)
        smallest, largest = feature_range(X)
        return cls(
            X.shape,
            X.dtype,
            is_sparse,
            X.nnz if is_sparse else X.size,
            may_have_missing(X.data if is_sparse else X),
            smallest,
            largest,
            width,
            is_one_hot,
            n_rows_of_group,
            total,
            n_observed,
            digest_of(X),
        )

    def added(self, other: Self) -> Self:
        """Return the facts of the rows of both."""
        is_one_hot, n_rows_of_group = self.is_one_hot, self.n_rows_of_group
        if self.width is not None:
            is_one_hot = is_one_hot & other.is_one_hot
            n_rows_of_group = n_rows_of_group + other.n_rows_of_group
        total, n_observed = self.total, self.n_observed
        if total is not None:
            total, n_observed = total + other.total, n_observed + other.n_observed
        return self._replace(
            shape=(self.shape[0] + other.shape[0], self.shape[1]),
            dtype=np.result_type(self.dtype, other.dtype),
            n_stored=self.n_stored + other.n_stored,
            has_missing=self.has_missing or other.has_missing,
            smallest=np.fmin(self.smallest, other.smallest),
            largest=np.fmax(self.largest, other.largest),
            is_one_hot=is_one_hot,
            n_rows_of_group=n_rows_of_group,
            total=total,
            n_observed=n_observed,
            digest=self.digest + other.digest,
        )

    @property
    def layout(self) -> tuple[Any, Any] | None:
        """Width of each group and whether it is a category, or None."""
        if self.width is None:
            return None
        is_category = self.is_one_hot & (self.n_rows_of_group > 0)
        return self.width, is_category & (self.width > 1)


def digest_of(X: Any) -> str:
    """Return a digest of some rows, spread over all."""
    n_rows = X.shape[0]
    rows = X[np.linspace(0, n_rows - 1, min(n_rows, ROWS_DIGESTED)).astype(int)]
    arrays = [rows]
    if scipy.sparse.issparse(rows):
        arrays = [rows.data, rows.indices, rows.indptr]
    found = hashlib.blake2b(digest_size=8)
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
