"""What the estimators of labelled trees share: validate -> train -> attributes."""

from types import SimpleNamespace
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._typing import FloatArray, IntArray, TreesLike
from sk_autoenc.base import Problem
from sk_autoenc.base_tree import BaseTree, architecture, initial_parameters
from sk_autoenc.feeds import LabelledTreeFeed
from sk_autoenc.networks.dropout import Dropout
from sk_autoenc.networks.tree.labels import Head, LabelledNetwork, Labels
from sk_autoenc.networks.tree.parameters import Parameters, Sizes
from sk_autoenc.objectives import Objective
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.tree_validation import (
    LABELLED_TREE_CONSTRAINTS,
    check_pooling,
    check_trees,
    check_unchanged,
)
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.known import LeafCounts, knowing, known_rows
from sk_autoenc.validation import (
    check_same_dropout_every_time,
    check_settings,
    trained_on,
)

USUAL_BATCH_SIZE = 32
USUAL_COMPONENTS = 50, 128
"""One-hot vectors of two tokens have length 2, in which nothing can be kept; those of a
thousand would make weights of millions, of which an epoch takes half a minute."""
USUAL_WAY = 14.0
"""How far all steps of Adam together may move a parameter."""
RECONSTRUCTED = {"leaves": "unfold_root", "children": "children"}
"""By `reconstruction_of`: a name of `networks.tree.losses.LOSSES`."""


