"""
What do two numbers of a stack of autoencoders keep of a digit?
===============================================================

Handwritten digits, 64 pixels each, become two numbers: by principal components, by four
denoising autoencoders on top of each other that are trained one by one, and by the same
four when they are then trained together as one deep network. No label is used.

From the two numbers a digit is restored. And what is the digit of a held-out image?
That is guessed from the ten nearest codes of the others: this says how well the kinds
of digits lie apart. Layers that were trained one by one are worse than principal
components: each kept what its neighbour below can be restored from, not the digit. All
of them together are better. The picture shows the codes of the held-out digits.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from sk_autoenc import DenoisingAutoencoder, StackedDenoisingAutoencoder

PICTURE = Path(__file__).with_suffix(".png")
SIZES = (256, 64, 16, 2)


def make_models():
    """Return what makes two numbers of a digit, by name."""
    layer = DenoisingAutoencoder(
        activation="tanh", corruption_level=0.1, batch_size=32, max_iter=60
    )
    settings = {"autoencoder": layer, "random_state": 0}
    return {
        "principal components": PCA(2),
        "layer by layer": StackedDenoisingAutoencoder(
            SIZES, fine_tune=False, **settings
        ),
        "layers together": StackedDenoisingAutoencoder(SIZES, **settings),
    }


def measure(model, train, test, digits):
    """Return codes of held-out rows, squared error of a row, accuracy of neighbours."""
    codes = model.fit(train).transform(test)
    errors = ((model.inverse_transform(codes) - test) ** 2).sum(axis=1)
    of_train, of_test = digits
    neighbours = KNeighborsClassifier(10).fit(model.transform(train), of_train)
    return codes, errors.mean(), neighbours.score(codes, of_test)


def draw(results, digits):
    """Draw the codes of each model, coloured by digit; return the path."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
    for axes, (name, (codes, _, accuracy)) in zip(panels, results.items(), strict=True):
        points = axes.scatter(
            *codes.T, c=digits, cmap="tab10", s=12, vmin=-0.5, vmax=9.5
        )
        axes.set(
            title=f"{name}\n{accuracy:.0%} right by neighbours",
            xlabel="first number of the code",
            ylabel="second number of the code",
        )
    figure.colorbar(points, ax=panels, label="digit", ticks=range(10))
    figure.savefig(PICTURE, dpi=100)
    plt.close(figure)
    return PICTURE


def main():
    """Compare the three, print and draw."""
    began = time.perf_counter()
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype("float32")
    train, test, *digits = train_test_split(X, y, stratify=y, random_state=1)
    results = {
        name: measure(model, train, test, digits)
        for name, model in make_models().items()
    }
    print("two numbers by          squared error  accuracy of neighbours")
    for name, (_, error, accuracy) in results.items():
        print(f"{name:24}{error:13.2f}{accuracy:24.3f}")
    print(f"picture: {draw(results, digits[1])}")
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
