"""
How much of a dendrogram fits into one vector?
==============================================

scipy's hierarchical clustering makes a binary tree of some images: each merge joins the
two nearest clusters. Here the images are handwritten digits of 8 x 8 pixels, 6 to 10 to
a tree, drawn at random, and the leaves of the tree are the images themselves. An
unfolding recursive autoencoder encodes each tree in a single vector, as long as one
image, and decodes all of its images from that vector again, given the shape of the
tree. Training minimises the error of the decoded images.

The error is that of trees of images that were not seen in training. Beside it stand
the error of the mean image of each tree, which is a vector of the same length, and that
of the untrained model. The picture shows one such dendrogram, its images, and what the
one vector made of them.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster.hierarchy import dendrogram, linkage
from sklearn.datasets import load_digits

from sk_autoenc import Forest, UnfoldingRAETransformer

PICTURE = Path(__file__).with_suffix(".png")
N_TRAINING_IMAGES = 1400


def link(images):
    """Cluster images by average linkage; similar images become neighbours."""
    return linkage(images, "average", optimal_ordering=True)


def nested(images, linkage_matrix):
    """Give a linkage as nested pairs of images: each row joins two earlier nodes."""
    nodes = list(images)
    for left, right in linkage_matrix[:, :2].astype(int):
        nodes.append((nodes[left], nodes[right]))
    return nodes[-1]


def draw_subsets(images, n_trees, rng):
    """Draw 6 to 10 of the images for each tree."""
    return [
        images[rng.choice(len(images), rng.integers(6, 11), replace=False)]
        for _ in range(n_trees)
    ]


def make_forest(subsets):
    return Forest.from_nested([nested(images, link(images)) for images in subsets])


def make_model(**settings):
    return UnfoldingRAETransformer(
        batch_size=25, max_iter=80, random_state=0, **settings
    )


def errors_of_mean(images):
    """Squared error of each image of a tree, restored as the mean of them all."""
    return ((images - images.mean(axis=0)) ** 2).sum(axis=1)


def show(axis, images, label, errors=None):
    """Show images below the leaves of scipy's dendrogram, which stand at 10 i + 5."""
    for i, image in enumerate(images):
        place = (10 * i + 0.5, 10 * i + 9.5, 0, 9)
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1, extent=place)
        if errors is not None:
            axis.text(10 * i + 5, -1.8, f"{errors[i]:.1f}", ha="center", fontsize=9)
    axis.set(xlim=(0, 10 * len(images)), ylim=(-2, 9.5), xticks=[], yticks=[])
    axis.set_aspect("auto")
    axis.set_ylabel(label, rotation=0, ha="right", va="center")
    axis.spines[:].set_visible(False)


def draw(model, images):
    """Draw one dendrogram with its true and its unfolded images; return the path."""
    linkage_matrix = link(images)
    tree = Forest.from_nested([nested(images, linkage_matrix)])
    true, unfolded = tree.leaf_vectors(), model.reconstruct(tree).leaf_vectors()
    mean = np.repeat([true.mean(axis=0)], len(true), axis=0)

    figure, axes = plt.subplots(
        4, 1, figsize=(10, 7.5), height_ratios=[2.2, 1, 1, 1], layout="constrained"
    )
    dendrogram(linkage_matrix, ax=axes[0], no_labels=True, color_threshold=0)
    axes[0].set_ylabel("distance of two clusters\n(Euclidean, pixels in [0, 1])")
    axes[0].spines[["top", "right", "bottom"]].set_visible(False)
    show(axes[1], true, "images")
    show(
        axes[2],
        unfolded,
        "unfolded\nfrom one\nvector",
        model.reconstruction_error(tree),
    )
    show(axes[3], mean, "mean image\nof the tree", errors_of_mean(true))
    axes[3].set_xlabel("below an image: its squared error, summed over 64 pixels")
    figure.suptitle("A dendrogram of digits, and its images unfolded from one vector")
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)
    return PICTURE


if __name__ == "__main__":
    began = time.perf_counter()
    digits = load_digits().data.astype(np.float32) / 16
    rng = np.random.default_rng(0)
    seen, unseen = digits[:N_TRAINING_IMAGES], digits[N_TRAINING_IMAGES:]
    training = make_forest(draw_subsets(seen, 2000, rng))
    test_subsets = draw_subsets(unseen, 200, rng)
    test = make_forest(test_subsets)
    model = make_model().fit(training)
    # One pass with steps of almost nothing leaves the weights as they start.
    untrained = make_model(learning_rate_init=1e-12).partial_fit(training)
    mean_error = np.concatenate([*map(errors_of_mean, test_subsets)]).mean()
    print(f"{len(training)} trees to train on, {len(test)} of other images to test")
    print("mean squared error of an image (sum over 64 pixels):")
    print(f"  mean image of its tree  {mean_error:.2f}")
    print(
        f"  unfolded, untrained     {untrained.reconstruction_error(test).mean():.2f}"
    )
    print(f"  unfolded, trained       {model.reconstruction_error(test).mean():.2f}")
    print(
        f"  the same, seen trees    {model.reconstruction_error(training).mean():.2f}"
    )
    images = next(images for images in test_subsets if len(images) == 8)
    print(f"picture: {draw(model, images)}")
    print(f"{model.n_iter_} epochs, {time.perf_counter() - began:.0f} s in all")
