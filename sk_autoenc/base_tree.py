"""What the estimators of trees share: validate -> train -> attributes."""

from typing import ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._compat import with_callbacks
from sk_autoenc.base import BaseAutoencoder
from sk_autoenc.networks import levels, tree, tree_parameters
from sk_autoenc.objectives import TreeObjective
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import make_corruption
from sk_autoenc.parts.poolings import POOLINGS
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.validation import (
    TREE_CONSTRAINTS,
    check_codes,
    check_n_components,
    check_parameters,
    check_pooling,
    check_trees,
)


def steps_by_minibatches(estimator):
    """Refuse `partial_fit` to a solver that needs all trees at once."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit steps by minibatches, but solver='lbfgs' needs all trees at "
            "once. Use solver='adam' or 'sgd', or call fit."
        )
    return True


class BaseTreeAutoencoder(BaseAutoencoder):
    """What the two estimators of trees share: all but the objective."""

    # Pipeline.inverse_transform(Z, structures=trees) under metadata routing.
    __metadata_request__inverse_transform: ClassVar = {"structures": True}

    @with_callbacks
    def fit(self, X, y=None):
        """Fit the model to trees.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            A tuple is an inner node; anything else is a leaf, a vector. Trees come as
            a list, tuple, 1-D object array or pandas Series of them, or as a `Forest`.
            Row x of a 2-D array is the tree ``(x,)``.
        y : Ignored
            Present for API consistency; handed to callbacks only.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter is not valid: the estimator then stays as it was. If a tree
            is not valid or the loss stops being finite: it is then not fitted.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` or a failed line search of "lbfgs" ends the training, or if
            the loss rose throughout.
        """
        return self._fit(X, y)

    @available_if(steps_by_minibatches)
    def partial_fit(self, X, y=None):
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
        """
        return self._partial_fit(X)

    def transform(self, X):
        """Encode trees, without corruption.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        codes : ndarray of shape (n_trees, n_components * number of poolings)
            What `pooling` names, side by side: vec(root), Eq. (22), or the mean or
            maximum of the codes of all inner nodes.
        """
        check_is_fitted(self)
        forest = check_trees(self, X, reset=False)
        return self._by_block(self._pooled_codes, forest)

    def inverse_transform(self, X, structures=None):
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
        """
        check_is_fitted(self)
        codes = check_codes(self, X, self._n_features_out)
        codes = codes[:, self._root_columns()]
        if structures is None:
            if self.input_kind_ == "trees":
                raise ValueError(
                    "structures=None, but the model was fitted on trees: a code does "
                    "not say which shape to unfold into. Pass "
                    "structures=<trees of the wanted shapes>, for instance the trees "
                    "that were transformed."
                )
            shape = (len(codes), self.n_features_in_)
            return self._unfold(codes, Forest.from_rows(np.zeros(shape, codes.dtype)))
        forest = check_trees(self, structures, reset=False, name="structures")
        if len(forest) != len(codes):
            raise ValueError(
                f"structures has {len(forest)} trees for {len(codes)} codes in X; pass "
                "one for each."
            )
        return as_given(structures, forest.with_leaves(self._unfold(codes, forest)))

    def reconstruct(self, X):
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
        """
        check_is_fitted(self)
        forest = check_trees(self, X, reset=False)
        codes = self._by_block(tree.root_codes, forest)
        return as_given(X, forest.with_leaves(self._unfold(codes, forest)))

    def score_samples(self, X):
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
        """
        check_is_fitted(self)
        forest = check_trees(self, X, reset=False)
        return -self._by_block(tree.tree_losses, forest)

    def score(self, X, y=None):
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
        """
        return float(self.score_samples(X).mean())

    def reconstruction_error(self, X):
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
        """
        check_is_fitted(self)
        forest = check_trees(self, X, reset=False)
        return self._by_block(tree.squared_errors, forest)

    def transform_nodes(self, X):
        """Encode every node of every tree.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        codes : ndarray of shape (n_nodes, n_components)
            vec(.) of all nodes, tree by tree, each in preorder.
        index : structured ndarray of shape (n_nodes,)
            Which node a row is. Fields ``tree``, ``position`` (in preorder),
            ``height``, ``depth`` and ``size`` (nodes of its subtree, itself included).
        """
        check_is_fitted(self)
        forest = check_trees(self, X, reset=False)
        codes = self._by_block(tree.node_codes, forest)
        index = np.empty(
            len(forest.size),
            [(name, np.int64) for name in ("tree", "position")]
            + [(name, np.int32) for name in ("height", "depth", "size")],
        )
        index["tree"] = np.repeat(np.arange(len(forest)), forest.n_nodes)
        index["position"] = np.arange(len(index)) - np.repeat(
            forest.tree_start[:-1], forest.n_nodes
        )
        for name in ("height", "depth", "size"):
            index[name] = getattr(forest, name)
        return codes, index

    def get_feature_names_out(self, input_features=None):
        """Return the names of the codes' entries.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored after fitting on trees, whose features have no names.

        Returns
        -------
        names : ndarray of str objects
            The lower-case name of the class and a number.
        """
        check_is_fitted(self)
        if self.input_kind_ == "trees":
            input_features = None
        return super().get_feature_names_out(input_features)

    def _pooled_codes(self, network, block):
        """Return what `transform` returns, of a block of trees."""
        tree_start = block.nodes.tree_start
        is_pooled = np.zeros(tree_start[-1], bool)
        if self._poolings != ("root",):
            is_pooled |= block.nodes.leaf_row < 0
        is_pooled[tree_start[:-1]] = True  # bare leaves too
        codes = tree.node_codes(network, block, np.flatnonzero(is_pooled))
        first = np.cumsum(is_pooled)[tree_start[:-1]] - 1
        return np.hstack([POOLINGS[name](codes, first) for name in self._poolings])

    def _check_parameters(self):
        check_parameters(self, TREE_CONSTRAINTS)
        check_pooling(self.pooling)
        if self.solver == "lbfgs" and self.corruption is not None:
            raise ValueError(
                f"solver='lbfgs' needs the same loss at every evaluation, but "
                f"corruption={self.corruption!r} is drawn anew each time. Use "
                "corruption=None, or solver='adam' or 'sgd'."
            )

    def _check_training_data(self, X, reset):
        forest = check_trees(self, X, reset=reset)
        self.input_kind_ = "trees" if is_forest_like(X) else "rows"
        if not reset:
            check_n_components(self, self._n_components())
            forest = forest.astype(self.encoder_intercept_.dtype)
        return forest

    def _n_components(self):
        """Return the length of a code of the fitted model."""
        return len(self.encoder_intercept_)

    def _architecture(self):
        return tree_parameters.Architecture(
            encoder_activation=ACTIVATIONS[self.encoder_activation],
            decoder_activation=ACTIVATIONS[self.decoder_activation],
            alpha=self.alpha,
            **self._objective_options(),
        )

    def _initial_parameters(self, forest, rng):
        n_components = self.n_components or forest.n_features
        parameters = tree_parameters.allocate_parameters(
            n_components, forest.n_features, forest.dtype
        )
        tree_parameters.initialise(parameters, self._architecture(), self.init, rng)
        return parameters

    def _current_parameters(self, dtype=None):
        parameters = tree_parameters.allocate_parameters(
            self._n_components(),
            self.n_features_in_,
            dtype or self.encoder_intercept_.dtype,
        )
        for name, array in self._parameter_attributes(parameters).items():
            array[...] = getattr(self, name)
        return parameters

    def _parameter_attributes(self, parameters):
        attributes = {
            "encoder_left_": parameters.encoder_left,
            "encoder_right_": parameters.encoder_right,
            "encoder_intercept_": parameters.encoder_intercept,
            "decoder_left_": parameters.decoder_left,
            "decoder_right_": parameters.decoder_right,
            "decoder_intercept_": parameters.decoder_intercept,
        }
        if parameters.projects:
            attributes |= {
                "leaf_encoder_": parameters.leaf_encoder,
                "leaf_encoder_intercept_": parameters.leaf_encoder_intercept,
                "leaf_decoder_": parameters.leaf_decoder,
                "leaf_decoder_intercept_": parameters.leaf_decoder_intercept,
            }
        return attributes

    def _make_objective(self, forest, parameters, rng):
        if self.corruption is None:
            return TreeObjective(forest, parameters, self._architecture(), None, rng)
        # A part of a forest shares its table: not every row of it is a leaf here.
        leaves = forest.leaf_table[np.unique(forest.leaf_row[forest.leaves])]
        feature_range = leaves.min(axis=0), leaves.max(axis=0)

        def make(rng):
            return make_corruption(
                self.corruption, self.corruption_level, feature_range, rng
            )

        return TreeObjective(forest, parameters, self._architecture(), make, rng)

    def _network(self, dtype):
        """Return the fitted network, in that dtype or its own, whichever is wider."""
        dtype = np.result_type(dtype, self.encoder_intercept_.dtype)
        return tree.Network(
            self._current_parameters(dtype), self._architecture(), tree.Workspace(dtype)
        )

    def _blocks(self, network, forest):
        dtype = network.parameters.flat.dtype
        return levels.blocks(forest.astype(dtype), self._n_components(), dtype)

    def _by_block(self, function, forest):
        """Join ``function(network, levels)`` of all blocks of a forest."""
        network = self._network(forest.dtype)
        blocks = self._blocks(network, forest)
        return np.concatenate([function(network, block) for block in blocks])

    def _unfold(self, codes, forest):
        """Return the leaf vectors that codes unfold to, in leaf order."""
        network = self._network(np.result_type(codes, forest.dtype))
        vectors, n_done = [], 0
        for block in self._blocks(network, forest):
            part = codes[n_done : n_done + block.n_trees]
            vectors.append(tree.reconstruct(network, block, part))
            n_done += block.n_trees
        return np.concatenate(vectors)

    @property
    def _poolings(self):
        check_pooling(self.pooling)
        return (self.pooling,) if isinstance(self.pooling, str) else tuple(self.pooling)

    def _root_columns(self):
        if "root" not in self._poolings:
            raise ValueError(
                f"inverse_transform unfolds the code of the root, but pooling="
                f"{self.pooling!r} has none. Use pooling='root' or a tuple with 'root'."
            )
        start = self._poolings.index("root") * self._n_components()
        return slice(start, start + self._n_components())

    @property
    def _n_features_out(self):
        return len(self._poolings) * self._n_components()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def as_given(X, forest):
    """Return a forest as X came: a Forest, nested tuples or rows."""
    if isinstance(X, Forest):
        return forest
    return forest.to_nested() if is_forest_like(X) else np.array(forest.leaf_table)
