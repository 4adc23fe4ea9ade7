"""Estimators on a Dask cluster: trained and used where the partitions of the data are.

The fitted model is the ordinary estimator, which needs no Dask to be loaded and used.
"""

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._typing import Directory
from sk_autoenc.base import Fitted
from sk_autoenc.shards import InProcess, fit_shards, len_of

try:
    import dask
    import dask.array
    import dask.bag
    import dask.dataframe

    from sk_autoenc.dask_fleet import (
        DaskFleet,
        aside,
        check_client,
        current_client,
        same,
    )
except ImportError as error:
    raise ImportError(
        f"sk_autoenc.dask needs Dask, of which {error.name!r} is missing: "
        "pip install 'sk-autoenc[dask]'."
    ) from error

__all__ = ["OnDask", "fit", "inverse_transform", "score_samples", "transform"]


def fit(
    estimator: Fitted,
    X: Any,
    y: object = None,
    *,
    client: Any = None,
    checkpoint: Directory | None = None,
) -> Fitted:
    """Fit an estimator to the partitions of a collection, where they are.

    Synchronous: at each step the workers add up value and gradient over the rows of the
    batch that they hold, and one update is made here. With ``corruption=None`` batches
    and result are those of ``estimator.fit``, to rounding. Else batches are drawn
    likewise, and the corruption of a row depends on the seed, the step and its
    partition: the result on any number of workers is that of this process.

    A step costs tens of milliseconds beside the work: it pays for large batches, or
    ``solver="lbfgs"``. Of each worker one thread trains: give them one each, or BLAS
    the others. Some partitions a worker are enough: hundreds cost time at each step.

    Parameters
    ----------
    estimator : object
        A `DenoisingAutoencoder`, `UnfoldingRAETransformer`, `RAETransformer`,
        `MarginalizedDenoisingAutoencoder` or `DenoisingImputer`. It is fitted in place,
        as by its own ``fit``: parameters, attributes, warnings and errors are the same.
        An imputer's statistics are of all rows; if these are more than ``max_steps``
        batches have, its networks learn from as many rows, drawn at random.
    X : dask array, data frame or bag
        An array of shape (n_samples, n_features), of dense or sparse blocks; a data
        frame, of numbers but for an imputer; or a bag of trees. Partitions may be
        unequal or empty. Corrupt by ``"swap"`` only rows that lie in no order: values
        come from the same partition.
    y : Ignored
        Present for API consistency.
    client : distributed.Client, default=None
        Of the cluster. None: the present one; if there is none, the partitions are
        brought here, and trained on in this process with the same result.
    checkpoint : str, path-like or None, default=None
        A directory of this machine, as for ``estimator.fit``. The closed form has none.

    Returns
    -------
    estimator : object
        `estimator`, which is fitted.

    Raises
    ------
    TypeError
        If the estimator needs all rows in one place, or X is no dask collection.
    ValueError
        As of ``estimator.fit``, or if partitions have other features than others. The
        estimator then is as it was; on a cluster a note says which partition.
    ConnectionError
        If the scheduler is lost. The estimator then is as it was; with a checkpoint a
        new call goes on.

    See Also
    --------
    transform : Codes of a collection.

    Examples
    --------
    >>> import dask.array
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc.dask import fit, transform
    >>> X = dask.array.random.default_rng(0).random((1000, 8), chunks=(250, 8))
    >>> model = DenoisingAutoencoder(3, batch_size=500, max_iter=3, random_state=0)
    >>> transform(fit(model, X), X)
    dask.array<..., shape=(1000, 3), dtype=float64, ...>
    """
    parts = partitions(X)
    client = current_client() if client is None else check_client(client)
    if client is None:
        return fit_shards(estimator, BroughtHere(parts), checkpoint)
    with aside():
        return fit_shards(estimator, DaskFleet(client, parts), checkpoint)


def transform(estimator: Any, X: Any, *, client: Any = None) -> Any:
    """Encode the rows or trees of a collection, partition by partition.

    Parameters
    ----------
    estimator : object
        Any fitted transformer of the package.
    X : dask array, data frame or bag
        As for `fit`.
    client : distributed.Client, default=None
        Sends the model to its cluster at once, instead of with each graph. The result
        is then to be computed there.

    Returns
    -------
    codes : dask array of shape (n_samples, n_codes), or data frame
        Lazy, but of a bag the first tree is computed, to know the form. Of a data frame
        or bag, lengths of blocks are not known. A data frame where the estimator gives
        one.

    See Also
    --------
    inverse_transform : The way back.

    Examples
    --------
    >>> import dask.bag
    >>> from sk_autoenc import UnfoldingRAETransformer
    >>> from sk_autoenc.dask import transform
    >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
    >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
    >>> codes = transform(model, dask.bag.from_sequence(trees, npartitions=2))
    >>> codes.compute().shape
    (2, 2)
    """
    return on_blocks(estimator, "transform", X, client)


