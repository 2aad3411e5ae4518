"""What happens inside a network on one batch: what every layer takes in and gives out, and what each of that does to J.

The numbers come from a backend's engine, which keeps what came out of each layer and ∂J/∂z. What it overwrites on its way
is computed again here from its neighbours, by the formulas of README.md: z from the layer's input, da from the dz behind.
"""
from collections.abc import Sequence
from typing import Any

import numpy as np

from .engine import Engine, Network
from .reference.activations import activation_backward
from .reference.dropout import dropout_backward, dropout_forward
from .shared.codes import EVERY_STEP, LAST
from .shared.inputs import Inputs
from .shared.layers import ACTIVATION, AT_B, AT_BETA, AT_GAMMA, AT_W, IN, NO_UPDATE, OUT, matrix, vector
from .shared.sequences import AT_B_H, AT_W_HH, AT_W_XH


def trace(engine: Engine, network: Network, inputs: Inputs, samples: np.ndarray, update: int,
          names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return dict name -> array after an engine's gradient of one batch that holds all inputs.

    Parameters
    ----------
    engine : engine.Engine
    network : engine.Network
    inputs : Inputs
    samples : ndarray (rows,)
        The sample that each row of the dense layers is of.
    update : int
        The number that the gradient was computed with.
    names : sequence of str
        What stands behind x, z, a, … of each layer: directions of the recurrence first, then the dense layers.

    """
    directions = 0 if network.front is None else len(network.front.offsets)
    dense, dpooled = _dense_layers(engine, network, samples, update, names[directions:])
    found: dict[str, np.ndarray] = {}
    for d in range(directions):
        found |= _direction(engine, network, inputs, dpooled, d, names[d])
    return found | dense


def _dense_layers(engine: Engine, network: Network, samples: np.ndarray, update: int,
                  names: Sequence[str]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return what the dense layers took in and gave out (rows, size), and ∂J of what came in front of the first one."""
    layers: list = network.layers.tolist()
    da: Any = None
    found: dict[str, np.ndarray] = {}
    for l in reversed(range(len(layers))):
        layer, name = layers[l], names[l]
        W = matrix(network.flat, layer[AT_W], layer[IN], layer[OUT])
        x, a, dz = engine.activations(l), engine.activations(l + 1), engine.deltas(l + 1)
        mask = (network.rates[l], network.seed, update, l, samples) if update != NO_UPDATE and network.rates[l] else None
        if mask:
            dropout_forward(x, x.copy(), *mask)
        z = x @ W + vector(network.flat, layer[AT_B], layer[OUT]) if layer[AT_B] >= 0 else x @ W
        da = dz.copy() if da is None else da  # the outputs are linear
        here = {"x": x, "z": z}
        if layer[AT_GAMMA] >= 0:
            here["y"], here["dy"] = _normalised(z, network, layer), np.empty_like(a)
            activation_backward(here["dy"], da, a, layer[ACTIVATION])
        dx = dz @ W.T
        here |= {"a": a, "da": da, "dz": dz, "dx": dx}
        found = {quantity + name: array for quantity, array in here.items()} | found
        da = dx.copy()
        if mask:
            dropout_backward(da, dx, *mask)
    return found, da


def _normalised(z: np.ndarray, network: Network, layer: Sequence[int]) -> np.ndarray:
    """Return γ ẑ + β (rows, size) with the statistics of these rows."""
    gamma, beta = (vector(network.flat, layer[at], layer[OUT]) for at in (AT_GAMMA, AT_BETA))
    return gamma * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + network.eps) + beta


def _direction(engine: Engine, network: Network, inputs: Inputs, dpooled: np.ndarray, d: int,
               name: str) -> dict[str, np.ndarray]:
    """Return what one direction of the recurrence took in and gave out at each step (B, T, size), 0 in the padding."""
    front: Any = network.front
    flat = network.flat
    D, H, at = front.inputs, front.hidden, front.offsets[d]
    W_xh, W_hh = matrix(flat, at[AT_W_XH], D, H), matrix(flat, at[AT_W_HH], H, H)
    h, dz = engine.states(d), engine.state_deltas(d)
    valid = np.arange(h.shape[1]) < inputs.lengths[:, None]  # (B, T)
    x = np.eye(D, dtype=h.dtype)[inputs.tokens] if front.tokens else inputs.x
    before, after = (_shifted(h, d == 0), _shifted(dz, d == 1))  # in the order in which steps are taken
    z = x @ W_xh + before @ W_hh + vector(flat, at[AT_B_H], H)
    through_time = after @ W_hh.T
    if front.truncate:
        from_end = np.where(d == 1, 0, inputs.lengths[:, None] - 1) + np.arange(h.shape[1]) * (1 if d == 1 else -1)
        through_time[from_end % front.truncate == 0] = 0
    here = {"x": np.where(valid[:, :, None], x, 0), "z": z, "a": h, "da": through_time + _unpooled(
        dpooled[:, d * H:(d + 1) * H], front.pooling, inputs.lengths, valid, d == 1), "dz": dz, "dx": dz @ W_xh.T}
    return {quantity + name: np.where(valid[:, :, None], array, 0) for quantity, array in here.items()}


def _shifted(steps: np.ndarray, later: bool) -> np.ndarray:
    """Return (B, T, H) one step later (what stood at t stands at t + 1) or earlier, 0 where nothing comes from."""
    moved = np.zeros_like(steps)
    if later:
        moved[:, 1:] = steps[:, :-1]
    else:
        moved[:, :-1] = steps[:, 1:]
    return moved


def _unpooled(dpooled: np.ndarray, pooling: int, lengths: np.ndarray, valid: np.ndarray, reverse: bool) -> np.ndarray:
    """Return what the pooling sends to each state, (B, T, H), from its rows."""
    full = np.zeros((*valid.shape, dpooled.shape[1]), dpooled.dtype)
    if pooling == EVERY_STEP:
        full[valid] = dpooled
    elif pooling == LAST:
        some = np.flatnonzero(lengths)
        full[some, 0 if reverse else lengths[some] - 1] = dpooled[some]
    else:
        full[...] = (dpooled / np.maximum(lengths, 1)[:, None].astype(dpooled.dtype))[:, None]
    return full
