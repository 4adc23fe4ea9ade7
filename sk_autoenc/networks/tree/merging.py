"""Binary trees for sequences, by merging neighbours that lose least: Eqs. (72, 73).

Each round merges one pair in every sequence, and looks anew at the two pairs that the
merged node is in. A node is known by the places of its first leaf and of the first leaf
after it, and a merge by the boundary between its two parts, the first leaf of the right
one: so every boundary is merged across once.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.tree.encoder import normalise
from sk_autoenc.networks.tree.parameters import Architecture, Parameters
from sk_autoenc.parts.compositions import Kept
from sk_autoenc.trees.nodes import padded_runs, starts

MERGED_ENTRIES = 2**22
"""Entries of codes that sequences are merged with at a time."""
PAIRS = 2**14
"""Pairs that are looked at at a time."""
WORST = np.finfo(np.float32).max
"""Stands for errors that float32 does not hold, below the infinity of what is no pair.
"""


class Merges(NamedTuple):
    """The inner nodes of binary trees, each at the boundary that it was merged across.

    Arrays of shape (n_leaves,), over the leaves of all sequences; what they have at the
    first leaf of a sequence means nothing.
    """

    start: np.ndarray
    """The first leaf of the node."""
    stop: np.ndarray
    """The first leaf after it."""
    height: np.ndarray
    """Of the node."""

    @classmethod
    def empty(cls, n_leaves):
        """Make arrays to be filled."""
        return cls(*np.empty((3, n_leaves), np.int64))


class Model(NamedTuple):
    """A recursive autoencoder, in float64."""

    parameters: Parameters
    architecture: Architecture


class Pairs(NamedTuple):
    """Neighbours: states of the left and the right ones, and what they are made of."""

    states: tuple[tuple[np.ndarray, np.ndarray], ...]
    """(n_pairs, n_components) each: codes, and whatever else a composition sends up."""
    n_leaves: tuple[np.ndarray, np.ndarray]
    """(n_pairs,) int each."""
    vectors: tuple[np.ndarray, np.ndarray]
    """(n_pairs, n_features) each, the leaf vectors of those that are leaves."""


def greedy_merges(model, leaf_table, rows, lengths, known_row=None):
    """Merge sequences to binary trees, always the neighbours of the least error.

    Errors that are one as float32 are ties, of which the first is merged: so rounding
    does not decide.

    Parameters
    ----------
    model : Model
    leaf_table : ndarray of shape (n_distinct_leaves, n_features), float64
    rows : int array of shape (n_leaves,)
        The row of each leaf, one sequence after the other.
    lengths : int array of shape (n_sequences,)
    known_row : int array of shape (n_distinct_leaves,), default=None
        Which learned vector enters in the place of each distinct leaf; negative: none.
        None: none is learned.

    Returns
    -------
    Merges
    """
    merges, start = Merges.empty(len(rows)), starts(lengths)
    table_codes = leaf_codes(model.parameters, leaf_table, known_row)
    by_length = np.argsort(-lengths, kind="stable")
    n_components = model.parameters.n_components
    # The longest of a block is its first, and decides how much room each gets.
    for first, last in padded_runs(lengths[by_length], MERGED_ENTRIES // n_components):
        chosen = by_length[first:last]
        block = Block(model, lengths[chosen])
        block.read(leaf_table, table_codes, rows, start[:-1][chosen])
        block.merge(merges, start[:-1][chosen])
    return merges


def leaf_codes(parameters, vectors, known_row):
    """vec(l) = U x_l + u of leaf vectors, or these themselves; some are learned."""
    if parameters.learns_leaves:
        is_learned = known_row >= 0
        vectors = vectors.copy()
        vectors[is_learned] = parameters.leaf_table[known_row[is_learned]]
    if not parameters.projects:
        return vectors
    return vectors @ parameters.leaf_encoder.T + parameters.leaf_encoder_intercept


class Block:
    """Sequences that are merged together, the longest first, each padded to its length.

    A slot is a place of a leaf in the padded sequences; a node is kept at the slot of
    its first leaf.
    """

    def __init__(self, model, lengths):
        self.model, self.lengths = model, lengths
        shape = len(lengths), int(lengths[0])
        self.width = shape[1]
        slot = np.arange(shape[0] * shape[1])
        self.before = slot - 1
        """Slot of the node before the one that begins here."""
        self.after = slot + 1
        """Slot after the node that begins here."""
        self.height = np.zeros(len(slot), np.int64)
        self.errors = np.full(shape, np.inf, np.float32)
        """Of merging across the boundary before a slot; inf where there is none."""
        self.first = self.width * np.arange(len(lengths))
        self.stop = self.first + lengths

    def read(self, leaf_table, table_codes, rows, start):
        """Put the leaves into their slots, and look at all pairs."""
        place = np.arange(self.width)
        is_there = place < self.lengths[:, None]
        leaf = np.minimum(start[:, None] + place, len(rows) - 1)
        self.table, self.rows = leaf_table, rows[leaf].ravel()
        n_states = self.model.architecture.composition.n_states
        self.states = tuple([table_codes[self.rows] for _ in range(n_states)])
        self.merged = tuple([np.empty_like(state) for state in self.states])
        """Of the node that a merge across the boundary before a slot makes."""
        is_there[:, 0] = False
        self.look(np.flatnonzero(is_there))

    def merge(self, merges, start):
        """Merge until one node is left of each sequence; `merges` is filled."""
        shift = start - self.first
        for n_merged in range(1, self.width):
            active = np.searchsorted(-self.lengths, -n_merged)  # that are longer
            errors = self.errors[:active]
            middle = self.first[:active] + errors.argmin(axis=1)
            left, stop = self.before[middle], self.after[middle]
            for state, merged in zip(self.states, self.merged, strict=True):
                state[left] = merged[middle]
            self.height[left] = 1 + np.maximum(self.height[left], self.height[middle])
            self.after[left] = stop
            self.errors.ravel()[middle] = np.inf
            has_next = stop < self.stop[:active]
            self.before[stop[has_next]] = left[has_next]
            has_previous = left > self.first[:active]
            self.look(np.concatenate([left[has_previous], stop[has_next]]))
            boundary = middle + shift[:active]
            merges.start[boundary] = left + shift[:active]
            merges.stop[boundary] = stop + shift[:active]
            merges.height[boundary] = self.height[left]

    def look(self, boundaries):
        """Find the codes and the errors of merging across boundaries."""
        for first in range(0, len(boundaries), PAIRS):
            middle = boundaries[first : first + PAIRS]
            left, stop = self.before[middle], self.after[middle]
            pairs = Pairs(
                tuple([(state[left], state[middle]) for state in self.states]),
                (middle - left, stop - middle),
                (self.table[self.rows[left]], self.table[self.rows[middle]]),
            )
            states = merged_states(self.model, pairs)
            for merged, state in zip(self.merged, states, strict=True):
                merged[middle] = state
            self.errors.ravel()[middle] = comparable(
                merging_errors(self.model, pairs, states[0])
            )


def merged_states(model, pairs):
    """vec(p) of the parent of each pair, and what goes up with it.

    Eq. (22), (41), (80) or (82): of two children s_L is the left one, s_R the right
    one, each times M beta if they weigh by their leaves.

    Returns
    -------
    tuple of ndarray of shape (n_pairs, n_components)
    """
    parameters, architecture = model
    composition, activation = architecture.composition, architecture.encoder_activation
    n_pairs, n_components = pairs.states[0][0].shape
    share = np.stack(shares(pairs))[:, :, None]
    factors = (
        2 * share if architecture.child_weights == "leaves" else np.ones((2, 1, 1))
    )
    sums = [np.hstack(list(factors * np.stack(sides))) for sides in pairs.states]
    if composition.means:
        mean = (share * np.stack(pairs.states[0])).sum(axis=0)
        sums[0] = np.hstack([sums[0], mean])
    states = tuple([np.empty((n_pairs, n_components)) for _ in sums])
    gates = np.empty((n_pairs, composition.n_gates * n_components))
    activate = activation.value
    if architecture.normalize and composition.scales and activation.scaled:
        activate = partial(activation.scaled, slope=np.empty_like(states[0]))
    kept = Kept(states, tuple(sums), gates)
    weights, intercept = parameters.encoder, parameters.encoder_intercept
    composition.forward(weights, intercept, activate, kept, slice(None))
    if architecture.normalize:
        normalise(states[0], np.empty((n_pairs, 1)))
    return states


def merging_errors(model, pairs, codes):
    """E(p) of the parent of each pair: Eq. (40), (n_pairs,)."""
    parameters, architecture = model
    errors = np.zeros(len(codes))
    for side, share in enumerate(shares(pairs)):
        weights = (parameters.decoder_left, parameters.decoder_right)[side]
        decoded = codes @ weights.T
        decoded += parameters.decoder_intercept
        architecture.decoder_activation.value(decoded)
        squares = squared_lengths(decoded - pairs.states[0][side])
        if parameters.projects:
            is_leaf = pairs.n_leaves[side] == 1
            vectors = decoded[is_leaf] @ parameters.leaf_decoder.T
            vectors += parameters.leaf_decoder_intercept
            squares[is_leaf] = squared_lengths(vectors - pairs.vectors[side][is_leaf])
        errors += share * squares / 2
    return errors


def shares(pairs):
    """Give beta of Eq. (40) of the left and of the right ones."""
    left, right = pairs.n_leaves
    return left / (left + right), right / (left + right)


def squared_lengths(rows):
    """Sum the squares of each row."""
    return np.einsum("ij,ij->i", rows, rows)


def comparable(errors):
    """Round to float32, whatever is not finite to the greatest of these."""
    return np.nan_to_num(np.minimum(errors, WORST), nan=WORST).astype(np.float32)
