"""Estimators of trees. No derivative here."""

from types import SimpleNamespace
from typing import Any, Literal

from sk_autoenc._typing import (
    Activation,
    Composition,
    Corruption,
    LearningRate,
    Pooling,
    RandomState,
    Solver,
)
from sk_autoenc.base_tree_autoencoder import BaseTreeAutoencoder


class UnfoldingRAETransformer(BaseTreeAutoencoder):
    """Unfolding recursive autoencoder: trees in, vectors out, trees back.

    A tree of any arity, given as nested tuples of leaf vectors, is encoded from the
    leaves up into one vector, from which the whole tree is decoded again, from the root
    down. Training makes the decoded leaves equal the given ones.

    Read more in ``doc/guide_trees.md``; ``doc/derivation.md`` has the equations.

    Parameters
    ----------
    n_components : int or None, default=None
        Length D of a code. None: that of a leaf vector, which then is its own code.
        Another length: leaf vectors are projected into codes and out again by learned
        affine maps.

    encoder_activation : {"tanh", "logistic", "relu", "identity"}, default="tanh"
        Activation f of the codes.

    decoder_activation : {"identity", "tanh", "logistic", "relu"}, default="identity"
        Activation g of what is decoded.

    unfold_from : {"root", "all"}, default="root"
        Whose unfolding counts: Eq. (24) for the root, or summed over every inner node,
        each unfolding its own subtree [1]_. The cost of "all" grows with the number of
        nodes times the depth.

    composition : {"blend", "gated", "lstm"}, default="blend"
        How the code of a node is made of those of its children. "blend": Eq. (22), one
        product of their blended sums. "gated": a gate between that and their mean,
        weighted by leaves, Eq. (80). "lstm": Tree-LSTM, Eq. (82), with a cell beside
        the code. A product is twice and five times as large as that of the blend.

    child_weights : {"equal", "leaves"}, default="equal"
        How children enter the code of their parent: each alike, Eq. (22), or by its
        share of the leaves, Eq. (41). With "leaves" the untrained code of the root of a
        binary tree is the mean of all its leaves, however deep they are, but for the
        activation and some noise; with "equal" a leaf weighs half as much with every
        step down. Decoding is the same.

    init : {"average", "glorot"}, default="average"
        Start of the weights. "average": W_L = W_R = I/2 and W'_L = W'_R = I plus small
        noise, so that the untrained code of a pair is about f of its mean; "glorot":
        draws from a uniform law.

    learn_leaves : bool, default=False
        Whether leaf vectors that stand in two places or more are learned, too, from
        those given: Eq. (31), but for its last term, since what is reconstructed stays
        the given vector. Other leaves keep their vectors. A step changes the vectors of
        its trees only. Not with corruption.

    pooling : {"root", "mean", "sum", "max"} or tuple of these, default="root"
        What `transform` returns: the code of the root, or the mean, the sum (which
        grows with the tree) or the maximum of the codes of all inner nodes (a bare
        leaf gives itself), or several of them side by side. `inverse_transform` needs
        "root" among them.

    corruption : {"masking", "gaussian", "salt_and_pepper", "swap"}, None or callable, \
            default=None
        How leaf vectors are corrupted in training, as for `DenoisingAutoencoder`.

    corruption_level : float, default=0.0
        As for `DenoisingAutoencoder`; 0.0 corrupts nothing, so set both.

    alpha : float, default=0.0
        L2 penalty: (alpha / 2) times the sum of squares of the weight matrices, not of
        the intercepts, is added to the mean loss per tree.

    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        Adam or stochastic gradient descent by minibatches of trees, or scipy's
        L-BFGS-B on all trees at once. "lbfgs" excludes corruption and `partial_fit`,
        and ignores `early_stopping` and the settings of the other solvers.

    batch_size : int or "auto", default="auto"
        Trees of a minibatch; "auto" is a tenth of the trees, but no fewer than 10 (or
        all there are) and no more than 200.

    learning_rate : {"cosine", "constant", "invscaling", "adaptive"}, \
            default="cosine"
        How `learning_rate_init` falls, epoch by epoch. "cosine": along half a cosine,
        from `learning_rate_init` in the first epoch to 0 after the last of `max_iter`,
        which all are run; "invscaling" divides it by (t + 1)^power_t, t being the
        trees seen; "adaptive" divides the rate by 5 whenever training would stop for
        lack of progress, until it is 1e-6 or less. `partial_fit` stays at the start of
        the cosine.

    learning_rate_init : float, default=None
        Step size. None is 0.005 for "adam", and for "sgd" 0.01 divided by the mean over
        trees of half the sum of squares of their leaves, if that is more than 1.

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
        "lbfgs". "auto": as many epochs as see 250 000 trees, but from 10
        to 200, and 200 for "lbfgs".

    shuffle : bool, default=True
        Whether to shuffle the trees in each epoch.

    tol : float, default=1e-3
        Training, except by "cosine", has converged when the mean loss of the last
        epochs is not lower than that of as many epochs before, by more than `tol`
        times the latter: of `n_iter_no_change`, or a third of all, whichever is more.
        "lbfgs" stops when no entry of the gradient is above `tol` / 10 times the loss
        at the start (or when the loss falls by less than 2e-9 of that).

    n_iter_no_change : int, default=20
        See `tol`.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the trees, judge progress by the
        loss on them under one fixed corruption, and keep the parameters that were best
        on them ("cosine" runs all epochs nevertheless).

    validation_fraction : float, default=0.1
        Fraction of trees to hold out, in (0, 1); only for ``early_stopping=True``.

    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the last `fit`.

    random_state : int, RandomState instance or None, default=None
        Decides initial weights, order of batches, corruption and held-out trees. Pass
        an int for the same result at every `fit`.

    verbose : int, default=0
        1 prints number, loss and time of each epoch.

    Attributes
    ----------
    encoder_left_, encoder_right_ : ndarray of shape (n_gates * n_components, \
            n_components)
        W_L and W_R: the encoder's weights for a first and for a last child; those
        between get the blend of Eq. (21). "blend" has one gate; "gated" has two: value,
        gate; "lstm" five: value, entry, forget left, forget right, out.

    encoder_intercept_ : ndarray of shape (n_gates * n_components,)
        b.

    decoder_left_, decoder_right_ : ndarray of shape (n_components, n_components)
        W'_L and W'_R.

    decoder_intercept_ : ndarray of shape (n_components,)
        b'.

    leaf_encoder_ : ndarray of shape (n_components, n_features_in_)
        U, and with it `leaf_encoder_intercept_` of shape (n_components,),
        `leaf_decoder_` of shape (n_features_in_, n_components) and
        `leaf_decoder_intercept_` of shape (n_features_in_,). Only if codes and leaf
        vectors differ in length.

    leaf_vectors_ : ndarray of shape (n_learned, n_features_in_)
        The learned vectors, and `leaf_vectors_given_` those that they stand for. Only
        if some are learned.

    input_kind_ : {"trees", "rows"}
        What the model was last trained on: trees, or rows of a 2-D array.

    n_iter_ : int
        Epochs run.

    t_ : int
        Trees seen in training, over all epochs.

    loss_ : float
        Mean loss per tree in the last epoch, penalty included.

    loss_curve_ : list of float
        `loss_` of every epoch.

    validation_loss_curve_ : list of float or None
        Mean loss per held-out tree after each epoch, without the penalty; None without
        early stopping.

    best_loss_ : float
        The lowest loss in the last call of `fit` or `partial_fit`: on held-out trees
        with early stopping, else in training.

    n_features_in_ : int
        Length of a leaf vector.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only after fitting on a 2-D X with
        feature names that are all strings.

    See Also
    --------
    RAETransformer : Every node reconstructs its direct children only.
    DenoisingAutoencoder : Codes of rows.

    References
    ----------
    .. [1] R. Socher, E. H. Huang, J. Pennington, A. Y. Ng, C. D. Manning, "Dynamic
       Pooling and Unfolding Recursive Autoencoders for Paraphrase Detection", NIPS
       2011.
    .. [2] A. Abe, "Unfolding RAE and BPTS", 2015.

    Examples
    --------
    >>> from sk_autoenc import UnfoldingRAETransformer
    >>> a, b, c = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]
    >>> trees = [((a, b), c), (a, b, c), (c,)]
    >>> model = UnfoldingRAETransformer(max_iter=5, random_state=0).fit(trees)
    >>> model.transform(trees).shape
    (3, 2)
    >>> model.reconstruct(trees)[2]
    (array([...]),)
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        encoder_activation: Activation = "tanh",
        decoder_activation: Activation = "identity",
        unfold_from: Literal["root", "all"] = "root",
        composition: Composition = "blend",
        child_weights: Literal["equal", "leaves"] = "equal",
        init: Literal["average", "glorot"] = "average",
        learn_leaves: bool = False,
        pooling: Pooling | tuple[Pooling, ...] = "root",
        corruption: Corruption = None,
        corruption_level: float = 0.0,
        alpha: float = 0.0,
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
        self.encoder_activation = encoder_activation
        self.decoder_activation = decoder_activation
        self.unfold_from = unfold_from
        self.composition = composition
        self.child_weights = child_weights
        self.init = init
        self.learn_leaves = learn_leaves
        self.pooling = pooling
        self.corruption = corruption
        self.corruption_level = corruption_level
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

    def _architecture_names(self, settings: SimpleNamespace) -> dict[str, Any]:
        return {
            "encoder_activation": settings.encoder_activation,
            "decoder_activation": settings.decoder_activation,
            "loss": f"unfold_{settings.unfold_from}",
            "composition": settings.composition,
            "child_weights": settings.child_weights,
        }


class RAETransformer(BaseTreeAutoencoder):
    """Recursive autoencoder: every node reconstructs its direct children.

    The plain relative of `UnfoldingRAETransformer`, whose parameters and attributes it
    has, but for `unfold_from`. The loss of a node is Eq. (40): the squared errors of
    its children's codes, each weighted by its share of the leaves. The targets move
    with the parameters and can be made small by shrinking the codes, which `normalize`
    prevents. Scores are minus Eq. (40); `reconstruct` and `reconstruction_error` unfold
    from the root, as for the relative.

    Parameters
    ----------
    n_components : int or None, default=None
        Length D of a code. None: that of a leaf vector, which then is its own code.
        Another length: leaf vectors are projected into codes and out again by learned
        affine maps.

    encoder_activation : {"tanh", "logistic", "relu", "identity"}, default="tanh"
        Activation f of the codes.

    decoder_activation : {"identity", "tanh", "logistic", "relu"}, default="identity"
        Activation g of what is decoded.

    normalize : bool, default=False
        Whether to divide each inner node's code by its Euclidean length [1]_.

    composition, child_weights, init, learn_leaves, pooling, corruption, \
