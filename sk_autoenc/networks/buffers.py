"""Memory for arrays that the passes of a network work on."""

from math import prod

import numpy as np

CACHE_LINE = 64
"""Bytes."""


def zeros(shape, dtype):
    """Make an array of zeros that starts on a cache line.

    numpy's own start 16 bytes off one when they are large, so that vector instructions
    straddle two lines: an epoch in batches of 20 or 128 then took 2 to 3 % longer.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy dtype

    Returns
    -------
    array : ndarray of the given shape and dtype, C-contiguous
    """
    n_bytes = prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(n_bytes + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


class Workspace:
    """Buffers by name, made once and used for every block; they grow when needed.

    Large arrays that live together and are made anew for each batch are given back to
    the system after it, and the page faults of the next cost a quarter of the time. So
    a sparse product, which cannot write into a buffer, is copied into one at once.
    """

    def __init__(self, dtype):
        self.dtype = dtype
        self._buffers = {}

    def __call__(self, name, n_rows, n_columns):
        """Return the buffer `name` as a C-contiguous array, its contents undefined."""
        size = n_rows * n_columns
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size + size // 4, self.dtype)
        return buffer[:size].reshape(n_rows, n_columns)


SIZES_KEPT = 8
"""Of batches: the usual one and the last of an epoch, those of held-out rows, ..."""


def make_room(buffers):
    """Forget the newest of the buffers by size, if there are many, for one more.

    The first are those of the usual sizes.
    """
    if len(buffers) >= SIZES_KEPT:
        buffers.popitem()
