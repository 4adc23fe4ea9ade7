"""The autoencoders the slow way: one sample, one unit, one equation at a time.

With nothing in common with the package. `Oracle` is the denoising autoencoder, straight
from Eqs. (1)-(17) for the mean over samples; as in the note, L = -loss is maximised and
a step goes uphill. `TreeOracle` is the recursive one, straight from Eqs. (20)-(31) and
(40) on nested tuples; its parameters and gradients are dicts of arrays, by the names of
the equations. `LayeredOracle` is the network of layers, Eqs. (50)-(52), and
`conditional` and `log_likelihood` are those of a Gaussian, by submatrices.
"""

import itertools
import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np


def logistic(a):
    return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))


FUNCTIONS = {
    "identity": (lambda a: a, lambda a: 1.0),
    "logistic": (logistic, lambda a: logistic(a) * logistic(-a)),
    "tanh": (math.tanh, lambda a: 1 - math.tanh(a) ** 2),
    "relu": (lambda a: max(a, 0.0), lambda a: float(a > 0)),
}
"""By name: s(a) and s'(a)."""


def decimal_logistic(a):
    """To 28 digits, and of any size: 1e-348 for a = -800."""
    decay = (-abs(Decimal(a))).exp()
    return (1 if a > 0 else decay) / (1 + decay)


DECIMAL_FUNCTIONS = FUNCTIONS | {
    "logistic": (
        decimal_logistic,
        lambda a: decimal_logistic(a) * decimal_logistic(-a),
    )
}
"""The same where s(a) or s'(a) need not fit in a float."""


def apply(function, values):
    return np.array([function(value) for value in values])


def normalised(name, preactivation):
    """v / ||v|| of v = s(a), and s'(a) / ||v||; a length of 0 is taken as 1."""
    values, slopes = (
        [Decimal(function(float(a))) for a in preactivation]
        for function in DECIMAL_FUNCTIONS[name]
    )
    length = sum(value * value for value in values).sqrt() or 1
    return (
        np.array([float(value / length) for value in values]),
        np.array([float(slope / length) for slope in slopes]),
    )