corruption_level, alpha, solver, batch_size, learning_rate, learning_rate_init, \
power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon, max_iter, shuffle, \
tol, n_iter_no_change, early_stopping, validation_fraction, warm_start, \
random_state, verbose : various
        As for `UnfoldingRAETransformer`, with the same defaults.

    Attributes
    ----------
    encoder_left_, encoder_right_, encoder_intercept_, decoder_left_, \
decoder_right_, decoder_intercept_, leaf_encoder_, leaf_encoder_intercept_, \
leaf_decoder_, leaf_decoder_intercept_, leaf_vectors_, leaf_vectors_given_, \
input_kind_, n_iter_, t_, loss_, loss_curve_, \
validation_loss_curve_, best_loss_, n_features_in_, feature_names_in_
        As of `UnfoldingRAETransformer`.

    See Also
    --------
    UnfoldingRAETransformer : The root reconstructs all leaves.

    References
    ----------
    .. [1] R. Socher, J. Pennington, E. H. Huang, A. Y. Ng, C. D. Manning,
       "Semi-Supervised Recursive Autoencoders for Predicting Sentiment Distributions",
       EMNLP 2011.
    .. [2] A. Abe, "RAE", 2015.

    Examples
    --------
    >>> from sk_autoenc import RAETransformer
    >>> a, b, c = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]
    >>> model = RAETransformer(normalize=True, max_iter=5, random_state=0)
    >>> model.fit_transform([((a, b), c), (a, b, c), (c,)]).shape
    (3, 2)
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        encoder_activation: Activation = "tanh",
        decoder_activation: Activation = "identity",
        normalize: bool = False,
        composition: Composition = "blend",
        child_weights: Literal["equal", "leaves"] = "equal",
        init: Literal["average", "glorot"] = "average",
        learn_leaves: bool = False,
        pooling: Pooling | tuple[Pooling, ...] = "root",
        corruption: Corruption = None,
        corruption_level: float = 0.0,
        alpha: float = 0.0,
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
        self.encoder_activation = encoder_activation
        self.decoder_activation = decoder_activation
        self.normalize = normalize
        self.composition = composition
        self.child_weights = child_weights
        self.init = init
        self.learn_leaves = learn_leaves
        self.pooling = pooling
        self.corruption = corruption
        self.corruption_level = corruption_level
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

    def _architecture_names(self, settings: SimpleNamespace) -> dict[str, Any]:
        return {
            "encoder_activation": settings.encoder_activation,
            "decoder_activation": settings.decoder_activation,
            "loss": "children",
            "normalize": settings.normalize,
            "composition": settings.composition,
            "child_weights": settings.child_weights,
        }
