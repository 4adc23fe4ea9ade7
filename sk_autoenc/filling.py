"""What fills the holes of an encoded table: networks, a Gaussian, and their weights.

    filled = w_1 * Gaussian + w_2 * mean of the networks                         (62)

in standardised numbers, where 0 is the mean of a column; w >= 0 is the least squares
fit on entries that were hidden in held-out rows. Levels of categories are the networks'
alone.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import scipy.optimize

from sk_autoenc import gaussian
from sk_autoenc.base import generator
from sk_autoenc.networks import layered
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import mixed_columns
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.parts.solvers import Adam
from sk_autoenc.table_feeds import Bins, HidingFeed, cut_into_bins
from sk_autoenc.threads import blas_threads
from sk_autoenc.training import Plan, minimise

N_RATES = 50
"""Epochs, at least, in which the rate falls to 0: an epoch of many rows is cut."""
LARGEST_BATCH = 128
"""Of ``batch_size="auto"``."""
N_MASKS = 3
"""Times that each held-out row is judged, with other entries hidden."""
LEAST_HIDDEN = 0.1
"""Share of entries that is hidden to judge, if the table has fewer holes."""
WIDEST_INPUT = 2048
"""Bins are made fewer when there are more of them."""
WIDEST_GAUSSIAN = 100
"""Encoded columns up to which categories, too, help the Gaussian."""
PRIOR_ENTRIES = 10
"""Entries that speak for equal weights of Gaussian and networks."""
N_RESIDUALS = 1000
"""Kept of each column, at most."""
TRAINING, VALIDATION, JUDGING, POSTERIOR = range(2**32 - 13, 2**32 - 9)
"""Streams of random numbers."""


@kept_plain
class Layout(NamedTuple):
    """How a network sees encoded rows, and what it computes."""

    column_of: np.ndarray
    """int, (n_values,): the entry, a column of the table, of each encoded column."""
    n_numbers: int
    """The first so many encoded columns are numbers."""
    bins: Bins
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    n_levels: list[int]
    """Of each category."""

    @property
    def architecture(self):
        """Say what a network computes."""
        n_values = len(self.column_of)
        n_inputs = HidingFeed.n_inputs(n_values, self.n_entries, self.bins)
        return layered.Architecture(
            (n_inputs, *self.hidden_layer_sizes, n_values),
            ACTIVATIONS[self.activation],
            ACTIVATIONS["identity"],
            mixed_columns(self.n_numbers, self.n_levels),
            shortcut=True,
        )

    @property
    def n_entries(self):
        """Columns of the table."""
        return int(self.column_of[-1]) + 1

    def feed(self, values, observed, network=None, **hiding):
        """Make a feed of encoded rows."""
        network = network or self.network()
        return HidingFeed(
            values, observed, self.column_of, self.bins, network, **hiding
        )

    def network(self):
        """Make a network, which has memory of its own."""
        return layered.Network(self.architecture, np.float32)


@kept_plain
class Filler(NamedTuple):
    """All that was learned."""

    layout: Layout
    members: list[np.ndarray]
    """The parameters of each network, flat."""
    gaussian: gaussian.Gaussian | None
    """Of the first encoded columns: all of them, or the numbers."""
    blend: np.ndarray
    """w in Eq. (62), (2,)."""
    residuals: list[np.ndarray]
    """Errors of held-out entries, of each number, standardised."""
    loss_curves: list[list[float]]

    def expected(self, values, observed):
        """Return expected numbers and probabilities of levels, of every entry.

        Parameters
        ----------
        values : float32 array of shape (n_rows, n_values)
        observed : ndarray of bool, of shape (n_rows, n_entries)

        Returns
        -------
        filled : float32 array of shape (n_rows, n_values)
        """
        filled = np.zeros_like(values)
        for flat in self.members:
            filled += predict(self.layout, flat, values, observed)
        filled /= len(self.members)
        n = self.layout.n_numbers
        by_gaussian, by_networks = self.blend
        filled[:, :n] *= by_networks
        if by_gaussian and n:
            linear = guess(self.layout, self.gaussian, values, observed)
            filled[:, :n] += by_gaussian * linear[:, :n]
        return filled

    def draw(self, filled, rng):
        """Draw numbers and levels from what `expected` returned."""
        drawn = filled.copy()
        n = self.layout.n_numbers
        for entry, residuals in enumerate(self.residuals):
            # Few errors stand for all that there may be: smoothed, by the usual width.
            width = 0.9 * residuals.std() * len(residuals) ** -0.2
            drawn[:, entry] += rng.choice(residuals, len(filled))
            drawn[:, entry] += width * rng.standard_normal(len(filled))
        for entry in range(n, self.layout.n_entries):
            block = np.flatnonzero(self.layout.column_of == entry)
            # The largest of log p plus Gumbel noise is a draw by p.
            noise = rng.gumbel(size=(len(filled), len(block)))
            with np.errstate(divide="ignore"):
                drawn[:, block] = np.log(filled[:, block]) + noise
        return drawn


def learn(settings, column_of, n_levels, values, observed, entropy):
    """Learn to fill.

    Parameters
    ----------
    settings : SimpleNamespace
        The imputer's parameters, checked.
    column_of : ndarray of int, of shape (n_values,)
    n_levels : list of int
        Of each category; its columns come after the numbers.
    values : float32 array of shape (n_rows, n_values)
    observed : ndarray of bool, of shape (n_rows, n_entries)
    entropy : list of int
        Of all random numbers.

    Returns
    -------
    filler : Filler
    """
    n_rows = len(values)
    layout = make_layout(settings, column_of, n_levels, values, observed)
    order = generator(entropy, VALIDATION).permutation(n_rows)
    n_held_out = int(np.ceil(settings.validation_fraction * n_rows))
    # A row may be held out from several networks, but never be all that there is.
    held_out = [
        np.sort(np.roll(order, -k * n_held_out)[: min(n_held_out, n_rows - 1)])
        for k in range(settings.n_estimators)
    ]
    members, loss_curves = [], []
    for k, rows in enumerate(held_out):
        rng = generator(entropy, TRAINING - 16 - k)
        flat, result = train(settings, layout, values, observed, rows, rng)
        members.append(flat)
        loss_curves.append(result.loss_curve)
    filler = Filler(layout, members, None, np.zeros(2), [], loss_curves)
    rng = generator(entropy, JUDGING)
    return judge_and_blend(filler, values, observed, held_out, rng)


def make_layout(settings, column_of, n_levels, values, observed):
    """Say what the networks are to look like."""
    n_numbers = len(column_of) - sum(n_levels)
    n_bins = min(settings.n_bins, WIDEST_INPUT // max(n_numbers, 1))
    bins = cut_into_bins(values[:, :n_numbers], observed[:, :n_numbers], n_bins)
    hidden = tuple(settings.hidden_layer_sizes)
    return Layout(column_of, n_numbers, bins, hidden, settings.activation, n_levels)


def train(settings, layout, values, observed, held_out, rng):
    """Train one network on all rows but those held out.

    Returns
    -------
    flat : ndarray
        Its parameters.
    result : TrainingResult
    """
    network = layout.network()
    parameters = layered.allocate_parameters(layout.architecture, np.float32)
    layered.initialise(parameters, layout.architecture, rng)
    hiding = {"hidden_fraction": settings.hidden_fraction, "network": network}
    objective = Objective(network, layout.feed(values, observed, rng=rng, **hiding))
    rows = np.setdiff1d(np.arange(len(values)), held_out)
    if not len(rows):
        rows = held_out
    batch_size = settings.batch_size
    if batch_size == "auto":
        batch_size = min(max(len(rows) // 20, 16), LARGEST_BATCH)
    batch_size = min(batch_size, len(rows))
    rows_per_epoch = batch_size * -(-settings.max_steps // N_RATES)
    n_steps = -(-min(rows_per_epoch, len(rows)) // batch_size)
    seed = rng.integers(2**63)

    def held_out_loss():
        fixed = objective.corrupting(np.random.default_rng(seed))
        return float(fixed.losses(parameters, held_out).mean(dtype=np.float64))

    plan = Plan(
        batch_size=batch_size,
        max_iter=-(-settings.max_steps // n_steps),
        shuffle=True,
        tol=0.0,
        n_iter_no_change=1,
        verbose=settings.verbose > 1,
        rng=rng,
        rows_per_epoch=rows_per_epoch,
        validate=held_out_loss if settings.early_stopping else None,
    )
    solver = Adam(parameters.flat, adam_settings(settings), settings.weight_decay)
    # One thread: a step is small, and two gain little where they do not lose much.
    with blas_threads(0):
        result = minimise(objective, parameters, rows, solver, plan)
    return parameters.flat, result


def adam_settings(settings):
    """Complete the settings of the solver."""
    return SimpleNamespace(
        learning_rate_init=settings.learning_rate_init,
        learning_rate="cosine",
        power_t=0.5,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
    )


def predict(layout, flat, values, observed):
    """Return numbers and probabilities of levels as one network sees them."""
    network = layout.network()
    empty = layered.allocate_parameters(layout.architecture, np.float32)
    parameters = empty.like(flat)
    feed = layout.feed(values, observed, network)
    filled = np.empty_like(values)
    with blas_threads(network.flops(len(values))):
        for rows in feed.blocks():
            output = network.output(parameters, feed(rows).inputs)
            filled[rows] = layout.architecture.loss.output(output)
    return filled


def guess(layout, model, values, observed):
    """Return the Gaussian's guess of the encoded columns that it is about."""
    width = len(model.mean)
    visible = observed[:, layout.column_of[:width]]
    filled, _ = gaussian.fill(model, values[:, :width], visible)
    return filled.astype(np.float32)