def score_samples(estimator: Any, X: Any, *, client: Any = None) -> Any:
    """Score each row or tree of a collection, partition by partition.

    Parameters
    ----------
    estimator : object
        Any fitted estimator of the package with `score_samples`.
    X : dask array, data frame or bag
        As for `fit`.
    client : distributed.Client, default=None
        As for `transform`.

    Returns
    -------
    scores : dask array of shape (n_samples,)
        Lazy.

    See Also
    --------
    transform : Codes of a collection.

    Examples
    --------
    >>> import dask.array, numpy
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc.dask import score_samples
    >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(numpy.eye(4))
    >>> score_samples(model, dask.array.eye(4, chunks=2)).shape
    (4,)
    """
    return on_blocks(estimator, "score_samples", X, client)


def inverse_transform(
    estimator: Any, X: Any, structures: Any = None, *, client: Any = None
) -> Any:
    """Decode codes, partition by partition.

    Parameters
    ----------
    estimator : object
        Any fitted estimator of the package with `inverse_transform`.
    X : dask array of shape (n_samples, n_codes)
        Codes, as `transform` gives them.
    structures : dask bag or None, default=None
        Of an estimator of trees: the shapes to unfold into, in partitions as long as
        those of X.
    client : distributed.Client, default=None
        As for `transform`.

    Returns
    -------
    decoded : dask array of shape (n_samples, n_features), or bag of trees
        Lazy.

    See Also
    --------
    transform : Codes of a collection.

    Examples
    --------
    >>> import dask.array, numpy
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc.dask import inverse_transform
    >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(numpy.eye(4))
    >>> inverse_transform(model, dask.array.zeros((6, 2), chunks=3)).shape
    (6, 4)
    """
    if structures is None:
        return on_blocks(estimator, "inverse_transform", X, client)
    codes, shapes = partitions(X), partitions(structures)
    if len(codes) != len(shapes):
        raise ValueError(
            f"X has {len(codes)} partitions and structures {len(shapes)}; they must be "
            "the same. Make X by transform of these trees, or repartition."
        )
    model = delayed_model(estimator, client)
    return dask.bag.from_delayed(
        [
            dask.delayed(unfolded)(model, *pair)
            for pair in zip(codes, shapes, strict=True)
        ]
    )


