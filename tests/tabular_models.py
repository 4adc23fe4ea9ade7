"""What the tests of TableDenoisingAutoencoder share: quick settings, and tables."""

import numpy as np
import pandas as pd
import polars as pl

from sk_autoenc import DenoisingAutoencoder, TableDenoisingAutoencoder

QUICK = {
    "n_components": 4,
    "corruption": "swap",
    "tied_weights": False,
    "batch_size": 20,
    "max_iter": 2,
    "tol": 0,
}
"""Settings of the autoencoder with which a fit takes milliseconds."""
THOROUGH = {
    "n_components": 16,
    "corruption_level": 0.1,
    "max_iter": 60,
    "learning_rate_init": 0.01,
}
"""Settings with which it learns small tables nearly by heart."""


def small(**changes):
    return DenoisingAutoencoder(**QUICK | changes)


def make(**changes):
    settings = {"autoencoder": small(), "random_state": 0}
    return TableDenoisingAutoencoder(**settings | changes)


def frame(n_rows=60):
    """Of pandas, a column of each type; about a fifth is missing where it can be."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    up = x > 0
    whole = pd.DataFrame(
        {
            "float64": x,
            "float32": x.astype(np.float32),
            "int8": np.clip(np.round(10 * x), -100, 100).astype(np.int8),
            "bool": up,
            "Int64": pd.array(np.round(10 * x).astype(int), dtype="Int64"),
            "boolean": pd.array(up, dtype="boolean"),
            "category": pd.Categorical(np.where(up, "up", "down")),
            "ordered": pd.Categorical(
                np.where(up, "high", "low"), ["low", "middle", "high"], ordered=True
            ),
            "object": np.where(up, "plus", "minus").astype(object),
            "string": pd.array(np.where(up, "yes", "no"), dtype="string"),
        },
        index=np.arange(n_rows)[::-1],
    )
    punched = rng.random((n_rows, 10)) < 0.2
    punched[:2] = False
    for k, name in enumerate(whole):
        if name not in ("int8", "bool"):
            whole.loc[punched[:, k], name] = None
    return whole


def polars_frame(n_rows=60):
    columns = {
        "float64": pl.Float64(),
        "float32": pl.Float32(),
        "int8": pl.Int8(),
        "bool": pl.Boolean(),
        "Int64": pl.Int64(),
        "category": pl.Categorical(),
        "ordered": pl.Enum(["low", "middle", "high"]),
        "string": pl.String(),
    }
    source = frame(n_rows)
    return pl.DataFrame(
        {
            name: pl.Series(
                [None if pd.isna(value) else value for value in source[name]],
                dtype=dtype,
            )
            for name, dtype in columns.items()
        }
    )


def numbers(n_rows=60, n_features=3, dtype=np.float64):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, n_features)).astype(dtype)


def holes(n_rows=60, dtype=np.float64):
    X = numbers(n_rows, dtype=dtype)
    hidden = np.random.default_rng(1).random(X.shape) < 0.2
    hidden[:2] = False
    X[hidden] = np.nan
    return X


def outputs(model, X):
    """What every method gives, by its name, as arrays."""
    codes = model.transform(X)
    return {
        "transform": np.asarray(codes),
        "inverse_transform": np.asarray(model.inverse_transform(codes), object),
        "reconstruction_error": model.reconstruction_error(X),
        "score_samples": model.score_samples(X),
        "score": model.score(X),
    }
