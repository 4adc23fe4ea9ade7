"""DenoisingAutoencoder: validate -> train -> attributes. No derivative here."""

import numpy as np
import scipy.sparse
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._compat import with_callbacks
from sk_autoenc.base import BaseAutoencoder
from sk_autoenc.networks import tied
from sk_autoenc.objectives import DenoisingObjective, blocks_of_rows, row_reader
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import make_corruption
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.validation import (
    DENOISING_CONSTRAINTS,
    check_codes,
    check_emphasis,
    check_n_components,
    check_parameters,
    check_something_to_learn,
    check_tied_weights,
    check_X,
    choose_loss,
    feature_range,
)


class DenoisingAutoencoder(BaseAutoencoder):
    """Denoising autoencoder with one hidden layer.

    Learns codes y = s(W x + b) from which x can be reconstructed as z = s(W' y + b'),
    while the encoder only sees a corrupted version of x. Codes of clean data are good
    features for a classifier; reconstructions fill in, denoise, or show which entries
    of a sample are unusual.

    Read more in ``doc/user_guide.md``; ``doc/derivation.md`` has the equations.

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

    activation : {"logistic", "tanh", "relu", "identity"}, default="logistic"
        Activation of the hidden units.

    output_activation : {"auto", "logistic", "tanh", "relu", "identity"}, \
            default="auto"
        Activation of the reconstruction. "auto" goes with the loss: logistic for
        cross-entropy, identity for the squared error.

    loss : {"auto", "cross_entropy", "squared_error"}, default="auto"
        Per sample, the sum over features of the binary cross-entropy
        -x log z - (1 - x) log(1 - z), for X in [0, 1] with a logistic output, or of
        (z - x)^2 / 2. "auto" is "cross_entropy" when all of X lies in [0, 1], else
        "squared_error". Values within 1e-6 of [0, 1] count as inside: a scaler's
        rounding.

    tied_weights : bool, default=True
        Whether the decoder uses the encoder's weights (W' is the transpose of W) or
        has its own.

    alpha : float, default=0.0
        L2 penalty: (alpha / 2) times the sum of squares of the weights, not of the
        intercepts, is added to the mean loss per sample.

    solver : {"adam", "sgd"}, default="adam"
        Adam, or stochastic gradient descent with the learning rates and momentum
        below. ``solver="sgd", momentum=0, batch_size=20`` is the algorithm of [3]_.

    batch_size : int or "auto", default="auto"
        Rows of a minibatch; "auto" is a tenth of the rows, but no fewer than 10 (or
        all there are) and no more than 200.

    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Only for ``solver="sgd"``. "invscaling" divides `learning_rate_init`, after each
        epoch, by (t + 1)^power_t, t being the samples seen; "adaptive" divides the rate
        by 5 whenever training would stop for lack of progress, until it is 1e-6.

    learning_rate_init : float, default=None
        Step size; None is 0.001 for "adam" and 0.1 for "sgd".

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

    max_iter : int, default=200
        Largest number of epochs.

    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.

    tol : float, default=1e-4
        When the loss (per sample, summed over features) has not fallen below its best
        by more than `tol` for more than `n_iter_no_change` epochs in a row, training
        has converged.

    n_iter_no_change : int, default=10
        See `tol`.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows, judge progress by the
        denoising loss on them under one fixed corruption, and keep the parameters
        that were best on them.

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
        Smallest and largest value of each feature seen in training.

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

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_autoenc import DenoisingAutoencoder
    >>> X = load_digits().data / 16
    >>> autoencoder = DenoisingAutoencoder(32, tol=0.5, random_state=0)
    >>> autoencoder.fit(X).transform(X).shape
    (1797, 32)
    >>> autoencoder.loss_name_
    'cross_entropy'
    """

    def __init__(
        self,
        n_components=100,
        *,
        corruption="masking",
        corruption_level=0.3,
        emphasis=(1.0, 1.0),
        activation="logistic",
        output_activation="auto",
        loss="auto",
        tied_weights=True,
        alpha=0.0,
        solver="adam",
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=None,
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.corruption = corruption
        self.corruption_level = corruption_level
        self.emphasis = emphasis
        self.activation = activation
        self.output_activation = output_activation
        self.loss = loss
        self.tied_weights = tied_weights
        self.alpha = alpha
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

    @with_callbacks
    def fit(self, X, y=None):
        """Fit the model to X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64 are kept, other numbers become float64.
        y : Ignored
            Present for API consistency; handed to callbacks only.

        Returns
        -------
        self : DenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter is not valid: the estimator then stays as it was. If X is
            not valid, or not for these parameters, or if the loss stops being finite:
            it is then not fitted; with `warm_start`, X leaves it as it was.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` ends the training, or if the loss rose throughout.
        """
        return self._fit(X, y)

    def partial_fit(self, X, y=None):
        """Make one pass over X, going on from the present parameters.

        The first call initialises as `fit` does, and is then the first epoch of `fit`.
        Batches, shuffling, solver and corruption are those of `fit`; a batch is never
        larger than X, and early stopping and convergence do not apply.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A chunk of training data.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : DenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, or if the loss stops being finite. The
            estimator then is as it was before the call.
        """
        return self._partial_fit(X)

    def transform(self, X):
        """Encode X, without corruption.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data to encode.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            y = s(W x + b) of each row, in the dtype of X or of the parameters,
            whichever is wider.
        """
        check_is_fitted(self)
        return self._encode(check_X(self, X, reset=False))

    def inverse_transform(self, X):
        """Decode codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, as `transform` returns them.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            z = s(W' y + b') of each code.
        """
        check_is_fitted(self)
        codes = check_codes(self, X, len(self.components_))
        parameters = self._parameters()
        activation = ACTIVATIONS[self.output_activation_]
        shape = (len(codes), parameters.weights.shape[1])
        reconstruction = np.empty(shape, self._dtype(codes))
        for rows in blocks_of_rows(*shape):
            tied.decode(codes[rows], parameters, activation, reconstruction[rows])
        return reconstruction

    def reconstruct(self, X):
        """Encode X and decode the codes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            What the code of each row keeps of it.
        """
        check_is_fitted(self)
        return self.inverse_transform(self._encode(check_X(self, X, reset=False)))

    def score_samples(self, X):
        """Score each row by how well it is reconstructed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data. For the cross-entropy, values outside [0, 1] are scored by the same
            formula, which is then no longer bounded above by 0.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus the loss of each clean row, summed over features: higher is better.
            Neither the penalty nor `emphasis` enters. The cross-entropy of a perfect
            reconstruction is the row's own entropy, not 0: to find anomalies among
            rows of values between 0 and 1, sum `reconstruction_error` instead.
        """
        check_is_fitted(self)
        X = check_X(self, X, reset=False)
        parameters = self._parameters_for(X)
        scores = np.empty(X.shape[0], self._dtype(X))
        X = X.astype(scores.dtype, copy=False)
        networks = tied.Networks(parameters, self._architecture())
        read = row_reader(X)
        for rows in blocks_of_rows(len(scores), networks.row_entries):
            network = networks[rows.stop - rows.start]
            batch = read(np.arange(rows.start, rows.stop), network.clean)
            scores[rows] = -network.forward(batch).sum(axis=1)
        return scores

    def score(self, X, y=None):
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
            Minus the mean loss per sample: higher is better.
        """
        return float(self.score_samples(X).mean())

    def reconstruction_error(self, X):
        """Return the squared error of every entry, to find the guilty feature.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        errors : ndarray of shape (n_samples, n_features)
            (z - x)^2, whatever the loss.
        """
        check_is_fitted(self)
        X = check_X(self, X, reset=False)
        errors = self.inverse_transform(self._encode(X))
        for rows in blocks_of_rows(*X.shape):
            errors[rows] -= X[rows] if isinstance(X, np.ndarray) else X[rows].toarray()
        return np.square(errors, out=errors)

    def _encode(self, X):
        parameters = self._parameters_for(X)
        codes = np.empty((X.shape[0], len(parameters.weights)), self._dtype(X))
        # Sparse rows are never made dense here: only their codes take memory.
        row_entries = max(codes.shape[1], 0 if scipy.sparse.issparse(X) else X.shape[1])
        for rows in blocks_of_rows(len(codes), row_entries):
            tied.encode(X[rows], parameters, ACTIVATIONS[self.activation], codes[rows])
        return codes

    def _check_parameters(self):
        check_parameters(self, DENOISING_CONSTRAINTS)
        check_something_to_learn(self)

    def _check_training_data(self, X, reset):
        X = check_X(self, X, reset=reset)
        if not reset:
            X = X.astype(self.components_.dtype, copy=False)
        data_min, data_max = feature_range(X)
        loss, output_activation = self.loss, self.output_activation
        if not reset:
            check_n_components(self, len(self.components_))
            check_tied_weights(self, self.decoder_components_ is self.components_)
            if loss in ("auto", self.loss_name_):
                loss = self.loss_name_
                if output_activation == "auto":
                    output_activation = self.output_activation_
            data_min = np.minimum(data_min, self.data_min_)
            data_max = np.maximum(data_max, self.data_max_)
        value_range = float(data_min.min()), float(data_max.max())
        chosen = choose_loss(loss, output_activation, value_range)
        self.loss_name_, self.output_activation_ = chosen
        self.data_min_, self.data_max_ = data_min, data_max
        return X

    def _architecture(self):
        return tied.Architecture(
            activation=ACTIVATIONS[self.activation],
            output_activation=ACTIVATIONS[self.output_activation_],
            loss=LOSSES[self.loss_name_],
            tied=self.tied_weights,
            alpha=self.alpha,
        )

    def _initial_parameters(self, X, rng):
        parameters = tied.allocate_parameters(
            self.n_components, X.shape[1], self.tied_weights, X.dtype
        )
        tied.initialise(parameters, self._architecture(), rng)
        return parameters

    def _current_parameters(self):
        fitted = self._parameters()
        parameters = tied.allocate_parameters(
            *fitted.weights.shape, self.tied_weights, fitted.weights.dtype
        )
        for target, source in zip(parameters[1:], fitted[1:], strict=True):
            np.copyto(target, source)
        return parameters

    def _parameters(self):
        """Return the fitted parameters for use after fit, as they are."""
        return tied.Parameters(
            flat=None,
            weights=self.components_,
            intercept_hidden=self.intercept_hidden_,
            intercept_visible=self.intercept_visible_,
            decoder_weights=self.decoder_components_,
        )

    def _parameters_for(self, X):
        """Return the fitted parameters for encoding X by blocks of rows.

        They are of the dtype of the codes and, for a sparse X, the transpose of the
        weights is contiguous: they would be copied for every block otherwise.
        """
        fitted, dtype = self._parameters(), self._dtype(X)
        parameters = tied.Parameters(
            None, *(array.astype(dtype, copy=False) for array in fitted[1:])
        )
        if not scipy.sparse.issparse(X):
            return parameters
        return parameters._replace(weights=np.asfortranarray(parameters.weights))

    def _parameter_attributes(self, parameters):
        return {
            "components_": parameters.weights,
            "intercept_hidden_": parameters.intercept_hidden,
            "intercept_visible_": parameters.intercept_visible,
            "decoder_components_": parameters.decoder_weights,
        }

    def _make_objective(self, X, parameters, rng):
        feature_range = self.data_min_, self.data_max_

        def make(rng):
            return make_corruption(
                self.corruption, self.corruption_level, feature_range, rng
            )

        emphasis = check_emphasis(self.emphasis)
        return DenoisingObjective(
            X, parameters, self._architecture(), make, emphasis, rng
        )

    def _dtype(self, X):
        return np.result_type(X.dtype, self.components_.dtype)

    @property
    def _n_features_out(self):
        return len(self.components_)

    def __getstate__(self):
        state = super().__getstate__()
        if state.get("components_") is state.get("decoder_components_"):
            # Tied: joblib would store the array twice and load two arrays.
            state = {k: v for k, v in state.items() if k != "decoder_components_"}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "components_" in state and "decoder_components_" not in state:
            self.decoder_components_ = self.components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
