"""How the loss looks around a model: along random filter-normalised directions, on a plane of two, and its slope.

Li et al., Visualizing the loss landscape of neural nets (NeurIPS 2018): a direction has as many numbers as the network has
parameters, normally distributed, and the part of each filter (here all weights into one unit) is scaled to the norm of that
filter, so that a step of 1 is as large as the weights themselves, however they are scaled. Biases and what belongs to batch
normalisation stay where they are.
"""
from typing import Any

import numpy as np

from .measures import Subject, gives

DIRECTIONS = 4  # of a profile, each there and back
STEPS = np.linspace(-1, 1, 17)  # (S,) of a profile
GRID = np.linspace(-1, 1, 13)  # (G,) of a plane, both ways
RADIUS = 0.25  # where the rise of the loss is called sharpness: a quarter of the weights; among STEPS
TEST_POINTS = 200  # test samples of a profile, at most: its slope takes all of them


def filter_direction(model: Any, random: np.random.Generator) -> np.ndarray:
    """Return a random direction (P,) in the order of `model.flat`: per column of a weight matrix as long as that column."""
    direction = model.copy()
    direction.flat[...] = 0
    for name, weights in model.parameters.items():
        if weights.ndim == 2:  # (in, out): a column is what leads into one unit
            drawn = random.standard_normal(weights.shape)
            scale = np.linalg.norm(weights.astype(np.float64), axis=0) / np.linalg.norm(drawn, axis=0)
            direction.parameters[name][...] = drawn * scale
    return direction.flat.copy()


def losses_around(model: Any, directions: np.ndarray, steps: np.ndarray, x: Any, y: Any, loss: Any) -> np.ndarray:
    """Return the raw loss (M,) on x, y where a model is moved by steps (M, k) along directions (k, P); it stays as it is."""
    moved, around = model.copy(), []
    for step in np.asarray(steps, dtype=np.float64):
        moved.flat[...] = model.flat + step @ directions
        around.append(float(loss.value(moved.forward(x), y)))
    return np.array(around)


def profile(model: Any, directions: np.ndarray, steps: np.ndarray, x: Any, y: Any, loss: Any) -> np.ndarray:
    """Return the loss (k, S) at steps (S,) along each of some directions (k, P)."""
    return np.array([losses_around(model, one[None], steps[:, None], x, y, loss) for one in directions])


def plane(model: Any, directions: np.ndarray, steps: np.ndarray, x: Any, y: Any, loss: Any) -> np.ndarray:
    """Return the loss (G, G) on the plane of two directions (2, P): rows go along the second one, columns the first."""
    second, first = np.meshgrid(steps, steps, indexing="ij")
    both = np.stack([first.ravel(), second.ravel()], axis=1)  # (G G, 2)
    return losses_around(model, directions, both, x, y, loss).reshape(first.shape)


def gradient_norm(model: Any, x: Any, y: Any, loss: Any) -> float:
    """Return the norm of the raw loss's gradient with respect to all parameters."""
    _, gradients = model.loss_and_gradients(x, y, loss)
    return float(np.sqrt(sum(np.sum(np.square(one, dtype=np.float64)) for one in gradients.values())))


@gives("slope_train", "slope_test", "rise_train", "rise_test")
def surroundings(one: Subject) -> dict:
    """Of a model, on training and test set: the gradient's norm; the mean rise of the loss at `RADIUS`; profiles (S,), the
    mean over directions; and of the training set the plane (G, G) of the first two. Models of one seed share the draws.
    """
    random = np.random.default_rng([one.model.seed, 2018])
    directions = np.array([filter_direction(one.model, random) for _ in range(DIRECTIONS)], dtype=np.float64)  # (k, P)
    found: dict[str, Any] = {}
    for name, part, points in (("train", one.data.train, None), ("test", one.data.test, TEST_POINTS)):
        # Samples of one class may stand together.
        some = np.random.default_rng(2018).permutation(len(part.y))[:points]
        around = profile(one.model, directions, STEPS, part.x[some], part.y[some], one.base).mean(axis=0)
        found[f"slope_{name}"] = gradient_norm(one.model, part.x, part.y, one.base)
        found[f"rise_{name}"] = rise(STEPS, around)
        found[f"profile_{name}"] = around
    found["plane"] = plane(one.model, directions[:2], GRID, one.data.train.x, one.data.train.y, one.base)
    return found


def rise(steps: np.ndarray, around: np.ndarray, radius: float = RADIUS) -> float:
    """Return by how much a profile (S,) lies higher at -radius and radius, in the mean, than in its middle."""
    at = [int(np.argmin(np.abs(steps - where))) for where in (-radius, radius, 0)]
    return float((around[at[0]] + around[at[1]]) / 2 - around[at[2]])