class BaseLabelledTree(BaseTree):
    """A recursive network with a head, trained on labels.

    A subclass has

    - ``_read_labels(y, node_labels, forest, settings, learned)`` -> targets of the
      trees, (n_trees, n_outputs), and of the nodes, (n_nodes,) or None; it adds its
      own fitted attributes to `learned`;
    - ``_loss(n_outputs)`` -> Loss;
    - ``_misfit(outputs, targets, class_weights)`` -> what early stopping watches: less
      is better.
    """

    output_weights_: FloatArray
    output_intercept_: FloatArray

    # Pipeline.fit(X, y, node_labels=labels) under metadata routing.
    __metadata_request__fit: ClassVar = {"node_labels": True}

    def _problem(
        self, X: Any, y: object, reset: bool, node_labels: object = None
    ) -> Problem:
        settings = self._labelled_settings()
        forest, learned = self._read(X, reset)
        facts = self._facts(settings, forest)
        n_components = self._prepare(settings, facts, learned, reset)
        dtype = self._training_dtype(facts, reset)
        known = learned.get("leaf_vectors_given_")
        if known is not None:
            forest = knowing(forest, known)
        if not reset:
            self._check_goes_on(settings)
        targets, node_targets = self._read_labels(
            y, node_labels, forest, settings, learned
        )
        n_trees = trained_on(settings, len(forest))
        if settings.batch_size == "auto":
            settings.batch_size = min(USUAL_BATCH_SIZE, n_trees)
        if self.learning_rate_init is None and settings.solver == "adam":
            settings.learning_rate_init = usual_rate(settings, n_trees)
        learned["_fitted_with"] = self._architecture_names(settings)
        draws = self._draws(settings, reset)
        network = self._new_network(
            learned["_fitted_with"], n_components, forest.n_features, dtype
        )
        n_outputs = self._n_outputs(targets, learned)
        network.head = Head(
            self._loss(n_outputs),
            self._poolings,
            settings.reconstruction,
            self._class_weights(settings, targets, learned),
        )
        if reset:
            sizes = Sizes(
                n_components,
                forest.n_features,
                COMPOSITIONS[settings.composition].n_gates,
                settings.reconstruction > 0,
                n_outputs,
                len(self._poolings) * n_components,
                0 if known is None else len(known),
            )
            is_name = isinstance(settings.init, str)
            parameters = initial_parameters(
                network,
                sizes,
                settings.init if is_name else "glorot",
                known,
                draws.rng,
            )
            if not is_name:
                start_from(parameters, settings, learned)
        else:
            parameters = self._current_parameters(dtype)

        def make(rng: np.random.Generator) -> Dropout | None:
            level = settings.dropout
            return Dropout(level, level, rng) if level else None

        targets_read = targets.astype(dtype)
        labels = Labels(targets_read, node_targets, forest.tree_start)
        feed = LabelledTreeFeed(forest, corruption=make(draws.rng), y=labels)

        def judge(parameters: Parameters, rows: IntArray) -> float:
            outputs = np.concatenate(
                [
                    network.outputs(parameters, forest.select(block))
                    for block in feed.blocks(rows)
                ]
            )[:, : targets.shape[1]]
            return self._misfit(outputs, targets[rows], network.head.class_weights)

        inner_nodes_of_a_tree = facts.n_inner / facts.n_trees
        return Problem(
            settings,
            len(forest),
            parameters,
            Objective(network, feed, settings.alpha),
            make,
            draws,
            lambda n_trees: network.flops(n_trees * inner_nodes_of_a_tree),
            learned,
            judge,
            targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0],
            facts=facts,
        )

    def _usual_n_components(self, n_features: int) -> int:
        given = getattr(self.init, "estimator", self.init)  # a FrozenEstimator
        if "encoder_left_" in getattr(given, "__dict__", {}):
            return cast(BaseTree, given)._n_components()
        least, most = USUAL_COMPONENTS
        return min(max(n_features, least), most)

    def _leaves_to_learn(self, leaf_counts: LeafCounts) -> FloatArray:
        """Return those of the trees, and those that `init` has learned elsewhere."""
        own = super()._leaves_to_learn(leaf_counts)
        start = getattr(self.init, "estimator", self.init)
        others = vars(start).get("leaf_vectors_given_") if is_object(start) else None
        if others is None or others.shape[1] != own.shape[1]:
            return own
        new = known_rows(others, own) < 0
        return np.concatenate([own, others[new].astype(own.dtype)])

    def _labelled_settings(self) -> SimpleNamespace:
        constraints = dict(LABELLED_TREE_CONSTRAINTS)
        if not isinstance(self.init, str):
            refuse_no_transformer(self)
            constraints.pop("init")
        settings = check_settings(self, constraints)
        check_pooling(settings.pooling)
        check_same_dropout_every_time(settings)
        return settings

    def _check_goes_on(self, settings: SimpleNamespace) -> None:
        """Refuse settings that the fitted parameters do not have the sizes for."""
        known = self._fitted_with["poolings"]
        check_unchanged("pooling", self._poolings, known)
        if settings.reconstruction and "decoder_left_" not in vars(self):
            check_unchanged("reconstruction", settings.reconstruction, 0.0)

    def _n_outputs(self, targets: FloatArray, learned: dict[str, Any]) -> int:
        """Return how many outputs the head has: those of the trees, or more."""
        return targets.shape[1]

    def _class_weights(
        self, settings: SimpleNamespace, targets: FloatArray, learned: dict[str, Any]
    ) -> FloatArray | None:
        return None

    def _new_network(
        self,
        fitted_with: dict[str, Any],
        n_components: int,
        n_features: int,
        dtype: np.dtype[Any],
    ) -> LabelledNetwork:
        names = dict(fitted_with)
        head = Head(self._loss(1), names.pop("poolings"))
        return LabelledNetwork(
            head, architecture(names), n_components, n_features, dtype
        )

    def _architecture_names(self, settings: SimpleNamespace) -> dict[str, Any]:
        return {
            "encoder_activation": settings.encoder_activation,
            "decoder_activation": settings.decoder_activation,
            "loss": RECONSTRUCTED[settings.reconstruction_of],
            "composition": settings.composition,
            "child_weights": settings.child_weights,
            "decodes": settings.reconstruction > 0,
            "poolings": self._poolings,
        }

    def _outputs(self, X: TreesLike | Forest) -> FloatArray:
        """Return the pre-activations of the head for each tree."""
        model = self._fitted_model()
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            return cast(LabelledNetwork, network).outputs(parameters, forest)

    def _node_outputs(self, X: TreesLike | Forest) -> tuple[FloatArray, NDArray[Any]]:
        """Return the pre-activations for every node, and where each tree's begin."""
        model = self._fitted_model()
        refuse_nodes_of(model._fitted_with["poolings"], "predict_nodes")
        forest = check_trees(model, X, reset=False)
        with model._ready(forest) as (network, parameters, forest):
            codes = network.node_codes(parameters, forest)
            outputs = cast(LabelledNetwork, network).head_outputs(parameters, codes)
        return outputs, forest.tree_start[1:-1]