class Oracle(NamedTuple):
    """Parameters and names; without a `decoder` the weights are tied."""

    weights: np.ndarray
    intercept_hidden: np.ndarray
    intercept_visible: np.ndarray
    decoder: np.ndarray | None = None
    activation: str = "logistic"
    output_activation: str = "logistic"
    loss: str = "cross_entropy"
    alpha: float = 0.0

    @property
    def tied(self):
        return self.decoder is None

    @property
    def decoder_weights(self):
        """The transpose of W', (h, d); Eq. (2) when tied."""
        return self.weights if self.tied else self.decoder

    def preactivations(self, inputs):
        """h1 and h2 of one sample: Eqs. (4) and (5)."""
        hidden_function, _ = FUNCTIONS[self.activation]
        h1 = self.weights @ inputs + self.intercept_hidden
        hidden = apply(hidden_function, h1)
        return h1, self.decoder_weights.T @ hidden + self.intercept_visible

    def encode(self, inputs):
        """y: Eq. (1)."""
        return apply(FUNCTIONS[self.activation][0], self.preactivations(inputs)[0])

    def reconstruct(self, inputs):
        """z: Eq. (2)."""
        h1_h2 = self.preactivations(inputs)
        return apply(FUNCTIONS[self.output_activation][0], h1_h2[1])

    def entry_losses(self, clean, inputs):
        """The terms of the sum of Eq. (3), or of 1/2 ||z - x||^2."""
        reconstruction = self.reconstruct(inputs)
        if self.loss == "squared_error":
            return (reconstruction - clean) ** 2 / 2
        return -np.array(
            [
                x * math.log(z) + (1 - x) * math.log(1 - z)
                for x, z in zip(clean, reconstruction, strict=True)
            ]
        )

    def sample_gradient(self, clean, inputs, entry_weights):
        """dL/dtheta of one sample, L = -loss: Eqs. (10)-(14)."""
        h1, h2 = self.preactivations(inputs)
        hidden = self.encode(inputs)
        delta_visible = (clean - self.reconstruct(inputs)) * entry_weights  # (10)
        if self.loss == "squared_error":
            delta_visible *= apply(FUNCTIONS[self.output_activation][1], h2)
        slope = apply(FUNCTIONS[self.activation][1], h1)
        delta_hidden = (self.decoder_weights @ delta_visible) * slope  # (9, 11)
        encoder_term = np.outer(delta_hidden, inputs)  # (12), the first term
        decoder_term = np.outer(hidden, delta_visible)  # (12), the second term
        gradient = {
            "weights": encoder_term + decoder_term if self.tied else encoder_term,
            "intercept_hidden": delta_hidden,  # (13)
            "intercept_visible": delta_visible,  # (14)
        }
        if not self.tied:
            gradient["decoder"] = decoder_term
        return gradient

    def value_and_gradient(self, clean, corrupted, entry_weights=None):
        """Mean loss over rows plus penalty, and its gradient (downhill is minus it)."""
        if entry_weights is None:
            entry_weights = np.ones_like(clean)
        samples = list(zip(clean, corrupted, entry_weights, strict=True))
        value = sum((w * self.entry_losses(x, c)).sum() for x, c, w in samples)
        ascents = [self.sample_gradient(*sample) for sample in samples]
        value /= len(samples)
        gradient = {
            name: -sum(ascent[name] for ascent in ascents) / len(samples)
            for name in ascents[0]
        }
        for name in {"weights", "decoder"} & set(gradient):
            value += self.alpha / 2 * (getattr(self, name) ** 2).sum()
            gradient[name] = gradient[name] + self.alpha * getattr(self, name)
        return value, gradient

    def penalties(self, corrupted, sparsity, target, contraction):
        """What is added to the mean loss for hidden units: Eqs. (44) and (46)."""
        means = np.mean([self.encode(x) for x in corrupted], axis=0)
        value = sum(
            sparsity * target * math.log(target / mean)
            + sparsity * (1 - target) * math.log((1 - target) / (1 - mean))
            for mean in (means if sparsity else ())
        )
        for x in corrupted:
            slopes = apply(FUNCTIONS[self.activation][1], self.preactivations(x)[0])
            jacobian = slopes[:, None] * self.weights  # dy/dx~
            value += contraction * (jacobian**2).sum() / len(corrupted)
        return value

    def step(self, clean, corrupted, rate):
        """theta + (eps / N) sum_n dL_n/dtheta: Eqs. (15)-(17)."""
        _, gradient = self.value_and_gradient(clean, corrupted)
        return self._replace(
            **{name: getattr(self, name) - rate * gradient[name] for name in gradient}
        )

    @classmethod
    def of(cls, estimator):
        """The oracle with the parameters of a fitted DenoisingAutoencoder."""
        return cls(
            estimator.components_,
            estimator.intercept_hidden_,
            estimator.intercept_visible_,
            None if estimator.tied_weights else estimator.decoder_components_,
            estimator.activation,
            estimator.output_activation_,
            estimator.loss_name_,
            estimator.alpha,
        )


LEAF_NAMES = ("U", "u", "U'", "u'")


def alphas(n_children):
    """Eq. (20)."""
    last = n_children - 1
    return [m / last if last else 0.5 for m in range(n_children)]


