"""What autoencoders of rows share: the problem of denoising, and reconstructions."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from sk_autoenc._typing import FloatArray, MatrixLike
from sk_autoenc.base import BaseIterative, corruption_maker
from sk_autoenc.feeds import RowFeed, slices
from sk_autoenc.networks.penalties import make_penalties
from sk_autoenc.objectives import Objective, SumOverChunks
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import Groups
from sk_autoenc.parts.losses import make_loss
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.row_facts import RowFacts
from sk_autoenc.row_validation import (
    DENOISING_CONSTRAINTS,
    check_emphasis,
    check_same_groups,
    check_something_observed,
    check_something_to_learn,
    check_sparsity,
    choose_loss,
    learning_rate_for_rows,
)
from sk_autoenc.validation import (
    check_parameters,
    check_same_loss_every_time,
    check_X,
    resolve_max_iter,
)


class RowTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseIterative):
    """A transformer of dense or sparse rows, of which entries may be missing."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class RowAutoencoder(RowTransformer):
    """An autoencoder of rows.

    A subclass has

    - ``_encode(X)`` -> codes, (n_samples, n_codes), of rows that are checked;
    - ``_decode(codes)`` -> rows, (n_samples, n_features);
    - ``_n_codes()`` -> the length of a code;
    - ``_dtype(X)`` -> dtype of what it makes of X.
    """

    _encode: Callable[[Any], FloatArray]
    _decode: Callable[[FloatArray], FloatArray]
    _dtype: Callable[[Any], np.dtype[Any]]
    _n_codes: Callable[[], int]

    def reconstruct(self, X: MatrixLike) -> FloatArray:
        """Encode X and decode the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            What the code of each row keeps of it; no entry is NaN.

        See Also
        --------
        reconstruction_error : How far that is from X, entry by entry.

        Examples
        --------
        >>> from sk_autoenc import DenoisingAutoencoder
        >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
        >>> codes = model.transform(np.eye(4))
        >>> np.array_equal(model.reconstruct(np.eye(4)), model.inverse_transform(codes))
        True
        """
        model = self._fitted_model()
        return model._decode(model._encode(check_rows(model, X)))

    def score_samples(self, X: MatrixLike) -> FloatArray:
        """Score each row by how well it is reconstructed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            -||z - x||^2 / 2 of each clean row, whatever the loss: higher is better and
            0 is perfect. It is not the cross-entropy, which is as low as a row's own
            entropy and no lower: that ranks rows by how grey they are, not by how well
            they come back. And it compares models of different losses in a search.
            Neither the penalty nor `emphasis` enters. Of a row with missing entries it
            is the sum over the others, times n_features over their number; of a row
            without others it is 0.

        See Also
        --------
        reconstruction_error : Of every entry.
        score : The mean over the rows.

        Examples
        --------
        >>> from sk_autoenc import DenoisingAutoencoder
        >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
        >>> errors = model.reconstruction_error(np.eye(4))
        >>> np.allclose(model.score_samples(np.eye(4)), -errors.sum(axis=1) / 2)
        True
        """
        model = self._fitted_model()
        checked = check_rows(model, X)
        losses = np.empty(checked.shape[0], model._dtype(checked))
        for rows, errors in model._errors(checked):
            losses[rows] = np.square(errors, out=errors).sum(axis=1) / 2
        observed = RowFeed(checked).observed_share()
        np.divide(losses, observed, out=losses, where=observed != 0)
        return np.subtract(0, losses, out=losses)  # -0.0 would look odd

    def score(self, X: MatrixLike, y: object = None) -> float:
        """Return the mean of `score_samples`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Minus half the mean squared error per sample, summed over features: higher
            is better.

        See Also
        --------
        score_samples : Of every row.

        Examples
        --------
        >>> from sk_autoenc import DenoisingAutoencoder
        >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
        >>> model.score(np.eye(4)) < 0
        True
        """
        return float(self.score_samples(X).mean())

    def reconstruction_error(self, X: MatrixLike) -> FloatArray:
        """Return the squared error of every entry, to find the guilty feature.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        errors : ndarray of shape (n_samples, n_features)
            (z - x)^2, whatever the loss; 0 where x is missing.

        See Also
        --------
        score_samples : Of each row: minus half the sum, scaled up for missing entries.

        Examples
        --------
        >>> from sk_autoenc import DenoisingAutoencoder
        >>> model = DenoisingAutoencoder(2, random_state=0).fit([[0.2, 0.9, 0.4]] * 20)
        >>> model.reconstruction_error([[0.2, 0.1, 0.4]]).argmax(axis=1)
        array([1])
        """
        model = self._fitted_model()
        checked = check_rows(model, X)
        squares = np.empty(checked.shape, model._dtype(checked))
        for rows, errors in model._errors(checked):
            np.square(errors, out=squares[rows])
        return squares

    def _errors(self, X: Any) -> Iterator[tuple[slice, FloatArray]]:
        """Yield z - x of some rows at a time, 0 where x is missing."""
        feed = RowFeed(X, self._dtype(X))
        n_features = X.shape[1]
        # Twice, since the errors and the rows, made dense, are there at one time.
        for block in slices(len(feed), 2 * self._n_codes()):
            codes = self._encode(X[block])
            for part in slices(len(codes), 2 * n_features):
                rows = slice(block.start + part.start, block.start + part.stop)
                errors = self._decode(codes[part])
                batch = feed(rows)
                errors -= batch.targets
                if batch.entry_weights is not None:
                    errors *= batch.entry_weights
                del batch  # before the next is read
                yield rows, errors


