"""
Do denoising codes help a classifier?
=====================================

Handwritten digits, 8 x 8 pixels: raw pixels, principal components and denoising codes
go into the same logistic regression, and 5-fold cross-validation says how well each
does. Everything is refitted in each fold, so no test image is ever seen in training.

The picture shows what the hidden units look for, and what becomes of digits that the
autoencoder sees for the first time: clean, with 30 % of the pixels masked, and
reconstructed from the masked ones.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_limits

from sk_autoenc import DenoisingAutoencoder

PICTURE = Path(__file__).with_suffix(".png")


def make_autoencoder():
    return DenoisingAutoencoder(256, batch_size=32, max_iter=20, random_state=0)


def compare(X, y):
    """Print the cross-validated accuracy of each kind of feature."""
    steps = {
        "raw pixels": [],
        "PCA, 40 components": [PCA(40, random_state=0)],
        "denoising codes": [make_autoencoder()],
    }
    for name, step in steps.items():
        pipeline = make_pipeline(
            MinMaxScaler(), *step, LogisticRegression(max_iter=2000)
        )
        began = time.perf_counter()
        with threadpool_limits(1, "blas"):  # logistic regression is slower on two
            scores = cross_val_score(pipeline, X, y, cv=5)
        seconds = time.perf_counter() - began
        print(
            f"{name:20s} accuracy {scores.mean():.3f} +- {scores.std():.3f}"
            f"   {seconds:5.1f} s"
        )


def show_images(figure, images, title, limits):
    """Draw images in rows of 16 under a title."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    axes = figure.subplots(len(images) // 16, 16, squeeze=False)
    for axis, image in zip(axes.flat, images, strict=True):
        low, high = limits
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=low, vmax=high)
        axis.set(xticks=[], yticks=[])


def draw(X):
    """Draw filters and reconstructions; return the picture's path."""
    train, test = train_test_split(X / 16, test_size=0.2, random_state=0)
    autoencoder = make_autoencoder().fit(train)
    clean = test[:16]
    masked = clean * (np.random.default_rng(0).random(clean.shape) >= 0.3)
    filters = autoencoder.components_
    strongest = filters[np.argsort(-np.linalg.norm(filters, axis=1))[:32]]
    spread = np.abs(strongest).max()

    figure = plt.figure(figsize=(10, 4.8), layout="constrained")
    figure.suptitle("A denoising autoencoder on handwritten digits (8 x 8 pixels)")
    parts = figure.subfigures(4, 1, height_ratios=[2.2, 1.3, 1.3, 1.3])
    scale = f"white {-spread:.1f}, black {spread:.1f}"
    title = f"The 32 strongest of 256 learned filters ({scale})"
    show_images(parts[0], strongest, title, (-spread, spread))
    title = "Digits not seen in training (white 0, black 1)"
    show_images(parts[1], clean, title, (0, 1))
    show_images(parts[2], masked, "30 % of the pixels masked", (0, 1))
    restored = autoencoder.reconstruct(masked)
    show_images(parts[3], restored, "Reconstructed from the masked ones", (0, 1))
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)
    return PICTURE


if __name__ == "__main__":
    X, y = load_digits(return_X_y=True)
    compare(X, y)
    print(f"picture: {draw(X)}")