class Node:
    """A node, its children and the blend of each, its input and its code."""

    def __init__(self, tree, corrupted):
        self.is_leaf = not isinstance(tree, tuple)
        self.children = []
        if self.is_leaf:
            self.target, self.input = np.asarray(tree), np.asarray(corrupted)
        else:
            self.children = [Node(*both) for both in zip(tree, corrupted, strict=True)]
        self.n_leaves = 1 if self.is_leaf else sum(c.n_leaves for c in self.children)

    def blends(self):
        """Each child with its alpha."""
        return zip(self.children, alphas(len(self.children)), strict=True)

    def share(self, child):
        """beta of Eq. (40)."""
        return child.n_leaves / self.n_leaves

    def in_preorder(self):
        yield self
        for child in self.children:
            yield from child.in_preorder()


class TreeOracle:
    """A network with given parameters.

    `objective` is "unfold_root", "unfold_all" or "children"; with `child_weights`
    "leaves" a child enters its parent M beta times, Eq. (41); `composition` is "blend",
    "gated", Eq. (80), or "lstm", Eq. (82), and W_L, W_R and b then have the rows of all
    gates.
    """

    def __init__(
        self,
        parameters,
        encoder,
        decoder,
        objective,
        alpha,
        normalize,
        child_weights="equal",
        composition="blend",
    ):
        self.parameters = parameters
        self.composition = composition
        self.encoder = encoder
        self.g, self.g_slope = FUNCTIONS[decoder]
        self.objective, self.alpha, self.normalize = objective, alpha, normalize
        self.child_weights = child_weights
        self.projects = "U" in parameters

    def value_and_gradient(self, trees, corrupted=None):
        """Mean over trees, plus the penalty; `corrupted` trees enter at the leaves."""
        pairs = zip(trees, trees if corrupted is None else corrupted, strict=True)
        results = [self.tree_gradient(*pair) for pair in pairs]
        values, gradients = zip(*results, strict=True)
        value = sum(values) / len(values)
        gradient = {}
        for name, weights in self.parameters.items():
            gradient[name] = sum(g[name] for g in gradients) / len(gradients)
            if name.upper() == name:  # a matrix; intercepts are in lower case
                value += self.alpha / 2 * (weights**2).sum()
                gradient[name] = gradient[name] + self.alpha * weights
        return value, gradient

    def tree_gradient(self, tree, corrupted):
        gradient = {name: np.zeros_like(v) for name, v in self.parameters.items()}
        root = Node(tree, corrupted)
        self.encode(root)
        for node in root.in_preorder():
            node.upstream = np.zeros_like(node.vec)
            node.upstream_cell = np.zeros_like(node.vec)
        value = 0.0
        for node in root.in_preorder():
            if self.objective == "children":
                value += self.children_value(node, gradient)
            elif node is root or (self.objective == "unfold_all" and node.children):
                part, upstream = self.unfolding_value(node, node.vec, gradient)
                value += part
                node.upstream += upstream
        self.backpropagate(root, gradient)
        return value, gradient

    def blend(self, name, alpha):
        """W_m or W'_m: Eq. (21)."""
        left, right = (self.parameters[name.replace("_", side)] for side in "LR")
        return (1 - alpha) * left + alpha * right

    def add_blend(self, gradient, name, alpha, outer):
        """Add to the gradients of W_L and W_R, or W'_L and W'_R: Eqs. (29, 30)."""
        gradient[name.replace("_", "L")] += (1 - alpha) * outer
        gradient[name.replace("_", "R")] += alpha * outer

    def factor(self, node, child):
        """What a child is multiplied by in its parent: M beta, or 1."""
        if self.child_weights == "equal":
            return 1.0
        return len(node.children) * node.share(child)

    def encode(self, node):
        """Set vec, and cell: Eq. (22), (41), (80) or (82)."""
        if node.is_leaf:
            node.vec = node.input
            if self.projects:
                node.vec = self.parameters["U"] @ node.input + self.parameters["u"]
            node.cell = node.vec
            return
        node.a = self.parameters["b"].copy()
        for child, alpha in node.blends():
            self.encode(child)
            node.a += self.factor(node, child) * self.blend("W_", alpha) @ child.vec
        if self.composition == "blend":
            self.encode_blend(node)
        elif self.composition == "gated":
            self.encode_gated(node)
        else:
            self.encode_lstm(node)
        node.length = 1.0
        if self.normalize and self.composition != "blend":
            node.length = math.hypot(*node.vec) or 1.0
            node.vec = node.vec / node.length

    def encode_blend(self, node):
        node.cell = None
        if self.normalize:
            node.vec, node.slope = normalised(self.encoder, node.a)
        else:
            f, f_slope = FUNCTIONS[self.encoder]
            node.vec, node.slope = apply(f, node.a), apply(f_slope, node.a)

    def encode_gated(self, node):
        """Eq. (80)."""
        a, g = np.split(node.a, 2)
        node.cell = None
        node.mean = sum(node.share(child) * child.vec for child in node.children)
        node.value, node.z = apply(FUNCTIONS[self.encoder][0], a), apply(logistic, g)
        node.vec = node.mean + node.z * (node.value - node.mean)

    def encode_lstm(self, node):
        """Eq. (82)."""
        f = FUNCTIONS[self.encoder][0]
        value, *gates = np.split(node.a, 5)
        node.value = apply(f, value)
        node.entry, node.left, node.right, node.out = (
            apply(logistic, gate) for gate in gates
        )
        node.cell_left, node.cell_right = np.zeros((2, len(value)))
        for child, alpha in node.blends():
            cell = self.factor(node, child) * child.cell
            node.cell_left += (1 - alpha) * cell
            node.cell_right += alpha * cell
        node.cell = node.entry * node.value
        node.cell = node.cell + node.left * node.cell_left
        node.cell = node.cell + node.right * node.cell_right
        node.vec = node.out * apply(f, node.cell)

    def backpropagate(self, node, gradient):
        """Given the whole of dE/dvec(node) in upstream: Eqs. (27)-(29), (81), (83)."""
        if node.is_leaf:
            upstream = node.upstream + node.upstream_cell
            if self.projects:
                gradient["U"] += np.outer(upstream, node.input)
                gradient["u"] += upstream
            return
        upstream = node.upstream
        if self.normalize:
            upstream = (upstream - node.vec * (node.vec @ upstream)) / node.length
        if self.composition == "blend":
            node.delta = upstream * node.slope
        elif self.composition == "gated":
            node.delta = self.gated_delta(node, upstream)
        else:
            node.delta = self.lstm_delta(node, upstream)
        gradient["b"] += node.delta
        for child, alpha in node.blends():
            delta = self.factor(node, child) * node.delta
            self.add_blend(gradient, "W_", alpha, np.outer(delta, child.vec))
            child.upstream += self.blend("W_", alpha).T @ delta
            self.backpropagate(child, gradient)

    def gated_delta(self, node, upstream):
        """dE/d[a | g]; what goes to the children through their mean is added there."""
        a, g = np.split(node.a, 2)
        for child in node.children:
            child.upstream += node.share(child) * (1 - node.z) * upstream
        slope = apply(FUNCTIONS[self.encoder][1], a)
        gate_slope = apply(FUNCTIONS["logistic"][1], g)
        by_gate = upstream * (node.value - node.mean) * gate_slope
        return np.concatenate([upstream * node.z * slope, by_gate])

    def lstm_delta(self, node, upstream):
        """dE/da of the gates; what goes to the children's cells is added there."""
        f, f_slope = FUNCTIONS[self.encoder]
        value, *gates = np.split(node.a, 5)
        slopes = [apply(FUNCTIONS["logistic"][1], gate) for gate in gates]
        by_cell = node.upstream_cell + upstream * node.out * apply(f_slope, node.cell)
        for child, alpha in node.blends():
            forget = (1 - alpha) * node.left + alpha * node.right
            child.upstream_cell += self.factor(node, child) * forget * by_cell
        return np.concatenate(
            [
                by_cell * node.entry * apply(f_slope, value),
                by_cell * node.value * slopes[0],
                by_cell * node.cell_left * slopes[1],
                by_cell * node.cell_right * slopes[2],
                upstream * apply(f, node.cell) * slopes[3],
            ]
        )

    def unfolding_value(self, node, decoded, gradient):
        """(24) below a node, from its vec' on; dE/dvec' of the node: (23), (25, 26)."""
        if node.is_leaf:
            return self.leaf_value(node, decoded, gradient)
        value, upstream = 0.0, np.zeros_like(decoded)
        for child, alpha in node.blends():
            weights = self.blend("W'_", alpha)
            a = weights @ decoded + self.parameters["b'"]
            part, below = self.unfolding_value(child, apply(self.g, a), gradient)
            delta = below * apply(self.g_slope, a)
            self.add_blend(gradient, "W'_", alpha, np.outer(delta, decoded))
            gradient["b'"] += delta
            value, upstream = value + part, upstream + weights.T @ delta
        return value, upstream

    def leaf_value(self, leaf, decoded, gradient):
        """1/2 ||x' - x||^2, and its gradient with respect to vec'."""
        error = self.leave(decoded) - leaf.target
        upstream = error
        if self.projects:
            gradient["U'"] += np.outer(error, decoded)
            gradient["u'"] += error
            upstream = self.parameters["U'"].T @ error
        return (error**2).sum() / 2, upstream

    def leave(self, decoded):
        """The leaf vector of a leaf code."""
        if not self.projects:
            return decoded
        return self.parameters["U'"] @ decoded + self.parameters["u'"]

    def children_value(self, node, gradient):
        """E(p) of Eq. (40); adds to upstream of the node and of its children."""
        value = 0.0
        for child, alpha in node.blends():
            beta = node.share(child)
            weights = self.blend("W'_", alpha)
            a = weights @ node.vec + self.parameters["b'"]
            decoded = apply(self.g, a)
            if child.is_leaf:
                part = {name: np.zeros_like(v) for name, v in self.parameters.items()}
                error, upstream = self.leaf_value(child, decoded, part)
                for name in set(LEAF_NAMES) & set(part):
                    gradient[name] += beta * part[name]
            else:
                upstream = decoded - child.vec
                error = (upstream**2).sum() / 2
                child.upstream -= beta * upstream
            delta = beta * upstream * apply(self.g_slope, a)
            self.add_blend(gradient, "W'_", alpha, np.outer(delta, node.vec))
            gradient["b'"] += delta
            node.upstream += weights.T @ delta
            value += beta * error
        return value

    def codes(self, tree):
        """vec of every node, in preorder."""
        root = Node(tree, tree)
        self.encode(root)
        return [node.vec for node in root.in_preorder()]

    def reconstruct(self, tree, code):
        """x' of every leaf, in preorder, unfolded from a code: Eq. (23)."""
        if not isinstance(tree, tuple):
            return [self.leave(code)]
        leaves = []
        for child, alpha in zip(tree, alphas(len(tree)), strict=True):
            a = self.blend("W'_", alpha) @ code + self.parameters["b'"]
            leaves += self.reconstruct(child, apply(self.g, a))
        return leaves


