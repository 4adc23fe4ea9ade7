"""Compositions: from the codes of the children to that of their parent, and back.

To add one: write ``forward``, ``factors`` and ``backward``, add a line to
`COMPOSITIONS`, and the name to `Composition` in ``_typing.py``. All work on some inner
nodes at once, whatever their arities: what comes in are the sums over the children,
s_L and s_R of Eq. (22), side by side. Every test of a composition runs over that dict.

References
----------
Socher, Huang, Pennington, Ng, Manning. Dynamic pooling and unfolding recursive
autoencoders for paraphrase detection. NIPS 2011: the blend for two children.
Tai, Socher, Manning. Improved semantic representations from tree-structured long
short-term memory networks. ACL 2015. 10.3115/v1/P15-1150
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sk_autoenc.parts.activations import identity_slope, logistic


class Kept(NamedTuple):
    """What is kept of some inner nodes on the way up."""

    states: tuple[np.ndarray, ...]
    """vec(p), and after it whatever else goes up, each (n_nodes, n_components)."""
    sums: tuple[np.ndarray, ...]
    """[s_L | s_R] of each state of the children, and the mean of `Composition.means`
    after it: (n_nodes, 2 or 3 times n_components)."""
    gates: np.ndarray | None
    """(n_nodes, n_gates * n_components). None if the code is the only one."""


class Flow(NamedTuple):
    """What goes down through the inner nodes, level by level."""

    weights: np.ndarray
    """Of the gates."""
    factors: np.ndarray | None
    """As `Composition.factors` makes them."""
    deltas: tuple[np.ndarray, ...]
    """dE/dstates, (n_nodes, n_components) each."""
    delta_gates: np.ndarray
    """dE/d(pre-activation of the gates). Of one gate it is the first of `deltas`."""
    backs: tuple[np.ndarray, ...]
    """dE/dsums, of the shapes of `Kept.sums`."""


class Composition(NamedTuple):
    """How a code is made of the sums over children, and the gradient of that."""

    gate_starts: tuple[float, ...]
    """Where the intercept of each gate starts. A gate is n_components rows of the
    weights, which act on [s_L | s_R]."""
    forward: Callable
    """``forward(weights, intercept, activate, kept, rows)`` reads `sums` of some nodes,
    and writes their `gates` and `states`. ``activate(a)`` overwrites a with f(a)."""
    factors: Callable
    """``factors(activation, kept, work)`` -> derivatives that `backward` needs, of all
    inner nodes at once: (n_inner, some multiple of n_components), in terms of what is
    kept. ``work(name, n_rows, n_columns)`` gives buffers."""
    backward: Callable
    """``backward(flow, rows, above)``: of some nodes' `deltas` makes `delta_gates`, and
    of these `backs`, but only for the first of the nodes, `above`."""
    n_states: int = 1
    means: bool = False
    """Whether it needs the leaf-weighted mean of the children's codes, too."""
    scales: bool = False
    """Whether a factor of f(a) and f'(a) is one of the code (`Activation.scaled`)."""

    @property
    def n_gates(self):
        """How many times n_components rows the weights have."""
        return len(self.gate_starts)


def blend_forward(weights, intercept, activate, kept, rows):
    """vec(p) = f([W_L | W_R] [s_L | s_R] + b): Eq. (22)."""
    here = np.dot(kept.sums[0][rows], weights.T, out=kept.states[0][rows])
    here += intercept
    activate(here)


def blend_factors(activation, kept, work):
    """f'(a)."""
    if activation.slope is identity_slope:
        return None
    codes = kept.states[0]
    return activation.slope(codes, work("factors", *codes.shape))


def blend_backward(flow, rows, above):
    """Eqs. (27) and (28)."""
    weights, factors, _, delta_gates, backs = flow
    if factors is not None:
        delta_gates[rows] *= factors[rows]
    np.dot(delta_gates[above], weights, out=backs[0][above])


def gated_forward(weights, intercept, activate, kept, rows):
    """Eq. (80): vec(p) = mean + z (f(a) - mean), [a | g] = W [s_L | s_R] + b."""
    codes, sums, gates = kept.states[0][rows], kept.sums[0][rows], kept.gates[rows]
    n = codes.shape[1]
    np.dot(sums[:, : 2 * n], weights.T, out=gates)
    gates += intercept
    value, gate, mean = gates[:, :n], gates[:, n:], sums[:, 2 * n :]
    activate(value)
    logistic(gate)
    np.subtract(value, mean, out=codes)
    codes *= gate
    codes += mean


