"""One epoch of three layers against bare products and torch.

    python benchmarks/bench_layers.py [--quick]

Prints Markdown tables of ratios of medians; all sides alternate in one process, at 1
and at 2 threads. Everything is float32, relu and plain SGD, with shuffled batches and
the loss of each epoch.

- The classifier has three hidden layers, softmax, dropout 0.2 of the inputs and 0.5 of
  the codes; the autoencoder has its three layers and their mirror images, masking 0.3
  and the cross-entropy.
- bare: the matrix products of a step, same shapes, nothing else.
- ours: an epoch inside `fit`.
- torch A: autograd and torch.optim.SGD, as a user writes it.
- torch B: without autograd, updates in place.
"""

import argparse
import warnings
from itertools import pairwise

import numpy as np
import torch
from side_by_side import at_threads, epoch_of_problem, medians, print_table

from sk_autoenc import (
    DenoisingAutoencoder,
    StackedDenoisingAutoencoder,
    StackedDenoisingClassifier,
)

SIZES = [(784, 1000, 1000, 1000), (784, 500, 250, 100), (64, 100, 50, 20)]
BATCHES = (20, 128)
N_CLASSES = 10
RATE, LEVEL, INPUT_DROPOUT, DROPOUT = 0.01, 0.3, 0.2, 0.5
functional = torch.nn.functional


