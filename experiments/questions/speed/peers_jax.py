"""JAX: one compiled update at a time, and a scan over the epoch; for fleets vmap, or one network after another."""
import jax
import jax.numpy as jnp
import numpy as np

from .peers_numpy import BETA1, BETA2, EPS, MOMENTUM, both_directions, stacked_recurrent

tree_map = jax.tree_util.tree_map


def raw_loss(outputs, y):
    """Mean cross-entropy of outputs (B, K)."""
    return -jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], 1).mean()


def mlp_outputs(parameters, x):
    """Relu network; parameters is a list of (W, b)."""
    for W, b in parameters[:-1]:
        x = jax.nn.relu(x @ W + b)
    return x @ parameters[-1][0] + parameters[-1][1]


def layers(parameters) -> list:
    """Turn a dict of W1, b1, ... into a list of (W, b)."""
    return [(parameters[f"W{l}"], parameters[f"b{l}"]) for l in range(1, len(parameters) // 2 + 1)]


def update_rule(workload):
    """Return (slots, update): how many state vectors, and update(p, slots, g, corrections) -> (p, slots)."""
    rate = workload.learning_rate
    if workload.optimizer == "sgd":
        return 0, lambda p, slots, g, _: (tree_map(lambda p, g: p - rate * g, p, g), slots)
    if workload.optimizer == "momentum":
        def momentum(p, slots, g, _):
            v = tree_map(lambda v, g: MOMENTUM * v + g, slots[0], g)
            return tree_map(lambda p, v: p - rate * v, p, v), (v,)
        return 1, momentum

    def adam(p, slots, g, corrections):
        m = tree_map(lambda m, g: m + (1 - BETA1) * (g - m), slots[0], g)
        v = tree_map(lambda v, g: v + (1 - BETA2) * (g * g - v), slots[1], g)
        return tree_map(lambda p, m, v: p - corrections[0] * m / (jnp.sqrt(v) * corrections[1] + EPS), p, m, v), (m, v)
    return 2, adam


def corrections(workload, first: int, count: int) -> np.ndarray:
    """Adam's bias corrections (count, 2) of the updates after `first`, formed in float64: 1 - 0.999 ** t would cancel."""
    t = np.arange(first + 1, first + count + 1)
    return np.stack([workload.learning_rate / (1 - BETA1 ** t), 1 / np.sqrt(1 - BETA2 ** t)], axis=1).astype(np.float32)


class Step:
    """One compiled call per update: gather, loss, gradient and optimizer fused."""

    validated = True

    def __init__(self, problem, threads: int):
        self.problem, self.workload = problem, problem.workload
        self.start, self.data = self.prepare()
        self.slots, self.rule = update_rule(self.workload)
        self.compiled = self.compile()

    def prepare(self):
        """Return initial parameters and the data, the labels last."""
        return layers(self.problem.start[0]), (jnp.asarray(self.problem.x), jnp.asarray(self.problem.y.astype(np.int32)))

    def loss(self, parameters, indices, data):
        """The raw mean loss of one batch."""
        return raw_loss(mlp_outputs(parameters, data[0][indices]), data[1][indices])

    def update(self, parameters, slots, indices, correction, data):
        """Take one update; return parameters, slots and the raw loss."""
        level = self.workload.level

        def objective(parameters):
            loss = self.loss(parameters, indices, data)
            return (jnp.abs(loss - level) + level if level else loss), loss
        (_, loss), gradients = jax.value_and_grad(objective, has_aux=True)(parameters)
        parameters, slots = self.rule(parameters, slots, gradients, correction)
        return parameters, slots, loss

    def train(self, epochs: int) -> np.ndarray:
        """Train from the initial weights; return the mean batch loss of each epoch, (epochs,)."""
        parameters = tree_map(jnp.array, self.start)  # copies: the compiled function reuses their memory
        slots = tuple(tree_map(jnp.zeros_like, parameters) for _ in range(self.slots))
        means, batches = [], -(-len(self.problem) // self.workload.batch)
        for epoch in range(epochs):
            order = self.problem.order(epoch).astype(np.int32)
            fixes = corrections(self.workload, epoch * batches, batches)
            parameters, slots, loss = self.epoch(parameters, slots, order, fixes)
            means.append(float(loss))
        return np.array(means)

    def curve(self, epochs: int) -> np.ndarray:
        """The same as `train`."""
        return self.train(epochs)

    def compile(self):
        """Compile what runs at once: here an update."""
        def step(parameters, slots, total, indices, correction, data):
            parameters, slots, loss = self.update(parameters, slots, indices, correction, data)
            return parameters, slots, total + loss * len(indices)
        return jax.jit(step, donate_argnums=(0, 1, 2))

    def epoch(self, parameters, slots, order, fixes):
        """Train one epoch; return parameters, slots and the mean loss."""
        total, batch = jnp.zeros(()), self.workload.batch
        for number, i in enumerate(range(0, len(order), batch)):
            fix = fixes[number] if self.slots == 2 else ()  # handing over an array costs microseconds: only Adam has to
            parameters, slots, total = self.compiled(parameters, slots, total, order[i:i + batch], fix, self.data)
        return parameters, slots, total / len(order)


class Scan(Step):
    """One compiled call per epoch: lax.scan over its updates, eight at a time on-line."""

    def compile(self):
        """Compile an epoch; a last smaller batch follows the scan."""
        n, batch = len(self.problem), self.workload.batch
        whole, unroll = n // batch * batch, 8 if batch == 1 and not self.workload.longest else 1

        def epoch(parameters, slots, order, fixes, data):
            def body(carry, step):
                parameters, slots, loss = self.update(carry[0], carry[1], step[0], step[1], data)
                return (parameters, slots), loss
            steps = order[:whole].reshape(-1, batch), fixes[:whole // batch]
            (parameters, slots), losses = jax.lax.scan(body, (parameters, slots), steps, unroll=unroll)
            total = losses.sum() * batch
            if whole < n:
                parameters, slots, loss = self.update(parameters, slots, order[whole:], fixes[-1], data)
                total += loss * (n - whole)
            return parameters, slots, total / n
        return jax.jit(epoch, donate_argnums=(0, 1))

    def epoch(self, parameters, slots, order, fixes):
        """Train one epoch; return parameters, slots and the mean loss."""
        return self.compiled(parameters, slots, order, fixes, self.data)


class RnnStep(Step):
    """Both directions stacked, a scan over all steps of the longest sequence (shapes must be fixed), a mask."""

    def prepare(self):
        """Return initial parameters and the data."""
        problem = self.problem
        valid = np.arange(problem.x.shape[1]) < problem.lengths[:, None]  # (N, T)
        tokens = both_directions(problem).astype(np.int32)
        return stacked_recurrent(problem), tuple(map(jnp.asarray, (tokens, valid, problem.y.astype(np.int32))))

    def loss(self, parameters, indices, data):
        """The raw mean loss of one batch."""
        W_xh, W_hh, b_h, W_hy, b_y = parameters
        tokens, valid, y = data[0][:, indices], data[1][indices], data[2][indices]
        drive = jnp.moveaxis(jax.vmap(lambda W, token: W[token])(W_xh, tokens), 2, 0) + b_h  # (T, 2, B, H)

        def body(h, step):
            x, mask = step
            return jnp.where(mask[None, :, None], jnp.tanh(x + h @ W_hh), h), None
        h, _ = jax.lax.scan(body, jnp.zeros(drive.shape[1:]), (drive, valid.T))
        return raw_loss(jnp.concatenate([h[0], h[1]], 1) @ W_hy + b_y, y)


class RnnScan(RnnStep, Scan):
    """The same, with a scan over the epoch around it."""


class FleetVmap:
    """vmap over the networks inside a scan over the epoch. SGD."""

    validated = True

    def __init__(self, problem, threads: int):
        self.problem, self.workload = problem, problem.workload
        self.x, self.y = jnp.asarray(problem.x), jnp.asarray(problem.y.astype(np.int32))
        self.levels = jnp.asarray(problem.levels, jnp.float32)  # (R,)
        self.start = layers(problem.stacked())
        self.compiled = jax.jit(self.epoch, donate_argnums=0)

    def step(self, parameters, indices, level):
        """Take one update of one network; return parameters and its raw mean loss."""
        def objective(parameters):
            loss = raw_loss(mlp_outputs(parameters, self.x[indices]), self.y[indices])
            return jnp.where(level > 0, jnp.abs(loss - level), loss), loss
        (_, loss), gradients = jax.value_and_grad(objective, has_aux=True)(parameters)
        return tree_map(lambda p, g: p - self.workload.learning_rate * g, parameters, gradients), loss

    def epoch(self, parameters, orders):
        """Train all networks for one epoch; return parameters and losses (R,)."""
        def body(parameters, indices):
            return jax.vmap(self.step)(parameters, indices, self.levels)
        return self.over_batches(body, parameters, orders)

    def over_batches(self, body, parameters, order):
        """Scan `body` over the batches along the last axis of `order`; return parameters and mean losses."""
        n, batch = order.shape[-1], self.workload.batch
        whole = n // batch * batch
        steps = jnp.moveaxis(order[..., :whole].reshape(*order.shape[:-1], -1, batch), -2, 0)
        parameters, losses = jax.lax.scan(body, parameters, steps)
        total = losses.sum(0) * batch
        if whole < n:
            parameters, loss = body(parameters, order[..., whole:])
            total += loss * (n - whole)
        return parameters, total / n

    def train(self, epochs: int) -> np.ndarray:
        """Train all from their initial weights; return the mean batch loss of each, (epochs, R)."""
        parameters, means = tree_map(jnp.array, self.start), []
        for epoch in range(epochs):
            parameters, losses = self.compiled(parameters, self.problem.orders(epoch).astype(np.int32))
            means.append(losses)
        return np.array(means)

    curve = train


class FleetMap(FleetVmap):
    """One network after another (lax.map), each with a scan over the epoch: stays in the cache."""

    def epoch(self, parameters, orders):
        """Train all networks for one epoch; return parameters and losses (R,)."""
        def one(member):
            parameters, order, level = member
            return self.over_batches(lambda p, indices: self.step(p, indices, level), parameters, order)
        return jax.lax.map(one, (parameters, orders, self.levels))
