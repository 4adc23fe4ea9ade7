"""What the autoencoders of trees share: validate -> train -> attributes."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from sk_autoenc._compat import with_callbacks
from sk_autoenc._typing import Directory, FloatArray, Tree, TreesLike, typed
from sk_autoenc.base import Problem, corruption_maker, steps_by_minibatches
from sk_autoenc.base_tree import BaseTree, initial_parameters
from sk_autoenc.feeds import TreeFeed
from sk_autoenc.networks.tree.network import Network
from sk_autoenc.networks.tree.parameters import Sizes
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.tree_facts import TreeFacts
from sk_autoenc.tree_validation import (
    TREE_CONSTRAINTS,
    check_corrupts_given_leaves,
    check_pooling,
    check_trees,
)
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.known import knowing
from sk_autoenc.validation import (
    check_codes,
    check_parameters,
    check_same_loss_every_time,
)


class BaseTreeAutoencoder(BaseTree):
    """What the two autoencoders of trees share: all but the objective."""

    decoder_left_: FloatArray
    decoder_right_: FloatArray
    decoder_intercept_: FloatArray
    leaf_decoder_: FloatArray
    leaf_decoder_intercept_: FloatArray

    # Pipeline.inverse_transform(Z, structures=trees) under metadata routing.
    __metadata_request__inverse_transform: ClassVar = {"structures": True}

    @typed(with_callbacks)
    def fit(
        self,
        X: Forest | TreesLike,
        y: object = None,
        *,
        checkpoint: Directory | None = None,
    ) -> Self:
        """Fit the model to trees.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            A tuple is an inner node; anything else is a leaf, a vector. Trees come as
            a list, tuple, 1-D object array or pandas Series of them, or as a `Forest`.
            Row x of a 2-D array is the tree ``(x,)``; a list of vectors with no tuple
            in it is such an array, too. Other trees that `read_tree` knows, such as
            nltk's or dicts, are read if their leaves are vectors (of dicts also lists
            of numbers), without what stands on inner nodes. For trees of tokens put a
            `LeafVectorizer` before.
        y : Ignored
            Present for API consistency; handed to callbacks only.
        checkpoint : str, path-like or None, default=None
            A directory in which the run so far is kept, after each epoch but at most
            once a second. A later call with the same data and parameters goes on from
            there, to the same result, and ends at once if the run was over; of "lbfgs"
            the memory of past steps is lost. It is a pickle: only you should write it.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or a tree is not valid, or if the loss stops being finite.
            The estimator then is as it was before the call, as after any error.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or a failed line search of "lbfgs" ends the training, or if
            the loss rose throughout.

        See Also
        --------
        partial_fit : One epoch at a time, for trees that come in parts.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.n_iter_
        3
        """
        return self._fit(X, y, checkpoint)

    @typed(available_if(steps_by_minibatches))
    def partial_fit(self, X: Forest | TreesLike, y: object = None) -> Self:
        """Make one pass over trees, going on from the present parameters.

        The first call initialises as `fit` does, and is then the first epoch of `fit`.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        AttributeError
            With ``solver="lbfgs"``.
        ValueError
            If a parameter or a tree is not valid, or if the loss stops being finite.
            The estimator then is as it was before the call.

        See Also
        --------
        fit : All epochs on all of the trees.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(random_state=0).partial_fit(trees)
        >>> model.partial_fit(trees[:1]).t_
        3
        """
        return self._partial_fit(X)

    @overload
    def inverse_transform(
        self, X: ArrayLike, structures: None = None
    ) -> FloatArray: ...
    @overload
    def inverse_transform(self, X: ArrayLike, structures: Forest) -> Forest: ...
    @overload
    def inverse_transform(
        self, X: ArrayLike, structures: TreesLike
    ) -> list[Tree] | FloatArray: ...
    def inverse_transform(
        self, X: ArrayLike, structures: Forest | TreesLike | None = None
    ) -> Forest | list[Tree] | FloatArray:
        """Unfold codes into trees.

        Parameters
        ----------
        X : array-like of shape (n_trees, n_components * number of poolings)
            Codes, as `transform` returns them. The part of the root is used.
        structures : list of trees, Forest or None, default=None
            The shapes to unfold into, one for each code. Their leaves must be vectors
            of the right length, whose values do not matter. None: each code becomes one
            row, if the model was fitted on a 2-D array.

        Returns
        -------
        trees : list of trees, Forest or ndarray of shape (n_samples, n_features)
            The given shapes with reconstructed leaf vectors; a Forest if `structures`
            is one; rows if there are no `structures`.

        Raises
        ------
        ValueError
            If `pooling` has no "root", if `structures` is missing after fitting on
            trees, or if it has another length than X.

        See Also
        --------
        reconstruct : From trees to codes and back.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> codes = model.transform(trees)
        >>> model.inverse_transform(codes, structures=trees)[1]
        (array([...]),)
        """
        model = self._fitted_model()
        codes = check_codes(model, X, model._n_features_out)
        codes = codes[:, model._root_columns()]
        if structures is None:
            if model.input_kind_ == "trees":
                raise ValueError(
                    "structures=None, but the model was fitted on trees: a code does "
                    "not say which shape to unfold into. Pass "
                    "structures=<trees of the wanted shapes>, for instance the trees "
                    "that were transformed."
                )
            shape = (len(codes), model.n_features_in_)
            return model._unfold(codes, Forest.from_rows(np.zeros(shape, codes.dtype)))
        forest = check_trees(model, structures, reset=False, name="structures")
        if len(forest) != len(codes):
            raise ValueError(
                f"structures has {len(forest)} trees for {len(codes)} codes in X; pass "
                "one for each."
            )
        vectors = model._unfold(codes, forest)
        return as_given(structures, forest._with_trusted_leaves(vectors))

    @overload
    def reconstruct(self, X: Forest) -> Forest: ...
    @overload
    def reconstruct(self, X: TreesLike) -> list[Tree] | FloatArray: ...
    def reconstruct(self, X: Forest | TreesLike) -> Forest | list[Tree] | FloatArray:
        """Encode trees and unfold the codes of their roots again.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        trees : list of trees, Forest or ndarray of shape (n_samples, n_features)
            The same shapes with reconstructed leaf vectors, Eq. (23); a Forest or a
            2-D array if X is one.

        See Also
        --------
        reconstruction_error : How far that is from X, leaf by leaf.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.reconstruct(trees)[1]
        (array([...]),)
        """
        model = self._fitted_model()
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            codes = network.root_codes(parameters, forest)
            vectors = network.reconstruct(parameters, forest, codes)
        return as_given(X, forest._with_trusted_leaves(vectors))

    def score_samples(self, X: Forest | TreesLike) -> FloatArray:
        """Score each tree by how well it is reconstructed.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        scores : ndarray of shape (n_trees,)
            Minus the objective of each clean tree, without the penalty: higher is
            better.

        See Also
        --------
        reconstruction_error : Of every leaf.
        score : The mean over the trees.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.score_samples(trees).shape
        (2,)
        """
        model = self._fitted_model()
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            return -Objective(network, TreeFeed(forest)).losses(parameters)

    def score(self, X: Forest | TreesLike, y: object = None) -> float:
        """Return the mean of `score_samples`.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Minus the mean objective per tree: higher is better.

        See Also
        --------
        score_samples : Of every tree.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.score(trees) < 0
        True
        """
        return float(self.score_samples(X).mean())

    def reconstruction_error(self, X: Forest | TreesLike) -> FloatArray:
        """Return the squared error of every leaf, to find the guilty part of a tree.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        errors : ndarray of shape (n_leaves,)
            ||x' - x||^2 of each leaf of all trees, in leaf order (the order of
            ``Forest.leaves``), unfolded from the root.

        See Also
        --------
        score_samples : One number for each tree.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.reconstruction_error(trees).shape
        (4,)
        """
        model = self._fitted_model()
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            return network.squared_errors(parameters, forest)

    def _settings(self, reset: bool) -> SimpleNamespace:
        settings = check_parameters(self, TREE_CONSTRAINTS)
        check_pooling(settings.pooling)
        check_same_loss_every_time(settings)
        check_corrupts_given_leaves(settings)
        return settings

    def _outline(
        self,
        settings: SimpleNamespace,
        facts: TreeFacts,
        learned: dict[str, Any],
        reset: bool,
    ) -> Problem:
        n_components = self._prepare(settings, facts, learned, reset)
        dtype = self._training_dtype(facts, reset)
        fitted_with = learned["_fitted_with"] = self._architecture_names(settings)
        draws = self._draws(settings, reset)
        network = self._new_network(fitted_with, n_components, facts.n_features, dtype)
        known = learned.get("leaf_vectors_given_")
        if reset:
            sizes = Sizes(
                n_components,
                facts.n_features,
                COMPOSITIONS[settings.composition].n_gates,
                n_learned=0 if known is None else len(known),
            )
            parameters = initial_parameters(
                network, sizes, settings.init, known, draws.rng
            )
        else:
            parameters = self._current_parameters(dtype)
        inner_nodes_of_a_tree = facts.n_inner / facts.n_trees
        return Problem(
            settings,
            facts.n_trees,
            parameters,
            None,
            leaf_corruption_maker(settings, facts, dtype),
            draws,
            lambda n_trees: network.flops(n_trees * inner_nodes_of_a_tree),
            learned,
            objective_of=partial(tree_objective, network, known, settings.alpha),
            facts=facts,
        )

    def _unfold(self, codes: FloatArray, forest: Forest) -> FloatArray:
        """Return the leaf vectors that codes unfold to, in leaf order."""
        with self._ready(forest, codes.dtype) as (network, parameters, forest):
            return network.reconstruct(parameters, forest, codes)

    def _root_columns(self) -> slice:
        if "root" not in self._poolings:
            raise ValueError(
                f"inverse_transform unfolds the code of the root, but pooling="
                f"{self.pooling!r} has none. Use pooling='root' or a tuple with 'root'."
            )
        start = self._poolings.index("root") * self._n_components()
        return slice(start, start + self._n_components())


def as_given(X: Any, forest: Forest) -> Forest | list[Tree] | FloatArray:
    """Return a forest as X came: a Forest, nested tuples or rows."""
    if isinstance(X, Forest):
        return forest
    return forest.to_nested() if is_forest_like(X) else np.array(forest.leaf_table)


def tree_objective(
    network: Network,
    known: FloatArray | None,
    alpha: float,
    forest: Forest,
    corruption: Any,
) -> Objective:
    """Make the objective of a network: to reconstruct trees of corrupted leaves."""
    if known is not None:
        forest = knowing(forest, known)
    feed = TreeFeed(forest, network.dtype, corruption=corruption)
    return Objective(network, feed, alpha)


def leaf_corruption_maker(
    settings: SimpleNamespace, facts: TreeFacts, dtype: np.dtype[Any]
) -> Callable[[np.random.Generator], Any]:
    """Return ``make_corruption(rng)`` of leaf vectors, or of None for no corruption."""
    if facts.smallest is None or facts.largest is None:
        return no_corruption
    return corruption_maker(
        settings, (facts.smallest.astype(dtype), facts.largest.astype(dtype))
    )


def no_corruption(rng: np.random.Generator) -> None:
    """Corrupt nothing."""
    return None
