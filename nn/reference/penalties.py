"""Gradient of a weight penalty, l1 Σ|w| + l2 Σw², which is added after the flood."""
import numpy as np


def add_penalty_gradient(dW, W, l1, l2):
    """Add l1 · sign(W) + 2 · l2 · W to dW; the subgradient of |w| at 0 is 0."""
    if l1:
        dW += l1 * np.sign(W)
    if l2:
        dW += 2 * l2 * W
