"""Random arguments for every function of nn/reference, to compare a backend's twin of it with.

For each function a list of (outputs, inputs); outputs come first in a call and are compared after it.
"""
import numpy as np

from nn.shared.codes import ACTIVATIONS, EVERY_STEP, POOLINGS, RELU, TANH


def dense_forward(rng):
    for B, n_in, n_out, bias in ((1, 1, 1, True), (5, 3, 4, True), (5, 3, 4, False), (3, 40, 300, True),
                              (50, 130, 310, True)):  # products in pieces, the last one narrower
        b = rng.normal(size=n_out if bias else 0)
        yield [rng.normal(size=(B, n_out))], [rng.normal(size=(B, n_in)), rng.normal(size=(n_in, n_out)), b]


def dense_backward(rng):
    for B, n_in, n_out, input_gradient, bias in ((1, 1, 1, True, True), (5, 3, 4, True, True), (5, 3, 4, False, True),
                                                 (5, 3, 4, True, False), (3, 300, 40, True, True),
                                                 (50, 310, 130, True, True)):
        dx, db = rng.normal(size=(B if input_gradient else 0, n_in)), rng.normal(size=n_out if bias else 0)
        yield [dx, rng.normal(size=(n_in, n_out)), db], [rng.normal(size=(B, n_out)), rng.normal(size=(B, n_in)),
                                                         rng.normal(size=(n_in, n_out))]


def activation_forward(rng):
    for kind in ACTIVATIONS.values():
        z = rng.normal(size=(4, 9)) * rng.choice([0.1, 1, 30], size=(4, 9))
        z[0, 0] = 0
        yield [rng.normal(size=(4, 9))], [z, kind]


def activation_backward(rng):
    for kind in ACTIVATIONS.values():
        a = rng.uniform(-1, 1, size=(4, 9))  # an output that every activation but sigmoid can have; the formula is the same
        a[0, 0] = 0
        yield [rng.normal(size=(4, 9))], [rng.normal(size=(4, 9)), a, kind]


def sgd_step(rng):
    for momentum, nesterov in ((0.0, False), (0.9, False), (0.9, True)):
        for decay in (0.0, 0.1):
            velocity = rng.normal(size=37 if momentum else 0)
            yield [rng.normal(size=37), velocity], [rng.normal(size=37), 0.05, momentum, nesterov, decay]


def adam_step(rng):
    for step in (1, 2, 1000):
        for decay, decoupled in ((0.0, False), (0.1, False), (0.1, True)):
            state = [rng.normal(size=37), rng.normal(size=37), rng.uniform(0, 2, size=37)]
            yield state, [rng.normal(size=37), 0.01, 0.9, 0.99, 1e-8, decay, decoupled, step]


def add_penalty_gradient(rng):
    for l1, l2 in ((0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)):
        W = rng.normal(size=(5, 6))
        W[0, 0] = 0
        yield [rng.normal(size=(5, 6))], [W, l1, l2]


def rprop_step(rng):
    for largest in (50.0, 0.3):
        before = rng.normal(size=37) * (rng.random(37) < 0.8)  # zeros: no step before, or a change of sign
        yield [rng.normal(size=37), before, rng.uniform(1e-3, 0.5, 37)], [rng.normal(size=37), 0.5, 1.2, 5e-3, largest]


def dropout(rng):
    for rate in (0.0, 0.3, 0.5, 0.95):
        samples = rng.integers(0, 10**6, size=7)
        for seed, update, layer in ((0, 0, 0), (2**40 + 5, 12345, 3)):
            yield [rng.normal(size=(7, 33))], [rng.normal(size=(7, 33)), rate, seed, update, layer, samples]


def batch_norm_forward(rng):
    for B, H in ((2, 1), (3, 5), (40, 33)):
        z = rng.normal(size=(B, H)) * rng.uniform(0.1, 3, H) + rng.normal(size=H)
        yield [*rng.normal(size=(2, B, H)), *rng.normal(size=(2, H))], [z, *rng.normal(size=(2, H)), 1e-3]


def batch_norm_evaluate(rng):
    for B, H in ((1, 1), (3, 5), (40, 33)):
        yield [rng.normal(size=(B, H))], [rng.normal(size=(B, H)), *rng.normal(size=(3, H)), rng.uniform(0.1, 3, H), 1e-3]


def batch_norm_backward(rng):
    for B, H in ((2, 1), (3, 5), (40, 33)):
        yield ([rng.normal(size=(B, H)), rng.normal(size=H), rng.normal(size=H)],
               [rng.normal(size=(B, H)) + 0.5, rng.normal(size=(B, H)), rng.uniform(0.1, 3, H), rng.normal(size=H), 1e-3])


