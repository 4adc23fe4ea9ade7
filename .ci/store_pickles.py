"""Store a pickle of every estimator, of this version, for the tests of all later ones.

Those of versions that are no release are removed: nobody keeps such models.
"""

import pickle
import shutil
import sys
from pathlib import Path

import sk_autoenc

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from every_estimator import ESTIMATORS, EXAMPLES, answers  # noqa: E402


def main():
    for folder in (TESTS / "pickles").glob("*.dev*"):
        shutil.rmtree(folder)
    folder = TESTS / "pickles" / sk_autoenc.__version__
    folder.mkdir(parents=True)
    # Of several examples of an estimator the last.
    examples = {type(example.model): example for example in EXAMPLES.values()}
    for Estimator in ESTIMATORS:
        example = examples[Estimator]
        model = example.fitted()
        kept = {"model": model, "X": example.X, "answers": answers(model, example.X)}
        path = folder / f"{Estimator.__name__}.pickle"
        path.write_bytes(pickle.dumps(kept, protocol=5))


if __name__ == "__main__":
    main()