class OnDask(BaseEstimator):
    """An estimator whose methods take dask collections.

    The functions of this module as methods: for pipelines, and where an object with
    ``fit`` is asked for. They use the present client, if there is one.

    Parameters
    ----------
    estimator : object
        What is cloned and fitted, as for `fit`.

    Attributes
    ----------
    estimator_ : object
        The fitted clone, which needs no Dask.

    See Also
    --------
    fit : The same as a function.

    Examples
    --------
    >>> import dask.array
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc.dask import OnDask
    >>> X = dask.array.random.default_rng(0).random((1000, 8), chunks=(250, 8))
    >>> model = OnDask(DenoisingAutoencoder(3, max_iter=3, random_state=0))
    >>> model.fit(X).transform(X).shape
    (1000, 3)
    >>> model.estimator_
    DenoisingAutoencoder(max_iter=3, n_components=3, random_state=0)
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: object = None) -> Self:
        """Fit a clone of the estimator.

        Parameters
        ----------
        X : dask array, data frame or bag
            As for the function `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : OnDask
            The fitted estimator.

        See Also
        --------
        transform : Codes of a collection.

        Examples
        --------
        >>> import dask.array
        >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
        >>> from sk_autoenc.dask import OnDask
        >>> model = OnDask(MarginalizedDenoisingAutoencoder())
        >>> model.fit(dask.array.eye(4, chunks=2)).estimator_.n_features_in_
        4
        """
        self.estimator_ = fit(clone(self.estimator), X)
        return self

    def transform(self, X: Any) -> Any:
        """Encode the rows or trees of a collection.

        Parameters
        ----------
        X : dask array, data frame or bag
            As for the function `transform`.

        Returns
        -------
        codes : dask array of shape (n_samples, n_codes)
            Lazy.

        See Also
        --------
        inverse_transform : The way back.

        Examples
        --------
        >>> import dask.array
        >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
        >>> from sk_autoenc.dask import OnDask
        >>> X = dask.array.eye(4, chunks=2)
        >>> OnDask(MarginalizedDenoisingAutoencoder()).fit(X).transform(X).shape
        (4, 4)
        """
        check_is_fitted(self)
        return transform(self.estimator_, X)

    def score_samples(self, X: Any) -> Any:
        """Score each row or tree of a collection.

        Parameters
        ----------
        X : dask array, data frame or bag
            As for the function `score_samples`.

        Returns
        -------
        scores : dask array of shape (n_samples,)
            Lazy.

        See Also
        --------
        transform : Codes of a collection.

        Examples
        --------
        >>> import dask.array
        >>> from sk_autoenc import DenoisingAutoencoder
        >>> from sk_autoenc.dask import OnDask
        >>> X = dask.array.eye(4, chunks=2)
        >>> model = OnDask(DenoisingAutoencoder(2, max_iter=3, random_state=0))
        >>> model.fit(X).score_samples(X).shape
        (4,)
        """
        check_is_fitted(self)
        return score_samples(self.estimator_, X)

    def inverse_transform(self, X: Any, structures: Any = None) -> Any:
        """Decode codes.

        Parameters
        ----------
        X : dask array of shape (n_samples, n_codes)
            As for the function `inverse_transform`.
        structures : dask bag or None, default=None
            As for the function `inverse_transform`.

        Returns
        -------
        decoded : dask array of shape (n_samples, n_features), or bag of trees
            Lazy.

        See Also
        --------
        transform : Codes of a collection.

        Examples
        --------
        >>> import dask.array
        >>> from sk_autoenc import DenoisingAutoencoder
        >>> from sk_autoenc.dask import OnDask
        >>> X = dask.array.eye(4, chunks=2)
        >>> model = OnDask(DenoisingAutoencoder(2, max_iter=3, random_state=0)).fit(X)
        >>> model.inverse_transform(model.transform(X)).shape
        (4, 4)
        """
        check_is_fitted(self)
        return inverse_transform(self.estimator_, X, structures)


class BroughtHere(InProcess):
    """A `Fleet` of this process, which brings the partitions here."""

    def read(self, read: Callable[[Any], tuple[Any, Any]]) -> list[Any]:
        """Compute all partitions, and read them."""
        self.parts = list(dask.compute(*self.parts))
        return super().read(read)


def partitions(X: Any) -> list[Any]:
    """Return the partitions of a collection, each with all features."""
    if not dask.is_dask_collection(X) or not hasattr(X, "to_delayed"):
        raise TypeError(
            "X must be a dask array, data frame or bag of trees; got "
            f"{type(X).__name__}. Call the estimator's own method, or make it one by "
            "dask.array.from_array(X, chunks=(10_000, -1))."
        )
    if isinstance(X, dask.array.Array):
        if X.ndim != 2:
            raise ValueError(
                f"Expected a 2-D array, got one of shape {X.shape}. Pass rows of "
                "(n_samples, n_features)."
            )
        X = X.rechunk({1: -1})
        return list(X.to_delayed().ravel())
    return list(X.to_delayed())


def on_blocks(estimator: Any, method: str, X: Any, client: Any) -> Any:
    """Return what a method of a model makes of the partitions, as one dask array."""
    parts = partitions(X)
    check_is_fitted(estimator)
    made = getattr(estimator, method)(example_of(estimator, X))
    is_array = isinstance(made, np.ndarray) or scipy.sparse.issparse(made)
    if not (is_array or hasattr(made, "columns")):
        raise TypeError(
            f"{method} of {type(estimator).__name__} gives a {type(made).__name__}, "
            "which makes no dask array. Use X.map_partitions."
        )
    model, empty = delayed_model(estimator, client), made[:0]
    blocks = [dask.delayed(block_of)(model, method, part, empty) for part in parts]
    if hasattr(made, "columns"):
        return dask.dataframe.from_delayed(blocks, meta=empty)
    has_lengths = isinstance(X, dask.array.Array)
    lengths = X.chunks[0] if has_lengths else [np.nan] * len(parts)
    shape, dtype = made.shape[1:], made.dtype
    return dask.array.concatenate(
        [
            dask.array.from_delayed(block, (length, *shape), dtype)
            for length, block in zip(lengths, blocks, strict=True)
        ]
    )


def example_of(estimator: Any, X: Any) -> Any:
    """Return a sample like those of X, which shows the form of what is made of it."""
    if isinstance(X, dask.bag.Bag):
        first_tree = X.take(1, warn=False)
        return list(first_tree) or [(np.zeros(estimator.n_features_in_),)]
    if hasattr(X, "_meta_nonempty"):
        return X._meta_nonempty
    return np.zeros((1, X.shape[1]), X.dtype)


def delayed_model(estimator: Any, client: Any) -> Any:
    """Return a model for a graph, which then holds it once, as it is now."""
    estimator = copy.copy(estimator)
    if client is None:
        return dask.delayed(estimator)
    return dask.delayed(client.submit(same, estimator, pure=False))


# What the workers run:


def block_of(model: Any, method: str, X: Any, empty: Any) -> Any:
    """Call a method of a model with a partition, unless it is empty."""
    X = list(X) if not hasattr(X, "shape") else X
    made = getattr(model, method)(X) if len_of(X) else empty
    return made if hasattr(made, "columns") else made.astype(empty.dtype, copy=False)


def unfolded(model: Any, codes: Any, shapes: Any) -> Any:
    """Decode the codes of a partition of trees, which may be empty."""
    shapes = list(shapes)
    return model.inverse_transform(codes, structures=shapes) if shapes else []
