"""The recurrent network (Elman), in one or both directions, for sequences of different lengths."""
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from losses.keywords import explains_arguments

from . import elsewhere
from .checks import choose, integer, padded_array
from .initialization import initialize_recurrent
from .mlp import checked_rates
from .model import Model
from .shared.codes import ACTIVATIONS, POOLINGS
from .shared.inputs import Inputs
from .shared.layers import layer_table
from .shared.parameters import offsets
from .shared.sequences import Front


@explains_arguments(elsewhere.RNN)
class RNN(Model):
    """Recurrent network: h_t = f(x_t W_xh + h_{t-1} W_hh + b_h), pooled over time, then a linear output.

    A sequence may be of length 0: its state is 0, the mean over its steps too, and where every step has an output it has
    none. A batch without a valid step moves nothing in training. No state crosses padding, and padded inputs (which may
    hold anything) influence no output and no gradient.

    Parameters
    ----------
    inputs, hidden, outputs : int
        D (or the number of tokens), H, K.
    bidirectional : bool
        A second recurrence, with parameters of its own, runs from the last valid step to the first.
    activation : {"tanh", "relu"}
    pooling : {"last", "mean", "none"}
        "last": the last state of each direction (for the reverse one its state at t = 0), concatenated; "mean": over
        valid steps; "none": an output for every step.
    dropout : float in [0, 1)
        On the pooled state; all steps of a sequence share their mask.
    init : {"auto"}
        All weights and biases U(±1/√H).
    truncate : int, optional
        Steps that backpropagation through time goes back; None: all. The recurrence is cut every so many steps, counted
        from each sequence's end.
    dtype, seed, backend : as `MLP`

    Attributes
    ----------
    flat : ndarray (P,)
    parameters : dict name -> ndarray
        W_xh (D, H), W_hh (H, H), b_h (H,), again with suffix _reverse, then W_hy (H or 2H, K), b_y (K,).

    Raises
    ------
    TypeError, ValueError : naming the argument, the value received and what is accepted

    """

    def __init__(self, inputs: int, hidden: int, outputs: int, *, bidirectional: bool = False, activation: str = "tanh",
                 pooling: str = "last", dropout: float = 0.0, init: str = "auto", dtype: DTypeLike = "float32",
                 seed: int = 0, backend: str = "numba", truncate: int | None = None) -> None:
        self.inputs, self.hidden, self.outputs = (
            integer(name, value, low=1) for name, value in (("inputs", inputs), ("hidden", hidden), ("outputs", outputs)))
        self.bidirectional = bool(bidirectional)
        self.activation = choose("activation", activation, ("tanh", "relu"))
        self.pooling = choose("pooling", pooling, tuple(POOLINGS))
        (self.dropout,) = checked_rates(dropout, 1)
        self.init = choose("init", init, ("auto",))
        self.truncate = None if truncate is None else integer("truncate", truncate, low=1, extra=" or None")
        shapes = layout(self.inputs, self.hidden, self.outputs, self.bidirectional)
        self._set_up(shapes, {}, dtype, seed, backend)
        self._offsets = offsets(shapes)
        directions = ["", "_reverse"][:1 + self.bidirectional]
        self._front_offsets = np.array([[self._offsets[name + suffix] for name in ("W_xh", "W_hh", "b_h")]
                                        for suffix in directions])  # (directions, 3)
        head = {"W1": self._offsets["W_hy"], "b1": self._offsets["b_y"]}
        self.layers = layer_table((self.hidden * len(directions), self.outputs), head, [ACTIVATIONS["identity"]])
        self.rates = np.array([self.dropout])  # on the pooled state
        initialize_recurrent(self.parameters, self.hidden, np.random.default_rng(self.seed))

    def front_for(self, inputs: Inputs) -> Front | None:
        """Return the sequences.Front for these inputs."""
        tokens = len(inputs.tokens) > 0
        return Front(self._front_offsets, self.inputs, self.hidden, ACTIVATIONS[self.activation], POOLINGS[self.pooling],
                     self.truncate or 0, tokens)

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as a dict of plain values."""
        return {"inputs": self.inputs, "hidden": self.hidden, "outputs": self.outputs, "bidirectional": self.bidirectional,
                "activation": self.activation, "pooling": self.pooling, "dropout": self.dropout, "init": self.init,
                "dtype": self.dtype.name, "seed": self.seed, "backend": self.backend, "truncate": self.truncate}

    def check_x(self, x: ArrayLike, lengths: ArrayLike | None = None, argument: str = "x") -> Inputs:
        """Return Inputs from x (N, T, D) or integer tokens (N, T), and lengths (N,).

        Padding is replaced by zeros; what stands there never matters.
        """
        x = padded_array(argument, x)
        tokens = x.ndim == 2 and x.dtype.kind in "iu"
        if x.dtype.kind not in "buif":
            raise TypeError(f"{argument}: got dtype {x.dtype}, accepted: real numbers, or integer tokens")
        if not tokens and (x.ndim != 3 or x.shape[2] != self.inputs):
            raise ValueError(f"{argument}: got shape {x.shape} and dtype {x.dtype}, accepted: (N, T, {self.inputs}), or "
                             "integer tokens (N, T)")
        if x.shape[0] == 0 or x.shape[1] == 0:
            raise ValueError(f"{argument}: got no samples or steps (shape {x.shape}), accepted: at least one of each")
        lengths = _checked_lengths(argument[:-1] + "lengths", lengths, *x.shape[:2])
        valid = np.arange(x.shape[1]) < lengths[:, None]  # (N, T)
        none = np.zeros((0, 0), np.int64)
        if tokens:
            clean = np.where(valid, x, 0).astype(np.int64)
            if clean.min() < 0 or clean.max() >= self.inputs:
                raise ValueError(f"{argument}: got tokens from {clean.min()} to {clean.max()}, accepted: 0 to "
                                 f"{self.inputs - 1}")
            return Inputs(np.zeros((0, 0, 0), self.dtype), clean, lengths)
        with np.errstate(over="ignore", invalid="ignore"):
            clean = np.where(valid[:, :, None], x, 0).astype(self.dtype)
        if not np.isfinite(clean).all():
            n, t, i = np.argwhere(~np.isfinite(clean))[0]
            raise ValueError(f"{argument}: got {clean[n, t, i]} at sample {n}, step {t}, input {i}, which is not padding, "
                             "accepted: finite numbers")
        return Inputs(clean, none, lengths)

    def layer_names(self) -> list[str]:
        """Return what stands behind b, x, z, a, … of each layer: as in the parameters' names, directions first."""
        return [*["_h", "_h_reverse"][:1 + self.bidirectional], "_y"]

    @property
    def every_step(self) -> bool:
        """Whether each valid step has an output."""
        return self.pooling == "none"

    def rows_of(self, inputs: Inputs) -> int:
        """Return the number of output rows for these inputs."""
        return int(inputs.lengths.sum()) if self.every_step else inputs.count

    def pack_targets(self, y: np.ndarray, inputs: Inputs) -> Any:
        """Return the targets of each output row: of all valid steps, sample by sample, where every step is kept."""
        if self.pooling != "none":
            return y
        if not inputs.lengths.any():
            raise ValueError("lengths: got 0 for every sequence, accepted with pooling 'none': at least one valid step, for "
                             "only those have outputs and targets")
        y, shape = padded_array("y", y), self._padded_shape(inputs)
        if y.shape[:2] != shape:
            raise ValueError(f"y: got shape {y.shape}, accepted: {shape} (or with K targets per step) with pooling 'none'")
        return y[self._valid(inputs)]

    def samples_of_rows(self, inputs: Inputs) -> np.ndarray:
        """Return which sample each output row for these inputs is of."""
        return np.repeat(np.arange(inputs.count), inputs.lengths if self.pooling == "none" else 1)

    def _padded_shape(self, inputs: Inputs) -> tuple[int, int]:
        return (inputs.tokens if len(inputs.tokens) else inputs.x).shape[:2]

    def _valid(self, inputs: Inputs) -> np.ndarray:
        return np.arange(self._padded_shape(inputs)[1]) < inputs.lengths[:, None]  # (N, T)

    def _unpack(self, outputs: np.ndarray, inputs: Inputs, padding: float = 0) -> np.ndarray:
        if self.pooling != "none":
            return outputs
        full = np.full((*self._padded_shape(inputs), *outputs.shape[1:]), padding, outputs.dtype)
        full[self._valid(inputs)] = outputs
        return full


