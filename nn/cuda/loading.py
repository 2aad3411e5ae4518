"""A batch is copied to the workspace, by kernels: the data stay on the device.

Definition: nn/reference/training.py.
"""
import numpy as np

from ..shared.codes import EVERY_STEP
from ._compat import blocks, cuda, kernel, launch, nothing, scratch
from .reductions import MOST_PARTS
from .views import inputs_of, packed_of

THREADS = 256


def gather_vectors(to, samples, x, indices, at):
    """Copy the samples indices[at : at + B] of x, a thread each element."""
    s, D = cuda.grid(1), to.shape[1]
    if s < to.size:
        n, i = s // D, s % D
        sample = indices[at + n]
        to[n, i] = x[sample, i]
        if i == 0:
            samples[n] = sample


def gather_targets(labels, targets, row_weights, all_labels, all_targets, all_weights, places):
    """Copy what a row's outputs should become, and how much it counts, from its place."""
    s, width = cuda.grid(1), max(all_targets.shape[1], 1)
    n, k = s // width, s % width
    if n < places.size:
        place = places[n]
        if all_targets.size > 0:
            targets[n, k] = all_targets[place, k]
        if k == 0 and all_labels.size > 0:
            labels[n] = all_labels[place]
        if k == 0 and all_weights.size > 0:
            row_weights[n] = all_weights[place]


def rank_lengths(order, lengths, all_lengths, indices, at, size):
    """Put a sequence where it belongs: after all that are longer, or as long and come before it.

    A thread each sequence, which counts those by itself.
    """
    n = cuda.grid(1)
    if n < size:
        length, place = all_lengths[indices[at + n]], 0
        for other in range(size):
            there = all_lengths[indices[at + other]]
            if there > length or (there == length and other < n):
                place += 1
        order[place], lengths[place] = n, length


def count_running(starts, lengths, size):
    """Fill starts[t] = Σ over the sequences of min(length, t): the steps taken before step t."""
    t = cuda.grid(1)
    if t < starts.size:
        taken = 0
        for i in range(size):
            taken += min(lengths[i], t)
        starts[t] = taken


def gather_steps(tokens, x, samples, places, all_tokens, all_x, order, starts, indices, at, stride,
                 every_step):
    """Pack step t = blockIdx.y, and every gridDim.y-th after it, of the sequences still running."""
    D, wide = max(x.shape[1], 1), cuda.gridDim.x * cuda.blockDim.x
    for t in range(cuda.blockIdx.y, starts.size - 1, cuda.gridDim.y):
        for s in range(cuda.grid(1), (starts[t + 1] - starts[t]) * D, wide):
            i, d = s // D, s % D
            m, sample = starts[t] + i, indices[at + order[i]]
            if x.size > 0:
                x[m, d] = all_x[sample, t * D + d]
            elif d == 0:
                tokens[m] = all_tokens[sample, t]
            if every_step and d == 0:
                samples[m], places[m] = sample, sample * stride + t


def gather_samples(samples, places, order, indices, at, size):
    """Note which sample each sorted sequence is."""
    i = cuda.grid(1)
    if i < size:
        samples[i] = places[i] = indices[at + order[i]]


gather_vectors, gather_targets = kernel(gather_vectors), kernel(gather_targets)
rank_lengths, count_running = kernel(rank_lengths), kernel(count_running)
gather_steps, gather_samples = kernel(gather_steps), kernel(gather_samples)


def load_targets(work, data, n, place):
    """Copy what the outputs should become, and its weight: of n rows, from their `place` (n,)."""
    none, width = nothing(1, data.targets.dtype), max(data.targets.shape[1], 1)
    weights = (none, none) if data.row_weights is None else (work.row_weights, data.row_weights)
    launch(gather_targets, blocks(n * width, THREADS), THREADS, work.labels, work.targets,
           weights[0], data.labels, data.targets, weights[1], place)


def load_vectors(work, data, layers, indices):
    """Copy the samples of an MLP's batch to layer 0; return their number."""
    rows = len(indices.host)
    x, samples = inputs_of(work, layers, rows)
    launch(gather_vectors, blocks(x.size, THREADS), THREADS, x, samples, data.x, indices.device,
           indices.at)
    load_targets(work, data, rows, samples)
    return rows


def sort_by_length(sequences, data, indices):
    """Fill order, lengths, starts and steps of a batch: longest first, ties stay in order.

    `steps` are on the host: the longest length T, and the steps M of all.
    """
    size, lengths = len(indices.host), data.lengths.host[indices.host]
    sequences.steps[:] = lengths.max(), lengths.sum()
    launch(rank_lengths, blocks(size, THREADS), THREADS, sequences.order, sequences.lengths,
           data.lengths.device, indices.device, indices.at, size)
    launch(count_running, blocks(sequences.starts.size, THREADS), THREADS, sequences.starts,
           sequences.lengths, size)


def load_sequences(work, sequences, data, front, indices):
    """Pack the sequences of a batch time-major without padding; return the dense layers' rows."""
    sort_by_length(sequences, data, indices)
    size, every_step = len(indices.host), front.pooling == EVERY_STEP
    T, M = sequences.steps.tolist()
    rows = M if every_step else size
    p = packed_of(work, sequences, front, rows)
    places = scratch("places", rows, np.int32)
    most = blocks(size * max(front.inputs * (not front.tokens), 1), THREADS)  # of the first step
    launch(gather_steps, (min(most, 64), min(T, MOST_PARTS)), THREADS, p.tokens, p.x, p.samples,
           places, data.tokens, data.x, sequences.order, sequences.starts, indices.device,
           indices.at, data.stride, every_step)
    if not every_step:
        launch(gather_samples, blocks(size, THREADS), THREADS, p.samples, places, sequences.order,
               indices.device, indices.at, size)
    load_targets(work, data, rows, places)
    return rows


def stepless(sequences):
    """Return whether all sequences of a batch are empty: such an update moves nothing."""
    return sequences is not None and sequences.steps[0] == 0


def load_batch(work, sequences, data, layers, front, indices):
    """Copy the samples `indices`, a views.Indices, into the workspace.

    Returns the rows of the dense layers: B, or all steps where every step has an output.
    """
    if front is None:
        return load_vectors(work, data, layers, indices)
    return load_sequences(work, sequences, data, front, indices)
