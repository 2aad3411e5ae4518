"""NumPy as a careful user writes it by hand: preallocated arrays, `out=` everywhere, float32."""
from itertools import pairwise

import numpy as np

BETA1, BETA2, EPS, MOMENTUM = 0.9, 0.999, 1e-8, 0.9


class Step:
    """SGD, momentum or Adam over a list of arrays, in place.

    Parameters
    ----------
    workload : Workload
    parameters : list of ndarray
    """

    def __init__(self, workload, parameters):
        self.kind, self.rate, self.updates = workload.optimizer, workload.learning_rate, 0
        self.parameters = parameters
        self.first, self.second, self.spare = ([np.zeros_like(p) for p in parameters] for _ in range(3))

    def __call__(self, gradients) -> None:
        """Take one step; the gradients are used up."""
        self.updates += 1
        for slots in zip(self.parameters, gradients, self.first, self.second, self.spare, strict=True):
            getattr(self, self.kind)(*slots)

    def sgd(self, p, g, *_):
        """Plain gradient descent."""
        g *= np.float32(self.rate)
        p -= g

    def momentum(self, p, g, velocity, *_):
        """Velocity takes g undamped."""
        velocity *= np.float32(MOMENTUM)
        velocity += g
        np.multiply(velocity, np.float32(self.rate), out=g)
        p -= g

    def adam(self, p, g, m, v, spare):
        """Bias corrections are formed in float64."""
        np.subtract(g, m, out=spare)
        spare *= np.float32(1 - BETA1)
        m += spare
        g *= g
        g -= v
        g *= np.float32(1 - BETA2)
        v += g
        np.sqrt(v, out=spare)
        spare *= np.float32(1 / np.sqrt(1 - BETA2 ** self.updates))
        spare += np.float32(EPS)
        np.divide(m, spare, out=spare)
        spare *= np.float32(self.rate / (1 - BETA1 ** self.updates))
        p -= spare


def cross_entropy(z, y, rows, level):
    """Turn outputs z (B, K) into the gradient of the (flooded) mean, in place; return the raw mean loss."""
    z -= z.max(axis=1, keepdims=True)
    correct = z[rows, y]
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    loss = float((np.log(total[:, 0]) - correct).mean())
    z /= total
    z[rows, y] -= 1
    z *= np.float32((np.sign(loss - level) if level else 1.0) / len(y))
    return loss


class Mlp:
    """Dense relu network."""

    validated = True

    def __init__(self, problem, threads: int):
        self.problem, workload = problem, problem.workload
        self.batch, self.level, self.rows = workload.batch, workload.level, np.arange(workload.batch)
        self.activations = [np.empty((workload.batch, size), np.float32) for size in workload.network]
        self.deltas = [np.empty_like(a) for a in self.activations]
        self.dW = [np.empty(shape, np.float32) for shape in pairwise(workload.network)]
        self.db = [np.empty(size, np.float32) for size in workload.network[1:]]

    def train(self, epochs: int) -> np.ndarray:
        """Train from the initial weights; return the mean batch loss of each epoch, (epochs,)."""
        problem, start, layers = self.problem, self.problem.start[0], self.problem.layers()
        self.W = [start[f"W{l}"].copy() for l in range(1, layers + 1)]
        self.b = [start[f"b{l}"].copy() for l in range(1, layers + 1)]
        step, means = Step(problem.workload, self.W + self.b), []
        for epoch in range(epochs):
            order, total = problem.order(epoch), 0.0
            for i in range(0, len(order), self.batch):
                indices = order[i:i + self.batch]
                total += self.gradients(indices) * len(indices)
                step(self.dW + self.db)
            means.append(total / len(order))
        return np.array(means)

    curve = train

    def gradients(self, indices) -> float:
        """Fill dW and db for one batch and return its raw mean loss."""
        A, D, last = [a[:len(indices)] for a in self.activations], [d[:len(indices)] for d in self.deltas], len(self.W)
        np.take(self.problem.x, indices, axis=0, out=A[0], mode="clip")
        for l in range(last):
            z = D[last] if l == last - 1 else A[l + 1]
            np.dot(A[l], self.W[l], out=z)
            z += self.b[l]
            if l < last - 1:
                np.maximum(z, 0, out=z)
        loss = cross_entropy(D[last], self.problem.y[indices], self.rows[:len(indices)], self.level)
        for l in range(last - 1, -1, -1):
            np.dot(A[l].T, D[l + 1], out=self.dW[l])
            D[l + 1].sum(axis=0, out=self.db[l])
            if l:
                np.dot(D[l + 1], self.W[l].T, out=D[l])
                D[l] *= A[l] > 0
        return loss


def both_directions(problem) -> np.ndarray:
    """Tokens (2, N, T): as they are, and the valid part of each sequence backwards."""
    steps = np.arange(problem.x.shape[1])
    back = np.where(steps < problem.lengths[:, None], problem.lengths[:, None] - 1 - steps, steps)  # (N, T)
    return np.stack([problem.x, np.take_along_axis(problem.x, back, axis=1)])


def stacked_recurrent(problem) -> list[np.ndarray]:
    """Initial W_xh (2, D, H), W_hh (2, H, H), b_h (2, 1, H), W_hy (2H, K), b_y (K,)."""
    start = problem.start[0]
    W_xh, W_hh, b_h = (np.stack([start[name], start[name + "_reverse"]]) for name in ("W_xh", "W_hh", "b_h"))
    return [W_xh, W_hh, b_h[:, None], start["W_hy"].copy(), start["b_y"].copy()]


