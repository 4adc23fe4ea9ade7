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

from sk_autoenc import DenoisingAutoencoder

PICTURE = Path(__file__).with_suffix(".png")


def make_autoencoder():
    return DenoisingAutoencoder(
        256, batch_size=32, learning_rate_init=0.003, max_iter=60, tol=0, random_state=0
    )


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
        scores = cross_val_score(pipeline, X, y, cv=5)
        seconds = time.perf_counter() - began
        print(
            f"{name:20s} accuracy {scores.mean():.3f} +- {scores.std():.3f}"
            f"   {seconds:5.1f} s"
        )


def show_images(axes, images, title):
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    axes[0].set_title(title, loc="left", fontsize=10)


def draw(X):
    """Draw filters and reconstructions; return the picture's path."""
    train, test = train_test_split(X / 16, test_size=0.2, random_state=0)
    autoencoder = make_autoencoder().fit(train)
    clean = test[:16]
    masked = clean * (np.random.default_rng(0).random(clean.shape) >= 0.3)

    figure, axes = plt.subplots(7, 16, figsize=(10, 5.6), layout="constrained")
    filters = autoencoder.components_[:64].reshape(4, 16, 64)
    spread = np.abs(filters).max()
    for row, line in zip(axes[:4], filters, strict=True):
        show_images(row, (line / spread + 1) / 2, None)
    axes[0, 0].set_title("64 of the 256 learned filters", loc="left", fontsize=10)
    show_images(axes[4], clean, "Digits not seen in training")
    show_images(axes[5], masked, "30 % of the pixels masked")
    show_images(axes[6], autoencoder.reconstruct(masked), "Reconstructed from these")
    figure.suptitle("A denoising autoencoder on handwritten digits (8 x 8 pixels)")
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)
    return PICTURE


if __name__ == "__main__":
    X, y = load_digits(return_X_y=True)
    compare(X, y)
    print(f"picture: {draw(X)}")