class LayeredOracle(NamedTuple):
    """A network of layers with given parameters: Eqs. (50)-(52), one unit at a time."""

    layers: list
    """Weights and intercept of each."""
    shortcut: np.ndarray | None
    activation: str
    output_activation: str
    loss: str
    """"cross_entropy", "squared_error" or "mixed"."""
    n_numbers: int = 0
    n_levels: tuple = ()
    """Of mixed columns."""

    def forward(self, inputs):
        """a of every layer and y of every hidden one, of one sample: Eq. (50)."""
        function, _ = FUNCTIONS[self.activation]
        preactivations, outputs = [], [list(inputs)]
        for k, (weights, intercept) in enumerate(self.layers):
            below, last = outputs[-1], k == len(self.layers) - 1
            a = []
            for i in range(len(intercept)):
                total = intercept[i]
                for j in range(len(below)):
                    total += weights[i, j] * below[j]
                if last and self.shortcut is not None:
                    for j in range(len(inputs)):
                        total += self.shortcut[i, j] * inputs[j]
                a.append(total)
            preactivations.append(a)
            if not last:
                outputs.append([function(value) for value in a])
        return preactivations, outputs

    def loss_and_slope(self, a, targets, weights):
        """L of one sample, and dL/da of every unit of the output."""
        if self.loss == "mixed":
            return mixed_loss(a, targets, weights, self.n_numbers, self.n_levels)
        function, function_slope = FUNCTIONS[self.output_activation]
        total, slopes = 0.0, []
        for value, x, w in zip(a, targets, weights, strict=True):
            z = function(value)
            if self.loss == "cross_entropy":
                total -= w * (x * math.log(z) + (1 - x) * math.log(1 - z))
                slopes.append(w * (z - x))
            else:
                total += w * (z - x) ** 2 / 2
                slopes.append(w * (z - x) * function_slope(value))
        return total, slopes

    def value_and_gradient(self, inputs, targets, entry_weights=None):
        """SUM over the rows, and its gradient by the name of each array."""
        if entry_weights is None:
            entry_weights = np.ones_like(targets)
        gradient = {"shortcut": np.zeros_like(self.shortcut)} if self.has_path else {}
        for k, (weights, intercept) in enumerate(self.layers, 1):
            gradient[f"weights_{k}"] = np.zeros_like(weights)
            gradient[f"intercept_{k}"] = np.zeros_like(intercept)
        value = 0.0
        for sample in zip(inputs, targets, entry_weights, strict=True):
            value += self.add_sample(*sample, gradient)
        return value, gradient

    def value_with_labels(self, batch, head, kept):
        """SUM over the rows of Eq. (59), and of Eq. (58) the codes that are read.

        Parameters
        ----------
        batch : Batch
            `y` are the targets of the head, one row for each sample.
        head : dict
            "weights", "intercept", "reads" (H), "reconstruction" (r), "class_weights"
            or None, and "loss": (function of an output and a target -> loss).
        kept : dict of int to ndarray
            m_k of each sample, by k; 1 where there is none.
        """
        function, _ = FUNCTIONS[self.activation]
        total = 0.0
        for n, (inputs, labels) in enumerate(zip(batch.inputs, batch.y, strict=True)):
            read = [inputs * kept[0][n] if 0 in kept else inputs]
            n_hidden = len(self.layers) - (head["reconstruction"] is not None)
            for k, (weights, intercept) in enumerate(self.layers, 1):
                a = weights @ read[-1] + intercept
                y = np.array([function(v) for v in a]) if k <= n_hidden else a
                read.append(y * kept[k][n] if k in kept else y)
            c = head["weights"] @ read[head["reads"]] + head["intercept"]
            r = head["reconstruction"] or 0.0
            weight = 1.0
            if head["class_weights"] is not None:
                weight = labels @ head["class_weights"]
            total += (1 - r) * weight * head["loss"](c, labels)
            if head["reconstruction"] is not None:
                weights = np.ones_like(batch.targets[n])
                if batch.entry_weights is not None:
                    weights = batch.entry_weights[n]
                loss, _ = self.loss_and_slope(read[-1], batch.targets[n], weights)
                total += r / len(read[-1]) * loss
        return total

    @property
    def has_path(self):
        return self.shortcut is not None

    def add_sample(self, inputs, targets, entry_weights, gradient):
        """Add the gradient of one sample, Eqs. (51, 52); return its loss."""
        _, slope = FUNCTIONS[self.activation]
        preactivations, outputs = self.forward(inputs)
        value, delta = self.loss_and_slope(preactivations[-1], targets, entry_weights)
        if self.has_path:
            gradient["shortcut"] += np.outer(delta, inputs)
        for k in range(len(self.layers), 0, -1):
            gradient[f"weights_{k}"] += np.outer(delta, outputs[k - 1])
            gradient[f"intercept_{k}"] += delta
            if k > 1:
                weights, _ = self.layers[k - 1]
                delta = [
                    sum(weights[m, i] * delta[m] for m in range(len(delta))) * slope(a)
                    for i, a in enumerate(preactivations[k - 2])
                ]
        return value


