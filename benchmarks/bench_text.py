"""Does a short text praise or blame? Trained on texts of one kind, asked of another.

    python benchmarks/bench_text.py [--wide]

The texts are those that were rated for VADER [1]_, each by some 15 people from -4 to 4:
sentences of film reviews, of product reviews and of editorials, and tweets. Above 0 is
praise, below is blame; ratings within 0.5 of 0 are left out. A classifier is trained on
2000 texts of one kind and tested on all of another, or on its own by five folds.

Whatever learns without labels (document frequencies, singular vectors, codes) may read
the texts of all kinds: that is how a model meets words that no label was seen with.
C of the logistic regression, and the share of words that are masked, are chosen by
folds of the texts trained on.

With ``--wide``: the seconds and the memory that codes of 50 000 words and word pairs
take.

.. [1] C. J. Hutto, E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment
   Analysis of Social Media Text", ICWSM 2014.
"""

import argparse
import resource
import time
import warnings

import numpy as np
import scipy.sparse
from sentence_trees import read_table
from side_by_side import print_table
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import (
    CountVectorizer,
    TfidfTransformer,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import normalize

from sk_autoenc import MarginalizedDenoisingAutoencoder

KINDS = {
    "films": "movieReviewSnippets",
    "products": "amazonReviewSnippets",
    "editorials": "nytEditorialSnippets",
    "tweets": "tweets",
}
N_WORDS = 2000
LEVELS = (0.5, 0.8, 0.95)
N_TRAINING = 2000
"""Texts of a kind, at most, that are trained on."""


def read():
    """Return texts, whether they praise, and their kind, of all that take sides."""
    texts, ratings, kinds = [], [], []
    for kind, name in KINDS.items():
        for _, rating, text in read_table(f"{name}_GroundTruth.txt"):
            texts.append(text)
            ratings.append(float(rating))
            kinds.append(kind)
    ratings, kinds = np.array(ratings), np.array(kinds)
    clear = np.abs(ratings) >= 0.5
    return texts, ratings > 0, kinds, clear


def representations(texts):
    """Yield (method, a list of matrices to choose from)."""
    counts = CountVectorizer(max_features=N_WORDS, binary=True, dtype=np.float32)
    words = counts.fit_transform(texts)
    yield "words", [normalize(words)]
    tfidf = TfidfTransformer().fit_transform(words)
    yield "tf-idf", [tfidf]
    singular = TruncatedSVD(200, random_state=0).fit_transform(tfidf)
    singular = normalize(singular.astype(np.float32))
    yield "SVD", [singular]
    yield "tf-idf, SVD", [scipy.sparse.hstack([tfidf, singular], "csr")]
    codes = [
        normalize(
            MarginalizedDenoisingAutoencoder(corruption_level=level).fit_transform(
                words
            )
        )
        for level in LEVELS
    ]
    yield "codes", codes
    yield (
        "tf-idf, codes",
        [np.hstack([tfidf.toarray().astype(np.float32), matrix]) for matrix in codes],
    )


def classifier():
    return GridSearchCV(LogisticRegression(max_iter=300), {"C": [1, 10, 100]}, cv=3)


def table():
    """Print the share of right answers for each pair of kinds and method."""
    texts, praise, kinds, clear = read()
    results = {}
    for method, matrices in representations(texts):
        for source in KINDS:
            train = np.flatnonzero(clear & (kinds == source))
            train = np.random.default_rng(0).permutation(train)[:N_TRAINING]
            fitted = [classifier().fit(X[train], praise[train]) for X in matrices]
            best = max(range(len(fitted)), key=lambda k: fitted[k].best_score_)
            X = matrices[best]
            for target in KINDS:
                test = clear & (kinds == target)
                if target == source:
                    right = cross_val_score(
                        fitted[best].best_estimator_, X[train], praise[train], cv=5
                    ).mean()
                else:
                    right = fitted[best].score(X[test], praise[test])
                results[source, target, method] = right
    methods = list(dict.fromkeys(method for *_, method in results))
    rows = []
    for source in KINDS:
        for target in KINDS:
            test = clear & (kinds == target)
            common = max(praise[test].mean(), 1 - praise[test].mean())
            values = [results[source, target, method] for method in methods]
            rows.append(
                (f"{source} → {target}", f"{common:.3f}", *map("{:.3f}".format, values))
            )
    for name, wanted in ("other kinds, mean", False), ("the same kind, mean", True):
        values = [
            np.mean(
                [
                    v
                    for (s, t, m), v in results.items()
                    if m == method and (s == t) == wanted
                ]
            )
            for method in methods
        ]
        rows.append((name, "", *map("{:.3f}".format, values)))
    print_table(["accuracy", "more frequent", *methods], rows)


def wide():
    """Print what 50 000 columns take."""
    texts, *_ = read()
    rows = []
    for n_words in (2000, 10_000, 50_000):
        X = CountVectorizer(
            ngram_range=(1, 2), max_features=n_words, binary=True, dtype=np.float32
        ).fit_transform(texts)
        began = time.perf_counter()
        model = MarginalizedDenoisingAutoencoder(random_state=0).fit(X)
        seconds = time.perf_counter() - began
        model.transform(X[:1000])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append(
            (f"{n_words}", f"{X.shape[0]}", f"{X.nnz}", f"{seconds:.1f}", f"{peak:.0f}")
        )
    print_table(
        ["words and pairs", "texts", "stored values", "fit, s", "peak, MB"], rows
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wide", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.wide:
        wide()
    else:
        table()


if __name__ == "__main__":
    main()
