"""The unfolding recursive autoencoder against bare products and torch.

    make bench

or ``python benchmarks/bench_trees.py [--quick]``. Prints Markdown tables of ratios of
medians; all sides alternate in one process, at 1 and at 2 threads, in float32.

- bare: the six matrix products of Eqs. (22)-(30) over all inner nodes at once.
- ours: value and gradient of Eq. (24), structure prepared beforehand.
- torch levels: the same batched by level under autograd, index_select and index_add for
  each level, structure prepared beforehand.
- torch nodes: one tree and one node at a time under autograd; timed on 20 of the trees
  and compared by time per node.

Then, from the files that say what they are: readers, in nodes a second for each type of
trees, and vectors of tokens (``bench_readers.py``); and an epoch of each composition
with labels and learned leaves, against torch (``bench_tree_labels.py``). What codes are
worth is measured by ``bench_tree_learning.py``.
"""

import argparse
import time
from statistics import median

import numpy as np
import torch
from bench_readers import leaf_vectors, reading_rates
from bench_tree_labels import HEADER, epochs, sentences
from data_sets import random_trees, syntax_trees
from side_by_side import at_threads, epoch_of, medians, print_table

from sk_autoenc import Forest, UnfoldingRAETransformer
from sk_autoenc.feeds import Batch
from sk_autoenc.networks.tree.levels import blocks
from sk_autoenc.networks.tree.network import Network
from sk_autoenc.networks.tree.parameters import (
    Architecture,
    Parameters,
    Sizes,
    initialise,
    parameter_shapes,
)
from sk_autoenc.parts.activations import ACTIVATIONS


class PreparedNetwork(Network):
    """A network for one forest, whose structure is prepared beforehand."""

    def __init__(self, forest, *arguments):
        super().__init__(*arguments)
        self._prepared = list(blocks(forest, self.n_components, self.dtype))

    def _blocks(self, forest):
        return self._prepared


ARCHITECTURE = Architecture(ACTIVATIONS["tanh"], ACTIVATIONS["identity"], "unfold_root")


def make_parameters(n_components):
    shapes = parameter_shapes(Sizes(n_components, n_components))
    parameters = Parameters.zeros(shapes, np.float32)
    initialise(parameters, ARCHITECTURE, "average", np.random.default_rng(0))
    return parameters


def bare(n_inner, n_components):
    """Return the six products."""
    rng = np.random.default_rng(0)
    sums = rng.standard_normal((n_inner, 2 * n_components)).astype(np.float32)
    codes = rng.standard_normal((n_inner, n_components)).astype(np.float32)
    encoder = rng.standard_normal((n_components, 2 * n_components)).astype(np.float32)
    decoder = rng.standard_normal((2 * n_components, n_components)).astype(np.float32)
    out_codes, out_sums = np.empty_like(codes), np.empty_like(sums)
    out_encoder, out_decoder = np.empty_like(encoder), np.empty_like(decoder)

    def products():
        np.dot(sums, encoder.T, out=out_codes)
        np.dot(codes, decoder.T, out=out_sums)
        np.dot(sums, decoder, out=out_codes)
        np.dot(codes, encoder, out=out_sums)
        np.dot(codes.T, sums, out=out_encoder)
        np.dot(sums.T, codes, out=out_decoder)

    return products


def ours(forest, parameters):
    n_components = parameters.n_components
    network = PreparedNetwork(
        forest, ARCHITECTURE, n_components, n_components, np.float32
    )
    batch = Batch(inputs=None, targets=forest)

    def value_and_gradient():
        total, gradient = network.gradient(parameters, batch, 1 / len(forest))
        return total / len(forest), gradient

    return value_and_gradient


def torch_tensors(parameters):
    return [
        torch.tensor(array, requires_grad=True)
        for array in (
            parameters.encoder,
            parameters.encoder_intercept,
            parameters.decoder,
            parameters.decoder_intercept,
        )
    ]


def by_level(forest, level):
    """Yield (nodes, children, index of each child's parent, alpha) of each level."""
    start = np.repeat(forest.tree_start[:-1], forest.n_nodes)
    parent = np.where(forest.parent < 0, -1, forest.parent + start)
    inner = forest.n_children > 0
    for value in range(level[inner].max() + 1):
        nodes = np.flatnonzero(inner & (level == value))
        if not len(nodes):
            continue
        index = np.full(len(parent), -1)
        index[nodes] = np.arange(len(nodes))
        children = np.flatnonzero((parent >= 0) & (index[parent] >= 0))
        n_siblings = forest.n_children[parent[children]]
        alpha = np.where(
            n_siblings == 1,
            0.5,
            forest.child_rank[children] / np.maximum(n_siblings - 1, 1),
        )
        yield tuple(
            torch.from_numpy(array)
            for array in (
                nodes,
                children,
                index[parent[children]],
                alpha.astype(np.float32)[:, None],
            )
        )


