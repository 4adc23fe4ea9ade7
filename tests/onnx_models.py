"""What the tests of the export to ONNX share: running a model, and comparing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

onnx = pytest.importorskip("onnx", reason="sk_autoenc.onnx needs it")
onnxruntime = pytest.importorskip("onnxruntime", reason="it runs the exports")
skl2onnx = pytest.importorskip("skl2onnx", reason="sk_autoenc.onnx needs it")

TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}
"""Of numbers of about 1, in the type of the input."""


def session(exported):
    """A model of ONNX, ready to run."""
    return onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def export(model, X, method=None, step=None, **settings):
    """Export a model, or with `step`, a pipeline, by a method of that step."""
    options = {} if method is None else {id(step or model): {"method": method}}
    options |= settings.pop("options", {})
    return skl2onnx.to_onnx(model, X[:1], options=options, **settings)


def run(model, X, method=None, step=None, **settings):
    """What an exported model gives of an array."""
    ready = session(export(model, X, method, step, **settings))
    [given] = ready.get_inputs()
    return ready.run(None, {given.name: X})


def assert_exported(model, X, method, tolerance=None):
    """Compare an exported method of one output with the method itself."""
    [exported] = run(model, X, method)
    expected = np.asarray(getattr(model, method)(X))
    assert exported.dtype == X.dtype
    assert exported.shape == (len(X), expected.size // len(X))
    assert_near(exported, expected, tolerance)


def assert_near(exported, expected, tolerance=None):
    """Compare numbers in units of the largest of them, or of 1."""
    tolerance = tolerance or TOLERANCE[exported.dtype]
    expected = np.reshape(expected, exported.shape)
    size = max(1.0, np.nanmax(np.abs(expected), initial=0))
    assert_allclose(exported / size, expected / size, rtol=0, atol=tolerance)


def opset_of(exported):
    """The version of ONNX's own operators."""
    [version] = [each.version for each in exported.opset_import if not each.domain]
    return version
