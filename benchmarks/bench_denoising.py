"""One epoch of the denoising autoencoder against bare products, torch and scikit-learn.

    make bench

or ``python benchmarks/bench_denoising.py [--quick]``. Prints Markdown tables of ratios
of medians; all sides alternate in one process, at 1 and at 2 threads. The work is that
of ``DenoisingAutoencoder(solver="sgd", momentum=0)`` in float32: logistic units,
cross-entropy, masking 0.3, tied weights, shuffled batches, the loss of each epoch.

- bare: the four matrix products of a step, same shapes, nothing else.
- ours: an epoch inside `fit`.
- torch A: autograd and torch.optim.SGD, as a user writes it.
- torch B: without autograd, updates in place.
- MLP: MLPRegressor.partial_fit from corrupted to clean rows, against our partial_fit
  with the same work: weights not tied, squared error.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from statistics import median

import numpy as np
import torch
from side_by_side import at_threads, epoch_of, medians, print_table
from sklearn.neural_network import MLPRegressor

from sk_autoenc import DenoisingAutoencoder

SHAPES = [
    # n_features, n_components, batch_size, n_rows
    (784, 500, 20, 6_000),
    (784, 500, 128, 12_800),
    (784, 1000, 1024, 10_240),
    (64, 32, 10, 20_000),
]
RATE, LEVEL = 0.1, 0.3


def bare_epoch(X, n_components, batch_size):
    """Return the products of Eqs. (4), (5), (11) and, stacked, (12)."""
    n_features = X.shape[1]
    weights = np.full((n_components, n_features), 0.01, X.dtype)
    hidden = np.empty((batch_size, n_components), X.dtype)
    visible = np.empty((batch_size, n_features), X.dtype)
    hidden_stack = np.full((2 * batch_size, n_components), 0.1, X.dtype)
    visible_stack = np.full((2 * batch_size, n_features), 0.1, X.dtype)
    gradient = np.empty_like(weights)
    batch = np.ascontiguousarray(X[:batch_size])

    def epoch():
        for _ in range(-(-len(X) // batch_size)):
            np.dot(batch, weights.T, out=hidden)
            np.dot(hidden, weights, out=visible)
            np.dot(visible, weights.T, out=hidden)
            np.dot(hidden_stack.T, visible_stack, out=gradient)

    return epoch


def our_epoch(X, n_components, batch_size):
    """Return what `fit` repeats, on data that `fit` has validated."""
    estimator = DenoisingAutoencoder(
        n_components,
        solver="sgd",
        momentum=0,
        batch_size=batch_size,
        learning_rate_init=RATE,
        corruption_level=LEVEL,
        activation="logistic",
        random_state=0,
    )
    return epoch_of(estimator, X)


def torch_parameters(X, n_components):
    n_features = X.shape[1]
    bound = 4 * (6 / (n_features + n_components)) ** 0.5
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(n_components, n_features, generator=generator)
    return (
        (2 * weights - 1) * bound,
        torch.zeros(n_components),
        torch.zeros(n_features),
    )


def torch_epoch_autograd(X, n_components, batch_size):
    X = torch.from_numpy(X)
    weights, hidden_bias, visible_bias = (
        p.requires_grad_() for p in torch_parameters(X, n_components)
    )
    optimizer = torch.optim.SGD([weights, hidden_bias, visible_bias], lr=RATE)
    functional = torch.nn.functional

    def epoch():
        total = 0.0
        for rows in torch.randperm(len(X)).split(batch_size):
            clean = X[rows]
            corrupted = clean * (torch.rand_like(clean) >= LEVEL)
            codes = torch.sigmoid(functional.linear(corrupted, weights, hidden_bias))
            logits = functional.linear(codes, weights.t(), visible_bias)
            loss = functional.binary_cross_entropy_with_logits(
                logits, clean, reduction="sum"
            ) / len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        return total / len(X)

    return epoch


def torch_epoch_by_hand(X, n_components, batch_size):
    X = torch.from_numpy(X)
    weights, hidden_bias, visible_bias = torch_parameters(X, n_components)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits

    @torch.no_grad()
    def epoch():
        total = 0.0
        for rows in torch.randperm(len(X)).split(batch_size):
            step = -RATE / len(rows)
            clean = X[rows]
            corrupted = clean * (torch.rand_like(clean) >= LEVEL)
            codes = torch.addmm(hidden_bias, corrupted, weights.t()).sigmoid_()
            logits = torch.addmm(visible_bias, codes, weights)
            total += cross_entropy(logits, clean, reduction="sum").item()
            delta_visible = logits.sigmoid_().sub_(clean)
            delta_hidden = delta_visible.mm(weights.t()).mul_(codes).mul_(1 - codes)
            weights.addmm_(delta_hidden.t(), corrupted, alpha=step)
            weights.addmm_(codes.t(), delta_visible, alpha=step)
            hidden_bias.add_(delta_hidden.sum(0), alpha=step)
            visible_bias.add_(delta_visible.sum(0), alpha=step)
        return total / len(X)

    return epoch


def partial_fits(X, n_components, batch_size):
    """Ours and MLPRegressor's partial_fit: untied, squared error, plain SGD."""
    rate = 1e-4
    ours = DenoisingAutoencoder(
        n_components,
        activation="logistic",
        loss="squared_error",
        tied_weights=False,
        solver="sgd",
        momentum=0,
        batch_size=batch_size,
        learning_rate_init=rate,
        random_state=0,
    )
    mlp = MLPRegressor(
        hidden_layer_sizes=n_components,
        activation="logistic",
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=batch_size,
        learning_rate_init=rate,
        random_state=0,
    )
    keep = np.random.default_rng(0).random(X.shape, np.float32) >= LEVEL
    corrupted = X * keep
    return (lambda: ours.partial_fit(X)), (lambda: mlp.partial_fit(corrupted, X))


