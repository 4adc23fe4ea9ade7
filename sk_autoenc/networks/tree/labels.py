"""Recursive networks with labels: a head reads the code of a tree, or of every node.

The objective of a tree is Eq. (85): the mean loss of its own label and of those of its
nodes, Eq. (84), and beside it, on request, the unfolding error of Eq. (24).
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.networks.tree.encoder import encode
from sk_autoenc.networks.tree.losses import LOSSES
from sk_autoenc.networks.tree.network import Network
from sk_autoenc.networks.tree.passes import add_product, add_rows
from sk_autoenc.networks.tree.pooling import Pool
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import Loss
from sk_autoenc.trees.nodes import ranges

LEAST = -1e30
"""The pre-activation of a class that a tree cannot have: its probability is 0."""


class Head(NamedTuple):
    """What is made of codes, and how it is compared with labels."""

    loss: Loss
    """Of the outputs, whose targets are rows of numbers; a class is a row with one 1.
    """
    poolings: tuple[str, ...] = ("root",)
    """What goes into the head, side by side."""
    reconstruction: float = 0.0
    """r of Eq. (85), in [0, 1]."""
    class_weights: np.ndarray | None = None
    """What a label counts, (n_outputs,). None: 1."""


class Labels:
    """The labels of trees and of nodes; some trees of it are taken like rows.

    Parameters
    ----------
    trees : ndarray of shape (n_trees, n_tree_outputs)
        Targets. Only so many of the first outputs are for trees: if there are fewer
        than `n_outputs`, the others are classes that nodes alone have.
    nodes : ndarray or None
        Integers of shape (n_nodes,), the class of each node, -1 where it has no label;
        or floats of shape (n_nodes, n_outputs), NaN where it has none. None: no node
        has a label.
    tree_start : ndarray of int of shape (n_trees + 1,)
        As of the forest.
    """

    def __init__(self, trees, nodes, tree_start):
        self.trees = trees
        self.nodes = nodes
        self.tree_start = tree_start

    def __getitem__(self, rows):
        """Take the labels of some trees, in that order."""
        trees = self.trees[rows]
        if self.nodes is None:
            return Labels(trees, None, None)
        first = self.tree_start[:-1][rows]
        node, start = ranges(first, self.tree_start[1:][rows] - first)
        return Labels(trees, self.nodes[node], start)

    def of_block(self, block):
        """Take the labels of a block of these trees, without copying."""
        nodes = None if self.nodes is None else self.nodes[block.nodes]
        return Labels(self.trees[block.trees], nodes, None)


class LabelledNetwork(Network):
    """A recursive network with a head.

    A batch has a `Dropout` or None as its inputs, and `Labels` as its y.

    Parameters
    ----------
    head : Head
    architecture, n_components, n_features, dtype
        As of `Network`.
    """

    def __init__(self, head, architecture, n_components, n_features, dtype):
        super().__init__(architecture, n_components, n_features, dtype)
        self.head = head

    def __reduce__(self):
        cls, arguments = super().__reduce__()
        return cls, (self.head, *arguments)

    def outputs(self, parameters, forest, nodes=None):
        """Give the pre-activations of the head.

        Parameters
        ----------
        parameters : Parameters
        forest : Forest
        nodes : ndarray of int of shape (n_chosen,), default=None
            Of the code of each of these nodes. None: of each tree's pooled code.

        Returns
        -------
        outputs : ndarray of shape (n_chosen or n_trees, n_outputs)
        """
        if nodes is None:
            codes = self.pooled_codes(parameters, forest, self.head.poolings)
        else:
            codes = self.node_codes(parameters, forest, nodes)
        return self.head_outputs(parameters, codes)

    def head_outputs(self, parameters, codes):
        """Give the pre-activations of the head for codes."""
        return codes @ parameters.head.T + parameters.head_intercept

    def _encode(self, context, block, dropout):
        structure, factors = block.structure, None
        if dropout is not None:
            shape = structure.n_leaves, self.n_components
            factors = dropout.factors(dropout.leaves, shape, self.dtype)
        return encode(context, structure, None, factors)

    def _losses(self, context, block, encoding, batch, buffer=None):
        """Eq. (85) of each tree of a block, and dE/dvec(.) added to `buffer`."""
        structure, labels = block.structure, batch.y.of_block(block)
        r = self.head.reconstruction
        losses = np.zeros(structure.n_trees)
        if r < 1:
            losses += self._label_losses(
                context, structure, encoding, labels, batch.inputs, buffer
            )
        if r:
            n_leaves = structure.sum_leaves_by_tree(np.ones(structure.n_leaves))
            weights = r / (n_leaves * self.n_features)
            losses_of = LOSSES[self.architecture.loss]
            losses += losses_of(context, structure, encoding, buffer, weights)
        return losses

    def _label_losses(self, context, structure, encoding, labels, dropout, buffer):
        """Give (1 - r) times Eq. (84) of each tree."""
        parameters, gradient = context.parameters, context.gradient
        pool = Pool.of(structure, self.head.poolings)
        pooled, parts = pool.value(encoding.codes)
        n_outputs, n_for_trees = len(parameters.head), labels.trees.shape[1]
        nodes, targets = self._node_targets(structure, labels, n_outputs)
        node_rows = structure.row_of_node[nodes]
        inputs = pooled
        if len(nodes):
            inputs = np.concatenate([pooled, encoding.codes[node_rows]])
        of_trees = np.zeros((structure.n_trees, n_outputs), self.dtype)
        of_trees[:, :n_for_trees] = labels.trees
        targets = np.concatenate([of_trees, targets])
        tree = np.concatenate([np.arange(structure.n_trees), structure.tree_of(nodes)])
        n_labels = np.bincount(tree)
        weights = ((1 - self.head.reconstruction) / n_labels)[tree].astype(self.dtype)
        if self.head.class_weights is not None:
            weights *= targets @ self.head.class_weights.astype(self.dtype)
        factors = None
        if dropout is not None:
            factors = dropout.factors(dropout.codes, inputs.shape, self.dtype)
        if factors is not None:
            inputs = inputs * factors
        outputs = inputs @ parameters.head.T + parameters.head_intercept
        outputs[: structure.n_trees, n_for_trees:] = LEAST
        values, delta = np.empty_like(outputs), np.empty_like(outputs)
        self.head.loss.evaluate(
            outputs, targets, weights[:, None], ACTIVATIONS["identity"], (values, delta)
        )
        if buffer is not None:
            add_product(gradient.head, delta, inputs)
            add_rows(gradient.head_intercept, delta)
            delta_inputs = delta @ parameters.head
            if factors is not None:
                delta_inputs *= factors
            delta_pooled, delta_nodes = np.split(delta_inputs, [len(pooled)])
            pool.add_gradient(delta_pooled, parts, buffer)
            if len(nodes):
                buffer[node_rows] += delta_nodes
        return np.bincount(tree, values.sum(axis=1, dtype=np.float64))

    def _node_targets(self, structure, labels, n_outputs):
        """Return the nodes that have labels, but for roots, and their targets."""
        values = labels.nodes
        if values is None:
            return np.empty(0, np.intp), np.empty((0, n_outputs), self.dtype)
        are_classes = values.dtype.kind == "i"
        has_label = values >= 0 if are_classes else ~np.isnan(values[:, 0])
        has_label[structure.trees.tree_start[:-1]] = False
        nodes = np.flatnonzero(has_label)
        if are_classes:
            return nodes, np.eye(n_outputs, dtype=self.dtype)[values[nodes]]
        return nodes, values[nodes].astype(self.dtype)