class Rnn:
    """Both directions stacked in one product per step; a mask keeps the state of sequences that have ended."""

    validated = True

    def __init__(self, problem, threads: int):
        self.problem, self.tokens = problem, both_directions(problem)
        self.valid = np.arange(problem.x.shape[1]) < problem.lengths[:, None]  # (N, T)

    def train(self, epochs: int) -> np.ndarray:
        """Train from the initial weights; return the mean batch loss of each epoch, (epochs,)."""
        problem, batch = self.problem, self.problem.workload.batch
        parameters, means = stacked_recurrent(problem), []
        step = Step(problem.workload, parameters)
        for epoch in range(epochs):
            order, total = problem.order(epoch), 0.0
            for i in range(0, len(order), batch):
                indices = order[i:i + batch]
                loss, gradients = self.gradients(parameters, indices)
                step(gradients)
                total += loss * len(indices)
            means.append(total / len(order))
        return np.array(means)

    curve = train

    def gradients(self, parameters, indices):
        """Return the raw mean loss of one batch and the gradients in the order of the parameters."""
        W_xh, W_hh, b_h, W_hy, b_y = parameters
        B, H, T, both = len(indices), W_hh.shape[1], self.problem.lengths[indices].max(), np.arange(2)[:, None]
        tokens, valid = self.tokens[:, indices], self.valid[indices]
        states = np.zeros((T + 1, 2, B, H), np.float32)
        for t in range(T):
            z = states[t] @ W_hh
            z += W_xh[both, tokens[:, :, t]]
            z += b_h
            np.tanh(z, out=z)
            states[t + 1] = np.where(valid[:, t, None], z, states[t])
        pooled = np.concatenate([states[T, 0], states[T, 1]], axis=1)  # (B, 2H)
        dz = pooled @ W_hy
        dz += b_y
        loss = cross_entropy(dz, self.problem.y[indices], np.arange(B), self.problem.workload.level)
        dpooled = dz @ W_hy.T
        dh = np.stack([dpooled[:, :H], dpooled[:, H:]])  # (2, B, H)
        dW_xh, dW_hh, db_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(b_h)
        for t in range(T - 1, -1, -1):
            mask = valid[:, t, None]
            da = dh * (1 - states[t + 1] ** 2) * mask
            dW_hh += states[t].transpose(0, 2, 1) @ da
            np.add.at(dW_xh, (both, tokens[:, :, t]), da)
            db_h += da.sum(axis=1, keepdims=True)
            dh = da @ W_hh.transpose(0, 2, 1) + dh * ~mask
        return loss, [dW_xh, dW_hh, db_h, pooled.T @ dz, dz.sum(axis=0)]


class Fleet:
    """All networks stacked along a first axis: one product per layer for the whole fleet. SGD."""

    validated = True

    def __init__(self, problem, threads: int):
        self.problem = problem
        self.levels = np.array(problem.levels, np.float32)  # (R,)

    def train(self, epochs: int) -> np.ndarray:
        """Train all from their initial weights; return the mean batch loss of each, (epochs, R)."""
        problem, batch, layers = self.problem, self.problem.workload.batch, self.problem.layers()
        start = problem.stacked()
        W = [start[f"W{l}"] for l in range(1, layers + 1)]  # (R, in, out)
        b = [start[f"b{l}"][:, None] for l in range(1, layers + 1)]  # (R, 1, out)
        means = []
        for epoch in range(epochs):
            orders, total = problem.orders(epoch), np.zeros(len(W[0]))
            for i in range(0, orders.shape[1], batch):
                indices = orders[:, i:i + batch]  # (R, B)
                total += self.step(W, b, problem.x[indices], problem.y[indices]) * indices.shape[1]
            means.append(total / orders.shape[1])
        return np.array(means)

    curve = train

    def step(self, W, b, x, y) -> np.ndarray:
        """Take one update of all networks; return their raw mean losses (R,)."""
        rate, A = np.float32(self.problem.workload.learning_rate), [x]
        for l in range(len(W)):
            z = A[l] @ W[l]
            z += b[l]
            A.append(np.maximum(z, 0, out=z) if l < len(W) - 1 else z)
        z = A[-1]
        z -= z.max(axis=2, keepdims=True)
        correct = np.take_along_axis(z, y[..., None], 2)
        dz = np.exp(z)
        totals = dz.sum(axis=2, keepdims=True)
        losses = (np.log(totals) - correct)[..., 0].mean(axis=1)  # (R,)
        dz /= totals
        np.put_along_axis(dz, y[..., None], np.take_along_axis(dz, y[..., None], 2) - 1, 2)
        signs = np.where(self.levels > 0, np.sign(losses - self.levels), 1).astype(np.float32)
        dz *= signs[:, None, None] / np.float32(y.shape[1])
        for l in range(len(W) - 1, -1, -1):
            below = (dz @ W[l].transpose(0, 2, 1)) * (A[l] > 0) if l else None
            W[l] -= rate * (A[l].transpose(0, 2, 1) @ dz)
            b[l] -= rate * dz.sum(axis=1, keepdims=True)
            dz = below
        return losses


class Sgemm:
    """Not a contender: one product of two 2048 x 2048 float32 matrices, whose speed is called the peak."""

    validated = False
    SIZE = 2048

    def __init__(self, problem, threads: int):
        rng = np.random.default_rng(0)
        self.a, self.b = (rng.random((self.SIZE, self.SIZE), np.float32) for _ in range(2))
        self.out = np.empty_like(self.a)

    def train(self, epochs: int) -> np.ndarray:
        """Multiply once per "epoch"."""
        for _ in range(epochs):
            np.dot(self.a, self.b, out=self.out)
        return np.zeros(epochs)

    curve = train

    @classmethod
    def flops(cls) -> float:
        """Operations of one product."""
        return 2.0 * cls.SIZE ** 3
