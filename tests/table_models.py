"""What the tests of the imputer share: quick settings, and tables with holes."""

import numpy as np
import pandas as pd
import polars as pl

from sk_autoenc import DenoisingImputer
from sk_autoenc.tables.column_facts import facts_of_parts

QUICK = {
    "hidden_layer_sizes": (8,),
    "max_steps": 10,
    "n_estimators": 2,
    "n_bins": 4,
    "random_state": 0,
}
"""Settings with which a fit takes milliseconds."""
THOROUGH = {
    "hidden_layer_sizes": (32,),
    "max_steps": 300,
    "n_estimators": 2,
    "learning_rate_init": 0.01,
    "random_state": 0,
}
"""Settings with which it learns, in a fraction of a second."""


def make(**changes):
    return DenoisingImputer(**QUICK | changes)


def fill(X, **changes):
    return make(**changes).fit_transform(X)


def punch(X, missing=0.2, seed=1):
    """Where to make holes; every column keeps some entries."""
    hidden = np.random.default_rng(seed).random(X.shape) < missing
    hidden[:2] = False
    return hidden


def correlated(n_rows=60, n_features=4):
    """Rows of standard deviation about 1 that two numbers make up."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, 2)) @ rng.normal(size=(2, n_features))
    return rows + 0.1 * rng.normal(size=rows.shape)


def holes(n_rows=60, dtype=np.float64, n_features=4):
    X = correlated(n_rows, n_features).astype(dtype)
    X[punch(X)] = np.nan
    return X


def mixed_frame(n_rows=60):
    """Of pandas, with a category "c" that says whether the number "x" is positive."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    whole = pd.DataFrame(
        {
            "x": x,
            "c": pd.Categorical(np.where(x > 0, "up", "down"), ["down", "up", "no"]),
            "s": np.where(x > 0, "plus", "minus"),
            "b": pd.array(x > 0, dtype="boolean"),
            "i": pd.array(np.round(10 * x).astype(int), dtype="Int64"),
            "f": x.astype(np.float32),
        },
        index=np.arange(n_rows)[::-1],
    )
    return whole.mask(punch(whole))


def mixed_polars(n_rows=60):
    frame = mixed_frame(n_rows)
    columns = {
        "x": pl.Float64(),
        "c": pl.Enum(["down", "up", "no"]),
        "s": pl.String(),
        "b": pl.Boolean(),
        "i": pl.Int64(),
        "f": pl.Float32(),
    }
    return pl.DataFrame(
        {
            name: pl.Series(
                [None if pd.isna(value) else value for value in frame[name]],
                dtype=dtype,
            )
            for name, dtype in columns.items()
        }
    )


def outputs(imputer, X):
    """What every method gives, by its name, as arrays."""
    return {
        "transform": np.asarray(imputer.transform(X)),
        "sample_imputations": np.asarray(imputer.sample_imputations(X)),
        "score": imputer.score(X),
    }


def learn_columns(table, categorical_features):
    """Describe the columns of a table, as an imputer does."""
    return facts_of_parts(lambda look: [look(table)], categorical_features).described()
