"""The arrays of the formulas, by their names, cut out of the flat ones on the device.

Cutting an array on the device takes Python some 50 µs, as long as a small kernel: what was cut once
for batches of a size is kept. What is cut, and where, is the same as in the definition.
"""
from typing import NamedTuple

import numpy as np

from ..reference.views import LayerGradients, LayerViews, OutputViews, inputs, statistics
from ..shared.layers import Norm, Workspace, matrix, vector
from ..shared.sequences import AT_B_H, AT_W_HH, AT_W_XH, block
from ._compat import nothing


class Indices(NamedTuple):
    """Samples of a batch on both sides: by them the host decides how many threads to start."""

    host: np.ndarray  # (B,) int64
    device: object  # int32, those of the batch from element `at` on
    at: int = 0


def remembering(kind):
    """Return a class like a NamedTuple, which also remembers what was cut out of its arrays."""
    kept = property(lambda self: self.__dict__.setdefault("_kept", {}))
    return type(kind.__name__, (kind,), {"kept": kept})


# A DeviceWorkspace also has the `summary` of rows.py.
DeviceWorkspace, DeviceNorm = remembering(Workspace), remembering(Norm)


def _kept(holder, key, cut):
    if key not in holder.kept:
        if len(holder.kept) > 4096:  # batches of sequences have many different sizes
            holder.kept.clear()
        holder.kept[key] = cut()
    return holder.kept[key]


def layer_of(work, norm, drop, flat, layers, l, rows):
    """Return the LayerViews of layer l."""
    return _kept(work, ("layer", l, rows, drop is None),
                 lambda: LayerViews(work, norm, drop, flat, layers, l, rows))


def gradients_of(dflat, work, layers, l, rows, dx_wanted):
    """Return the LayerGradients of layer l."""
    return _kept(work, ("gradients", l, rows, dx_wanted),
                 lambda: LayerGradients(dflat, work, layers, l, rows, dx_wanted))


def outputs_of(work, layers, data, rows):
    """Return the OutputViews, with the `labels` or `targets` the loss takes, the other empty.

    Which of them that is may change with an epoch's augmentation.
    """
    labelled = data.labels.size > 0

    def cut():
        v = OutputViews(work, layers, data, rows)
        v.labels = v.y if labelled else nothing(1, np.int32)
        v.targets = nothing(2, work.targets.dtype) if labelled else v.y
        return v
    return _kept(work, ("outputs", rows, labelled), cut)


def inputs_of(work, layers, rows):
    """Return layer 0 (rows, in) and the samples (rows,)."""
    return _kept(work, ("inputs", rows), lambda: (inputs(work, layers, rows), work.samples[:rows]))


class DirectionViews:
    """One direction of the recurrence; see DirectionViews of the definition. W_hh_T is a copy."""

    def __init__(self, work, sequences, flat, front, d, batch, rows):
        at, D, H = front.offsets[d].tolist(), front.inputs, front.hidden
        T, M = sequences.steps.tolist()
        self.starts, self.lengths = sequences.starts[:T + 1], sequences.lengths[:batch]
        self.reverse, self.column = d == 1, d * H
        self.W_xh, self.b_h = matrix(flat, at[AT_W_XH], D, H), vector(flat, at[AT_B_H], H)
        self.W_hh = matrix(flat, at[AT_W_HH], H, H)
        self.W_hh_T = block(sequences.transposed, d, H, H)
        if front.tokens:
            self.tokens = sequences.tokens[:M]
        else:
            self.x = matrix(sequences.x, 0, M, D)
        self.u = self.h = block(sequences.states, d, M, H)
        self.h_before = block(sequences.before, d, M, H)
        self.pooled = matrix(work.activations, 0, rows, len(front.offsets) * H)


class DirectionGradients:
    """The gradients of `DirectionViews`, dX that of X; dh and dz (M, H) are one array.

    dx (M, D) takes the place of the packed input, which nobody needs any more; dx_sum (M, D) is
    that of all directions. Both are there only if wanted.
    """

    def __init__(self, dflat, work, sequences, front, d, rows, dx_wanted):
        at, D, H = front.offsets[d].tolist(), front.inputs, front.hidden
        M = int(sequences.steps[1])
        self.dW_xh, self.db_h = matrix(dflat, at[AT_W_XH], D, H), vector(dflat, at[AT_B_H], H)
        self.dW_hh = matrix(dflat, at[AT_W_HH], H, H)
        self.dh = self.dz = block(sequences.deltas, d, M, H)
        self.dpooled = matrix(work.deltas, 0, rows, len(front.offsets) * H)
        if dx_wanted:
            self.dx, self.dx_sum = matrix(sequences.x, 0, M, D), matrix(sequences.dx, 0, M, D)


def direction_of(work, sequences, flat, front, d, batch, rows):
    """Return the DirectionViews of the batch at hand, whose T and M stand in `sequences.steps`."""
    key = "direction", d, batch, rows, *sequences.steps.tolist()
    return _kept(work, key, lambda: DirectionViews(work, sequences, flat, front, d, batch, rows))


def direction_gradients_of(dflat, work, sequences, front, d, rows, dx_wanted):
    """Return the DirectionGradients of the batch at hand."""
    key = "direction gradients", d, rows, dx_wanted, *sequences.steps.tolist()
    return _kept(work, key, lambda: DirectionGradients(
        dflat, work, sequences, front, d, rows, dx_wanted))


class PackedViews:
    """Where sequences are packed: tokens (M,) or x (M, D), the other empty; samples (rows,)."""

    def __init__(self, work, sequences, front, rows):
        M = int(sequences.steps[1])
        self.samples = work.samples[:rows]
        self.tokens = sequences.tokens[:M] if front.tokens else nothing(1, np.int32)
        self.x = (nothing(2, sequences.states.dtype) if front.tokens
                  else matrix(sequences.x, 0, M, front.inputs))


def packed_of(work, sequences, front, rows):
    """Return the PackedViews of the batch at hand."""
    key = "packed", rows, int(sequences.steps[1])
    return _kept(work, key, lambda: PackedViews(work, sequences, front, rows))


def statistics_of(norm, layer):
    """Return mean, var, running_mean, running_var (out,) of a layer."""
    return _kept(norm, tuple(layer.tolist()), lambda: statistics(norm, layer))
