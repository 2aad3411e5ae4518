"""The workloads: data, network and optimizer of each, the same for every contender, and the arithmetic they ask for.

Contenders get the initial weights of our own model, the same data in float32 and the same order of samples, so that their
loss curves must agree and only the time may differ.
"""
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

LEVELS = (0.0, 0.01, 0.05, 0.1)  # of a fleet's members in turn: each seed is trained at each flooding level
LETTERS_SHORTEST = 3


@dataclass(frozen=True)
class Target:
    """What the project promises of a workload: time of ours / time of a peer.

    Attributes
    ----------
    threads : int
    most : float
        The ratio may not be larger.
    versus : str
        A contender's name; "" is the fastest peer that is installed.
    """

    threads: int
    most: float
    versus: str = ""


@dataclass(frozen=True)
class Workload:
    """One training task.

    Attributes
    ----------
    name, title : str
        Of rows and figures.
    network : tuple of int
        Layer sizes of an MLP (relu); for a recurrent one inputs, hidden units and outputs (bidirectional, tanh, last state).
    samples, batch : int
    optimizer : str
        "sgd", "momentum" (0.9) or "adam".
    learning_rate : float
        Low enough that float32 rounding does not grow: the curves of all contenders must agree to 1e-4.
    data : str
        "product", "sum", "digits", "largest" or "letters", see `inputs_and_labels`.
    epochs : int
        Of one timed call of ours. One call of `fit` checks its input, sets up, and measures the final training loss with
        frozen weights, about a third of an epoch; the more epochs, the smaller the share of that.
    level : float
        Flooding level; 0 is plain cross-entropy. Fleets have `LEVELS` instead.
    longest : int
        Steps of the longest sequence; 0 is an MLP.
    equal : bool
        All sequences have `longest` steps; otherwise 3 to `longest`, evenly.
    replicas : int
        Members of a fleet; 0 is a lone network.
    threads : tuple of int
        Thread numbers that this workload is measured with.
    targets : tuple of Target
    """

    name: str
    title: str
    network: tuple[int, ...]
    samples: int
    batch: int
    optimizer: str
    learning_rate: float
    data: str
    epochs: int
    level: float = 0.0
    longest: int = 0
    equal: bool = False
    replicas: int = 0
    threads: tuple[int, ...] = (1, 2)
    targets: tuple[Target, ...] = field(default=(), compare=False)

    @property
    def kind(self) -> str:
        """"fleet", "rnn" or "mlp": which form of a contender is asked for."""
        return "fleet" if self.replicas else "rnn" if self.longest else "mlp"

    def scaled(self, share: float) -> "Workload":
        """The same task with a share of its samples (at least one and a half batches), and of its replicas."""
        if share == 1.0:
            return self
        return replace(self, samples=max(self.batch + self.batch // 2, round(share * self.samples)),
                       replicas=self.replicas and max(2, round(share * self.replicas)))


ADAM, MOMENTUM, SGD = "adam", "momentum", "sgd"
ONLINE = (Target(1, 0.45), Target(1, 1 / 150, "torch eager"))
WORKLOADS = (
    Workload("W1a", "on-line, 10-32-32-2", (10, 32, 32, 2), 1000, 1, SGD, 0.02, "product", 200, threads=(1,),
             targets=ONLINE),
    Workload("W1b", "on-line, digits 64-64-10", (64, 64, 10), 1797, 1, SGD, 0.02, "digits", 100, threads=(1,),
             targets=ONLINE),
    Workload("S", "small, 10-32-32-2, batch 50, Adam", (10, 32, 32, 2), 1000, 50, ADAM, 1e-3, "product", 500, level=0.01,
             threads=(1,), targets=(Target(1, 0.45),)),
    Workload("W2", "10-500-500-500-500-2, batch 50, Adam, flooding", (10, 500, 500, 500, 500, 2), 1000, 50, ADAM, 1e-4,
             "sum", 12, level=0.01, targets=(Target(1, 0.85), Target(2, 0.75))),
    Workload("W3-128", "784-500-500-10, batch 128, momentum", (784, 500, 500, 10), 12800, 128, MOMENTUM, 2e-3, "largest", 8,
             targets=(Target(1, 1.0), Target(2, 1.15))),
    Workload("W3-500", "784-500-500-10, batch 500, momentum", (784, 500, 500, 10), 12800, 500, MOMENTUM, 2e-3, "largest", 8,
             targets=(Target(1, 1.0), Target(2, 1.15))),
    Workload("W4-64", "bidirectional RNN, 64 units, batch 64", (26, 64, 18), 4500, 64, SGD, 0.05, "letters", 12, longest=20,
             targets=(Target(1, 0.35), Target(2, 0.30))),
    Workload("W4-1", "bidirectional RNN, 64 units, on-line", (26, 64, 18), 450, 1, SGD, 0.02, "letters", 20, longest=20,
             threads=(1,), targets=(Target(1, 0.40),)),
    Workload("W5a", "64 networks 2-32-32-2, batch 50", (2, 32, 32, 2), 1000, 50, SGD, 0.05, "sum", 100, replicas=64,
             threads=(2,), targets=(Target(2, 0.40),)),
    Workload("W5b", "64 networks 10-128-128-2, batch 50", (10, 128, 128, 2), 1000, 50, SGD, 0.05, "sum", 20, replicas=64,
             threads=(2,), targets=(Target(2, 0.60),)),
)


def named(prefixes: Sequence[str]) -> list[Workload]:
    """Every workload whose name begins with one of the prefixes, in order: "W1" stands for W1a and W1b."""
    return [workload for workload in WORKLOADS if workload.name.startswith(tuple(prefixes))]


# --- arithmetic ---

def flops(workload: Workload) -> float:
    """Floating-point operations of the matrix products of one epoch, all replicas together.

    A weight matrix of n_in x n_out costs 2 n_in n_out per sample going forward, as much for its gradient and as much for the
    gradient of its input, which the first layer does not need. Looking up a token's row is no arithmetic. The recurrent
    matrix works once between every two steps. Activations, losses and the optimizer's step are left out.
    """
    if workload.kind == "rnn":
        _, H, K = workload.network
        _, _, lengths = inputs_and_labels(workload)
        return 2 * 6.0 * H * H * float((lengths - 1).sum()) + 6.0 * 2 * H * K * workload.samples
    products = [n_in * n_out for n_in, n_out in pairwise(workload.network)]
    return max(1, workload.replicas) * float(workload.samples) * (6.0 * sum(products) - 2.0 * products[0])


# --- data ---

def inputs_and_labels(workload: Workload) -> Any:
    """Generate the data; the seed is fixed.

    Returns
    -------
    x : ndarray (N, D) float32, or tokens (N, T) int64
    y : ndarray (N,) int64
        "product": sign of x_0 x_1; "sum": sign of the sum; "largest": which of the first K inputs is largest;
        "letters": the first token modulo K; "digits": the embedded images.
    lengths : ndarray (N,) int64, or None
    """
    n, D, K = workload.samples, workload.network[0], workload.network[-1]
    rng = np.random.default_rng(0)
    if workload.data == "letters":
        T = workload.longest
        lengths = np.full(n, T) if workload.equal else rng.integers(LETTERS_SHORTEST, T + 1, n)
        tokens = rng.integers(0, D, (n, T))
        return tokens, tokens[:, 0] % K, lengths
    if workload.data == "digits":
        from ...data import digits
        whole = digits(train=1795, validation=1, test=1)  # every part needs a sample
        parts = (whole.train, whole.validation, whole.test)
        return np.concatenate([part.x for part in parts])[:n], np.concatenate([part.y for part in parts])[:n], None
    if workload.data == "largest":
        x = rng.random((n, D), np.float32)
        return x, x[:, :K].argmax(axis=1), None
    x = rng.normal(size=(n, D)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0 if workload.data == "product" else x.sum(axis=1) > 0).astype(np.int64), None


class Problem:
    """What a contender is given: data, initial weights and orders.

    Parameters
    ----------
    workload : Workload

    Attributes
    ----------
    x, y, lengths : ndarray
        See `inputs_and_labels`.
    seeds : list of int
        One per replica, of weights and orders; [0] for a lone network.
    levels : list of float
        Flooding level of each replica.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.x, self.y, self.lengths = inputs_and_labels(workload)
        count = max(1, workload.replicas)
        self.seeds = [member // len(LEVELS) for member in range(count)] if workload.replicas else [0]
        self.levels = [LEVELS[member % len(LEVELS)] for member in range(count)] if workload.replicas else [workload.level]

    def __len__(self) -> int:
        return len(self.y)

    def order(self, epoch: int, replica: int = 0) -> np.ndarray:
        """Sample numbers (N,) in the order of an epoch, as `fit` draws them."""
        return np.random.default_rng([self.seeds[replica], epoch]).permutation(len(self))

    def orders(self, epoch: int) -> np.ndarray:
        """The orders (R, N) of all replicas; equal seeds share theirs."""
        drawn = {seed: np.random.default_rng([seed, epoch]).permutation(len(self)) for seed in set(self.seeds)}
        return np.stack([drawn[seed] for seed in self.seeds])

    @cached_property
    def start(self) -> list[dict[str, np.ndarray]]:
        """Initial parameters of each replica, name -> float32 array, as our models have them."""
        from .ours import network
        return [{name: values.copy() for name, values in network(self.workload, seed).parameters.items()}
                for seed in self.seeds]

    def stacked(self) -> dict[str, np.ndarray]:
        """Initial parameters of all replicas, name -> (R, ...)."""
        return {name: np.stack([parameters[name] for parameters in self.start]) for name in self.start[0]}

    def layers(self) -> int:
        """Number of weight matrices of an MLP."""
        return len(self.workload.network) - 1
