"""What a file of a model asks trust for."""

import sk_autoenc
from sk_autoenc.tables.numbers import BinnedNumbers


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
