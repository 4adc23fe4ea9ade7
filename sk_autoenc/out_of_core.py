"""Estimators on rows that do not fit into memory: read from files, block by block."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
from typing import Any

import numpy as np

from sk_autoenc._typing import Directory
from sk_autoenc.base import Fitted, Problem, fitted_copy
from sk_autoenc.base_tree import BaseTree
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.shards import (
    Result,
    Task,
    Workshop,
    on_shards,
    problem_of_shards,
    train,
)
from sk_autoenc.sources import Source, source_of
from sk_autoenc.validation import resolve_batch_size, trained_on
from sk_autoenc.windows import Windows

__all__ = ["fit", "inverse_transform", "score_samples", "transform"]


def fit(
    estimator: Fitted,
    X: Any,
    y: object = None,
    *,
    buffer_bytes: int = 2**28,
    checkpoint: Directory | None = None,
) -> Fitted:
    """Fit an estimator to rows that are read from files, in bounded memory.

    A first pass checks all rows. Then each epoch reads the blocks in a random order
    into a buffer, from which rows are drawn at random; a thread reads ahead. With
    ``shuffle=False``, or if the buffer holds all rows, the result is that of
    ``estimator.fit``; but rows that ``early_stopping`` holds out are corrupted by other
    draws, and read in a pass of their own.

    Parameters
    ----------
    estimator : object
        A `DenoisingAutoencoder`, `MarginalizedDenoisingAutoencoder` or, of numbers,
        `DenoisingImputer`. It is fitted in place, as by its own ``fit``. Of an imputer
        the rows that its ``max_steps`` batches can see are in memory.
    X : numpy.memmap, zarr array, HDF5 data set or pyarrow.dataset.Dataset
        Rows, (n_samples, n_features); NaN, or null, is a missing entry. It must not
        change meanwhile.
    y : Ignored
        Present for API consistency.
    buffer_bytes : int, default=2**28
        Memory for rows, of which half is trained on and half is read ahead. The more,
        the better rows are mixed that lie in an order. Beside it there are two blocks:
        of Parquet a row group is one, of zarr and HDF5 a chunk of rows is the least.
    checkpoint : str, path-like or None, default=None
        As for ``estimator.fit``. The closed form has none.

    Returns
    -------
    estimator : object
        `estimator`, which is fitted.

    Raises
    ------
    TypeError
        If the estimator needs all rows at once, or X cannot be read in blocks.
    ValueError
        As of ``estimator.fit``, or if `buffer_bytes` does not hold a batch twice. The
        estimator then is as it was; a note says which rows.

    See Also
    --------
    transform : Codes of such rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc import out_of_core
    >>> X = np.random.default_rng(0).random((1000, 8))  # or numpy.memmap(...)
    >>> model = DenoisingAutoencoder(3, max_iter=3, random_state=0)
    >>> out_of_core.fit(model, X, buffer_bytes=20_000).n_iter_
    3
    """
    if isinstance(estimator, BaseTree):
        raise TypeError(
            f"{type(estimator).__name__} is of trees, which are read from files by its "
            "own fit: pass it Forest.open(path)."
        )
    check_buffer_bytes(buffer_bytes)
    source = source_of(X)
    fleet = FromFiles(source)
    problem = problem_of_shards(estimator, fleet)
    if problem is None:  # of a closed form
        return estimator
    problem = on_shards(problem, fleet)
    if not SOLVERS[problem.settings.solver].by_minibatches:
        train(estimator, problem, checkpoint)
        return estimator
    windows = windows_of(source, problem, buffer_bytes)
    try:
        train(estimator, in_windows(problem, windows), checkpoint)
    finally:
        windows.close()
    return estimator


def transform(estimator: Any, X: Any, out: Any = None) -> Any:
    """Encode rows that are read from files.

    Parameters
    ----------
    estimator : object
        Any fitted transformer of rows.
    X : numpy.memmap, zarr array, HDF5 data set or pyarrow.dataset.Dataset
        As for `fit`.
    out : array to write into, default=None
        Of shape (n_samples, n_codes), such as a numpy.memmap or a zarr array. None: a
        new one in memory.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_codes)
        `out`, if that is given.

    See Also
    --------
    inverse_transform : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc import out_of_core
    >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
    >>> out_of_core.transform(model, np.eye(4)).shape
    (4, 2)
    """
    return in_blocks(estimator, "transform", X, out)


def score_samples(estimator: Any, X: Any, out: Any = None) -> Any:
    """Score rows that are read from files.

    Parameters
    ----------
    estimator : object
        Any fitted estimator of rows with `score_samples`.
    X : numpy.memmap, zarr array, HDF5 data set or pyarrow.dataset.Dataset
        As for `fit`.
    out : array to write into, default=None
        As for `transform`, of shape (n_samples,).

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        `out`, if that is given.

    See Also
    --------
    transform : Codes of such rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc import out_of_core
    >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
    >>> out_of_core.score_samples(model, np.eye(4)).shape
    (4,)
    """
    return in_blocks(estimator, "score_samples", X, out)


def inverse_transform(estimator: Any, X: Any, out: Any = None) -> Any:
    """Decode codes that are read from files.

    Parameters
    ----------
    estimator : object
        Any fitted estimator of rows with `inverse_transform`.
    X : numpy.memmap, zarr array, HDF5 data set or pyarrow.dataset.Dataset
        Codes, (n_samples, n_codes), as `transform` writes them.
    out : array to write into, default=None
        As for `transform`, of shape (n_samples, n_features).

    Returns
    -------
    rows : ndarray of shape (n_samples, n_features)
        `out`, if that is given.

    See Also
    --------
    transform : Codes of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> from sk_autoenc import out_of_core
    >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
    >>> out_of_core.inverse_transform(model, np.zeros((3, 2))).shape
    (3, 4)
    """
    return in_blocks(estimator, "inverse_transform", X, out)


class FromFiles:
    """A `shards.Fleet` whose shards are the blocks of a source, read when needed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names = source.names

    def read(self, read: Callable[[Any], tuple[Any, Any]]) -> list[Any]:
        """Read and check every block, to know of it."""
        self.reader = read
        known = []
        for number, block in enumerate(blocks_of(self.source)):
            try:
                _, of_block = read(block)
            except Exception as error:
                start, stop = self.source.start[number : number + 2]
                error.add_note(f"This is about rows {start} to {stop - 1} of X.")
                raise
            if self.names is not None:
                of_block["feature_names_in_"] = self.names
            known.append(of_block)
        return known

    def each(self, function: Callable[..., Any], *lists: list[Any]) -> list[Any]:
        """Call a function with the data of each block."""
        return [
            function(self.reader(block)[0], *given)
            for block, *given in zip(blocks_of(self.source), *lists, strict=True)
        ]

    def begin(self, workshop: Workshop) -> None:
        """Keep the workshop."""
        self.workshop = workshop

    def totals(
        self, function: Callable[..., Result], tasks: list[Task]
    ) -> list[Result]:
        """Return one total."""
        blocks = blocks_of(self.source, [task.number for task in tasks])
        data = (self.reader(block)[0] for block in blocks)
        return [self.workshop.total(function, tasks, data)]


