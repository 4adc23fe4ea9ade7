import numpy as np
import pytest
from hypothesis import settings
from row_models import make_rows

# Seeded like every other test, and no failure because a core was busy.
settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("seeded")

collect_ignore = ["conftest.py"]
"""Not a module with doctests: of its name there is one more, in doc/."""

DTYPES = (np.float32, np.float64)


@pytest.fixture(params=DTYPES, ids=lambda dtype: dtype.__name__)
def dtype(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def X():
    """60 rows of 8 features in [0, 1] that depend on each other."""
    return make_rows()


@pytest.fixture
def X_real():
    """60 rows of 8 real features of mean 0 and variance about 1."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(60, 3)) @ rng.normal(size=(3, 8)) / 2