class Work:
    """A network to train: what all sides have in common."""

    def __init__(self, sizes, is_classifier, batch_size, n_rows):
        rng = np.random.default_rng(0)
        self.X = rng.random((n_rows, sizes[0]), np.float32)
        self.y = rng.integers(N_CLASSES, size=n_rows)
        self.is_classifier = is_classifier
        self.batch_size = batch_size
        self.hidden = sizes[1:]
        ends = (N_CLASSES,) if is_classifier else sizes[-2::-1]
        self.sizes = (*sizes, *ends)
        self.n_steps = -(-n_rows // batch_size)

    @property
    def name(self):
        """Kind, sizes and batch."""
        kind = "classifier" if self.is_classifier else "autoencoder"
        sizes = "→".join(map(str, (self.X.shape[1], *self.hidden)))
        return f"{kind} {sizes}, {self.batch_size}"

    def bare(self):
        """Return an epoch of the products of Eqs. (50) to (52)."""
        n_rows = self.batch_size
        arrays = [np.full((n_rows, size), 0.1, np.float32) for size in self.sizes]
        weights = [
            np.full((n_outputs, n_inputs), 0.01, np.float32)
            for n_inputs, n_outputs in pairwise(self.sizes)
        ]
        gradients = [np.empty_like(each) for each in weights]
        layers = list(zip(weights, gradients, pairwise(arrays), strict=True))

        def epoch():
            for _ in range(self.n_steps):
                for each, _, (below, above) in layers:
                    np.dot(below, each.T, out=above)
                for k, (each, gradient, (below, above)) in enumerate(layers):
                    np.dot(above.T, below, out=gradient)
                    if k:
                        np.dot(above, each, out=below)

        return epoch

    def ours(self):
        """Return what `fit` repeats, on data that `fit` has validated."""
        settings = {
            "solver": "sgd",
            "momentum": 0,
            "batch_size": self.batch_size,
            "learning_rate_init": RATE,
        }
        if self.is_classifier:
            model = StackedDenoisingClassifier(
                self.hidden,
                pretrain=False,
                dropout=DROPOUT,
                input_dropout=INPUT_DROPOUT,
                random_state=0,
                **settings,
            )
        else:
            template = DenoisingAutoencoder(corruption_level=LEVEL, **settings)
            model = StackedDenoisingAutoencoder(
                self.hidden, autoencoder=template, random_state=0
            )
        return epoch_of_problem(model._problem(self.X, self.y, reset=True))

    def torch_parameters(self):
        """Return weights and biases of each layer."""
        generator = torch.Generator().manual_seed(0)
        weights = [
            (2 * torch.rand(n_outputs, n_inputs, generator=generator) - 1)
            * (12 / (n_inputs + n_outputs)) ** 0.5
            for n_inputs, n_outputs in pairwise(self.sizes)
        ]
        return weights, [torch.zeros(size) for size in self.sizes[1:]]

    def batches(self, X, y):
        """Yield the batches of an epoch."""
        for rows in torch.randperm(len(X)).split(self.batch_size):
            yield X[rows], y[rows]

    def corrupted(self, clean):
        """Return rows as they go in: without what is masked or dropped."""
        level = INPUT_DROPOUT if self.is_classifier else LEVEL
        kept = (torch.rand_like(clean) >= level).float()
        return clean * kept / (1 - level if self.is_classifier else 1)

    def loss(self, output, clean, labels):
        """Return the sum over a batch."""
        if self.is_classifier:
            return functional.cross_entropy(output, labels, reduction="sum")
        return functional.binary_cross_entropy_with_logits(
            output, clean, reduction="sum"
        )

    def torch_autograd(self):
        """Return an epoch as a user writes it."""
        X, y = torch.from_numpy(self.X), torch.from_numpy(self.y)
        weights, biases = self.torch_parameters()
        parameters = [p.requires_grad_() for p in (*weights, *biases)]
        optimizer = torch.optim.SGD(parameters, lr=RATE)
        last = len(weights) - 1

        def epoch():
            total = 0.0
            for clean, labels in self.batches(X, y):
                codes = self.corrupted(clean)
                for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                    codes = functional.linear(codes, weight, bias)
                    if k < last:
                        codes = codes.relu()
                        if self.is_classifier:
                            codes = functional.dropout(codes, DROPOUT)
                loss = self.loss(codes, clean, labels) / len(clean)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(clean)
            return total / len(X)

        return epoch

    def torch_by_hand(self):
        """Return an epoch without autograd."""
        X, y = torch.from_numpy(self.X), torch.from_numpy(self.y)
        one_hot = functional.one_hot(y, N_CLASSES).float()
        weights, biases = self.torch_parameters()
        last = len(weights) - 1

        @torch.no_grad()
        def epoch():
            total = 0.0
            for rows in torch.randperm(len(X)).split(self.batch_size):
                clean, step = X[rows], -RATE / len(rows)
                reads, kept = [self.corrupted(clean)], []
                for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
                    codes = torch.addmm(bias, reads[-1], weight.t())
                    if k < last:
                        codes.relu_()
                        if self.is_classifier:
                            factors = torch.empty_like(codes).bernoulli_(1 - DROPOUT)
                            kept.append(factors.div_(1 - DROPOUT))
                            codes.mul_(factors)
                    reads.append(codes)
                output = reads.pop()
                total += self.loss(output, clean, y[rows]).item()
                if self.is_classifier:
                    delta = output.softmax(1).sub_(one_hot[rows])
                else:
                    delta = output.sigmoid_().sub_(clean)
                for k in range(last, -1, -1):
                    if k:
                        below = delta.mm(weights[k]).mul_(reads[k] > 0)
                        if self.is_classifier:
                            below.mul_(kept[k - 1])
                    weights[k].addmm_(delta.t(), reads[k], alpha=step)
                    biases[k].add_(delta.sum(0), alpha=step)
                    if k:
                        delta = below
            return total / len(X)

        return epoch


def epochs(n_rows):
    for sizes in SIZES:
        for is_classifier in (True, False):
            for batch_size in BATCHES:
                work = Work(sizes, is_classifier, batch_size, n_rows)
                functions = {
                    "bare": work.bare(),
                    "ours": work.ours(),
                    "A": work.torch_autograd(),
                    "B": work.torch_by_hand(),
                }
                for n_threads in (1, 2):
                    with at_threads(n_threads):
                        seconds = medians(functions)
                    yield (
                        work.name,
                        n_threads,
                        f"{1e6 * seconds['ours'] / work.n_steps:.0f}",
                        f"{seconds['ours'] / seconds['bare']:.2f}",
                        f"{seconds['A'] / seconds['ours']:.2f}",
                        f"{seconds['B'] / seconds['ours']:.2f}",
                    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the rows")
    n_rows = 1280 if parser.parse_args().quick else 5120
    warnings.simplefilter("ignore")  # one epoch does not converge
    print(f"numpy {np.__version__}, torch {torch.__version__}\n")
    header = "network, batch|threads|ours, µs a step|ours/bare|A/ours|B/ours"
    print_table(header.split("|"), epochs(n_rows))


if __name__ == "__main__":
    main()