def torch_levels(forest, parameters):
    tensors = torch_tensors(parameters)
    encoder, encoder_bias, decoder, decoder_bias = tensors
    n_components = len(encoder_bias)
    up = list(by_level(forest, forest.height))
    down = list(by_level(forest, forest.depth))
    leaves = torch.from_numpy(forest.leaves)
    roots = torch.from_numpy(forest.tree_start[:-1].copy())
    vectors = torch.from_numpy(forest.leaf_vectors())
    linear = torch.nn.functional.linear

    def value_and_gradient():
        for tensor in tensors:
            tensor.grad = None
        codes = torch.zeros(len(forest.size), n_components)
        codes = codes.index_copy(0, leaves, vectors)
        for nodes, children, owner, alpha in up:
            below = codes.index_select(0, children)
            empty = torch.zeros(len(nodes), n_components)
            left = empty.index_add(0, owner, below * (1 - alpha))
            right = empty.index_add(0, owner, below * alpha)
            here = torch.tanh(
                linear(torch.cat([left, right], 1), encoder, encoder_bias)
            )
            codes = codes.index_copy(0, nodes, here)
        decoded = torch.zeros_like(codes)
        decoded = decoded.index_copy(0, roots, codes.index_select(0, roots))
        for nodes, children, owner, alpha in down:
            pair = linear(decoded.index_select(0, nodes), decoder)
            left, right = pair.index_select(0, owner).chunk(2, 1)
            below = (1 - alpha) * left + alpha * right + decoder_bias
            decoded = decoded.index_copy(0, children, below)
        errors = decoded.index_select(0, leaves) - vectors
        value = 0.5 * errors.square().sum() / len(forest)
        value.backward()
        return value.item(), tensors[0].grad

    return value_and_gradient


def torch_nodes(nested, parameters):
    tensors = torch_tensors(parameters)
    encoder, encoder_bias, decoder, decoder_bias = tensors
    n_components = len(encoder_bias)

    def to_torch(node):
        if isinstance(node, tuple):
            return tuple(map(to_torch, node))
        return torch.from_numpy(np.array(node))

    trees = [to_torch(one) for one in nested]

    def weights(node, matrices):
        left, right = matrices
        for rank in range(len(node)):
            alpha = 0.5 if len(node) == 1 else rank / (len(node) - 1)
            yield (1 - alpha) * left + alpha * right

    def encode(node):
        if not isinstance(node, tuple):
            return node
        total = encoder_bias
        for child, matrix in zip(
            node, weights(node, encoder.split(n_components, 1)), strict=True
        ):
            total = total + matrix @ encode(child)
        return torch.tanh(total)

    def error(node, code):
        if not isinstance(node, tuple):
            return 0.5 * (code - node).square().sum()
        return sum(
            error(child, matrix @ code + decoder_bias)
            for child, matrix in zip(
                node, weights(node, decoder.split(n_components)), strict=True
            )
        )

    def value_and_gradient():
        for tensor in tensors:
            tensor.grad = None
        value = sum(error(one, encode(one)) for one in trees) / len(trees)
        value.backward()
        return value.item(), tensors[0].grad

    return value_and_gradient


def agree(ours, theirs):
    """Check that two sides do the same work: values and encoder gradients are close."""
    (value, gradient), (their_value, their_gradient) = ours, theirs
    np.testing.assert_allclose(value, their_value, rtol=1e-3)
    scale = np.abs(gradient.encoder).max()
    np.testing.assert_allclose(
        gradient.encoder / scale, their_gradient.numpy() / scale, atol=1e-3
    )


def value_and_gradients(shapes):
    for name, n_components, trees in shapes:
        forest = Forest.from_nested(trees)
        parameters = make_parameters(n_components)
        functions = {
            "bare": bare(int((forest.n_children > 0).sum()), n_components),
            "ours": ours(forest, parameters),
            "levels": torch_levels(forest, parameters),
        }
        few = forest[:20]
        nodes = torch_nodes(trees[:20], parameters)
        agree(functions["ours"](), functions["levels"]())
        agree(ours(few, parameters)(), nodes())
        for n_threads in (1, 2):
            with at_threads(n_threads):
                seconds = medians(functions)
                by_node = medians({"nodes": nodes}, n_rounds=3)["nodes"]
            per_node = seconds["ours"] / forest.n_nodes.sum()
            yield (
                name,
                n_threads,
                f"{1e3 * seconds['ours']:.2f}",
                f"{seconds['ours'] / seconds['bare']:.2f}",
                f"{seconds['levels'] / seconds['ours']:.1f}",
                f"{by_node / few.n_nodes.sum() / per_node:.0f}",
            )


