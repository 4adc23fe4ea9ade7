"""Rows of a source in a random order, of which few are in memory.

An epoch reads the blocks in an order of its own and fills one window after the other,
whose rows are drawn at random: a shuffle buffer. While one window is trained on, a
thread reads the next.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_autoenc._typing import FloatArray, IntArray
from sk_autoenc.sources import Source


class Windows:
    """What a `feeds.RowFeed` takes for an array, while an epoch goes through it.

    Parameters
    ----------
    source : Source
    dtype : numpy dtype
        Of the rows that are given.
    n_rows : int
        Of a window, at most: a multiple of the batch size, so that no batch lies in
        two. There are two windows in memory.
    """

    def __init__(self, source: Source, dtype: np.dtype[Any], n_rows: int) -> None:
        self.source = source
        self.shape = source.n_rows, source.n_features
        self.dtype = dtype
        self.n_rows = min(n_rows, source.n_rows)
        self.memory = [
            np.empty((self.n_rows, source.n_features), dtype) for _ in range(2)
        ]
        self.number = -1
        """Of the window that is trained on."""
        self.reader = ThreadPoolExecutor(1)
        self.next: Future[None] | None = None
        self.pieces: Iterator[NDArray[Any]] = iter(())
        self.rest: NDArray[Any] | None = None
        """What did not fit into the last window."""

    def order(
        self, rng: np.random.Generator, rows: IntArray, shuffle: bool
    ) -> IntArray:
        """Begin an epoch with some rows, which are sorted; return their places.

        If one window holds all of them their order is that of ``rng.permutation``.
        """
        is_whole = len(rows) <= self.n_rows
        blocks = np.arange(self.source.n_blocks)
        if shuffle and not is_whole:
            blocks = rng.permutation(blocks)
        self._stop()
        self.pieces = self._pieces(blocks, rows)
        self.number, self.rest = -1, None
        self._read_next()
        places = np.arange(len(rows))
        if not shuffle:
            return places
        for start in range(0, len(rows), self.n_rows):
            window = places[start : start + self.n_rows]
            window[...] = rng.permutation(window)
        return places

    def take(
        self, places: IntArray, axis: int, out: FloatArray, mode: Any = "raise"
    ) -> None:
        """Write the rows of a batch into `out`, as `numpy.ndarray.take` does."""
        number = int(places[0]) // self.n_rows
        while self.number < number:
            self._wait()
            self.number += 1
            self._read_next()
        window = self.memory[self.number % 2]
        window.take(places - number * self.n_rows, axis, out, mode)

    def close(self) -> None:
        """End the thread."""
        self._stop()
        self.reader.shutdown()

    def _read_next(self) -> None:
        into = self.memory[(self.number + 1) % 2]
        self.next = self.reader.submit(self._fill, into)

    def _wait(self) -> None:
        if self.next is not None:
            self.next.result()

    def _stop(self) -> None:
        if self.next is not None:
            self.next.exception()  # of rows that nobody wants any more
            self.next = None

    def _fill(self, window: FloatArray) -> None:
        """Fill a window with what comes next, as far as there is anything."""
        n_filled = 0
        while n_filled < len(window):
            piece = self.rest if self.rest is not None else next(self.pieces, None)
            if piece is None:
                return
            n_taken = min(len(piece), len(window) - n_filled)
            window[n_filled : n_filled + n_taken] = piece[:n_taken]
            n_filled += n_taken
            self.rest = piece[n_taken:] if n_taken < len(piece) else None

    def _pieces(self, blocks: IntArray, rows: IntArray) -> Iterator[NDArray[Any]]:
        """Yield the rows of each block that are among `rows`."""
        for number in blocks:
            start, stop = self.source.start[number : number + 2]
            chosen = rows[slice(*np.searchsorted(rows, (start, stop)))]
            if len(chosen):
                block = self.source.read(int(number))
                yield block if len(chosen) == stop - start else block[chosen - start]
