"""Arrays as `.npy` files that grow while they are written, and are mapped when read.

Each file has what its header and its checksum say, or is refused: a memory map of a
damaged one would give wrong numbers, or end the process.
"""

import json
import math
import zlib
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x93NUMPY\x01\x00"
HEADER_BYTES = 128
"""Of every file, so that the first dimension may be written last."""
BLOCK_BYTES = 2**22
"""Read and written at a time."""


class ArrayFacts(NamedTuple):
    """What is known of an array beside its file."""

    dtype: str
    shape: tuple[int, ...]
    checksum: int
    """CRC-32 of the numbers, as they are in the file."""

    @classmethod
    def of_json(cls, given: Any, dtypes: tuple[str, ...], ndim: int) -> Self:
        """Read what `_asdict` gave, through JSON.

        Raises
        ------
        ValueError
            It is something else; the message says what.
        """
        if not isinstance(given, dict) or set(given) != set(cls._fields):
            raise ValueError(f"is {given!r:.60}, expected {', '.join(cls._fields)}")
        if given["dtype"] not in dtypes:
            raise ValueError(f"has dtype {given['dtype']!r}, expected {dtypes}")
        shape = given["shape"]
        if not isinstance(shape, list) or len(shape) != ndim:
            raise ValueError(f"has shape {shape!r:.60}, expected {ndim} numbers")
        for number in (*shape, given["checksum"]):
            if type(number) is not int or not 0 <= number < 2**63:
                raise ValueError(f"has {number!r:.60} where a count is expected")
        return cls(given["dtype"], tuple(shape), given["checksum"])


class GrowingFile:
    """A `.npy` file that is written block by block, of rows of one shape.

    Parameters
    ----------
    path : Path
    dtype : dtype
    row_shape : tuple of int
        All dimensions but the first.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[Any], row_shape: tuple[int, ...] = ()
    ) -> None:
        self.path = path
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.row_shape = row_shape
        self.n_rows = 0
        self.checksum = 0
        self._file = path.open("xb")
        self._file.write(npy_header(self.dtype, (0, *row_shape)))

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows after those that are there."""
        step = block_rows(rows)
        for first in range(0, len(rows), step):
            block = np.ascontiguousarray(rows[first : first + step], self.dtype)
            self._file.write(block.data)
            self.checksum = zlib.crc32(block.data, self.checksum)
        self.n_rows += len(rows)

    def close(self) -> ArrayFacts:
        """Write the header anew, with the number of rows."""
        shape = self.n_rows, *self.row_shape
        self._file.seek(0)
        self._file.write(npy_header(self.dtype, shape))
        self._file.close()
        return ArrayFacts(dtype_name(self.dtype), shape, self.checksum)

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.close()


def map_array(path: Path, facts: ArrayFacts) -> NDArray[Any]:
    """Map a file that `GrowingFile` wrote, once it has been read through.

    Parameters
    ----------
    path : Path
    facts : ArrayFacts

    Returns
    -------
    array : ndarray
        Read-only; its numbers are in the file.

    Raises
    ------
    ValueError
        The file is not there, or is another one; the message says how.
    """
    dtype = np.dtype(facts.dtype)
    n_bytes = HEADER_BYTES + dtype.itemsize * math.prod(facts.shape)
    if not path.is_file():
        raise ValueError("the file is missing")
    if path.stat().st_size != n_bytes:
        raise ValueError(f"it has {path.stat().st_size} bytes, expected {n_bytes}")
    with path.open("rb") as file:
        if file.read(HEADER_BYTES) != npy_header(dtype, facts.shape):
            raise ValueError(
                f"its header is not that of an array of dtype {facts.dtype} and shape "
                f"{facts.shape}"
            )
    if n_bytes == HEADER_BYTES:
        return np.empty(facts.shape, dtype)  # nothing can be mapped
    array = np.asarray(np.memmap(path, dtype, "r", HEADER_BYTES, facts.shape))
    checksum, step = 0, block_rows(array)
    for first in range(0, len(array), step):
        checksum = zlib.crc32(array[first : first + step].data, checksum)
    if checksum != facts.checksum:
        raise ValueError(
            f"its checksum is {checksum}, expected {facts.checksum}: some of its "
            "numbers are others than were written"
        )
    return array


def npy_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Make the header of a `.npy` file, always as long."""
    words = {"descr": dtype_name(dtype), "fortran_order": False, "shape": shape}
    room = HEADER_BYTES - len(MAGIC) - 2
    text = repr(words).ljust(room - 1) + "\n"
    return MAGIC + room.to_bytes(2, "little") + text.encode("ascii")


def dtype_name(dtype: np.dtype[Any]) -> str:
    """Name a dtype of little-endian numbers, as `.npy` files do."""
    return f"<{dtype.kind}{dtype.itemsize}"


def block_rows(rows: NDArray[Any]) -> int:
    """Count the rows of an array that are read or written at a time."""
    row_bytes = rows.itemsize * math.prod(rows.shape[1:])
    return max(1, BLOCK_BYTES // max(1, row_bytes))


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON file of one object.

    Raises
    ------
    ValueError
        It is no such file.
    """
    if not path.is_file():
        raise ValueError("the file is missing")
    try:
        words = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(words, dict):
        raise ValueError(f"it holds a {type(words).__name__!r}, expected an object")
    return words
