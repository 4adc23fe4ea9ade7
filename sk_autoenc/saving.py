"""What is saved of a model, what a file of one asks trust for, and of which version."""

import re
import warnings
from inspect import signature
from typing import Any

import sk_autoenc
from sk_autoenc.parts.plain import plain, revived
from sk_autoenc.tables.numbers import BinnedNumbers
from sk_autoenc.validation import caller_level

VERSION = "_sk_autoenc_version"
"""Names, in what is saved of an estimator, the version of the package."""


class SavedPlain:
    """Lets an estimator be pickled, and saved by skops, with plain values for helpers.

    Only what is private is looked at: parameters are the user's. The version of the
    package is saved too; of another version than this one, parameters that are not
    there have their defaults, and what cannot be read is an error that says so.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes as they are saved."""
        estimator: Any = super()
        state = estimator.__getstate__()
        kept = {k: plain(v) if k.startswith("_") else v for k, v in state.items()}
        return {**kept, VERSION: sk_autoenc.__version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes that were saved."""
        saved_by = state.get(VERSION, sk_autoenc.__version__)
        if release(saved_by) > release(sk_autoenc.__version__):
            message = (
                f"This {type(self).__name__} was saved by sk_autoenc {saved_by} and is "
                f"loaded by {sk_autoenc.__version__}, which is older and may read it "
                "wrongly. Upgrade sk_autoenc, or fit it again."
            )
            warnings.warn(message, UserWarning, stacklevel=caller_level())
        try:
            kept = {k: revived(v) if k.startswith("_") else v for k, v in state.items()}
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"This {type(self).__name__} was saved by sk_autoenc {saved_by}, and "
                f"{sk_autoenc.__version__} cannot read it: {error}. Load it with "
                f"sk_autoenc {saved_by}, or fit it again."
            ) from error
        kept.pop(VERSION, None)
        if saved_by != sk_autoenc.__version__:
            kept = defaults(type(self)) | kept
        estimator: Any = super()
        estimator.__setstate__(kept)


def release(version: str) -> list[int]:
    """Return the numbers of a version, without what comes before its release."""
    return [int(number) for number in re.findall(r"\d+", version.partition(".dev")[0])]


def defaults(cls: Any) -> dict[str, Any]:
    """Return the parameters of an estimator by default."""
    parameters = signature(cls.__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def skops_types() -> list[str]:
    """Name the types that skops is to trust in order to load what is saved.

    Returns
    -------
    names : list of str
        Those of all estimators and of `Forest`, sorted. All else that they keep is
        numbers, strings, arrays and containers of these.

    See Also
    --------
    DenoisingAutoencoder : Or any other estimator.

    Examples
    --------
    >>> from sk_autoenc import skops_types
    >>> "sk_autoenc.denoising.DenoisingAutoencoder" in skops_types()
    True
    """
    public = [getattr(sk_autoenc, name) for name in sk_autoenc.__all__]
    types = [BinnedNumbers, *(each for each in public if isinstance(each, type))]
    return sorted(f"{each.__module__}.{each.__qualname__}" for each in types)
