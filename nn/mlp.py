"""The multilayer perceptron."""
import numbers
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from losses.keywords import explains_arguments

from . import elsewhere
from .checks import choose, real_matrix, real_number
from .initialization import initialize
from .model import Model
from .shared.codes import ACTIVATIONS
from .shared.inputs import Inputs
from .shared.layers import layer_table
from .shared.parameters import offsets

Shapes = dict[str, tuple[int, ...]]  # of arrays, by name


@explains_arguments(elsewhere.MLP)
class MLP(Model):
    """Multilayer perceptron: dense layers with one activation in between, and a linear output.

    a_0 = x;  z_l = a_{l-1} W_l + b_l;  a_l = f(z_l);  the outputs are the last z. With batch normalisation
    a_l = f(γ_l ẑ_l + β_l), and hidden layers have no b, which the normalisation would cancel.

    Parameters
    ----------
    sizes : sequence of int
        Inputs D, hidden units of each layer, outputs K.
    activation : {"relu", "tanh", "sigmoid", "identity"}
        Of the hidden layers.
    dropout : float or one float per hidden layer, in [0, 1)
        Share of a hidden layer's units that are dropped (inverted dropout, after the activation).
    batch_norm : bool
        Linear–BatchNorm–activation in hidden layers.
    bias : bool
        Without biases (and batch normalisation) a relu network is homogeneous in its parameters, as margin theory wants it.
    init : {"auto", "fan_in_uniform"}
        See nn/initialization.py.
    dtype : {"float32", "float64"}
    seed : int
        Of the initial weights and of dropout masks; the same in every backend and dtype (but for rounding).
    backend : {"numba", "numpy", "cuda"}
    batch_norm_eps, batch_norm_momentum : float
        ε inside the root (at most 1), and the share by which each batch moves the running statistics.

    Attributes
    ----------
    flat : ndarray (P,)
    parameters : dict name -> ndarray
        Views into `flat`: W1 (D, H), b1 (H,) or gamma1 (H,), beta1 (H,), then W2, …; writing to either changes both.

    Raises
    ------
    TypeError, ValueError : naming the argument, the value received and what is accepted

    """

    def __init__(self, sizes: Sequence[int], *, activation: str = "relu", dropout: float | Sequence[float] = 0.0,
                 batch_norm: bool = False, bias: bool = True, init: str = "auto", dtype: DTypeLike = "float32",
                 seed: int = 0, backend: str = "numba", batch_norm_eps: float = 1e-5,
                 batch_norm_momentum: float = 0.1) -> None:
        self.sizes = _checked_sizes(sizes)
        self.outputs = self.sizes[-1]
        self.activation = choose("activation", activation, tuple(ACTIVATIONS))
        self.dropout = checked_rates(dropout, len(self.sizes) - 2)
        self.batch_norm, self.bias, self.init = bool(batch_norm), bool(bias), init
        self.batch_norm_eps = real_number("batch_norm_eps", batch_norm_eps, low=1e-30, high=1)  # in float32, too
        self.batch_norm_momentum = real_number("batch_norm_momentum", batch_norm_momentum, low=0, high=1, open_low=True)
        shapes, statistics = layout(self.sizes, self.bias, self.batch_norm)
        self._set_up(shapes, statistics, dtype, seed, backend)
        codes = [ACTIVATIONS[activation]] * (len(self.sizes) - 2) + [ACTIVATIONS["identity"]]
        self.layers = layer_table(self.sizes, offsets(shapes), codes)
        self.rates = np.array([0.0, *self.dropout])  # on the input of each layer
        initialize(self.parameters, self.activation, init, np.random.default_rng(self.seed))

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as a dict of plain values."""
        return {"sizes": list(self.sizes), "activation": self.activation, "dropout": list(self.dropout),
                "batch_norm": self.batch_norm, "bias": self.bias, "init": self.init, "dtype": self.dtype.name,
                "seed": self.seed, "backend": self.backend, "batch_norm_eps": self.batch_norm_eps,
                "batch_norm_momentum": self.batch_norm_momentum}

    def check_x(self, x: ArrayLike, lengths: ArrayLike | None = None, argument: str = "x") -> Inputs:
        """Return Inputs with x (N, D) in the model's dtype, or raise an error that names `argument`."""
        if lengths is not None:
            raise ValueError(f"{argument[:-1]}lengths: got an array, but an MLP has no time steps, accepted: None")
        x = real_matrix(argument, x, self.sizes[0], self.dtype)
        return Inputs(x, np.zeros((0, 0), np.int64), np.zeros(0, np.int64))


def checked_rates(dropout: Any, hidden: int) -> tuple[float, ...]:
    """Return one dropout rate per hidden layer from a scalar or a sequence."""
    for rate in np.atleast_1d(np.asarray(dropout, object)):
        if real_number("dropout", rate, low=0, high=1) == 1:
            raise ValueError(f"dropout: got {dropout!r}, accepted: numbers in [0, 1)")
    rates = [dropout] * hidden if np.ndim(dropout) == 0 else list(dropout)
    if len(rates) != hidden:
        raise ValueError(f"dropout: got {dropout!r}, accepted: a number, or one for each of the {hidden} hidden layers")
    return tuple(float(rate) for rate in rates)


def _checked_sizes(sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, (str, bytes)) or not hasattr(sizes, "__len__") or len(sizes) < 2 or not all(
            isinstance(n, numbers.Integral) and not isinstance(n, bool) and int(n) >= 1 for n in sizes):
        raise ValueError(f"sizes: got {sizes!r}, accepted: at least two positive integers (inputs, hidden ..., outputs)")
    return tuple(int(n) for n in sizes)


def layout(sizes: Sequence[int], bias: bool, batch_norm: bool) -> tuple[Shapes, Shapes]:
    """Return dict name -> shape of the parameters and of the running statistics, in the order of their vectors."""
    parameters: dict[str, tuple] = {}
    statistics: dict[str, tuple] = {}
    for l, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        parameters[f"W{l}"] = (n_in, n_out)
        if batch_norm and l < len(sizes) - 1:
            parameters[f"gamma{l}"] = parameters[f"beta{l}"] = (n_out,)
            statistics[f"running_mean{l}"] = statistics[f"running_var{l}"] = (n_out,)
        elif bias:
            parameters[f"b{l}"] = (n_out,)
    return parameters, statistics