def judge_and_blend(filler, values, observed, held_out, rng):
    """Learn the Gaussian and, from held-out rows, the weights of Eq. (62)."""
    layout = filler.layout
    n = layout.n_numbers
    width = n_gaussian_columns(layout)
    visible = observed[:, layout.column_of[:width]]
    # The Gaussian that is judged must have enough rows that are held out by nobody.
    held_out = held_out[: max(1, int(len(values) / 2 / len(held_out[0])))]
    some = np.unique(np.concatenate(held_out))
    others = np.setdiff1d(np.arange(len(values)), some)
    judged = None
    if len(others) > 1 and width:
        judged = gaussian.learn(values[others, :width], visible[others], rng)
    entries = [
        judge(filler, k, judged, values[rows], observed[rows], rng)
        for k, rows in enumerate(held_out)
        for _ in range(N_MASKS)
    ]
    entry, linear, network, truth = map(np.concatenate, zip(*entries, strict=True))
    blend = least_squares(linear if judged else None, network, truth)
    final = None
    if blend[0]:
        final = gaussian.learn(values[:, :width], visible, rng, judged) or judged
    error = truth - blend[0] * linear - blend[1] * network
    residuals = [some_of(error[entry == k], error, rng) for k in range(n)]
    return filler._replace(gaussian=final, blend=blend, residuals=residuals)


