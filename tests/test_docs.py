"""What the documents say of the package is true: tables, places in the code, links."""

import ast
import doctest
import fnmatch
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from row_models import make_rows
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import sk_autoenc
from sk_autoenc import DenoisingAutoencoder, Forest, shards
from sk_autoenc._compat import StrOptions
from sk_autoenc.parts import corruptions
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.row_validation import DENOISING_CONSTRAINTS

ROOT = Path(sk_autoenc.__file__).parents[1]
PACKAGE = ROOT / "sk_autoenc"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("doc/*.md")])
CLASSES = [
    name for name in sk_autoenc.__all__ if inspect.isclass(getattr(sk_autoenc, name))
]
NOT_ROWS = {
    "LeafVectorizer": [("a", "b")],
    "GreedyTrees": list(make_rows().reshape(-1, 3, 8)),
    "TreePairFeatures": [*zip(make_rows(), make_rows()[::-1], strict=True)],
}
"""What those are fitted on that rows are nothing to."""
ESTIMATORS = sorted(name for name in CLASSES if name != "Forest")

every_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def section(path, heading):
    """The text below a heading, up to the next one of its kind or above."""
    marks = heading.split()[0]
    text = path.read_text()
    start = text.index(f"\n{heading}\n") + 1
    end = re.compile(rf"^#{{1,{len(marks)}}} ", re.MULTILINE).search(text, start + 1)
    return text[start : end.start() if end else None]


def rows_of_tables(text, header):
    """The rows, as lists of cells, of the tables whose first column has a header."""
    rows, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == header:
            inside = True
        elif inside and set(line) - set("|-: "):
            rows.append(cells)
    return rows


def names_in(cell):
    return re.findall(r"`(\w+)", cell)


def documented_parameters(name):
    """Parameter -> default, as api.md has them; other estimators' where it says so."""
    found = {}
    for cells in rows_of_tables(
        section(ROOT / "doc/api.md", f"## {name}"), "parameter"
    ):
        if cells[0].startswith("all others"):
            [other], without = map(names_in, cells[2].partition(", but ")[::2])
            others = documented_parameters(other)
            found = {k: v for k, v in others.items() if k not in without} | found
            continue
        names = names_in(cells[0])
        defaults = eval(f"[{cells[1].replace('`', '')}]", {"nan": np.nan})
        found |= dict(zip(names, defaults, strict=True))
    return found


@pytest.mark.parametrize("name", ESTIMATORS)
def test_api_lists_every_parameter_with_its_default(name):
    parameters = getattr(sk_autoenc, name)().get_params()
    assert documented_parameters(name) == parameters


def test_api_lists_every_public_name():
    cells = rows_of_tables((ROOT / "doc/api.md").read_text(), "name")
    assert [names_in(row[0])[0] for row in cells] == sk_autoenc.__all__
    for name in CLASSES:
        assert section(ROOT / "doc/api.md", f"## {name}")


def public_members(cls):
    """Methods and properties that are not scikit-learn's own."""
    return {
        name
        for name, member in inspect.getmembers(cls)
        if not name.startswith("_")
        and not inspect.isclass(member)
        and (
            getattr(member, "__module__", None)
            or getattr(getattr(member, "fget", None), "__module__", "")
            or getattr(getattr(member, "fn", None), "__module__", "")
        ).startswith("sk_autoenc")
    }


def listed_functions(*headings):
    """Name -> signature of the functions in the tables of some sections of api.md."""
    page = ROOT / "doc/api.md"
    cells = [
        row[0]
        for heading in headings
        for row in rows_of_tables(section(page, heading), "function")
    ]
    return dict(re.match(r"`(\w+)(\(.*\))`", cell).groups() for cell in cells)


def signatures(module, names):
    """Name -> signature without hints, as they are in the code."""
    found = {}
    for name in names:
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        shown = [p.replace(annotation=p.empty) for p in parameters]
        found[name] = str(inspect.Signature(shown)).replace("'", '"')
    return found


def test_api_lists_every_function_with_its_parameters():
    functions = set(sk_autoenc.__all__) - set(CLASSES)
    listed = listed_functions("## Trees of your own", "## Saving")
    assert listed == signatures(sk_autoenc, functions)


@pytest.mark.parametrize(
    ("heading", "name"), [("## Out of core", "out_of_core"), ("## Dask", "dask")]
)
def test_api_lists_every_function_on_large_data(heading, name):
    if name == "dask":
        pytest.importorskip("distributed")
    module = importlib.import_module(f"sk_autoenc.{name}")
    assert listed_functions(heading) == signatures(module, module.__all__)