def epochs(n_rows_divisor):
    for n_features, n_components, batch_size, n_rows in SHAPES:
        n_rows //= n_rows_divisor
        X = np.random.default_rng(0).random((n_rows, n_features), np.float32)
        ours_untied, mlp = partial_fits(X, n_components, batch_size)
        functions = {
            "bare": bare_epoch(X, n_components, batch_size),
            "ours": our_epoch(X, n_components, batch_size),
            "A": torch_epoch_autograd(X, n_components, batch_size),
            "B": torch_epoch_by_hand(X, n_components, batch_size),
            "ours untied": ours_untied,
            "MLP": mlp,
        }
        for n_threads in (1, 2):
            with at_threads(n_threads):
                seconds = medians(functions)
            n_steps = -(-n_rows // batch_size)
            yield (
                f"{n_features}→{n_components}, {batch_size}",
                n_threads,
                f"{1e6 * seconds['ours'] / n_steps:.0f}",
                f"{seconds['ours'] / seconds['bare']:.2f}",
                f"{seconds['A'] / seconds['ours']:.2f}",
                f"{seconds['B'] / seconds['ours']:.2f}",
                f"{seconds['MLP'] / seconds['ours untied']:.2f}",
            )


def transforms():
    X = np.random.default_rng(0).random((20_000, 784), np.float32)
    autoencoder = DenoisingAutoencoder(500, max_iter=1, random_state=0).partial_fit(X)
    weights = autoencoder.components_
    codes = np.empty((len(X), 500), np.float32)
    functions = {
        "bare": lambda: np.dot(X, weights.T, out=codes),
        "ours": lambda: autoencoder.transform(X),
    }
    for n_threads in (1, 2):
        with at_threads(n_threads):
            seconds = medians(functions)
        yield n_threads, f"{seconds['bare'] / seconds['ours']:.2f}"


def peak_memory(code):
    """Peak resident memory, in MB, of a process that runs `code` (Linux)."""
    # Not getrusage: a child's ru_maxrss starts at its parent's.
    code += "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    command = [sys.executable, "-W", "ignore", "-c", code]
    return int(subprocess.check_output(command)) // 1024


def memory():
    prepare = (
        "import numpy as np, sk_autoenc\n"
        "X = np.random.default_rng(0).random((60_000, 784), np.float32)\n"
        "{}np.ones((500, 784), np.float32).dot(np.ones((784, 500), np.float32))\n"
    )
    fit = "sk_autoenc.DenoisingAutoencoder(500, max_iter=2, random_state=0).fit(X)\n"
    return peak_memory(prepare.format(fit)) - peak_memory(prepare.format(""))


def import_milliseconds(before=""):
    """Median time that importing the package adds to scikit-learn's base.

    The package is compiled to bytecode beforehand, as an installation does.
    """
    code = (
        f"{before}import time, sklearn.base; began = time.perf_counter(); "
        "import sk_autoenc; print(time.perf_counter() - began)"
    )
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        runs = [
            float(subprocess.check_output(command, env=environment)) for _ in range(10)
        ]
    return f"{1000 * median(runs[1:]):.0f} ms"  # the first run compiles


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")  # one epoch does not converge
    print(f"numpy {np.__version__}, torch {torch.__version__}\n")
    header = "shape, batch|threads|ours, µs a step|ours/bare|A/ours|B/ours|MLP/ours"
    print_table(header.split("|"), epochs(10 if quick else 1))
    print_table(["threads", "transform: bare/ours"], transforms())
    print(f"Memory that fitting 60 000 x 784 float32 adds: {memory()} MB")
    # scikit-learn's callbacks import rich where it is installed.
    no_rich = "import sys; sys.modules['rich.progress'] = None; "
    print(f"Time that importing adds: {import_milliseconds(no_rich)}")
    print(f"The same where rich is installed: {import_milliseconds()}")


if __name__ == "__main__":
    main()