def _checked_lengths(argument: str, lengths: ArrayLike | None, n: int, longest: int) -> np.ndarray:
    if lengths is None:
        return np.full(n, longest)
    lengths = padded_array(argument, lengths)
    accepted = f"{n} integers from 0 to {longest} (the steps in x)"
    if lengths.dtype.kind not in "iu" or lengths.shape != (n,):
        raise ValueError(f"{argument}: got dtype {lengths.dtype} and shape {lengths.shape}, accepted: {accepted}")
    if lengths.min() < 0 or lengths.max() > longest:
        raise ValueError(f"{argument}: got values from {lengths.min()} to {lengths.max()}, accepted: {accepted}")
    return lengths.astype(np.int64)


def layout(inputs: int, hidden: int, outputs: int, bidirectional: bool) -> dict[str, tuple[int, ...]]:
    """Return dict name -> shape in the order of the flat vector."""
    shapes: dict[str, tuple] = {}
    for suffix in ["", "_reverse"][:1 + bidirectional]:
        shapes |= {"W_xh" + suffix: (inputs, hidden), "W_hh" + suffix: (hidden, hidden), "b_h" + suffix: (hidden,)}
    return shapes | {"W_hy": (hidden * (1 + bidirectional), outputs), "b_y": (outputs,)}
