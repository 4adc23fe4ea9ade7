"""Recursive autoencoders: codes, reconstructions, losses and their gradient."""

import numpy as np

from sk_autoenc.networks.buffers import Workspace
from sk_autoenc.networks.tree.decoder import project_out, unfold
from sk_autoenc.networks.tree.encoder import encode, encoder_gradient
from sk_autoenc.networks.tree.levels import BLOCK_CODE_ENTRIES, blocks
from sk_autoenc.networks.tree.losses import LOSSES, half_squares, leaf_errors
from sk_autoenc.networks.tree.parameters import Parameters
from sk_autoenc.networks.tree.passes import Context
from sk_autoenc.networks.tree.pooling import Pool

USUAL_LEVELS = 20
"""That the nodes of a batch are spread over: each has products of its own."""


class Network:
    """A recursive autoencoder without its parameters.

    A forest is worked on in blocks, so that memory beside the results is bounded. Large
    arrays are made once and used again: a network serves one thread at a time.
    Pickles and copies are made anew, without them.

    Parameters
    ----------
    architecture : Architecture
    n_components, n_features : int
        Length of a code and of a leaf vector.
    dtype : {float32, float64}
        Of the parameters that the network will meet. Leaf vectors of another one are
        converted block by block.
    """

    def __init__(self, architecture, n_components, n_features, dtype):
        self.architecture = architecture
        self.n_components = n_components
        self.n_features = n_features
        self.dtype = np.dtype(dtype)
        self._work = Workspace(self.dtype)
        self._gradient = None  # made by the first call that needs it

    def __reduce__(self):
        arguments = self.architecture, self.n_components, self.n_features, self.dtype
        return type(self), arguments

    def flops(self, n_inner):
        """Estimate the floating-point operations of a step's larger products.

        Parameters
        ----------
        n_inner : float
            Inner nodes of a batch, or of a whole forest.
        """
        n_codes = min(n_inner, BLOCK_CODE_ENTRIES / self.n_components)
        n_gates = self.architecture.composition.n_gates
        return 4 * n_codes / USUAL_LEVELS * n_gates * self.n_components**2

    def losses(self, parameters, batch):
        """Give the loss of each tree, without a penalty.

        Parameters
        ----------
        parameters : Parameters
        batch : Batch
            ``targets``, a Forest, and ``inputs``, an ndarray of shape (n_leaves,
            n_features): what enters at the leaves in place of their own vectors, for
            instance these corrupted; None: they enter. A leaf's target is always its
            own vector; the moving target of an inner node, Eq. (40), is its code, made
            of `inputs`.

        Returns
        -------
        losses : ndarray of shape (n_trees,), float64
            Eq. (24) or (40), by `architecture.loss`.
        """
        context = self._context(parameters)
        losses = np.empty(len(batch.targets.tree_start) - 1)
        for block in self._blocks(batch.targets):
            encoding = self._encode(context, block, batch.inputs)
            losses[block.trees] = self._losses(context, block, encoding, batch)
        return losses

    def gradient(self, parameters, batch, scale=1.0, out=None):
        """Give the loss summed over trees and its gradient.

        Parameters
        ----------
        parameters : Parameters
        batch : Batch
            As for `losses`.
        scale : float, default=1.0
            What the gradient, but not the total, is multiplied by.
        out : Parameters, default=None
            What the scaled gradient is added to; it may be `parameters`. None: it is
            written to memory of the network.

        Returns
        -------
        total : float
        gradient : Parameters
            `out`; or, valid until the next call, the scaled gradient.
        """
        gradient = self._cleared_gradient(parameters)
        context = self._context(parameters, gradient)
        total = 0.0
        for block in self._blocks(batch.targets):
            encoding = self._encode(context, block, batch.inputs)
            delta = self._work("delta", *encoding.codes.shape)
            delta.fill(0)
            losses = self._losses(context, block, encoding, batch, delta)
            encoder_gradient(context, block.structure, encoding, delta)
            total += float(losses.sum())
        gradient.dense[...] *= scale
        if gradient.touched is not None:
            gradient.table[gradient.touched] *= scale
        if out is None:
            return total, gradient
        out.add(gradient)
        return total, out

    def node_codes(self, parameters, forest, nodes=None):
        """Encode nodes.

        Parameters
        ----------
        parameters : Parameters
        forest : Forest
        nodes : ndarray of int of shape (n_chosen,), default=None
            Places in the forest's preorder, in any order. None: all nodes.

        Returns
        -------
        codes : ndarray of shape (n_chosen, n_components)
            vec(.) of each.
        """
        context = self._context(parameters)
        if nodes is None:
            codes = np.empty((len(forest.leaf_row), self.n_components), self.dtype)
            for block in self._blocks(forest):
                encoding = encode(context, block.structure)
                codes[block.nodes] = encoding.codes[block.structure.row_of_node]
            return codes
        order = np.argsort(nodes, kind="stable")
        chosen = nodes[order]
        codes = np.empty((len(chosen), self.n_components), self.dtype)
        for block in self._blocks(forest):
            first, last = chosen.searchsorted([block.nodes.start, block.nodes.stop])
            here = chosen[first:last] - block.nodes.start
            encoding = encode(context, block.structure)
            codes[order[first:last]] = encoding.codes[block.structure.row_of_node[here]]
        return codes

    def root_codes(self, parameters, forest):
        """Encode trees: vec(root) of each, (n_trees, n_components)."""
        return self.node_codes(parameters, forest, forest.tree_start[:-1])

    def pooled_codes(self, parameters, forest, poolings):
        """Encode trees by the codes of their nodes.

        Parameters
        ----------
        parameters : Parameters
        forest : Forest
        poolings : tuple of str
            Names of `POOLINGS`.

        Returns
        -------
        codes : ndarray of shape (n_trees, n_components * n_poolings)
            Side by side.
        """
        context = self._context(parameters)
        shape = len(forest.tree_start) - 1, self.n_components * len(poolings)
        pooled = np.empty(shape, self.dtype)
        for block in self._blocks(forest):
            pool = Pool.of(block.structure, poolings)
            codes = encode(context, block.structure).codes
            pooled[block.trees] = pool.value(codes)[0]
        return pooled

    def reconstruct(self, parameters, forest, codes):
        """Unfold codes of roots to leaf vectors: Eq. (23).

        Parameters
        ----------
        parameters : Parameters
        forest : Forest
            Its leaf vectors do not matter.
        codes : ndarray of shape (n_trees, n_components)

        Returns
        -------
        vectors : ndarray of shape (n_leaves, n_features)
            x'_l of all leaves, in leaf order.
        """
        vectors = np.empty((count_leaves(forest), self.n_features), self.dtype)
        context = self._context(parameters)
        for block in self._blocks(forest):
            decoding = unfold(context, block.structure, codes[block.trees])
            vectors[block.leaves] = project_out(context, decoding.leaves)
        return vectors

    def squared_errors(self, parameters, forest):
        """Give ||x'_l - x_l||^2 of every leaf, unfolded from its tree's root.

        Parameters
        ----------
        parameters : Parameters
        forest : Forest

        Returns
        -------
        errors : ndarray of shape (n_leaves,)
            In leaf order.
        """
        squares = np.empty(count_leaves(forest), self.dtype)
        context = self._context(parameters)
        for block in self._blocks(forest):
            structure = block.structure
            codes = encode(context, structure).codes[structure.root_rows]
            leaves = unfold(context, structure, codes).leaves
            errors = leaf_errors(context, structure, leaves)
            squares[block.leaves] = 2 * half_squares(errors)
        return squares

    def _losses(self, context, block, encoding, batch, buffer=None):
        """Give the loss of each tree of a block; see `losses.LOSSES`."""
        losses_of = LOSSES[self.architecture.loss]
        return losses_of(context, block.structure, encoding, buffer)

    def _cleared_gradient(self, parameters):
        """Return the memory for the gradient, all 0; what is 0 is left alone."""
        gradient = self._gradient
        if gradient is None or gradient.shapes != parameters.shapes:
            gradient = Parameters.zeros(parameters.shapes, self.dtype)
            self._gradient = gradient
        else:
            gradient.dense.fill(0)
            if gradient.touched is not None:
                gradient.table[gradient.touched] = 0
        if gradient.table is not None:
            gradient.touched = np.empty(0, np.int64)
        return gradient

    def _context(self, parameters, gradient=None):
        return Context(parameters, self.architecture, self._work, gradient)

    def _blocks(self, forest):
        return blocks(forest, self.n_components, self.dtype, self.architecture.wiring)

    def _encode(self, context, block, inputs):
        own = None if inputs is None else inputs[block.leaves]
        return encode(context, block.structure, own)


def count_leaves(forest):
    """Count the leaves of all trees."""
    return len(forest.n_children) - int(np.count_nonzero(forest.n_children))