def fit_epochs(n_trees):
    """Compare an epoch inside `fit`, at batch 64, with its calls alone."""
    forest = Forest.from_nested(random_trees(n_trees, 100))
    estimator = UnfoldingRAETransformer(batch_size=64, random_state=0)
    rows = np.arange(len(forest))
    own_parameters = make_parameters(100)
    batches = [
        ours(forest.select(rows[start : start + 64]), own_parameters)
        for start in range(0, len(rows), 64)
    ]
    functions = {
        "epoch": epoch_of(estimator, forest),
        "calls": lambda: [call() for call in batches],
    }
    for n_threads in (1, 2):
        with at_threads(n_threads):
            seconds = medians(functions)
        yield n_threads, f"{seconds['epoch'] / seconds['calls']:.2f}"


def rates(n_trees):
    """Nodes per second of reading nested tuples, choosing batches and encoding."""
    trees = random_trees(n_trees, 50)
    distinct = [copy_leaves(one) for one in trees]
    forest = Forest.from_nested(trees)
    n_nodes = forest.n_nodes.sum()
    model = UnfoldingRAETransformer(max_iter=1, random_state=0).partial_fit(forest)
    order = np.random.default_rng(0).permutation(len(forest))
    functions = {
        "flatten, 2000 distinct leaves": lambda: Forest.from_nested(trees),
        "flatten, all leaves distinct": lambda: Forest.from_nested(distinct),
        "back to nested tuples": forest.to_nested,
        "select in a random order": lambda: forest.select(order),
        "transform, D = 50": lambda: model.transform(forest),
    }
    for name, seconds in medians(functions).items():
        yield name, f"{n_nodes / seconds / 1e6:.2f}"


def copy_leaves(node):
    return tuple(map(copy_leaves, node)) if isinstance(node, tuple) else node.copy()


def scaling(sizes):
    """Time per node of value and gradient as forests grow, bushy and deep."""
    rng = np.random.default_rng(0)
    leaves = list(rng.standard_normal((100, 50)).astype(np.float32))
    parameters = make_parameters(50)
    for n_nodes in sizes:
        bushy = Forest.from_nested(random_trees(max(1, n_nodes // 31), 50))
        chain = leaves[0]
        for i in range(min(n_nodes, 200_000) // 2):
            chain = (chain, leaves[i % 100])
        deep = Forest.from_nested([chain])
        row = [n_nodes]
        for forest in (bushy, deep):
            function = ours(forest, parameters)
            with np.errstate(over="ignore"):
                function()
                times = []
                for _ in range(3):
                    began = time.perf_counter()
                    function()
                    times.append(time.perf_counter() - began)
            row += [f"{1e6 * median(times) / forest.n_nodes.sum():.2f}"]
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="an eighth of the trees")
    quick = parser.parse_args().quick
    many = 500 if quick else 4000
    shapes = [
        ("random, D = 50, 32 trees", 50, random_trees(32, 50)),
        (f"random, D = 50, {many} trees", 50, random_trees(many, 50)),
        ("random, D = 100, 64 trees", 100, random_trees(64, 100)),
        ("random, D = 100, 256 trees", 100, random_trees(256, 100)),
        (f"random, D = 100, {many} trees", 100, random_trees(many, 100)),
        (f"syntax, D = 50, {many // 4} trees", 50, syntax_trees(50, many // 4)),
    ]
    print(f"numpy {np.__version__}, torch {torch.__version__}\n")
    header = "trees|threads|ours, ms|ours/bare|torch levels/ours|torch nodes/ours"
    print_table(header.split("|"), value_and_gradients(shapes))
    print_table(["threads", "epoch of fit / its calls"], fit_epochs(many))
    print_table(["work", "million nodes a second"], rates(many))
    header = ["reading trees of", "million nodes a second"]
    print_table(header, reading_rates(many // 8))
    header = "vectors|table|fit_transform, s|transform, s|forest, MB|peak, MB"
    print_table(header.split("|"), leaf_vectors(250 * many))
    labelled = sentences(2 * many, 18_000, np.random.default_rng(0))
    print_table(HEADER, epochs(*labelled))
    sizes = [10**3, 10**4, 10**5] + ([] if quick else [10**6])
    header = ["nodes", "random trees, µs a node", "one chain (<= 200 000), µs a node"]
    print_table(header, scaling(sizes))


if __name__ == "__main__":
    main()
