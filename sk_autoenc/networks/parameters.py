"""Parameters: named arrays that are views on one flat array.

A network reads the named matrices; a solver updates `flat` and knows arrays only.
"""

from math import prod

import numpy as np

from sk_autoenc.networks.buffers import zeros


class FlatParameters:
    """Named arrays that are views on one array `flat`, and stay so.

    A gradient is of the same type as the parameters. Copies, pickles and `_replace`
    are made anew from `flat`, so that their arrays are views on their own `flat`.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        Name and shape of each array, in their order in `flat`.
    flat : ndarray of shape (total number of entries,)
        Contiguous; not copied.

    Attributes
    ----------
    shapes, flat
        As given. Each name in `shapes` is an attribute too.
    dense : ndarray
        `flat` without `table`.
    touched : ndarray of int or None
        Of a gradient: the rows of `table` that may differ from 0, each once.
    touched_weights : ndarray of shape (len(touched),) or None
        Of a gradient: by what each of these rows counts in a penalty on the whole
        table, 1 / (the probability that it is touched). None: the table has none.
    """

    table = None
    """The last array, if it is one of whose rows a gradient is mostly 0; else None."""
    touched = None
    touched_weights = None
    table_weights: slice | None = None
    """The columns of the table that a penalty applies to, as a slice."""

    def __init__(self, shapes, flat):
        self.shapes = shapes
        self.flat = flat
        start = 0
        for name, shape in shapes.items():
            stop = start + prod(shape)
            setattr(self, name, flat[start:stop].reshape(shape))
            start = stop

    @classmethod
    def zeros(cls, shapes, dtype):
        """Make parameters that are all 0."""
        return cls(shapes, zeros((sum(map(prod, shapes.values())),), dtype))

    @property
    def dense(self):
        """All but the table."""
        return self.flat if self.table is None else self.flat[: -self.table.size]

    def add(self, gradient):
        """Add a gradient, in place."""
        if gradient.touched is None:
            self.flat += gradient.flat
        else:
            self.dense[...] += gradient.dense
            self.table[gradient.touched] += gradient.table[gradient.touched]

    def like(self, flat):
        """Make parameters of the same shapes on another flat array."""
        return type(self)(self.shapes, flat)

    def _replace(self, **arrays):
        """Copy, with the values of some arrays, or of `flat`, replaced."""
        copied = self.like(self.flat.copy())
        for name, values in arrays.items():
            getattr(copied, name)[...] = values
        return copied

    def __reduce__(self):
        return revived, (type(self), self.shapes, self.flat)


def revived(kind, shapes, flat):
    """Make parameters of what was pickled.

    What comes over a network may lie at any byte, and products would copy it each time.
    """
    if not flat.flags.aligned:
        flat = flat.copy()
    return kind(shapes, flat)


def uniform_weights(weights, scale, rng):
    """Fill `weights` from the uniform law on +- scale * sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    weights : ndarray of shape (fan_out, fan_in)
        Overwritten. The draws are float64 whatever its dtype, so that float32 and
        float64 models of one seed start from the same weights.
    scale : float
    rng : numpy.random.Generator
    """
    bound = scale * np.sqrt(6.0 / sum(weights.shape))
    weights[...] = rng.uniform(-bound, bound, weights.shape)


def penalise(parameters, alpha, gradient, scale=1.0):
    """Add the L2 penalty to a gradient; return its value.

    Parameters
    ----------
    parameters, gradient : FlatParameters with a property `matrices`
        The arrays of `gradient.matrices` are changed in place.
    alpha : float
    scale : float, default=1.0
        What the gradient, but not the value, is multiplied by.

    Returns
    -------
    value : float
        (alpha / 2) times the sum of squares of `parameters.matrices`.
    """
    if not alpha:
        return 0.0
    if gradient.touched_weights is not None:
        return penalise_touched(parameters, alpha, gradient, scale)
    sum_of_squares = 0.0
    for weights, slot in zip(parameters.matrices, gradient.matrices, strict=True):
        sum_of_squares += float(np.vdot(weights, weights))
        slot += float(scale * alpha) * weights
    return 0.5 * alpha * sum_of_squares


def penalise_touched(parameters, alpha, gradient, scale):
    """Do what `penalise` does in the mean over draws of the rows that are touched."""
    rows, columns = gradient.touched, parameters.table_weights
    weights = parameters.table[rows][:, columns]
    counted = gradient.touched_weights[:, None] * weights
    gradient.table[rows, columns] += float(scale * alpha) * counted
    return 0.5 * alpha * float(np.vdot(weights, counted))
