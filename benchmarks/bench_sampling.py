"""What sampling the reconstruction of wide sparse rows saves, and what it costs.

    python benchmarks/bench_sampling.py [--texts]

The seconds of an epoch on one thread, of 100 units, for 5485 made-up texts of 40 words
out of so many: the n-th most frequent word is taken in proportion to 1 / n. With
``--texts``: accuracy of logistic regression on the codes of 8000 of the texts of
`bench_text.py`, by three folds, whether they praise and of which kind they are.
"""

import argparse
import time
import warnings

import numpy as np
import scipy.sparse
from bench_text import read
from side_by_side import epoch_of, print_table
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.sampled_feeds import log_odds_of_means

RATIOS = (None, 0.25, 1.0)
N_TEXTS, N_WORDS_OF_TEXT = 5485, 40


def made_up_texts(n_words):
    """Draw words without replacement, the n-th with odds of 1 / n (Gumbel's trick)."""
    rng = np.random.default_rng(0)
    log_odds = -np.log(np.arange(1, n_words + 1))
    words = np.empty((N_TEXTS, N_WORDS_OF_TEXT), np.int32)
    for row in words:
        luck = log_odds + rng.gumbel(size=n_words)
        row[:] = np.argpartition(-luck, N_WORDS_OF_TEXT)[:N_WORDS_OF_TEXT]
    start = np.arange(N_TEXTS + 1) * N_WORDS_OF_TEXT
    ones = np.ones(words.size, np.float32)
    return scipy.sparse.csr_array((ones, words.ravel(), start), (N_TEXTS, n_words))


def model(ratio, **settings):
    return DenoisingAutoencoder(
        100, reconstruction_sampling=ratio, random_state=0, **settings
    )


def shortest(function, repeats):
    """Return the least seconds of the processor, of some calls after a first."""
    function()
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        seconds.append(time.process_time() - began)
    return min(seconds)


def fitted_from_means(X, **settings):
    """Fit on all features, from visible intercepts such as sampling starts with."""
    fitted = model(None, **settings).set_params(warm_start=True, max_iter=1)
    fitted.set_params(learning_rate_init=1e-12).fit(X)
    fitted.intercept_visible_[:] = log_odds_of_means(X)
    return fitted.set_params(learning_rate_init=None, **settings).fit(X)


def seconds_of_epochs():
    rows, first = [], None
    for n_words in (2000, 5000, 20_000, 50_000):
        X = made_up_texts(n_words)
        seconds = []
        with threadpool_limits(1):
            for ratio in RATIOS:
                repeats = 2 if ratio is None and n_words > 5000 else 7
                seconds.append(shortest(epoch_of(model(ratio), X), repeats))
        first = first or seconds[0]
        rows.append([n_words, *(f"{s:.2f} ({s / first:.1f})" for s in seconds)])
    print_table(["words", *map(str, RATIOS)], rows)


def accuracy_of_codes():
    texts, praise, kinds, clear = read()
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(clear))[:8000]
    rows = []
    for n_words in (2000, 5000, 20_000):
        X = CountVectorizer(
            ngram_range=(1, 2), max_features=n_words, binary=True, dtype=np.float32
        ).fit_transform([texts[k] for k in chosen])
        settings = {"corruption_level": 0.5, "max_iter": 30}
        for ratio in (*RATIOS, "None, from means"):
            began = time.process_time()
            if ratio in RATIOS:
                fitted = model(ratio, **settings).fit(X)
            else:
                fitted = fitted_from_means(X, **settings)
            seconds = time.process_time() - began
            codes = normalize(fitted.transform(X))
            scores = [
                cross_val_score(LogisticRegression(C=10, max_iter=300), codes, y, cv=3)
                for y in (praise[chosen], np.array(kinds)[chosen])
            ]
            cells = (f"{score.mean():.3f}" for score in scores)
            rows.append([n_words, ratio, f"{seconds:.0f}", *cells])
    header = ["words and pairs", "reconstruction_sampling", "fit, s", "praise", "kind"]
    print_table(header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.texts:
        accuracy_of_codes()
    else:
        seconds_of_epochs()


if __name__ == "__main__":
    main()
