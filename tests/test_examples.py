"""Every example runs, and does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("plot_*.py"))
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run an example once in a copy of its own; give what it printed and its folder."""
    outputs = {}

    def run_once(name):
        if name not in outputs:
            folder = tmp_path_factory.mktemp(name)
            script = folder / f"{name}.py"
            script.write_text((EXAMPLES / f"{name}.py").read_text())
            done = subprocess.run(
                [sys.executable, "-W", "error", script],
                env=os.environ | {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            outputs[name] = done, folder
        return outputs[name]

    return run_once


@pytest.mark.parametrize("name", [script.stem for script in SCRIPTS])
def test_example_runs_and_writes_the_picture_it_names(name, run):
    done, folder = run(name)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    pictures = list(folder.glob("*.png"))
    assert pictures
    for picture in pictures:
        assert str(picture) in done.stdout
        assert picture.read_bytes().startswith(PNG)
        assert picture.stat().st_size > 5000


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_opens_with_a_title_and_a_question(script):
    lines = script.read_text().splitlines()
    assert lines[0] == '"""'
    assert lines[1].endswith("?")
    assert set(lines[2]) == {"="}


def test_the_digits_example_prints_the_accuracies_of_three_kinds_of_features(run):
    printed = run("plot_digits_pipeline")[0].stdout
    found = re.findall(r"^(.*?)\s+accuracy (0\.\d+) .*?(\d+\.\d) s$", printed, re.M)
    accuracy = {name.strip(): float(value) for name, value, _ in found}
    assert list(accuracy) == ["raw pixels", "PCA, 40 components", "denoising codes"]
    assert min(accuracy.values()) > 0.9
    assert accuracy["denoising codes"] == max(accuracy.values())


def test_the_table_example_shows_that_codes_help_a_linear_model_with_many_labels(run):
    printed = run("plot_table_codes")[0].stdout
    found = re.findall(r"^(\w+, logistic regression)((?: +0\.\d+)+)$", printed, re.M)
    areas = {name.split(",")[0]: list(map(float, row.split())) for name, row in found}
    assert list(areas) == ["columns", "codes"]
    assert areas["codes"][-1] > areas["columns"][-1] + 0.05


def test_the_classes_example_shows_that_shapes_tell_more_than_types(run):
    printed = run("plot_code_classes")[0].stdout
    found = re.findall(r"^(\w[a-z ]+?)((?: +0\.\d+){3})$", printed, re.M)
    accuracy = {name: float(row.split()[-1]) for name, row in found}
    assert list(accuracy) == [
        "bag of types",
        "subtrees",
        "recursive",
        "mean of the last two",
    ]
    assert min(accuracy.values()) == accuracy["bag of types"] > 2 / 6


def test_the_clones_example_finds_equal_parts_and_parts_with_a_line_changed(run):
    printed = run("plot_code_clones")[0].stdout
    assert int(re.search(r"(\d+) of them equal", printed)[1]) > 10
    distances = [float(d) for d in re.findall(r"distance (\d\.\d+)$", printed, re.M)]
    assert len(distances) == 4
    assert distances == sorted(distances)
    assert distances[-1] < 0.1
    assert re.search(r"^   [-+] ", printed, re.M)


def test_the_stack_example_shows_that_layers_are_better_together(run):
    printed = run("plot_stacked_digits")[0].stdout
    found = re.findall(r"^(\w[a-z ]+?) +(\d\.\d+) +(0\.\d+)$", printed, re.M)
    assert [name for name, _, _ in found] == [
        "principal components",
        "layer by layer",
        "layers together",
    ]
    assert min(found, key=lambda row: float(row[1]))[0] == "layers together"
    assert max(found, key=lambda row: float(row[2]))[0] == "layers together"


def test_the_labels_example_learns_from_few_labels_and_more_from_many(run):
    printed = run("plot_few_labels")[0].stdout
    found = re.findall(r"^(\w[a-zA-Z, -]+?)((?: +0\.\d+ \+-0\.\d+){5})$", printed, re.M)
    accuracy = {
        name: [float(mean) for mean in re.findall(r"(0\.\d+) \+-", row)]
        for name, row in found
    }
    assert list(accuracy) == [
        "layers, pretrained",
        "layers",
        "SVM",
        "self-training",
        "label spreading",
        "layers, taught",
    ]
    of_layers = accuracy["layers, pretrained"]
    assert accuracy["layers, taught"][0] > of_layers[0] + 0.05
    assert of_layers == sorted(of_layers)
    assert of_layers[0] > 0.55
    assert of_layers[-1] > 0.93
