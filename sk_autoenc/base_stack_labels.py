"""What the stacks with labels share: validate -> pretrain -> train -> attributes."""

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from sk_autoenc._typing import FloatArray, IntArray, MatrixLike
from sk_autoenc.base import Problem
from sk_autoenc.base_stack import BaseStack, mirrored
from sk_autoenc.feeds import LabelledRowFeed, RowFeed
from sk_autoenc.label_validation import warn_of_few_held_out
from sk_autoenc.networks import layered
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import make_loss
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.row_autoencoder import (
    check_denoising,
    check_rows,
    corruption_of,
    in_blocks,
    range_and_loss,
    row_feed,
)
from sk_autoenc.row_facts import RowFacts
from sk_autoenc.row_validation import (
    LABELLED_STACK_CONSTRAINTS,
    check_same_reconstruction_every_time,
)
from sk_autoenc.threads import blas_threads
from sk_autoenc.validation import (
    check_same_dropout_every_time,
    check_settings,
    features_of,
    trained_on,
)

LARGEST_USUAL_BATCH = 100
USUAL_EPOCHS, LEAST_USUAL_STEPS = 60, 1000
ITERATIONS = 200
"""Of a solver of all rows at once."""
RATES = {"adam": 0.001, "sgd": 0.01, "lbfgs": 1.0}


class BaseLabelledStack(BaseStack):
    """A stack with a head, trained on labels.

    A subclass has

    - ``_read_labels(y, X, learned)`` -> rows that have labels, int, and their targets,
      (n_labelled, n_outputs); it adds its own fitted attributes to `learned`;
    - ``_loss(n_outputs)`` -> Loss;
    - ``_class_weights(settings, targets, learned)`` -> (n_outputs,) or None;
    - ``_misfit(outputs, targets, class_weights)`` -> what early stopping watches: less
      is better;
    - ``_strata(targets)`` -> (n_labelled,), what the rows that it holds out are to be
      like all in, or None.
    """

    def _problem(self, X: Any, y: object, reset: bool) -> Problem:
        settings, of_template = self._checked_settings()
        hidden, share = self._sizes(settings), settings.reconstruction
        if reset:
            X, learned = features_of(self, check_rows, X)
        else:
            X = check_rows(self, X).astype(self._flat.dtype, copy=False)
            learned = self._fitted_state()
        known = None if reset else learned
        reconstructs = share > 0 or (reset and settings.pretrain)
        labelled, targets = self._read_labels(y, X, learned)
        n_classes = len(learned.get("classes_", ()))
        warn_of_few_held_out(settings, len(labelled), n_classes)
        facts = RowFacts.of(of_template, X)
        learned |= range_and_loss(of_template, facts, known, is_used=reconstructs)
        draws = self._draws(settings, reset)
        sizes = (X.shape[1], *hidden)
        learned["_fitted_with"] |= {
            "sizes": mirrored(sizes) if share else sizes,
            "depth": len(hidden),
            "loss": learned["loss_name_"] if share else None,
            "output_activation": learned["output_activation_"],
            "n_outputs": targets.shape[1],
        }
        architecture = self._architecture(learned["_fitted_with"])
        head = cast(layered.Head, architecture.head)._replace(
            reconstruction=share,
            class_weights=self._class_weights(settings, targets, learned),
        )
        architecture = architecture._replace(head=head)
        parameters = self._start(
            architecture, X, reset, settings.pretrain, draws.rng, learned
        )
        resolve_settings(settings, trained_on(settings, len(labelled)))
        levels = [settings.input_dropout, *[settings.dropout] * len(hidden)]
        coins = layered.make_coins(levels, draws.rng, X.dtype)
        network = layered.Network(architecture, X.dtype, coins)
        make = corruption_of(of_template, learned) if share else no_corruption
        if len(labelled) < X.shape[0]:
            X = X[labelled]  # a copy
        feed: RowFeed = LabelledRowFeed(X, network=network, y=targets)
        if share:
            feed = row_feed(of_template, X, make(draws.rng), network, y=targets)
        objective: Any = Objective(network, feed, settings.alpha)
        if not SOLVERS[settings.solver].by_minibatches:
            objective = in_blocks(objective)
        return Problem(
            settings,
            len(feed),
            parameters,
            objective,
            make,
            draws,
            network.flops,
            learned,
            partial(self._judge, network, X, targets),
            self._strata(targets),
        )

    def _checked_settings(self) -> tuple[SimpleNamespace, SimpleNamespace]:
        """Return the parameters and those of the template."""
        settings = check_settings(self, LABELLED_STACK_CONSTRAINTS)
        for name in ("dropout", "input_dropout"):
            check_same_dropout_every_time(settings, name)
        of_template = check_denoising(self._template())
        check_same_reconstruction_every_time(settings, of_template.corruption)
        return settings, of_template

    def _judge(
        self,
        network: layered.Network,
        X: Any,
        targets: FloatArray,
        parameters: layered.Parameters,
        rows: IntArray,
    ) -> float:
        outputs = outputs_of(network, parameters, X[rows])
        class_weights = network.architecture.head.class_weights
        return self._misfit(outputs, targets[rows], class_weights)

    @property
    def output_weights_(self) -> FloatArray:
        """The weights W_c of Eq. (59): (n_outputs, n_codes)."""
        model = self._fitted_model()
        weights: FloatArray = model._ready(model._flat.dtype)[1].head
        return weights

    @property
    def output_intercept_(self) -> FloatArray:
        """The intercept b_c of Eq. (59): (n_outputs,)."""
        model = self._fitted_model()
        intercept: FloatArray = model._ready(model._flat.dtype)[1].head_intercept
        return intercept

    def _outputs(self, X: MatrixLike) -> FloatArray:
        """Return the pre-activations of the head for each row."""
        model = self._fitted_model()
        rows = check_rows(model, X)
        return outputs_of(*model._ready(rows.dtype), rows)

    def _architecture(self, fitted_with: dict[str, Any]) -> layered.Architecture:
        loss, n_outputs = fitted_with["loss"], fitted_with["n_outputs"]
        return layered.Architecture(
            fitted_with["sizes"],
            ACTIVATIONS[fitted_with["activation"]],
            ACTIVATIONS[fitted_with["output_activation"]],
            None if loss is None else make_loss(loss, fitted_with["layout"]),
            head=layered.Head(self._loss(n_outputs), n_outputs, fitted_with["depth"]),
        )