def n_gaussian_columns(layout):
    """Return how many encoded columns the Gaussian is about: all, or the numbers."""
    n_values = len(layout.column_of)
    return n_values if n_values <= WIDEST_GAUSSIAN else layout.n_numbers


def judge(filler, k, model, values, observed, rng):
    """Hide numbers of rows that network k has not seen, and have them guessed.

    Returns
    -------
    entry, linear, network, truth : ndarray of shape (n_hidden,)
    """
    layout = filler.layout
    n = layout.n_numbers
    share = max(1 - observed.mean(), LEAST_HIDDEN)
    visible, hidden = hide(observed, share, rng)
    by_network = predict(layout, filler.members[k], values, visible)[:, :n]
    linear = np.zeros_like(by_network)
    if model is not None:
        linear = guess(layout, model, values, visible)[:, :n]
    places = hidden[:, :n]
    _, entry = np.nonzero(places)
    return entry, linear[places], by_network[places], values[:, :n][places]


def least_squares(linear, network, truth):
    """Return the weights w >= 0 of Eq. (62), drawn a little towards equal ones."""
    guesses = [np.zeros_like(network) if linear is None else linear, network]
    equal = np.array([0.0, 1.0] if linear is None else [0.5, 0.5])
    matrix = np.stack(guesses, axis=1)
    # Entries of a usual size, so that on guesses of nearly nothing they decide nothing.
    usual = np.sqrt(PRIOR_ENTRIES * np.square(matrix).mean(axis=0)) if len(truth) else 1
    matrix = np.vstack([matrix, usual * np.eye(2)])
    target = np.concatenate([truth, usual * equal])
    return scipy.optimize.nnls(matrix.astype(float), target.astype(float))[0]


def some_of(errors, all_errors, rng):
    """Return errors to draw from: a column's own, or all if it has very few.

    Few errors understate what there may be: they grow by sqrt(1 + 1 / n), as a
    prediction from n does.
    """
    pool = errors if len(errors) >= 20 else all_errors
    if not len(pool):
        return np.zeros(1, np.float32)
    wider = np.sqrt(1 + N_MASKS / len(pool))  # a row is judged so many times
    return rng.permutation(pool)[:N_RESIDUALS] * np.float32(wider)


def hide(observed, share, rng):
    """Choose observed entries to hide: the visible ones, and the hidden."""
    hidden = observed & (rng.random(observed.shape) < share)
    return observed & ~hidden, hidden
