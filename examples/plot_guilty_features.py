"""
Which entry of an unusual row is wrong?
=======================================

Thirty measurements of each of 569 tumours. In half of some held-out rows one
measurement is replaced by that of another tumour: the value is a true one of its
column, and only does not go with the other columns of the row. A detector that was
trained on the other rows says which rows are unusual, and by `feature_contributions`
which entry makes them so.

Beside it stands what one would try first: the entry that lies farthest from the mean of
its column, in standard deviations. The picture shows how often each names the entry
that was replaced, and all contributions of one row.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from sk_autoenc import ReconstructionOutlierDetector

PICTURE = Path(__file__).with_suffix(".png")
N_TRAINING = 369


def replace_one_entry(rows, others, rng):
    """Put an entry of another row into each row, at least a deviation away."""
    rows, guilty = rows.copy(), np.empty(len(rows), int)
    deviation = others.std(axis=0)
    for i, row in enumerate(rows):
        far = np.abs(others - row) > deviation
        other, guilty[i] = rng.permutation(np.argwhere(far))[0]
        row[guilty[i]] = others[other, guilty[i]]
    return rows, guilty


def places(suspicion, guilty):
    """Give the place of the guilty entry of each row, 1 for the most suspected."""
    of_guilty = suspicion[np.arange(len(guilty)), guilty]
    return 1 + (suspicion > of_guilty[:, None]).sum(axis=1)


def draw(found, contributions, guilty, names):
    """Draw how often the guilty entry is found, and one row; return the path."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 6), width_ratios=[1, 1.2], layout="constrained"
    )
    n_named = np.arange(1, 11)
    for label, place in found.items():
        left.plot(
            n_named, [100 * (place <= n).mean() for n in n_named], "o-", label=label
        )
    left.set(
        title="Is the wrong entry among those named?",
        xlabel="number of entries named, of 30",
        ylabel="rows in which it is (%)",
        ylim=(0, 100),
        xticks=n_named,
    )
    left.legend(loc="lower right")
    colours = np.full(len(names), "0.7", dtype=object)
    colours[guilty] = "tab:red"
    right.barh(names, contributions, color=list(colours))
    right.invert_yaxis()
    right.set(
        title="One row; the entry in red was replaced",
        xlabel="contribution to how unusual the row is (no unit)",
    )
    right.tick_params(axis="y", labelsize=8)
    figure.suptitle("Naming the wrong measurement of a tumour")
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)
    return PICTURE


if __name__ == "__main__":
    began = time.perf_counter()
    rng = np.random.default_rng(0)
    tumours = load_breast_cancer()
    rows = rng.permutation(tumours.data)
    seen, right = rows[:N_TRAINING], rows[N_TRAINING:]
    wrong, guilty = replace_one_entry(right, seen, rng)

    detector = ReconstructionOutlierDetector(random_state=0).fit(seen)
    contributions = detector.feature_contributions(wrong)
    deviations = np.abs(wrong - seen.mean(axis=0)) / seen.std(axis=0)
    found = {
        "contributions of the detector": places(contributions, guilty),
        "distance from the column's mean": places(deviations, guilty),
    }

    print(f"{len(right)} held-out rows, and the same with one entry replaced")
    is_right = np.repeat([1, 0], len(right))
    scores = detector.score_samples(np.vstack([right, wrong]))
    area = roc_auc_score(is_right, scores)
    print(f"area under ROC, wrong rows against right: {area:.3f}")
    for label, place in found.items():
        print(
            f"{label:32s} names the wrong entry first in {(place == 1).mean():.0%}, "
            f"among three in {(place <= 3).mean():.0%} of the rows"
        )
    example = int(np.argmax(contributions[np.arange(len(guilty)), guilty]))
    path = draw(found, contributions[example], guilty[example], tumours.feature_names)
    print(f"picture: {path}")
    print(f"{time.perf_counter() - began:.0f} s in all")
