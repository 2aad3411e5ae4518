"""What outputs say and how often they are wrong, as the loss that they were trained with reads them.

A loss and its targets decide that, by one of four words (`Loss.answers`):

==========  =====================================================  ===========================
"classes"   one class per sample: the first largest output;        (N,) int64
            with one output whether it is above 0
"half"      one output trained towards 0 or 1: above 0.5           (N,) int64
"labels"    K labels that are there or not: output k above 0       (N, K) int64
"values"    real numbers: the outputs themselves                   (N, K)
==========  =====================================================  ===========================
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import checks

ANSWERS = ("classes", "half", "labels", "values")


def predictions(outputs: NDArray, answers: str = "classes") -> NDArray:
    """Return what outputs (N, K) say, see the table above; ValueError for another word than those of ANSWERS."""
    if answers not in ANSWERS:
        raise ValueError(f"answers: got {answers!r}, accepted: {', '.join(map(repr, ANSWERS))}")
    outputs = checks.array_of("outputs", outputs)
    if answers == "values":
        return outputs
    if answers == "labels":
        return (outputs > 0).astype(np.int64)
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > (0.5 if answers == "half" else 0)).astype(np.int64)
    return outputs.argmax(axis=1)


def wrong(outputs: NDArray, labels: NDArray, answers: str = "classes") -> NDArray:
    """Return the share of wrong entries of each sample (N,), float64: 0 or 1, but for several labels per sample.

    `labels` are those of `Loss.labels`. NaN is no answer, and counts as a wrong one.
    """
    differs = predictions(outputs, answers) != labels
    if answers == "labels":
        return (differs | np.isnan(outputs)).mean(axis=1)
    return (differs | np.isnan(outputs).any(axis=1)).astype(np.float64)