def test_api_lists_how_data_in_parts_are_trained_on():
    listed = listed_functions("## Shards")
    assert listed == signatures(shards, ["fit_shards"])
    text = section(ROOT / "doc/api.md", "## Shards")
    named = [names_in(row[0])[0] for row in rows_of_tables(text, "class")]
    assert all(inspect.isclass(getattr(shards, name)) for name in named)
    for method in ("read", "each", "begin", "totals"):
        assert f"`{method}`" in text
        assert hasattr(shards.Fleet, method)


RELATIVES = {
    "RAETransformer": ["UnfoldingRAETransformer"],
    "RecursiveClassifier": ["UnfoldingRAETransformer"],
    "RecursiveRegressor": ["RecursiveClassifier", "UnfoldingRAETransformer"],
    "StackedDenoisingRegressor": ["StackedDenoisingClassifier"],
}
"""Whose methods and attributes are those of which others, too."""


def own_and_relatives(name):
    """The sections of api.md that a class is described in."""
    names = [name, *RELATIVES.get(name, [])]
    return "".join(section(ROOT / "doc/api.md", f"## {name}") for name in names)


@pytest.mark.parametrize("name", CLASSES)
def test_api_lists_every_method(name):
    text = own_and_relatives(name)
    listed = set(re.findall(r"(?:`|\.)(\w+)", text))
    assert public_members(getattr(sk_autoenc, name)) <= listed


@pytest.mark.parametrize("name", ESTIMATORS)
def test_api_lists_every_fitted_attribute(name):
    text = own_and_relatives(name)
    listed = {
        attribute
        for cells in rows_of_tables(text, "attribute")
        for attribute in names_in(cells[0])
    }
    model = getattr(sk_autoenc, name)()
    quick = {"n_components": 3, "max_iter": 1, "max_steps": 1, "random_state": 0}
    quick |= {"standardize": True, "learn_leaves": True, "reconstruction": 0.5}
    model.set_params(**{k: v for k, v in quick.items() if k in model.get_params()})
    X = NOT_ROWS.get(name, np.tile(make_rows(), (2, 1)))
    model.fit(X, np.arange(len(X)) % 2)
    fitted = {
        attribute
        for attribute in dir(model)  # properties, too
        if attribute.endswith("_") and not attribute.startswith("_")
    }
    assert fitted <= listed
    of_relative = {"classes_", "node_classes_"} if name.endswith("Regressor") else set()
    assert listed <= fitted | {"feature_names_in_"} | of_relative


def test_api_lists_only_what_a_forest_has():
    text = section(ROOT / "doc/api.md", "## Forest")
    forest = Forest.from_rows([[1.0, 2.0]])
    for row in rows_of_tables(text, "member") + rows_of_tables(text, "made by"):
        for name in re.findall(r"`(?:[Ff]orest\.)?([a-z_]+)[(`]", row[0]):
            assert hasattr(forest, name) or name in ("list", "reversed"), name


def places_in_code(text):
    """Yield (file, name) of every place after "In code", name None for a whole file.

    A name alone is in the file that was named last.
    """
    for paragraph in re.split(r"\n\n|\n```", text):
        _, said, words = paragraph.partition("In code")
        file = None
        for span in re.findall(
            r"`([^`]+)`", re.sub(r"\s+", " ", words) if said else ""
        ):
            match = re.fullmatch(r"([\w/]+\.py)(?:: ([\w.]+))?", span)
            if match:
                file, name = match.groups()
                yield file, name
            elif re.fullmatch(r"[A-Za-z_][\w.]*", span) and file:
                yield file, span


def defined_in(path):
    """Names of functions, classes, constants, methods and arguments in a file."""
    names = set()

    def visit(nodes, prefix):
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")
            if isinstance(node, ast.FunctionDef):
                names.update(argument.arg for argument in node.args.args)
            if isinstance(node, ast.Assign):
                names.update(prefix + t.id for t in node.targets if hasattr(t, "id"))
            if isinstance(node, ast.AnnAssign):
                names.add(prefix + node.target.id)

    visit(ast.parse(path.read_text()).body, "")
    return names


PLACES = sorted(set(places_in_code((ROOT / "doc/derivation.md").read_text())), key=str)


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_what_the_derivation_says_is_in_the_code_is_there(file, name):
    path = PACKAGE / file
    assert path.is_file()
    assert name is None or name in defined_in(path)


def test_the_derivation_names_places_for_rows_and_for_trees():
    files = {file for file, _ in PLACES}
    assert len(PLACES) > 30
    assert {"networks/one_hidden.py", "networks/tree/encoder.py"} <= files


