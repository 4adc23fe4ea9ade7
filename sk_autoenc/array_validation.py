"""Arrays of other libraries than numpy, which scikit-learn may hand on as they are."""

from typing import Any

import numpy as np
from sklearn import get_config

REMEDIES = {"torch": "{}.detach().cpu().numpy()", "cupy": "cupy.asnumpy({})"}
"""How an array is made one of numpy, by the library that it is of."""


def refuse_other_arrays(array: Any, name: str = "X") -> None:
    """Refuse an array whose namespace is not numpy's, if scikit-learn dispatches.

    Without `array_api_dispatch` scikit-learn makes an array of numpy of it, or says why
    it cannot.
    """
    if not get_config()["array_api_dispatch"]:
        return
    kind = type(array)
    library = kind.__module__.partition(".")[0]
    is_numpy = isinstance(array, np.ndarray | np.generic)
    if library in REMEDIES or (hasattr(kind, "__array_namespace__") and not is_numpy):
        remedy = REMEDIES.get(library, "numpy.asarray({})").format(name)
        raise TypeError(
            f"{name} is a {library}.{kind.__name__}, but sk_autoenc computes with "
            f"numpy, also with array_api_dispatch=True. Pass {remedy}."
        )
