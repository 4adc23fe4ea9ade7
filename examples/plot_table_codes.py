"""
When do codes of a table help a classifier?
===========================================

A made-up table of flats: four numbers, three categories, holes in a tenth of the
entries. Whether a flat is let within a week is made to depend on steps, as much in life
does: neither small nor large, floor one to three or a lift, not from the sixties. A
linear model of the columns cannot say that.

Some flats have a label, all 6000 are known: the codes are learned from all of them,
without labels. The picture shows how well three models tell the flats apart that had no
label: logistic regression on the encoded columns, the same on codes, and gradient
boosting. The columns are encoded by skrub's TableVectorizer if that is installed, else
by scikit-learn's ColumnTransformer.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from sk_autoenc import DenoisingAutoencoder, TableDenoisingAutoencoder

PICTURE = Path(__file__).with_suffix(".png")
LABELS = (50, 200, 1000, 3000)
N_ROWS = 6000
DISTRICTS = [f"district {letter}" for letter in "ABCDEFGH"]


def make_flats(rng):
    """Return flats, with holes, and whether each is let within a week."""
    area = rng.gamma(6, 12, N_ROWS)
    district = rng.integers(0, len(DISTRICTS), N_ROWS)
    floor = rng.integers(0, 9, N_ROWS)
    lift = rng.random(N_ROWS) < np.where(floor > 4, 0.7, 0.3)
    built = rng.choice([1905, 1935, 1965, 1995, 2015], N_ROWS) + rng.integers(-9, 9)
    usual = 8 + 1.5 * (district % 4) + 0.02 * (built - 1950)
    rent = area * usual * rng.lognormal(0, 0.25, N_ROWS)
    heating = np.where(built > 1980, "heat pump", rng.choice(["gas", "oil"], N_ROWS))
    chance = 3.0 * ((area > 40) & (area < 80)) + 2.0 * ((floor > 0) & (floor < 4))
    chance += 2.0 * ((floor > 3) & lift) - 2.0 * ((built > 1950) & (built < 1990))
    chance += -2.0 * (rent / area > usual * 1.1) - 1.0 * (heating == "oil") - 1
    is_let = rng.random(N_ROWS) < 1 / (1 + np.exp(-chance))
    flats = pd.DataFrame(
        {
            "area": area.round(),
            "rent": rent.round(),
            "floor": floor.astype(float),
            "built": built.astype(float),
            "district": np.array(DISTRICTS)[district],
            "heating": heating,
            "lift": np.where(lift, "yes", "no"),
        }
    )
    return flats.mask(rng.random(flats.shape) < 0.1), is_let


def encoder():
    """Return what makes numbers of the columns."""
    try:
        from skrub import TableVectorizer
    except ImportError:
        categories = make_column_selector(dtype_exclude="number")
        vectorizer = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
            remainder="passthrough",
        )
    else:
        vectorizer = TableVectorizer()
    return make_pipeline(vectorizer, SimpleImputer(), StandardScaler())


def classifier():
    """Return logistic regression, its penalty chosen on the labelled rows."""
    model = LogisticRegression(max_iter=1000)
    return make_pipeline(
        StandardScaler(), GridSearchCV(model, {"C": [0.001, 0.01, 0.1]}, cv=3)
    )


def measure(flats, is_let):
    """Return of each model the area under the curve, by the number of labels."""
    autoencoder = DenoisingAutoencoder(
        256,
        corruption="swap",
        corruption_level=0.15,
        tied_weights=False,
        alpha=0.001,
        batch_size=64,
        max_iter=10,
    )
    codes = TableDenoisingAutoencoder(autoencoder, random_state=0).fit_transform(flats)
    columns = encoder().fit_transform(flats)
    as_it_is = flats.astype(
        {name: "category" for name in flats if flats[name].dtype.kind not in "if"}
    )
    boosting = HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=0
    )
    models = {
        "columns, logistic regression": (np.asarray(columns), classifier()),
        "codes, logistic regression": (codes, classifier()),
        "gradient boosting": (as_it_is, boosting),
    }
    values = {name: [] for name in models}
    for n_labels in LABELS:
        for name, (X, model) in models.items():
            labelled, rest = X[:n_labels], X[max(LABELS) :]
            with threadpool_limits(1, "blas"):  # two are slower for the regression
                model.fit(labelled, is_let[:n_labels])
            chance = model.predict_proba(rest)[:, 1]
            values[name].append(roc_auc_score(is_let[max(LABELS) :], chance))
    return values


def draw(values):
    """Draw the values by the number of labels; return the path."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, areas in values.items():
        axes.plot(LABELS, areas, "o-", label=name)
    axes.set(
        title=f"Is a flat let within a week? {N_ROWS} flats, some labelled",
        xlabel="labelled flats",
        ylabel="area under the ROC curve of the others",
        xscale="log",
    )
    axes.set_xticks(LABELS, LABELS)
    axes.legend()
    figure.savefig(PICTURE, dpi=100)
    return PICTURE


def main():
    """Compare the three, print and draw."""
    began = time.perf_counter()
    values = measure(*make_flats(np.random.default_rng(0)))
    print("labels                        " + "".join(f"{n:8}" for n in LABELS))
    for name, areas in values.items():
        print(f"{name:30}" + "".join(f"{area:8.3f}" for area in areas))
    print(f"picture: {draw(values)}")
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