def test_every_equation_that_the_code_cites_is_in_the_derivation_once():
    tags = re.findall(r"\\tag\{(\d+)\}", (ROOT / "doc/derivation.md").read_text())
    assert len(tags) == len(set(tags)) > 60
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tests").glob("*.py")]:
        for cited in re.findall(r"Eqs?\. ([(\d), and-]+)", path.read_text()):
            assert set(re.findall(r"\((\d+)\)", cited)) <= set(tags), (path, cited)


def test_the_map_of_contributing_names_every_module_of_the_root():
    [tree] = re.findall(
        r"^```\n(.*?)^```",
        section(ROOT / "CONTRIBUTING.md", "## Where things are"),
        re.M | re.S,
    )
    patterns = re.findall(r"[\w*]+\.py", tree)
    for pattern in patterns:
        assert [*PACKAGE.rglob(pattern)], pattern
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    named = {name for pattern in patterns for name in fnmatch.filter(modules, pattern)}
    assert named == modules


def anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


@every_document
def test_every_link_leads_to_a_file_and_a_heading(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@every_document
def test_every_file_named_in_a_document_exists(path):
    folders = ROOT, path.parent, PACKAGE
    for name in re.findall(r"`((?:[\w.]+/)+\w+\.(?:py|md))`", path.read_text()):
        assert any((folder / name).exists() for folder in folders), name


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_every_document_named_in_the_code_exists(path):
    for name in re.findall(r"doc/\w+\.md", path.read_text()):
        assert (ROOT / name).is_file(), name


@every_document
def test_no_document_asks_for_an_environment_variable_of_threads(path):
    assert "_NUM_THREADS=" not in path.read_text()


@pytest.fixture
def uniform(monkeypatch):
    """CONTRIBUTING's example of a corruption, in its file's words and in its dict."""
    code = section(ROOT / "CONTRIBUTING.md", "## Adding a corruption")
    definition, line = re.findall(r"^```python\n(.*?)^```", code, re.M | re.S)
    names = dict(vars(corruptions))
    exec(definition, names)
    [(name, corruption)] = eval(f"{{{line}}}", names).items()
    monkeypatch.setitem(CORRUPTIONS, name, corruption)
    # Made of the dict's names when the package was imported.
    allowed = [StrOptions({name for name in CORRUPTIONS if name}), callable, None]
    monkeypatch.setitem(DENOISING_CONSTRAINTS, "corruption", allowed)
    return corruption


def test_the_corruption_of_contributing_does_what_it_says(uniform, rng):
    clean = make_rows()
    feature_range = clean.min(axis=0), clean.max(axis=0)
    out = np.empty_like(clean)
    untouched = uniform(0.25, feature_range, rng).corrupt(clean, out)
    assert np.array_equal(out[untouched], clean[untouched])
    assert (out != clean).mean() == pytest.approx(0.25, abs=0.05)
    assert (out >= feature_range[0]).all()
    assert (out <= feature_range[1]).all()


@pytest.mark.parametrize("as_given", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_the_corruption_of_contributing_is_one_to_fit_with(uniform, as_given, dtype):
    X = as_given(make_rows().astype(dtype))
    model = DenoisingAutoencoder(
        4, corruption="uniform", emphasis=(1, 0.5), max_iter=3, random_state=0
    )
    plain = clone(model).set_params(corruption=None)
    codes = make_pipeline(model).fit_transform(X)
    assert codes.dtype == dtype
    assert not np.array_equal(codes, plain.fit_transform(X))


def test_a_wrong_name_lists_the_corruption_of_contributing(uniform):
    with pytest.raises(ValueError, match="'uniform'"):
        DenoisingAutoencoder(corruption="uni").fit(make_rows())


def test_the_corruption_of_contributing_is_gone_after_its_tests():
    assert "uniform" not in CORRUPTIONS
    with pytest.raises(ValueError, match="'corruption' parameter"):
        DenoisingAutoencoder(corruption="uniform").fit(make_rows())


def test_only_examples_of_libraries_that_are_missing_are_skipped(monkeypatch):
    path = ROOT / "doc/conftest.py"
    spec = importlib.util.spec_from_file_location("doc_conftest", path)
    skipping = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(skipping)
    libraries = {"anytree", "conllu", "dendropy", "lark", "networkx", "nltk", "spacy"}
    libraries |= {"dask", "onnxruntime", "pyarrow", "zarr"}
    present = sys.stdlib_module_names | {"numpy", "scipy", "sklearn"}
    monkeypatch.setattr(
        skipping, "find_spec", lambda name: name if name in present else None
    )
    found = set()
    for path in DOCUMENTS:
        text = path.read_text()
        examples = doctest.DocTestParser().get_examples(text)
        for start, end in skipping.blocks(text):
            block = [e for e in examples if start <= e.lineno < end]
            if block and skipping.is_missing(block[0]):
                found.add(block[0].source.split()[1])
    assert found == libraries
