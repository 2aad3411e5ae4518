"""The recurrence over packed sequences and BPTT, compiled.

Definition and layout: nn/reference/recurrent.py.
"""
from ..shared import scalars
from ..shared.codes import EVERY_STEP, LAST, MEAN, RELU, TANH
from .blas import add_rows_product
from .compile import apart, inner, twin_apart
from .copies import copy, copy_row
from .floats import tanh
from .views import part, row

# Asked before a call, see activations.py.
SERVED, SERVED_POOLINGS = (RELU, TANH), (LAST, MEAN, EVERY_STEP)

relu, relu_backward = inner(scalars.relu), inner(scalars.relu_backward)
tanh_backward = inner(scalars.tanh_backward)


def _activate_rows(h, first, end, kind):
    """Apply f to rows first:end; a recurrent network has relu or tanh."""
    for m in range(first, end):
        here = row(h, m)
        if kind == RELU:
            for j in range(here.size):
                here[j] = relu(here[j])
        elif kind == TANH:
            for j in range(here.size):
                here[j] = tanh(here[j])


def _activate_rows_backward(dz, h, first, end, kind):
    """Multiply rows first:end of dz by f', written through the states h."""
    for m in range(first, end):
        here, state = row(dz, m), row(h, m)
        if kind == RELU:
            for j in range(here.size):
                here[j] = relu_backward(here[j], state[j])
        elif kind == TANH:
            for j in range(here.size):
                here[j] = tanh_backward(here[j], state[j])


def _clear(to):
    """Set a vector to zero."""
    for j in range(to.size):
        to[j] = to.dtype.type(0)


def transpose(to, W):
    """Fill `to` with Wᵀ: products with a transposed matrix take BLAS half as long again."""
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            to[j, i] = W[i, j]


_clear, transpose = inner(_clear), apart(transpose)
_activate_rows, _activate_rows_backward = inner(_activate_rows), inner(_activate_rows_backward)


def recurrence_forward(h, u, W_hh, starts, kind, reverse):
    """Fill the states h; h may be u."""
    copy(h, u)
    steps = starts.size - 1
    for k in range(steps):
        t, before = (steps - 1 - k, steps - k) if reverse else (k, k - 1)
        first, end = starts[t], starts[t + 1]
        if k > 0:
            # Forward, all rows of this step were running before; reverse, only the longer sequences
            # were (the first rows).
            rows = min(end - first, starts[before + 1] - starts[before])
            add_rows_product(h, first, h, starts[before], rows, W_hh)
        _activate_rows(h, first, end, kind)


def recurrence_backward(dz, dh, h, W_hh_T, starts, lengths, kind, reverse, truncate):
    """Fill dz from dh, what the pooling sends to each state; dz may be dh."""
    copy(dz, dh)
    steps = starts.size - 1
    for k in range(steps):
        t, after = (k, k - 1) if reverse else (steps - 1 - k, steps - k)
        first, end = starts[t], starts[t + 1]
        if k > 0:
            rows = min(end - first, starts[after + 1] - starts[after])
            if truncate == 0:
                add_rows_product(dz, first, dz, starts[after], rows, W_hh_T)
            else:
                # The later step is cut off every `truncate` steps from the sequence's end.
                for i in range(rows):
                    from_end = t if reverse else lengths[i] - 1 - t
                    if from_end % truncate != 0:
                        add_rows_product(dz, first + i, dz, starts[after] + i, 1, W_hh_T)
        _activate_rows_backward(dz, h, first, end, kind)


def previous_states(h_before, h, starts, reverse):
    """Fill h_before (M, H): the state each step started from, 0 for the first step taken."""
    steps = starts.size - 1
    for t in range(steps):
        before = t + 1 if reverse else t - 1
        known = 0
        if 0 <= before < steps:
            known = min(starts[t + 1] - starts[t], starts[before + 1] - starts[before])
        first, end = starts[t], starts[t + 1]
        for i in range(known):
            copy_row(row(h_before, first + i), row(h, starts[before] + i))
        for m in range(first + known, end):
            _clear(row(h_before, m))


def pool_forward(pooled, h, starts, lengths, pooling, reverse, column):
    """Fill the columns `column`, … of pooled (B, directions·H), or (M, …) for EVERY_STEP."""
    real, end = h.dtype.type, column + h.shape[1]
    if pooling == LAST:
        for i in range(lengths.size):
            here = part(pooled, i, column, end)
            if lengths[i] > 0:
                copy_row(here, row(h, i if reverse else starts[lengths[i] - 1] + i))
            else:
                _clear(here)
    elif pooling == MEAN:
        for i in range(lengths.size):
            here = part(pooled, i, column, end)
            _clear(here)
            for t in range(lengths[i]):
                state = row(h, starts[t] + i)
                for j in range(here.size):
                    here[j] += state[j]
            for j in range(here.size):
                here[j] /= real(max(lengths[i], 1))
    elif pooling == EVERY_STEP:
        for m in range(h.shape[0]):
            copy_row(part(pooled, m, column, end), row(h, m))


def pool_backward(dh, dpooled, starts, lengths, pooling, reverse, column):
    """Fill dh (M, H) with what the pooled state's gradient sends to each state."""
    real, end = dh.dtype.type, column + dh.shape[1]
    if pooling == LAST:
        for m in range(dh.shape[0]):
            _clear(row(dh, m))
        for i in range(lengths.size):
            if lengths[i] > 0:
                m = i if reverse else starts[lengths[i] - 1] + i
                copy_row(row(dh, m), part(dpooled, i, column, end))
    elif pooling == MEAN:
        for i in range(lengths.size):
            d = part(dpooled, i, column, end)
            for t in range(lengths[i]):
                here = row(dh, starts[t] + i)
                for j in range(here.size):
                    here[j] = d[j] / real(lengths[i])
    elif pooling == EVERY_STEP:
        for m in range(dh.shape[0]):
            copy_row(row(dh, m), part(dpooled, m, column, end))


def lookup_forward(u, tokens, W_xh, b_h):
    """Fill u = W_xh[tokens] + b_h: a one-hot row times W_xh is a row of W_xh. tokens (M,)."""
    for m in range(u.shape[0]):
        here, w = row(u, m), row(W_xh, tokens[m])
        for j in range(here.size):
            here[j] = w[j] + b_h[j]


def lookup_backward(dW_xh, db_h, dz, tokens):
    """Fill dW_xh, whose row k collects dz of every step that held token k, and db_h = Σ dz."""
    for k in range(dW_xh.shape[0]):
        _clear(row(dW_xh, k))
    _clear(db_h)
    for m in range(dz.shape[0]):
        here, dw = row(dz, m), row(dW_xh, tokens[m])
        for j in range(here.size):
            dw[j] += here[j]
        for j in range(here.size):
            db_h[j] += here[j]


recurrence_forward = twin_apart(recurrence_forward)
recurrence_backward = twin_apart(recurrence_backward)
previous_states = twin_apart(previous_states)
pool_forward, pool_backward = twin_apart(pool_forward), twin_apart(pool_backward)
lookup_forward, lookup_backward = twin_apart(lookup_forward), twin_apart(lookup_backward)
