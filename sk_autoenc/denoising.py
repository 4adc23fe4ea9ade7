"""DenoisingAutoencoder: validate -> train -> attributes. No derivative here."""

from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from sk_autoenc._compat import with_callbacks
from sk_autoenc._typing import (
    Activation,
    Corruption,
    Directory,
    FloatArray,
    LearningRate,
    Loss,
    MatrixLike,
    RandomState,
    Solver,
    typed,
)
from sk_autoenc.base import Problem, steps_by_minibatches
from sk_autoenc.feeds import RowFeed, slices
from sk_autoenc.networks import one_hidden, sampled
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.losses import make_loss
from sk_autoenc.parts.sampling import SampledCorruption
from sk_autoenc.row_autoencoder import (
    RowAutoencoder,
    check_denoising,
    check_rows,
    corruption_of,
    denoising_objective,
    parts_of,
    range_and_loss,
    resolve_settings,
)
from sk_autoenc.row_facts import RowFacts
from sk_autoenc.row_validation import (
    check_same_features_touched,
    check_sampling,
    check_tied_weights,
)
from sk_autoenc.sampled_feeds import SampledRowFeed, log_odds_of_means
from sk_autoenc.threads import blas_threads
from sk_autoenc.tree_validation import check_n_components
from sk_autoenc.validation import check_codes, features_of


