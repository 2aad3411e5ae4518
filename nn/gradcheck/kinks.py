"""On which side of their kinks a model and its loss lie, which of them rounding decides, and whose gradients those reach."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from losses.base import Loss
from losses.confidence import ConfidencePenalty
from losses.flooding import Flood
from losses.hinge import Hinge, SquaredHinge, margins_and_derivatives
from losses.weights import given

from ..backends import backend_named
from ..engine import Engine
from ..model import Model
from ..shared.inputs import Inputs
from ..shared.layers import NO_UPDATE

Arrays = Mapping[str, np.ndarray]
UNIT = "relu input of layer "
RECURRENCE = "relu input of the recurrence, direction "


class Definition:
    """The NumPy backend's pass with parameters and input from a dict, in their own dtype (perhaps complex)."""

    def __init__(self, model: Model, inputs: Inputs, y: np.ndarray, loss: Loss, update: int | None,
                 weights: np.ndarray | None = None) -> None:
        self.model, self.inputs, self.y, self.loss = model, inputs, y, loss
        self.update = NO_UPDATE if update is None else update
        self.samples, self.weights = model.samples_of_rows(inputs), weights

    def _open(self, theta: Arrays, **options: Any) -> Engine:
        """Return an engine at theta."""
        dtype = np.result_type(*theta.values())
        inputs = self.inputs._replace(x=theta.get("x", self.inputs.x))
        flat = np.concatenate([theta[name].ravel() for name in self.model.parameters]).astype(dtype)
        network = self.model.network(inputs)._replace(flat=flat)
        return backend_named("numpy").open(network, inputs, batch=inputs.count, **options)

    def _passed(self, theta: Arrays) -> tuple[np.ndarray, Engine]:
        """Return the outputs (rows, K) at theta, and the engine that made them."""
        engine = self._open(theta)
        return engine.forward(np.arange(self.inputs.count), True, self.update), engine

    def objective(self, theta: Arrays) -> float:
        """Return the objective at theta."""
        return self.loss.objective(self._passed(theta)[0], self.y, indices=self.samples, **given(self.weights))[0]

    def gradients(self, theta: Arrays) -> dict[str, np.ndarray]:
        """Return the analytic gradients at a real theta, dict name -> array."""
        engine = self._open(theta, y=self.y, loss=self.loss, input_gradient="x" in theta, weights=self.weights)
        flat, at, found = engine.gradient(np.arange(self.inputs.count), self.update), 0, {}
        for name, array in self.model.parameters.items():
            found[name], at = flat[at:at + array.size].reshape(array.shape).copy(), at + array.size
        return found | ({"x": engine.input_deltas()} if "x" in theta else {})

    def branches(self, theta: Arrays) -> dict[str, np.ndarray]:
        """Return on which side of its kinks each relu, the loss and the flood lie, for each sample (or valid step)."""
        outputs, engine = self._passed(theta)
        weights = self.loss.weigh(self.loss.rows(outputs, self.y)[0], indices=self.samples, **given(self.weights))[1]
        branches = {"flood": np.sign(weights)} | loss_branches(self.loss, outputs, self.y)
        if self.model.activation == "relu":
            network = self.model.network(self.inputs)
            if network.front is not None:
                branches |= {f"{RECURRENCE}{d}": engine.states(d).real > 0 for d in range(len(network.front.offsets))}
            else:
                branches |= {f"{UNIT}{l}": engine.activations(l).real > 0 for l in range(1, len(network.layers))}
        return branches

    def unsettled(self, theta: Arrays, eps: float, seed: int = 0) -> dict[str, np.ndarray]:
        """Return dict branch -> mask of where rounding decides: where a few roundings of theta, or complex sums, change it.

        An exact 0, as after a blank row, stays 0 under any rounding: it is settled.
        """
        base, rng = self.branches(theta), np.random.default_rng(seed)
        others = [self.branches({name: array.astype(complex) for name, array in theta.items()})]
        others += [self.branches(perturbed(theta, eps, rng)) for _ in range(4)]
        masks = {name: np.any([other[name] != branch for other in others], axis=0) for name, branch in base.items()}
        return {name: mask for name, mask in masks.items() if mask.any()}


def perturbed(theta: Arrays, eps: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return theta with each number moved by two roundings, up or down."""
    return {name: array * (1 + 2 * eps * rng.choice([-1, 1], array.shape)) for name, array in theta.items()}


def loss_branches(loss: Loss, outputs: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return on which side of a loss's own kinks each sample lies. Where one is not named here, its bend gives it away."""
    branches = {}
    if loss.flood == "relaxed":
        branches["predicted class"] = outputs.real.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0].real > 0
    while isinstance(loss, (Flood, ConfidencePenalty)):
        loss = loss.base
    if isinstance(loss, Hinge):
        q, dq = margins_and_derivatives(outputs, y)
        branches["runner-up of the hinge"] = dq.real.argmin(axis=1)
        if not isinstance(loss, SquaredHinge):  # smooth there
            branches["margin of the hinge"] = np.sign(loss.margin - q.real)
    return branches


def reached(unsettled: Arrays, thetas: Arrays) -> dict[str, dict[tuple[int, ...], str]]:
    """Return dict name -> dict index -> kink, of the entries whose gradient depends on a branch that rounding decides.

    A unit reaches what stands before its activation: its own column of W, b, gamma and beta, and all layers below it.
    The loss and the flood reach everything.
    """
    found: dict = {name: {} for name in thetas}
    for branch, mask in unsettled.items():
        place = tuple(map(int, np.argwhere(mask)[0]))
        why = f"{branch} at {place} is decided by rounding"
        if branch.startswith(UNIT):
            layer, units = int(branch[len(UNIT):]), set(np.flatnonzero(mask.any(axis=0)).tolist())
        for name, array in thetas.items():
            if branch.startswith(RECURRENCE) and name in ("W_hy", "b_y"):
                continue
            for index in np.ndindex(array.shape):
                if branch.startswith(UNIT) and name != "x":
                    of = int(name.lstrip("Wbgamet"))
                    if of > layer or (of == layer and index[-1] not in units):
                        continue
                found[name].setdefault(index, why)
    return found