def naive_softmax(a):
    total = sum(math.exp(value) for value in a)
    return [math.exp(value) / total for value in a]


def mixed_loss(a, targets, weights, n_numbers, n_levels):
    """(a - x)^2 / 2 of numbers, - sum_k x_k log p_k of each category; and dL/da."""
    total, slopes = 0.0, []
    for value, x, w in list(zip(a, targets, weights, strict=True))[:n_numbers]:
        total += w * (value - x) ** 2 / 2
        slopes.append(w * (value - x))
    start = n_numbers
    for width in n_levels:
        block = range(start, start + width)
        p = naive_softmax([a[j] for j in block])
        for j, p_of_j in zip(block, p, strict=True):
            total -= weights[j] * targets[j] * math.log(p_of_j)
            slopes.append(
                sum(weights[k] * targets[k] * (p_of_j - (j == k)) for k in block)
            )
        start += width
    return total, slopes


def conditional(mean, covariance, x, visible):
    """Mean and covariance of a Gaussian's hidden entries, given the visible ones.

    m_h + S_hv S_vv^-1 (x_v - m_v) and S_hh - S_hv S_vv^-1 S_vh.
    """
    v, h = np.flatnonzero(visible), np.flatnonzero(~visible)
    slope = covariance[np.ix_(h, v)] @ np.linalg.inv(covariance[np.ix_(v, v)])
    expected = mean[h] + slope @ (x[v] - mean[v])
    return expected, covariance[np.ix_(h, h)] - slope @ covariance[np.ix_(v, h)]


