"""What all estimators of trees share: codes of trees and of nodes."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from sk_autoenc._typing import FloatArray, Pooling, TreesLike
from sk_autoenc.base import BaseIterative
from sk_autoenc.networks.tree.network import Network
from sk_autoenc.networks.tree.parameters import (
    Architecture,
    Parameters,
    Sizes,
    initialise,
    parameter_shapes,
)
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.threads import blas_threads
from sk_autoenc.tree_facts import TreeFacts
from sk_autoenc.tree_validation import (
    check_n_components,
    check_pooling,
    check_trees,
    check_unchanged,
    learning_rate_for_trees,
)
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.known import LeafCounts, knowing
from sk_autoenc.trees.nodes import parts, ranges
from sk_autoenc.validation import features_of, resolve_max_iter

LEARNED_COUNT = 2
"""A leaf vector is learned if it stands in so many places: one that is met once says
nothing of others, and would only be fitted to its own tree."""


class BaseTree(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseIterative):
    """An estimator of trees that are encoded by a recursive network.

    A subclass has what `BaseIterative` asks for.
    """

    encoder_left_: FloatArray
    encoder_right_: FloatArray
    encoder_intercept_: FloatArray
    leaf_encoder_: FloatArray
    leaf_encoder_intercept_: FloatArray
    leaf_vectors_given_: FloatArray
    leaf_vectors_: FloatArray
    input_kind_: Literal["trees", "rows"]
    pooling: Pooling | tuple[Pooling, ...]

    def transform(self, X: Forest | TreesLike) -> FloatArray:
        """Encode trees, without corruption.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        codes : ndarray of shape (n_trees, n_components * number of poolings)
            What `pooling` names, side by side: vec(root), Eq. (22) or (41), or the
            mean, sum or maximum of the codes of all inner nodes.

        See Also
        --------
        inverse_transform : From codes back to trees.
        transform_nodes : Codes of all nodes.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.transform(trees).shape
        (2, 2)
        """
        model = self._fitted_model()
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            return network.pooled_codes(parameters, forest, model._poolings)

    def transform_nodes(
        self, X: Forest | TreesLike
    ) -> tuple[FloatArray, NDArray[np.void]]:
        """Encode every node of every tree.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        codes : ndarray of shape (n_nodes, n_components)
            The code vec(.) of all nodes, tree by tree, each in preorder.
        index : structured ndarray of shape (n_nodes,)
            Which node a row is. Fields ``tree``, ``position`` (in preorder),
            ``height``, ``depth`` and ``size`` (nodes of its subtree, itself included).

        See Also
        --------
        transform : One code for each tree.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> codes, index = model.transform_nodes(trees)
        >>> codes.shape
        (7, 2)
        >>> index["height"]
        array([2, 0, 1, 0, 0, 1, 0], dtype=int32)
        """
        model = self._fitted_model()
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            codes = network.node_codes(parameters, forest)
        return codes, node_index(forest)

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> NDArray[np.object_]:
        """Return the names of the codes' entries.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored after fitting on trees, whose features have no names.

        Returns
        -------
        names : ndarray of str objects
            The lower-case name of the class and a number.

        See Also
        --------
        transform : Its columns have these names.

        Examples
        --------
        >>> from sk_autoenc import UnfoldingRAETransformer
        >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
        >>> model.get_feature_names_out().tolist()
        ['unfoldingraetransformer0', 'unfoldingraetransformer1']
        """
        if self._fitted_model().input_kind_ == "trees":
            input_features = None
        return super().get_feature_names_out(input_features)

    def _n_components(self) -> int:
        """Return the length of a code of the fitted model."""
        return self.encoder_left_.shape[1]

    def _usual_n_components(self, n_features: int) -> int:
        """Return what ``n_components=None`` means."""
        return n_features

    def _leaves_to_learn(self, leaf_counts: LeafCounts) -> FloatArray:
        """Return the distinct leaf vectors that are learned."""
        frequent: FloatArray = leaf_counts.frequent(LEARNED_COUNT)
        return frequent

    def _sizes(self) -> Sizes:
        """Return the sizes of the fitted parameters."""
        head = vars(self).get("output_weights_", np.empty((0, 0)))
        return Sizes(
            self._n_components(),
            self.n_features_in_,
            n_gates=len(self.encoder_left_) // self._n_components(),
            decodes="decoder_left_" in vars(self),
            n_outputs=len(head),
            n_pooled=head.shape[1],
            n_learned=len(vars(self).get("leaf_vectors_", ())),
        )

    def _current_parameters(self, dtype: np.dtype[Any]) -> Parameters:
        """Return a copy of the fitted parameters, in that dtype."""
        parameters = Parameters.zeros(parameter_shapes(self._sizes()), dtype)
        for name, array in self._parameter_attributes(parameters).items():
            array[...] = getattr(self, name)
        return parameters

    def _parameter_attributes(self, parameters: Any) -> dict[str, FloatArray]:
        attributes = {
            "encoder_left_": parameters.encoder_left,
            "encoder_right_": parameters.encoder_right,
            "encoder_intercept_": parameters.encoder_intercept,
            "leaf_encoder_": parameters.leaf_encoder,
            "leaf_encoder_intercept_": parameters.leaf_encoder_intercept,
            "leaf_decoder_": parameters.leaf_decoder,
            "leaf_decoder_intercept_": parameters.leaf_decoder_intercept,
            "output_weights_": parameters.head,
            "output_intercept_": parameters.head_intercept,
            "leaf_vectors_": parameters.leaf_table,
        }
        if parameters.decoder is not None:
            attributes |= {
                "decoder_left_": parameters.decoder_left,
                "decoder_right_": parameters.decoder_right,
                "decoder_intercept_": parameters.decoder_intercept,
            }
        return {name: part for name, part in attributes.items() if part is not None}

    def _new_network(
        self,
        fitted_with: dict[str, Any],
        n_components: int,
        n_features: int,
        dtype: np.dtype[Any],
    ) -> Network:
        """Make a network, without parameters, of what `_fitted_with` keeps."""
        return Network(architecture(fitted_with), n_components, n_features, dtype)

    def _read(self, X: Any, reset: bool) -> tuple[Forest, dict[str, Any]]:
        if reset:
            forest, learned = features_of(self, check_trees, X)
        else:
            forest = check_trees(self, X, reset=False)
            # Leaves are converted batch by batch.
            forest._check_finite(self.encoder_intercept_.dtype)
            learned = self._fitted_state()
        learned["input_kind_"] = "trees" if is_forest_like(X) else "rows"
        return forest, learned

    def _facts(self, settings: SimpleNamespace, data: Forest) -> TreeFacts:
        return TreeFacts.of(settings, data)

    def _training_dtype(self, facts: TreeFacts, reset: bool) -> np.dtype[Any]:
        return facts.dtype if reset else self.encoder_intercept_.dtype

    def _prepare(
        self,
        settings: SimpleNamespace,
        facts: TreeFacts,
        learned: dict[str, Any],
        reset: bool,
    ) -> int:
        """Return the length of codes.

        Puts numbers in the place of "auto" and None of the settings, and the vectors of
        leaves that are to be learned into `learned`.
        """
        if reset:
            n_components = settings.n_components or self._usual_n_components(
                facts.n_features
            )
            if settings.learn_leaves:
                known = self._leaves_to_learn(facts.leaf_counts)
                if len(known):
                    learned["leaf_vectors_given_"] = known
        else:
            n_components = self._n_components()
            check_n_components(settings, n_components)
            known = self._fitted_with["composition"]
            check_unchanged("composition", settings.composition, known)
        settings.max_iter = resolve_max_iter(
            settings.max_iter,
            facts.n_trees,
            by_minibatches=SOLVERS[settings.solver].by_minibatches,
        )
        settings.learning_rate_init = learning_rate_for_trees(
            settings, facts.sum_of_squares / facts.n_trees
        )
        return n_components

    @contextmanager
    def _ready(
        self, forest: Forest, dtype: np.dtype[Any] | None = None
    ) -> Iterator[tuple[Network, Parameters, Forest]]:
        """Give the fitted network, its parameters and the forest.

        The network is in the widest dtype of the model's, the forest's and `dtype`, and
        converts the leaves block by block. Within the `with`, BLAS has as many threads
        as they are worth.
        """
        dtype = np.result_type(
            self.encoder_intercept_, forest.dtype, dtype or forest.dtype
        )
        network = self._new_network(
            self._fitted_with, self._n_components(), self.n_features_in_, dtype
        )
        parameters = self._current_parameters(dtype)
        if parameters.learns_leaves:
            forest = knowing(forest, self.leaf_vectors_given_)
        with blas_threads(network.flops(np.count_nonzero(forest.n_children))):
            yield network, parameters, forest

    @property
    def _poolings(self) -> tuple[Pooling, ...]:
        check_pooling(self.pooling)
        return (self.pooling,) if isinstance(self.pooling, str) else tuple(self.pooling)

    @property
    def _n_features_out(self) -> int:
        return len(self._poolings) * self._n_components()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def architecture(names: dict[str, Any]) -> Architecture:
    """Make the architecture that the names of its parts stand for."""
    activations = ("encoder_activation", "decoder_activation")
    parts: dict[str, Any] = {name: ACTIVATIONS[names[name]] for name in activations}
    parts["composition"] = COMPOSITIONS[names["composition"]]
    return Architecture(**names | parts)


def node_index(forest: Forest) -> NDArray[np.void]:
    """Say of every node which one it is; see `BaseTree.transform_nodes`."""
    index = np.empty(
        len(forest.size),
        [(name, np.int64) for name in ("tree", "position")]
        + [(name, np.int32) for name in ("height", "depth", "size")],
    )
    for first, last in parts(forest):
        part = index[forest.tree_start[first] : forest.tree_start[last]]
        n_nodes = forest.n_nodes[first:last]
        part["tree"] = np.repeat(np.arange(first, last), n_nodes)
        part["position"] = ranges(np.zeros_like(n_nodes), n_nodes)[0]
    for name in ("height", "depth", "size"):
        index[name] = getattr(forest, name)
    return index


def initial_parameters(
    network: Network,
    sizes: Sizes,
    init: str,
    known: FloatArray | None,
    rng: np.random.Generator,
) -> Parameters:
    """Make parameters; learned leaves start from their vectors, the known ones."""
    parameters = Parameters.zeros(parameter_shapes(sizes), network.dtype)
    initialise(parameters, network.architecture, init, rng)
    if parameters.learns_leaves:
        parameters.leaf_table[...] = known
    return parameters