def no_corruption(rng: np.random.Generator) -> None:
    """Make none: where nothing is reconstructed, dropout is all there is."""


def outputs_of(
    network: layered.Network, parameters: layered.Parameters, X: Any
) -> FloatArray:
    """Return the pre-activations of the head, a block of rows at a time."""
    n_outputs = network.architecture.head.n_outputs
    outputs = np.empty((X.shape[0], n_outputs), network.dtype)
    feed = RowFeed(X, network.dtype, network=network)
    with blas_threads(network.flops(len(outputs))):
        for rows in feed.blocks():
            outputs[rows] = network.labels(parameters, feed.inputs(rows))
    return outputs


def resolve_settings(settings: SimpleNamespace, n_rows: int) -> None:
    """Put numbers in the place of "auto" and None."""
    if settings.batch_size == "auto":
        settings.batch_size = min(max(n_rows // 10, 10), LARGEST_USUAL_BATCH, n_rows)
    if settings.max_iter == "auto":
        steps_of_an_epoch = -(-n_rows // min(settings.batch_size, n_rows))
        enough = -(-LEAST_USUAL_STEPS // steps_of_an_epoch)
        settings.max_iter = max(USUAL_EPOCHS, enough)
        if not SOLVERS[settings.solver].by_minibatches:
            settings.max_iter = ITERATIONS
    if settings.learning_rate_init is None:
        settings.learning_rate_init = RATES[settings.solver]