def check_rows(estimator: Any, X: Any, *, reset: bool = False) -> Any:
    """Validate rows, of which entries may be missing."""
    return check_X(estimator, X, reset=reset, allow_nan=True)


def check_denoising(estimator: Any) -> SimpleNamespace:
    """Return the parameters of a `DenoisingAutoencoder`, checked."""
    settings = check_parameters(estimator, DENOISING_CONSTRAINTS)
    check_something_to_learn(settings)
    check_same_loss_every_time(settings)
    check_sparsity(settings)
    return settings


def range_and_loss(
    settings: SimpleNamespace,
    facts: RowFacts,
    known: dict[str, Any] | None = None,
    *,
    is_used: bool = True,
) -> dict[str, Any]:
    """Return the fitted attributes that follow from the values of X.

    `known` are the fitted attributes of a model that goes on, None for a new one. If
    the loss is not used now, X may be out of its range.
    """
    data_min, data_max, layout = facts.smallest, facts.largest, facts.layout
    loss, output_activation = settings.loss, settings.output_activation
    check_something_observed(data_min)
    if known is not None:
        check_same_groups(layout, known["_fitted_with"]["layout"])
        layout = known["_fitted_with"]["layout"]
        if loss in ("auto", known["loss_name_"]):
            loss = known["loss_name_"]
            if output_activation == "auto":
                output_activation = known["output_activation_"]
        data_min = np.fmin(data_min, known["data_min_"])
        data_max = np.fmax(data_max, known["data_max_"])
    loss, output_activation = choose_loss(
        loss,
        output_activation,
        (float(np.nanmin(data_min)), float(np.nanmax(data_max))),
        layout,
        is_used=is_used,
    )
    return {
        "loss_name_": loss,
        "output_activation_": output_activation,
        "data_min_": data_min,
        "data_max_": data_max,
        "_fitted_with": {
            "activation": settings.activation,
            "layout": layout,
            "sampled": settings.reconstruction_sampling is not None,
        },
    }


def resolve_settings(
    settings: SimpleNamespace, n_samples: int, learned: dict[str, Any]
) -> None:
    """Put numbers in the place of "auto" and None."""
    settings.max_iter = resolve_max_iter(
        settings.max_iter,
        n_samples,
        by_minibatches=SOLVERS[settings.solver].by_minibatches,
    )
    settings.learning_rate_init = learning_rate_for_rows(
        settings, learned["loss_name_"]
    )


def parts_of(settings: SimpleNamespace, learned: dict[str, Any]) -> dict[str, Any]:
    """Return what a network that reconstructs rows is made of."""
    return {
        "activation": ACTIVATIONS[settings.activation],
        "output_activation": ACTIVATIONS[learned["output_activation_"]],
        "loss": make_loss(learned["loss_name_"], learned["_fitted_with"]["layout"]),
        "penalties": make_penalties(
            settings.sparsity, settings.sparsity_target, settings.contraction
        ),
    }


def corruption_of(settings: SimpleNamespace, learned: dict[str, Any]) -> Any:
    """Return ``make_corruption(rng)`` for rows."""
    layout = learned["_fitted_with"]["layout"]
    return corruption_maker(
        settings,
        (learned["data_min_"], learned["data_max_"]),
        None if layout is None else Groups.of_widths(layout[0]),
    )


def row_feed(
    settings: SimpleNamespace, X: Any, corruption: Any, network: Any, **known: Any
) -> RowFeed:
    """Make what feeds a network with corrupted rows; `known` are more of its settings.

    Such as labels, y, and `has_missing`.
    """
    emphasis = check_emphasis(settings.emphasis)
    return RowFeed(
        X,
        network.dtype,
        corruption=corruption,
        emphasis=emphasis,
        network=network,
        **known,
    )


def denoising_objective(
    settings: SimpleNamespace, network: Any, has_missing: bool, X: Any, corruption: Any
) -> Any:
    """Make the objective of a network: to reconstruct corrupted rows."""
    feed = row_feed(settings, X, corruption, network, has_missing=has_missing)
    objective = Objective(network, feed, settings.alpha)
    by_minibatches = SOLVERS[settings.solver].by_minibatches
    if not by_minibatches and not settings.sparsity:
        # The means of the units, which sparsity is about, are of all rows.
        return in_blocks(objective)
    return objective


def in_blocks(objective: Objective) -> SumOverChunks:
    """Make the same objective by blocks of rows, for a solver of all rows at once."""
    network, feed, alpha = objective.network, objective.feed, objective.alpha
    return SumOverChunks(
        Objective(network, feed.part(rows), alpha) for rows in feed.blocks()
    )