def blocks_of(source: Source, numbers: Any = None) -> Iterator[Any]:
    """Yield blocks, all unless `numbers` says which; a thread reads the next."""
    numbers = list(range(source.n_blocks)) if numbers is None else numbers
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(source.read, numbers[0])
        for number in [*numbers[1:], None]:
            block = coming.result()
            if number is not None:
                coming = reader.submit(source.read, number)
            yield block


def windows_of(source: Source, problem: Problem, buffer_bytes: int) -> Windows:
    """Make the buffer: two windows of whole batches."""
    n_rows = trained_on(problem.settings, problem.n_samples)
    batch_size = resolve_batch_size(problem.settings.batch_size, n_rows, warn=False)
    dtype = problem.parameters.flat.dtype
    bytes_of_row = source.n_features * dtype.itemsize
    n_batches = int(buffer_bytes) // (2 * bytes_of_row * batch_size)
    if n_batches < 1:
        raise ValueError(
            f"buffer_bytes={buffer_bytes!r} must hold two batches of {batch_size} rows "
            f"of {bytes_of_row} bytes each, {2 * bytes_of_row * batch_size} bytes. "
            "Raise it, or lower batch_size."
        )
    return Windows(source, dtype, n_batches * batch_size)


def check_buffer_bytes(buffer_bytes: Any) -> None:
    """Refuse what is no number of bytes."""
    is_bool = isinstance(buffer_bytes, bool)
    if is_bool or not isinstance(buffer_bytes, Integral) or buffer_bytes < 1:
        raise ValueError(
            f"buffer_bytes must be a whole number of bytes, such as 2**28; got "
            f"{buffer_bytes!r}."
        )


def in_windows(problem: Problem, windows: Windows) -> Problem:
    """Return a problem whose batches come out of windows."""
    corruption = problem.make_corruption(problem.draws.rng)
    objective = problem.objective_of(windows, corruption)
    way = f"in windows of {windows.n_rows} rows"
    return problem._replace(objective=objective, order=windows.order, way=way)


def in_blocks(estimator: Any, method: str, X: Any, out: Any) -> Any:
    """Write what a method makes of each block."""
    source, model = source_of(X), fitted_copy(estimator)
    names = vars(model).pop("feature_names_in_", None)  # blocks have none to compare
    is_named = names is not None and source.names is not None
    if is_named and not np.array_equal(names, source.names):
        raise ValueError(
            f"The columns of X are {source.names.tolist()}, but "
            f"{type(estimator).__name__} was fitted on {names.tolist()}, in that order."
        )
    for number, block in enumerate(blocks_of(source)):
        made = np.asarray(getattr(model, method)(block))
        shape = (source.n_rows, *made.shape[1:])
        if out is None:
            out = np.empty(shape, made.dtype)
        check_out(out, shape)
        out[source.start[number] : source.start[number + 1]] = made
    return out


def check_out(out: Any, shape: tuple[int, ...]) -> None:
    """Refuse what results cannot be written into."""
    if tuple(getattr(out, "shape", ())) != shape or np.dtype(out.dtype).kind != "f":
        found = f"{type(out).__name__} of shape {getattr(out, 'shape', None)}"
        raise ValueError(
            f"out must be an array of floats of shape {shape}; got {found} and dtype "
            f"{getattr(out, 'dtype', None)}."
        )