def log_likelihood(mean, covariance, rows, observed):
    """Of what is observed: the sum over rows of log N(x_v; m_v, S_vv)."""
    total = 0.0
    for x, seen in zip(rows, observed, strict=True):
        block = covariance[np.ix_(seen, seen)]
        error = x[seen] - mean[seen]
        _, log_determinant = np.linalg.slogdet(2 * math.pi * block)
        total -= (log_determinant + error @ np.linalg.solve(block, error)) / 2
    return total


def nearest_tokens(vectors, mapping):
    """The token nearest to each vector, by all distances."""
    tokens = list(mapping)
    return [
        min(tokens, key=lambda token: np.sum((np.asarray(mapping[token]) - x) ** 2))
        for x in vectors
    ]


def expected_denoiser(rows, weights, level, ridge, outputs=None):
    """W that minimises the expected squared error of all maskings, one by one.

    The expectation of sum_n w_n |x_n - W [x~_n; 1]|^2, plus ridge |W|^2, is written out
    as a least squares problem: a row for each row and each of its 2^d maskings, times
    the root of its weight and probability.

    Returns
    -------
    W : ndarray of shape (n_outputs, d + 1)
    """
    n_features = rows.shape[1]
    outputs = rows if outputs is None else outputs
    left, right = [], []
    for kept in itertools.product([0, 1], repeat=n_features):
        probability = np.prod(np.where(kept, 1 - level, level))
        for x, target, weight in zip(rows, outputs, weights, strict=True):
            root = math.sqrt(weight * probability)
            left.append(root * np.append(x * kept, 1))
            right.append(root * target)
    left.extend(math.sqrt(ridge) * np.eye(n_features + 1))
    right.extend(np.zeros((n_features + 1, outputs.shape[1])))
    return np.linalg.lstsq(np.array(left), np.array(right), rcond=None)[0].T
