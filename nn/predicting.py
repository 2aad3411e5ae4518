"""What the outputs of a model say: classes, labels or values, as the loss that it was last fitted with reads them."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from losses.answers import ANSWERS, predictions
from losses.checks import refuse_nonfinite
from losses.keywords import explains_arguments

from . import elsewhere
from .checks import choose


class Predicting:
    """Base of `Model`: `predict`, `predict_proba`, and how they read the outputs."""

    _answers: str
    check_x: Any
    evaluate: Any
    _unpack: Any

    def answer_as(self, answers: str) -> None:
        """Let `predict` read the outputs by a word of `losses.answers.ANSWERS`: that of the loss of a fit, from here on."""
        self._answers = choose("answers", answers, ANSWERS)

    @property
    def answers(self) -> str:
        """How `predict` reads the outputs: a word of `losses.answers.ANSWERS`, "classes" before any fit."""
        return self._answers

    @explains_arguments(elsewhere.INPUTS)
    def predict(self, x: ArrayLike, lengths: ArrayLike | None = None) -> np.ndarray:
        """Return what the outputs say, as the loss that the model was last fitted with reads them (`losses.answers`).

        ========================================  ============================================  =============
        last fitted with                          prediction                                    shape
        ========================================  ============================================  =============
        real-valued targets (SquaredError)        the outputs themselves                        (N, K)
        several labels (BinaryCrossEntropy)       whether each output is above 0                (N, K) int64
        SquaredError, one output, labels {0, 1}   whether it is above 0.5                       (N,) int64
        anything else, or not yet fitted          class ids: the first largest output; of one   (N,) int64
                                                  output, whether it is above 0
        ========================================  ============================================  =============

        Where every step is kept (N, T) or (N, T, K), with -1 in the padding, and 0 where the values are the answer. Values
        have the shape of `forward`, (N, 1) also for targets (N,): compare ``model.predict(x)[:, 0]`` with those.
        """
        inputs = self.check_x(x, lengths)
        outputs = self.evaluate(inputs)
        if len(outputs):
            refuse_nonfinite("outputs", outputs)  # as `predict_proba` does: the class of NaN would be 0
        return self._unpack(predictions(outputs, self._answers), inputs, padding=0 if self._answers == "values" else -1)

    @explains_arguments(elsewhere.INPUTS)
    def predict_proba(self, x: ArrayLike, lengths: ArrayLike | None = None) -> np.ndarray:
        """Return class probabilities (N, K) by softmax; for one output P(class 1) (N, 1) by the sigmoid.

        After a fit they are those of the loss, too: of several labels per sample each by the sigmoid, and of one output that
        SquaredError brought towards 0 and 1 the output itself, cut off at both.

        Raises
        ------
        ValueError
            If the model was last fitted to real-valued targets, which have no probabilities.

        """
        from losses.calibration import probabilities
        if self._answers == "values":
            raise ValueError("predict_proba: got a model that was last fitted to real-valued targets, accepted: one fitted "
                             "to classes; predict(x) returns its values")
        inputs = self.check_x(x, lengths)
        outputs = self.evaluate(inputs)
        if not len(outputs):
            return self._unpack(outputs, inputs)
        if self._answers == "half":
            refuse_nonfinite("outputs", outputs)
            return self._unpack(np.clip(outputs, 0, 1), inputs)
        if self._answers == "labels":
            return self._unpack(probabilities(outputs.reshape(-1, 1)).reshape(outputs.shape), inputs)
        return self._unpack(probabilities(outputs), inputs)