class DenoisingAutoencoder(RowAutoencoder):
    """Denoising autoencoder with one hidden layer.

    Learns codes y = s(W x + b) from which x can be reconstructed as z = s(W' y + b'),
    while the encoder only sees a corrupted version of x. Codes of clean data are good
    features for a classifier; reconstructions fill in, denoise, or show which entries
    of a sample are unusual.

    A missing entry, NaN, is hidden from the encoder as if it were masked, and counts
    neither in the loss nor in a score. `reconstruct` has a value for it. A feature of
    which the X of `fit` has no value is reconstructed as 0 (1/2 by a logistic output),
    as is an entry of it that is observed later. Of a sparse X, what is not stored is 0
    and a stored NaN is missing.

    Read more in ``doc/guide_rows.md``; ``doc/derivation.md`` has the equations.

    Parameters
    ----------
    n_components : int, default=100
        Number of hidden units: the length of a code.

    corruption : {"masking", "gaussian", "salt_and_pepper", "swap"}, None or callable, \
            default="masking"
        How training rows are corrupted, anew in every epoch.

        - "masking": each entry becomes 0 with probability `corruption_level`.
        - "gaussian": x + N(0, corruption_level^2).
        - "salt_and_pepper": each entry becomes, with probability `corruption_level`,
          the smallest or the largest value of its feature, by a fair coin.
        - "swap": each entry is replaced, with probability `corruption_level`, by the
          same feature of another random row of the batch.
        - None: a plain autoencoder.
        - a callable ``(X, level, rng) -> array``: gets a batch as a dense array of
          shape (n_rows, n_features), which it must not change, the level and a
          `numpy.random.Generator`, and returns an array of that shape.

        Sparse batches stay sparse with "masking" and None (and `emphasis` (1, 1));
        with the others each batch is made dense when its turn comes.

    corruption_level : float, default=0.3
        A probability in [0, 1], a standard deviation for "gaussian", or whatever the
        callable makes of it (finite and not negative). Probabilities are rounded to a
        multiple of 2**-16.

    emphasis : tuple of two floats, default=(1.0, 1.0)
        Weights of the loss on entries that the corruption chose and on the others:
        (1, 0.5) emphasises the corrupted, (1, 0) looks at nothing else [2]_. A chosen
        entry counts as corrupted even if its value happens to stay; of a callable's
        entries those count whose value changed. "gaussian" chooses all, None none.

    activation : {"relu", "logistic", "tanh", "identity"}, default="relu"
        Activation of the hidden units.

    output_activation : {"auto", "logistic", "tanh", "relu", "identity"}, \
            default="auto"
        Activation of the reconstruction. "auto" goes with the loss: logistic for
        cross-entropy, identity for the squared error.

    loss : {"auto", "cross_entropy", "squared_error", "mixed"}, default="auto"
        Per sample, the sum over features of the binary cross-entropy
        -x log z - (1 - x) log(1 - z), for X in [0, 1] with a logistic output, or of
        (z - x)^2 / 2. "mixed", for which there must be `feature_groups`, is the squared
        error, but -log z_k for a group of features that is one-hot with level k, where
        z is the softmax over the group. "auto" is "mixed" with `feature_groups`, else
        "cross_entropy" when all of X lies in [0, 1], else "squared_error". Values
        within 1e-6 of [0, 1] count as inside: a scaler's rounding.

    tied_weights : bool, default=True
        Whether the decoder uses the encoder's weights (W' is the transpose of W) or
        has its own.

    feature_groups : array-like of int of shape (n_features,) or None, default=None
        Which features come from one column of a table: the same number for each of
        them, and side by side. Corruption chooses them together ("gaussian" and
        callables apart): "swap" moves a whole category of a row, and makes no row with
        two levels or none. A group of several is a category if in every complete row
        of the first X a single one is 1 and the others are 0.
        `TableDenoisingAutoencoder` sets it.

    alpha : float, default=0.0
        L2 penalty: (alpha / 2) times the sum of squares of the weights, not of the
        intercepts, is added to the mean loss per sample.

    sparsity : float, default=0.0
        Weight of a penalty that makes each hidden unit rest on most rows: `sparsity`
        times the sum over the units of the Kullback-Leibler divergence
        KL(`sparsity_target` || mean of the unit over the batch), is added to the mean
        loss per sample. The mean is that of corrupted rows. Only for
        ``activation="logistic"``. The loss is of whole batches then: ``solver="lbfgs"``
        has the reconstruction of all rows in memory at once.

    sparsity_target : float, default=0.05
        The mean that `sparsity` pulls each unit to, in (0, 1).

    contraction : float, default=0.0
        Weight of a penalty on how much the code y follows the input: `contraction`
        times the squared Frobenius norm of the derivative dy/dx~ at the corrupted
        input, is added to the mean loss per sample [4]_. Without corruption this is
        the contractive autoencoder. For "relu" and "identity" it acts on the weights
        alone.

    reconstruction_sampling : float > 0 or None, default=None
        For wide sparse X, such as words: the loss of a batch is evaluated on all
        features that one of its rows stores, and on so many times as many of the
        others, drawn anew each time, which count by the inverse of their share: 1.0
        takes as many as are stored. In the mean over the draws loss and gradient are
        those of all features [5]_, and an epoch takes as long as what is stored, not
        as the features there are. A step leaves the weights of all other features, and
        what the solver has gathered for them (momentum, Adam's moments), as they are.
        `alpha` penalises the weights of the features drawn, by the same inverse.
        Logistic outputs start at the means of the features, since few steps touch a
        rare one.
        Needs a sparse X, ``corruption="masking"`` or None, and "adam" or "sgd"; does
        not go with `emphasis`, `feature_groups` and `contraction`. None evaluates all
        features. Scores and reconstructions are of all features in any case.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Adam or stochastic gradient descent by minibatches, with the learning rates and
        momentum below, or scipy's L-BFGS-B on all rows at once. ``solver="sgd",
        learning_rate="constant", momentum=0, batch_size=20`` is the algorithm of [3]_.
        "lbfgs" needs ``corruption=None``, has no `partial_fit`, and ignores
        `early_stopping` and the settings of the other solvers.

    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is a tenth of the rows, but no fewer than 10 (or
        all there are) and no more than 200.

    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, \
            default="cosine"
        How `learning_rate_init` falls, epoch by epoch. "cosine": along half a cosine,
        from `learning_rate_init` in the first epoch to 0 after the last of `max_iter`,
        which all are run; "invscaling" divides it by (t + 1)^power_t, t being the
        rows seen; "adaptive" divides the rate by 5 whenever training would stop for
        lack of progress, until it is 1e-6 or less. `partial_fit` stays at the start of
        the cosine.

    learning_rate_init : float, default=None
        Step size. None is 0.003 for "adam", and for "sgd" 0.005 with the cross-entropy
        and 0.001 with the squared error.

    power_t : float, default=0.5
        Exponent of "invscaling".

    momentum : float, default=0.9
        In [0, 1]; only for ``solver="sgd"``.

    nesterovs_momentum : bool, default=True
        Whether momentum is Nesterov's; only for ``solver="sgd"`` and momentum > 0.

    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of Adam's first and second moment, in [0, 1).

    epsilon : float, default=1e-8
        Added to the denominator by Adam.

    max_iter : int or "auto", default="auto"
        Largest number of epochs ("cosine" runs them all), or of iterations of
        "lbfgs". "auto": as many epochs as see 250 000 rows, but from 10
        to 200, and 200 for "lbfgs".

    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.

    tol : float, default=1e-3
        Training, except by "cosine", has converged when the mean loss of the last
        epochs is not lower than that of as many epochs before, by more than `tol`
        times the latter: of `n_iter_no_change`, or a third of all, whichever is more.
        "lbfgs" stops when no entry of the gradient is above `tol` / 10 times the loss
        at the start (or when the loss falls by less than 2e-9 of that).

    n_iter_no_change : int, default=20
        See `tol`.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows, judge progress by the
        loss on them under one fixed corruption, and keep the parameters that were best
        on them ("cosine" runs all epochs nevertheless).

    validation_fraction : float, default=0.1
        Fraction of rows to hold out, in (0, 1); only for ``early_stopping=True``.

    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the last `fit`.

    random_state : int, RandomState instance or None, default=None
        Decides initial weights, order of batches, corruption and held-out rows. Pass
        an int for the same result at every `fit`.

    verbose : int, default=0
        1 prints number, loss and time of each epoch.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The encoder's weights W.

    intercept_hidden_ : ndarray of shape (n_components,)
        The encoder's intercept b.

    intercept_visible_ : ndarray of shape (n_features,)
        The decoder's intercept b'.

    decoder_components_ : ndarray of shape (n_components, n_features)
        The decoder's weights: z = s(y @ decoder_components_ + intercept_visible_).
        The same array as `components_` if the weights are tied.

    loss_name_ : str
        The loss in use.

    output_activation_ : str
        The output activation in use.

    data_min_, data_max_ : ndarray of shape (n_features,)
        Smallest and largest value of each feature seen in training; NaN if none was.

    n_iter_ : int
        Epochs run.

    t_ : int
        Samples seen in training, over all epochs.

    loss_ : float
        Mean denoising loss per sample in the last epoch, penalty included.

    loss_curve_ : list of float
        `loss_` of every epoch.

    validation_loss_curve_ : list of float or None
        Mean denoising loss per held-out sample after each epoch, without the penalty;
        None without early stopping.

    best_loss_ : float
        The lowest loss in the last call of `fit` or `partial_fit`: on held-out rows
        with early stopping, else in training.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only if X has feature names that
        are all strings.

    See Also
    --------
    sklearn.decomposition.PCA : The best linear code for squared error.
    sklearn.neural_network.BernoulliRBM : Logistic codes trained by contrastive
        divergence.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, "Extracting and
       Composing Robust Features with Denoising Autoencoders", ICML 2008.
       :doi:`10.1145/1390156.1390294`
    .. [2] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked
       Denoising Autoencoders", JMLR 11:3371-3408, 2010.
    .. [3] Y. Sugomori, "Stochastic gradient descent for denoising autoencoders", 2013.
    .. [4] S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio, "Contractive
       Auto-Encoders: Explicit Invariance During Feature Extraction", ICML 2011.
    .. [5] Y. Dauphin, X. Glorot, Y. Bengio, "Large-Scale Learning of Embeddings with
       Reconstruction Sampling", ICML 2011.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = DenoisingAutoencoder(32, max_iter=5, random_state=0)
    >>> autoencoder.fit(X).transform(X).shape
    (1797, 32)
    >>> autoencoder.loss_name_
    'cross_entropy'
    """

    components_: FloatArray
    intercept_hidden_: FloatArray
    intercept_visible_: FloatArray
    decoder_components_: FloatArray
    loss_name_: Loss
    output_activation_: Activation
    data_min_: FloatArray
    data_max_: FloatArray

    def __init__(
        self,
        n_components: int = 100,
        *,
        corruption: Corruption = "masking",
        corruption_level: float = 0.3,
        emphasis: tuple[float, float] = (1.0, 1.0),
        activation: Activation = "relu",
        output_activation: Activation | Literal["auto"] = "auto",
        loss: Loss | Literal["auto"] = "auto",
        tied_weights: bool = True,
        feature_groups: ArrayLike | None = None,
        alpha: float = 0.0,
        sparsity: float = 0.0,
        sparsity_target: float = 0.05,
        contraction: float = 0.0,
        reconstruction_sampling: float | None = None,
        solver: Solver = "adam",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "cosine",
        learning_rate_init: float | None = None,
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        max_iter: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        tol: float = 1e-3,
        n_iter_no_change: int = 20,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.corruption = corruption
        self.corruption_level = corruption_level
        self.emphasis = emphasis
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.tied_weights = tied_weights
        self.feature_groups = feature_groups
        self.alpha = alpha
        self.sparsity = sparsity
        self.sparsity_target = sparsity_target
        self.contraction = contraction
        self.reconstruction_sampling = reconstruction_sampling
        self.solver = solver
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @typed(with_callbacks)
    def fit(
        self,
        X: MatrixLike,
        y: object = None,
        *,
        checkpoint: Directory | None = None,
    ) -> Self:
        """Fit the model to X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; NaN is a missing entry. float32 and float64 are kept, other
            numbers become float64.
        y : Ignored
            Present for API consistency; handed to callbacks only.
        checkpoint : str, path-like or None, default=None
            A directory in which the run so far is kept, after each epoch but at most
            once a second. A later call with the same data and parameters goes on from
            there, to the same result, and ends at once if the run was over; of "lbfgs"
            the memory of past steps is lost. It is a pickle: only you should write it.

        Returns
        -------
        self : DenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, if every entry of X is missing, if the
            loss stops being finite, or if the checkpoint is of another run. The
            estimator then is as it was before the call, as after any error.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or a failed line search of "lbfgs" ends the training, or if
            the loss rose throughout. The estimator is fitted nevertheless.

        See Also
        --------
        partial_fit : One epoch at a time, for data that come in parts.

        Examples
        --------
        >>> DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4)).n_iter_
        3
        """
        return self._fit(X, y, checkpoint)

    @typed(available_if(steps_by_minibatches))
    def partial_fit(self, X: MatrixLike, y: object = None) -> Self:
        """Make one pass over X, going on from the present parameters.

        The first call initialises as `fit` does, and is then the first epoch of `fit`.
        Batches, shuffling, solver and corruption are those of `fit`; a batch is never
        larger than X, and early stopping and convergence do not apply.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of training data; NaN is a missing entry.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : DenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        AttributeError
            With ``solver="lbfgs"``.
        ValueError
            If a parameter or X is not valid, or if the loss stops being finite. The
            estimator then is as it was before the call.

        See Also
        --------
        fit : All epochs on all of the data.

        Examples
        --------
        >>> model = DenoisingAutoencoder(2, random_state=0).partial_fit(np.eye(4))
        >>> model.partial_fit(np.eye(2, 4)).t_
        6
        """
        return self._partial_fit(X)

    def transform(self, X: MatrixLike) -> FloatArray:
        """Encode X, without corruption.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data to encode.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            The code y = s(W x + b) of each row, in the dtype of X or of the parameters,
            whichever is wider.

        See Also
        --------
        inverse_transform : From codes back to rows.

        Examples
        --------
        >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
        >>> model.transform(np.eye(4)).shape
        (4, 2)
        """
        model = self._fitted_model()
        return model._encode(check_rows(model, X))

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, as `transform` returns them.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            The row z = s(W' y + b') of each code.

        See Also
        --------
        reconstruct : From rows to codes and back.

        Examples
        --------
        >>> model = DenoisingAutoencoder(2, max_iter=3, random_state=0).fit(np.eye(4))
        >>> model.inverse_transform([[0.0, 0.5]]).shape
        (1, 4)
        """
        model = self._fitted_model()
        codes = check_codes(model, X, len(model.components_))
        return model._decode(codes)

    def _encode(self, X: Any) -> FloatArray:
        activation = ACTIVATIONS[self._fitted_with["activation"]]
        codes = np.empty((X.shape[0], len(self.components_)), self._dtype(X))
        weights = self.components_.astype(codes.dtype, copy=False)
        # Sparse rows are never made dense here: only their codes take memory.
        row_entries = codes.shape[1]
        if scipy.sparse.issparse(X):
            # Their product wants the transpose contiguous, and would copy it each time.
            weights = np.asfortranarray(weights)
        else:
            row_entries = max(row_entries, X.shape[1])
        feed = RowFeed(X, codes.dtype)
        with blas_threads(2 * len(codes) * weights.size):
            for rows in slices(len(codes), row_entries):
                one_hidden.encode(
                    feed.inputs(rows),
                    weights,
                    self.intercept_hidden_,
                    activation,
                    codes[rows],
                )
        return codes

    def _decode(self, codes: FloatArray) -> FloatArray:
        output = self._loss().output or ACTIVATIONS[self.output_activation_].value
        n_features = self.components_.shape[1]
        reconstruction = np.empty((len(codes), n_features), self._dtype(codes))
        weights = self.decoder_components_.astype(reconstruction.dtype, copy=False)
        feed = RowFeed(codes, reconstruction.dtype)
        with blas_threads(2 * len(codes) * weights.size):
            for rows in slices(*reconstruction.shape):
                one_hidden.decode(
                    feed.inputs(rows),
                    weights,
                    self.intercept_visible_,
                    output,
                    reconstruction[rows],
                )
        return reconstruction

    def _loss(self) -> Any:
        return make_loss(self.loss_name_, self._fitted_with["layout"])

    def _parameters(self, dtype: np.dtype[Any]) -> Any:
        """Return a copy of the fitted parameters."""
        tied = self.decoder_components_ is self.components_
        shape: tuple[int, int] = self.components_.shape
        kind = sampled if self._fitted_with["sampled"] else one_hidden
        parameters = kind.allocate_parameters(*shape, tied, dtype)
        parameters.weights[...] = self.components_
        parameters.decoder_weights[...] = self.decoder_components_
        parameters.intercept_hidden[...] = self.intercept_hidden_
        parameters.intercept_visible[...] = self.intercept_visible_
        return parameters

    def _settings(self, reset: bool) -> SimpleNamespace:
        settings = check_denoising(self)
        if not reset:
            check_n_components(settings, len(self.components_))
            check_tied_weights(settings, self.decoder_components_ is self.components_)
            check_same_features_touched(settings, self._fitted_with["sampled"])
        return settings

    def _read(self, X: Any, reset: bool) -> tuple[Any, dict[str, Any]]:
        if reset:
            return features_of(self, check_rows, X)
        X = check_rows(self, X).astype(self.components_.dtype, copy=False)
        return X, self._fitted_state()

    def _facts(self, settings: SimpleNamespace, data: Any) -> RowFacts:
        check_sampling(settings, scipy.sparse.issparse(data))
        return RowFacts.of(settings, data)

    def _outline(
        self,
        settings: SimpleNamespace,
        facts: RowFacts,
        learned: dict[str, Any],
        reset: bool,
    ) -> Problem:
        (n_samples, n_features), dtype = facts.shape, facts.dtype
        learned |= range_and_loss(settings, facts, None if reset else learned)
        resolve_settings(settings, n_samples, learned)
        draws = self._draws(settings, reset)
        architecture = one_hidden.Architecture(
            tied=settings.tied_weights, **parts_of(settings, learned)
        )
        kind = sampled if learned["_fitted_with"]["sampled"] else one_hidden
        if reset:
            parameters = kind.allocate_parameters(
                settings.n_components, n_features, settings.tied_weights, dtype
            )
            one_hidden.initialise(parameters, architecture, draws.rng)
            if kind is sampled and learned["output_activation_"] == "logistic":
                # Steps that touch a rare feature are too few to get it there from 1/2.
                start = log_odds_of_means(facts.total, facts.n_observed)
                parameters.intercept_visible[...] = start
            for weights in parameters.matrices:
                # Nothing says what never was observed: let no chance do so.
                weights[:, np.isnan(learned["data_min_"])] = 0
        else:
            parameters = self._parameters(dtype)
        make: Any = corruption_of(settings, learned)
        shape: tuple[int, int] = parameters.weights.shape
        objective_of: Any = denoising_objective
        if kind is sampled:
            make = partial(SampledCorruption, make, settings.reconstruction_sampling)
            n_stored_in_a_row = max(1, facts.n_stored / n_samples)
            n_touched = (1 + settings.reconstruction_sampling) * n_stored_in_a_row
            network: Any = sampled.Network(architecture, *shape, dtype, n_touched)
            objective_of = sampled_objective
        else:
            network = one_hidden.Network(architecture, *shape, dtype)
        return Problem(
            settings,
            n_samples,
            parameters,
            None,
            make,
            draws,
            network.flops,
            learned,
            objective_of=partial(objective_of, settings, network, facts.has_missing),
            facts=facts,
        )

    def _parameter_attributes(self, parameters: Any) -> dict[str, FloatArray]:
        # Where features are sampled, the arrays are columns of a table.
        weights = np.ascontiguousarray(parameters.weights)
        decoder_weights = weights
        if parameters.decoder_weights is not parameters.weights:
            decoder_weights = np.ascontiguousarray(parameters.decoder_weights)
        return {
            "components_": weights,
            "intercept_hidden_": parameters.intercept_hidden,
            "intercept_visible_": np.ascontiguousarray(parameters.intercept_visible),
            "decoder_components_": decoder_weights,
        }

    def _dtype(self, X: Any) -> np.dtype[Any]:
        return np.result_type(X.dtype, self.components_.dtype)

    def _n_codes(self) -> int:
        return len(self.components_)

    @property
    def _n_features_out(self) -> int:
        return self._n_codes()

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if state.get("components_") is state.get("decoder_components_"):
            # Tied: joblib would store the array twice and load two arrays.
            state = {k: v for k, v in state.items() if k != "decoder_components_"}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "components_" in state and "decoder_components_" not in state:
            self.decoder_components_ = self.components_


def sampled_objective(
    settings: SimpleNamespace,
    network: sampled.Network,
    has_missing: bool,
    X: Any,
    corruption: Any,
) -> Objective:
    """Make the objective of a network that is compared on some features of each row."""
    feed = SampledRowFeed(
        X, corruption=corruption, network=network, has_missing=has_missing
    )
    return Objective(network, feed, settings.alpha)
