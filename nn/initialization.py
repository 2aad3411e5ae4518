"""Initial weights, drawn in float64 from the seed, in the order of the parameters."""
from collections.abc import Mapping

import numpy as np

from .checks import choose

INITS = ("auto", "fan_in_uniform")


def initialize(parameters: Mapping[str, np.ndarray], activation: str, init: str, rng: np.random.Generator) -> None:
    """Fill the parameters of an MLP.

    "auto": He normal, N(0, 2 / fan_in), in front of a relu; Glorot uniform, ±√(6 / (fan_in + fan_out)), in front of anything
    else, the linear output included; biases 0. Gamma starts at 1, beta at 0.

    "fan_in_uniform": weights and biases uniform in ±1/√fan_in, what PyTorch's Linear does.

    References
    ----------
    He et al., ICCV 2015 (arXiv 1502.01852), eq. 10. Glorot & Bengio, AISTATS 2010, eq. 16.

    """
    choose("init", init, INITS)
    last = f"W{sum(name.startswith('W') for name in parameters)}"
    for name, array in parameters.items():
        if name.startswith("W"):
            fan_in, fan_out = array.shape
        if name.startswith(("gamma", "beta")):
            array[...] = 1 if name.startswith("gamma") else 0
        elif init == "fan_in_uniform":
            array[...] = rng.uniform(-1, 1, array.shape) / np.sqrt(fan_in)
        elif name.startswith("b"):
            array[...] = 0
        elif activation == "relu" and name != last:
            array[...] = rng.standard_normal(array.shape) * np.sqrt(2 / fan_in)
        else:
            array[...] = rng.uniform(-1, 1, array.shape) * np.sqrt(6 / (fan_in + fan_out))


def initialize_recurrent(parameters: Mapping[str, np.ndarray], hidden: int, rng: np.random.Generator) -> None:
    """Fill all parameters of an RNN with U(±1/√H), as PyTorch's RNN does."""
    for array in parameters.values():
        array[...] = rng.uniform(-1, 1, array.shape) / np.sqrt(hidden)
