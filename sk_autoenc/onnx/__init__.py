"""Export to ONNX, to be imported by whoever wants it: ``import sk_autoenc.onnx``.

The import tells skl2onnx of the estimators, so that its ``to_onnx`` and
``convert_sklearn`` take them, alone and in pipelines. See ``doc/guide_rows.md``.
"""

try:
    from sk_autoenc.onnx.graph import MINIMUM_OPSET
    from sk_autoenc.onnx.registry import register
    from sk_autoenc.onnx.trees import (
        MINIMUM_TREE_OPSET,
        forest_inputs,
        tree_encoder,
    )
except ModuleNotFoundError as error:
    if error.name not in ("onnx", "skl2onnx"):
        raise
    raise ImportError(
        f"sk_autoenc.onnx needs {error.name}, which is not installed: "
        'pip install "sk-autoenc[onnx]".'
    ) from error

__all__ = ["MINIMUM_OPSET", "MINIMUM_TREE_OPSET", "forest_inputs", "tree_encoder"]

register()