def update_running(rng):
    for rows, momentum in ((2, 0.1), (7, 0.5), (100, 1.0)):
        running = [rng.normal(size=9), rng.uniform(0.1, 3, size=9)]
        yield running, [rng.normal(size=9), rng.uniform(0.1, 3, size=9), rows, momentum]


def recurrence_forward(rng):
    for _, starts, H, reverse, kind in packings():
        h = rng.normal(size=(starts[-1], H))
        yield [h], [rng.normal(size=h.shape), rng.normal(size=(H, H)) / H, starts, kind, reverse]


def recurrence_backward(rng):
    for lengths, starts, H, reverse, kind in packings():
        for truncate in (0, 1, 3):
            h = rng.uniform(-1, 1, size=(starts[-1], H))
            yield ([rng.normal(size=h.shape)],
                   [rng.normal(size=h.shape), h, rng.normal(size=(H, H)) / H, starts, lengths, kind, reverse, truncate])


def previous_states(rng):
    for _, starts, H, reverse, _ in packings():
        yield [rng.normal(size=(starts[-1], H))], [rng.normal(size=(starts[-1], H)), starts, reverse]


def pool_forward(rng):
    for lengths, starts, H, reverse, _ in packings():
        for pooling in POOLINGS.values():
            pooled = rng.normal(size=(starts[-1] if pooling == EVERY_STEP else len(lengths), 2 * H + 1))
            yield [pooled], [rng.normal(size=(starts[-1], H)), starts, lengths, pooling, reverse, H if reverse else 0]


def pool_backward(rng):
    for lengths, starts, H, reverse, _ in packings():
        for pooling in POOLINGS.values():
            dpooled = rng.normal(size=(starts[-1] if pooling == EVERY_STEP else len(lengths), 2 * H + 1))
            yield [rng.normal(size=(starts[-1], H))], [dpooled, starts, lengths, pooling, reverse, H if reverse else 0]


def lookup_forward(rng):
    for M, D, H in ((1, 1, 1), (30, 7, 5), (4, 50, 3)):
        yield [rng.normal(size=(M, H))], [rng.integers(D, size=M), rng.normal(size=(D, H)), rng.normal(size=H)]


def lookup_backward(rng):
    for M, D, H in ((1, 1, 1), (30, 7, 5), (4, 50, 3)):
        yield [rng.normal(size=(D, H)), rng.normal(size=H)], [rng.normal(size=(M, H)), rng.integers(D, size=M)]


def packings():
    """(lengths, starts, hidden, reverse, activation) of packed batches: of one, all equal, all different, mixed, large."""
    for lengths in ([1], [4], [3, 3, 3], [5, 4, 3, 2, 1], [6, 6, 3, 1, 1], 60 * [2] + [1]):
        lengths = np.array(lengths)
        starts = np.append(0, np.cumsum((lengths[:, None] > np.arange(lengths[0])).sum(axis=0)))
        for reverse in (False, True):
            # 60 rows times 130 units: a product in pieces
            for H, kind in ((1, TANH), (5, RELU), (18, TANH)) if len(lengths) < 60 else ((130, TANH),):
                yield lengths, starts, H, reverse, kind


TABLE = {
    "activations": {"activation_forward": activation_forward, "activation_backward": activation_backward},
    "dense": {"dense_forward": dense_forward, "dense_backward": dense_backward},
    "dropout": {"dropout_forward": dropout, "dropout_backward": dropout},
    "normalization": {"batch_norm_forward": batch_norm_forward, "batch_norm_evaluate": batch_norm_evaluate,
                      "batch_norm_backward": batch_norm_backward, "update_running": update_running},
    "optimizers": {"sgd_step": sgd_step, "adam_step": adam_step, "rprop_step": rprop_step},
    "penalties": {"add_penalty_gradient": add_penalty_gradient},
    "recurrent": {"recurrence_forward": recurrence_forward, "recurrence_backward": recurrence_backward,
                  "previous_states": previous_states, "pool_forward": pool_forward, "pool_backward": pool_backward,
                  "lookup_forward": lookup_forward, "lookup_backward": lookup_backward},
}


def as_dtype(arguments, dtype):
    """Copies of the real arrays in the dtype; integers (indices) and numbers stay what they are."""
    return [np.array(value, dtype if value.dtype.kind == "f" else value.dtype) if isinstance(value, np.ndarray) else value
            for value in arguments]
