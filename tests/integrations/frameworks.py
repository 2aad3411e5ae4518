"""Frameworks that a test needs, and what they are all tried on."""
import importlib.util
import os

import numpy as np
import pytest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6)).astype("float32")
Y = ((X[:, 0] * X[:, 1] > 0) ^ (RNG.random(120) < 0.15)).astype("int64")  # one in seven wrong: validation turns
TRAIN, VALID = slice(0, 60), slice(60, 120)


def require(name):
    """Skip a file where a framework is missing; where AFTERZERO_FRAMEWORKS is set, as .ci/run does, all must be there."""
    if importlib.util.find_spec(name) is None:
        if os.environ.get("AFTERZERO_FRAMEWORKS"):
            raise ModuleNotFoundError(f"{name} is not installed: pip install -e '.[integrations]' torch")
        pytest.skip(f"{name} is not installed: pip install -e '.[integrations]' torch", allow_module_level=True)
