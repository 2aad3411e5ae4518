"""On-line training: averages of errors that are measured one pattern at a time.

In on-line backprop every pattern is classified before it is learnt, so each update brings an error for free. In the *first*
pass no pattern has been seen before: the average of these errors estimates the error on new patterns without a
validation set (the prequential, or progressive validation, estimate), of the weights as they were over the window. From
the second pass on it is a training error.

Three things to know. The average lags: it describes the weights of ``decay / (1 - decay)`` updates ago, and a plain mean
over an epoch those of half an epoch ago; compare it with a validation error measured at the end of the epoch only after
evaluating the training set again with frozen weights. It weights the last patterns most, so that with classes in order it
shows the order, not progress: shuffle. And criteria count checks: with a check every N updates, ``Patience(10)`` means
10 N updates.
"""
import math
from collections.abc import Mapping
from typing import Any

from . import states
from .checks import finite_number
from .keywords import explains_arguments


@explains_arguments()
class RunningAverage:
    """Exponential moving average without the bias towards its start: ``e_t / (1 - decay^t)``, e_t the plain one from 0.

    Parameters
    ----------
    decay : float
        In [0, 1). 0: the last value alone.

    Attributes
    ----------
    value : float
        The average; NaN before the first update.
    window : float
        ``1 / (1 - decay)``: about so many of the last values count.

    Raises
    ------
    ValueError
        On a bad argument, or a value that is not one real number.

    Notes
    -----
    On independent values of variance v the average has variance ``v (1 - decay) / (1 + decay)``. A NaN or an infinity
    stays until `reset()`: a run that diverged should look like one.

    Examples
    --------
    >>> error = RunningAverage(0.5)
    >>> error.update(3.0), error.update(0.0), error.window
    (3.0, 1.0, 2.0)
    """

    def __init__(self, decay: float) -> None:
        self.decay = finite_number("decay", decay, least=0)
        if self.decay >= 1:
            raise ValueError(f"decay: got {decay!r}, accepted: a number below 1 (with 1 nothing new would ever count)")
        self.value, self.weight = math.nan, 0.0  # weight: that of all values seen, 1 - decay^t

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse another decay: the weight of the values seen was counted with this one."""
        if name == "decay" and name in vars(self):
            raise AttributeError(f"decay: got {value!r}, accepted: no assignment, for {self!r} keeps it; make another")
        super().__setattr__(name, value)

    @property
    def window(self) -> float:
        """About so many of the last values count."""
        return 1 / (1 - self.decay)

    def update(self, value: Any) -> float:
        """Take in the error of one pattern and return the average; ValueError for what is not one real number."""
        if isinstance(value, str | bytes) or getattr(value, "shape", ()) != ():
            raise ValueError(f"value: got {value!r}, accepted: one real number")
        try:
            value = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"value: got {value!r}, accepted: one real number") from None
        # weight_t = 1 - decay^t, so share * value_1 + ... is e_t / weight_t without either of them: a constant comes out as
        # itself, to the last digit. The first value, and any with decay 0, has a share of exactly 1.
        self.weight = self.decay * self.weight + (1 - self.decay)
        share = (1 - self.decay) / self.weight
        self.value = value if share == 1 else self.value + share * (value - self.value)
        return self.value

    def reset(self) -> None:
        """Forget all values."""
        self.value, self.weight = math.nan, 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs, ready for strict JSON."""
        value = self.value if math.isfinite(self.value) else str(self.value)
        return {"value": value, "weight": self.weight}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state; the decay of this object holds from here on.

        Raises
        ------
        ValueError
            Naming the field, if this is no state that a run could leave; nothing has changed then.
        """
        if not isinstance(state, Mapping) or set(state) != {"value", "weight"}:
            raise ValueError(f"state: got {states.shown(state)}, accepted: a mapping of 'value' and 'weight'")
        value = float(states.number("value", state["value"], finite=False))
        weight = float(states.number("weight", state["weight"], least=0))
        if weight > 1 or (weight == 0 and not math.isnan(value)):
            states.refuse("weight", weight, "at most 1, and 0 only where the value is 'nan'")
        self.value, self.weight = value, weight

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"RunningAverage({self.decay!r})"
