import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_autoenc.networks.buffers import SIZES_KEPT, make_room, zeros


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (3, 5), (200, 300)])
def test_arrays_are_writeable_zeros_of_their_shape_and_dtype(shape, dtype):
    array = zeros(shape, dtype)
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    array += 1
    assert_array_equal(array, np.ones(shape))


def test_arrays_start_on_a_cache_line_and_overlap_no_other():
    arrays = [zeros((n,), np.float32) for n in range(1, 100)]
    assert all(array.ctypes.data % 64 == 0 for array in arrays)
    for value, array in enumerate(arrays):
        array.fill(value)
    for value, array in enumerate(arrays):
        assert_array_equal(array, value)


def test_buffers_of_few_sizes_are_kept_the_first_and_the_last():
    buffers = {}
    for size in range(20):
        make_room(buffers)
        buffers[size] = object()
    assert list(buffers) == [*range(SIZES_KEPT - 1), 19]