def gated_factors(activation, kept, work):
    """Z f'(a), z (1 - z) (f(a) - mean) and 1 - z, side by side: Eq. (81)."""
    (codes,), (sums,), gates = kept
    n = codes.shape[1]
    factors = work("factors", len(codes), 3 * n)
    by_value, by_gate, by_mean = np.split(factors, [n, 2 * n], axis=1)
    value, gate, mean = gates[:, :n], gates[:, n:], sums[:, 2 * n :]
    activation.slope(value, by_value)
    by_value *= gate
    np.subtract(1, gate, out=by_mean)
    np.subtract(value, mean, out=by_gate)
    by_gate *= gate
    by_gate *= by_mean
    return factors


def gated_backward(flow, rows, above):
    """Eq. (81)."""
    delta, back = flow.deltas[0], flow.backs[0]
    n = delta.shape[1]
    factors = flow.factors.reshape(-1, 3, n)
    gates = flow.delta_gates.reshape(-1, 2, n)
    np.multiply(delta[rows, None], factors[rows, :2], out=gates[rows])
    np.matmul(flow.delta_gates[above], flow.weights, out=back[above, : 2 * n])
    np.multiply(delta[above], factors[above, 2], out=back[above, 2 * n :])


def lstm_forward(weights, intercept, activate, kept, rows):
    """Eq. (82): a cell of gated children, and a code of the gated cell."""
    codes, cells = (state[rows] for state in kept.states)
    sums, cell_sums = (total[rows] for total in kept.sums)
    gates, n = kept.gates[rows], codes.shape[1]
    np.dot(sums, weights.T, out=gates)
    gates += intercept
    value, entry, left, right, out = columns(gates, n)
    activate(value)
    logistic(gates[:, n:])
    np.multiply(entry, value, out=cells)
    for gate, total in zip((left, right), columns(cell_sums, n), strict=True):
        cells += np.multiply(gate, total, out=codes)
    np.copyto(codes, cells)
    activate(codes)
    codes *= out


def lstm_factors(activation, kept, work):
    """Derive cells by gates and by the cells' sums, and codes by cells: Eq. (83)."""
    (_, cells), (_, cell_sums), gates = kept
    n_rows, n = cells.shape
    factors = work("factors", n_rows, 8 * n)
    by_value, by_entry, *by_sides, by_out = columns(factors[:, : 5 * n], n)
    of_sides, of_cell = factors[:, 5 * n : 7 * n], factors[:, 7 * n :]
    value, entry, *sides, out = columns(gates, n)
    activation.slope(value, by_value)
    by_value *= entry
    np.multiply(value, slope_of_gate(entry), out=by_entry)
    for gate, total, by_side in zip(
        sides, columns(cell_sums, n), by_sides, strict=True
    ):
        np.multiply(total, slope_of_gate(gate), out=by_side)
    np.copyto(of_sides, gates[:, 2 * n : 4 * n])
    activated = activation.value(cells.copy())
    np.multiply(activated, slope_of_gate(out), out=by_out)
    activation.slope(activated, of_cell)
    of_cell *= out
    return factors


def lstm_backward(flow, rows, above):
    """Eq. (83)."""
    delta, delta_cells = flow.deltas
    n = delta.shape[1]
    factors = flow.factors.reshape(-1, 8, n)
    gates = flow.delta_gates.reshape(-1, 5, n)
    sides = flow.backs[1].reshape(-1, 2, n)
    delta_cells[rows] += delta[rows] * factors[rows, 7]
    np.multiply(delta_cells[rows, None], factors[rows, :4], out=gates[rows, :4])
    np.multiply(delta[rows], factors[rows, 4], out=gates[rows, 4])
    np.dot(flow.delta_gates[above], flow.weights, out=flow.backs[0][above])
    np.multiply(delta_cells[above, None], factors[above, 5:7], out=sides[above])


def slope_of_gate(gate):
    """s'(a) of the logistic function, in terms of s(a)."""
    return gate * (1 - gate)


def columns(array, n):
    """See an array of k * n columns as k arrays of n columns."""
    return [array[:, start : start + n] for start in range(0, array.shape[1], n)]


COMPOSITIONS = {
    "blend": Composition(
        (0.0,), blend_forward, blend_factors, blend_backward, scales=True
    ),
    "gated": Composition(
        (0.0, -1.0), gated_forward, gated_factors, gated_backward, means=True
    ),
    "lstm": Composition(
        (0.0, 0.0, 1.0, 1.0, 0.0),  # it forgets little
        lstm_forward,
        lstm_factors,
        lstm_backward,
        n_states=2,
    ),
}
"""By the name that estimators take. "lstm": its gates are value, entry, forget left,
forget right, out."""