def usual_rate(settings: SimpleNamespace, n_trees: int) -> float:
    """Return the rate of Adam that leads far enough, and not too far, in all steps.

    A step of Adam moves a parameter by about the rate, whatever the scale of the loss.
    """
    n_steps = settings.max_iter * -(-n_trees // settings.batch_size)
    return min(max(USUAL_WAY / n_steps, 0.001), 0.1)


def refuse_nodes_of(poolings: tuple[str, ...], what: str) -> None:
    """Refuse labels of nodes if the head reads more than a node's own code."""
    if poolings != ("root",):
        raise ValueError(
            f"{what} needs pooling='root': only then is what the labels are read from "
            f"the code of one node. Got pooling={poolings}."
        )


def start_from(
    parameters: Parameters, settings: SimpleNamespace, learned: dict[str, Any]
) -> None:
    """Copy the encoder, and what else there is, of a fitted transformer.

    Raises
    ------
    ValueError
        It is not fitted, or of other sizes or parts.
    """
    given = getattr(settings.init, "estimator", settings.init)  # a FrozenEstimator
    try:
        check_is_fitted(given)
    except NotFittedError:
        raise ValueError(
            f"init={type(given).__name__} is not fitted. Fit it on the unlabelled "
            "trees first. A search or cross-validation clones it, which forgets what "
            "it learned: pass init=FrozenEstimator(...) there (sklearn.frozen)."
        ) from None
    for name in ("composition", "encoder_activation", "child_weights"):
        own, other = getattr(settings, name), given._fitted_with[name]
        if own != other:
            raise ValueError(
                f"init was fitted with {name}={other!r}, but {name} is {own!r} here; "
                "make them equal."
            )
    if given._fitted_with.get("normalize"):
        raise ValueError(
            "init was fitted with normalize=True, but codes are not normalised here; "
            "fit it with normalize=False."
        )
    start = given._current_parameters(parameters.flat.dtype)
    for name in parameters.shapes:
        if name in ("head", "head_intercept", "leaf_table"):
            continue
        own, other = getattr(parameters, name), getattr(start, name)
        of_one_length = given.n_features_in_ == learned["n_features_in_"]
        if of_one_length and other is not None and own.shape == other.shape:
            own[...] = other
        elif name.startswith(("encoder", "leaf_encoder")):
            raise ValueError(
                f"init has codes of length {start.n_components} of leaf vectors of "
                f"length {given.n_features_in_}; here they are "
                f"{parameters.n_components} and {learned['n_features_in_']}. Make them "
                "equal (n_components, and the vectors of X)."
            )
    if start.learns_leaves and not settings.learn_leaves:
        raise ValueError(
            "init has learned leaf vectors, and learn_leaves=False would put the given "
            "ones in their place again. Use learn_leaves=True here, or False there."
        )
    if start.learns_leaves:
        copy_learned_leaves(parameters, learned["leaf_vectors_given_"], given)


def refuse_no_transformer(estimator: BaseTree) -> None:
    """Refuse an `init` that has no encoder of trees to start from."""
    init = estimator.init
    if hasattr(init, "transform_nodes") and not isinstance(init, type):
        return
    remedy = ""
    if hasattr(init, "steps"):
        remedy = (
            " Of a Pipeline pass the fitted last step, init=pipeline[-1], and put the "
            "steps before it in front of this estimator."
        )
    raise ValueError(
        f"The 'init' parameter of {type(estimator).__name__} must be a str among "
        "{'average', 'glorot'}, or a fitted UnfoldingRAETransformer or RAETransformer. "
        f"Got {init!r} instead.{remedy}"
    )


def is_object(init: Any) -> bool:
    """Tell a transformer from a name."""
    return not isinstance(init, str) and hasattr(init, "__dict__")


def copy_learned_leaves(parameters: Any, known: FloatArray, given: BaseTree) -> None:
    """Start from vectors that another estimator has learned, where it has."""
    row = known_rows(known, given.leaf_vectors_given_)
    has = row >= 0
    parameters.leaf_table[has] = given.leaf_vectors_[row[has]]
