"""Matrix products that are added to an array, by scipy's BLAS.

numpy writes a product and needs a second pass to add it; BLAS itself adds while it
writes. A loop that uses these must not use numpy's products of more than a few
thousand entries beside them: numpy and scipy may bring a BLAS each, with threads that
wait for each other's core.

BLAS thinks in columns, so that each call is about the transposes, which are views. Its
arguments go by position, and a function for each case spares asking: names and flags
take as long as a small product.
"""

import numpy as np
from scipy.linalg import get_blas_funcs

GEMM, GEMV = (
    {
        np.dtype(dtype): get_blas_funcs(name, dtype=np.dtype(dtype))
        for dtype in (np.float32, np.float64)
    }
    for name in ("gemm", "gemv")
)


def add_product(left, right, out, scale=1.0, keep=1.0):
    """Assign out <- scale * left @ right + keep * out.

    Parameters
    ----------
    left : ndarray of shape (n, m)
    right : ndarray of shape (m, k)
    out : ndarray of shape (n, k)
        All three are C-contiguous and of one dtype, float32 or float64.
    scale, keep : float, default=1.0
        With ``keep=0`` the old values do not matter, be they NaN.
    """
    # Its last argument: `out` itself is overwritten, not a copy.
    GEMM[out.dtype](scale, right.T, left.T, keep, out.T, 0, 0, 1)


def add_product_with_transpose(left, right, out, scale=1.0, keep=1.0):
    """Assign out <- scale * left @ right.T + keep * out; see `add_product`."""
    GEMM[out.dtype](scale, right.T, left.T, keep, out.T, 1, 0, 1)


def add_product_of_transpose(left, right, out, scale=1.0, keep=1.0):
    """Assign out <- scale * left.T @ right + keep * out; see `add_product`."""
    GEMM[out.dtype](scale, right.T, left.T, keep, out.T, 0, 1, 1)


def add_rows(rows, ones, out, scale=1.0, keep=1.0):
    """Assign out <- scale * (sum of rows) + keep * out.

    Parameters
    ----------
    rows : ndarray of shape (n, k)
        C-contiguous.
    ones : ndarray of shape (n,)
    out : ndarray of shape (k,)
    scale, keep : float, default=1.0
    """
    GEMV[out.dtype](scale, rows.T, ones, keep, out, 0, 1, 0, 1, 0, 1)


def add_product_of_inputs(inputs, weights, out):
    """Assign out <- inputs @ weights.T + out, of dense or sparse (CSR) inputs."""
    if isinstance(inputs, np.ndarray):
        add_product_with_transpose(inputs, weights, out)
        return
    if inputs.nnz < inputs.shape[1]:
        # scipy copies the transpose into C order: only what these rows meet.
        stored, place = np.unique(inputs.indices, return_inverse=True)
        shape = inputs.shape[0], len(stored)
        inputs = type(inputs)((inputs.data, place, inputs.indptr), shape=shape)
        weights = weights[:, stored]
    out += inputs @ weights.T


def add_product_with_inputs(delta, inputs, out, scale=1.0, keep=1.0):
    """Assign out <- scale * delta.T @ inputs + keep * out, of dense or sparse inputs.

    Parameters
    ----------
    delta : ndarray of shape (n, m)
    inputs : ndarray or sparse matrix of shape (n, k)
    out : ndarray of shape (m, k)
    scale, keep : float, default=1.0
        As of `add_product`; `keep` is 0 or 1.
    """
    if isinstance(inputs, np.ndarray):
        add_product_of_transpose(delta, inputs, out, scale, keep)
        return
    if not keep:
        out.fill(0)
    out += (inputs.T @ (delta * delta.dtype.type(scale))).T
