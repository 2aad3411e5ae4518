"""A measured figure beside the published one, of which only the value is known: how far it is off, and whether by chance."""
import math
from dataclasses import dataclass

from .measured import Measured


@dataclass(frozen=True)
class Beside:
    """A figure of some runs, and what was published.

    Attributes
    ----------
    runs : Measured
    published : float
        Without a standard error; taken as exact unless words say otherwise.
    figure, factor : str, float
        Of the runs; 100 for percent.
    """

    runs: Measured
    published: float
    figure: str = "accuracy"
    factor: float = 100.0

    @property
    def difference(self) -> float:
        """Measured mean minus the published figure."""
        return self.runs.mean(self.figure, self.factor) - self.published

    @property
    def error(self) -> float:
        """Standard error of our mean; NaN for one seed."""
        return self.runs.error(self.figure, self.factor)

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % t interval of our mean."""
        return self.runs.half_width(self.figure, self.factor)

    def in_errors(self, form: str) -> str:
        """The difference in standard errors of our mean, or a dash where these are unknown or zero."""
        return f"{self.difference / self.error:{form}}" if self.error > 0 else "–"

    def deviation(self, name: str, digits: int = 2) -> str:
        """Return how far this is off, and what scatter has to do with it: "NAME deviates by -1.50 points (…)".

        Parameters
        ----------
        name : str
            What is off.
        digits : int
            Decimal places of the published figure and the difference.
        """
        # Whether the interval of our mean excludes the published figure, taken as exact.
        clear = abs(self.difference) > self.half_width
        text = (f"{name} {'deviates' if clear else 'is off'} by {self.difference:+.{digits}f} points "
                f"({self.runs.text(self.figure, self.factor)} instead of {self.published:.{digits}f}")
        if math.isnan(self.error):
            return f"{text}; one seed shows no scatter)"
        if not clear:
            return f"{text}, no more than these seeds scatter)"
        if self.error == 0:
            return f"{text}, and these seeds do not scatter)"
        text = f"{text}, {self.in_errors('.1f').lstrip('-')} of our standard errors"
        if abs(self.difference) <= 2 * self.error:  # from 62 seeds on a t interval is narrower than that
            return f"{text})"
        seeds = len(self.runs.runs)
        runs = consistent_runs(self.difference, self.error * math.sqrt(seeds), seeds)
        return (f"{text}, and more than two combined ones "
                + (f"unless the published figure is a mean of at most {runs} runs)" if runs else
                   "even if the published figure is a single run)"))


def consistent_runs(difference: float, deviation: float, seeds: int) -> int:
    """Most runs behind a published mean for which a difference is within two combined standard errors; 0: not even one.

    If published runs scatter like ours (standard deviation `deviation` > 0), a difference of means over `seeds` and n runs
    has the variance deviation² (1/seeds + 1/n). Raises ValueError when every n will do.
    """
    share = (difference / (2 * deviation)) ** 2 - 1 / seeds
    if share <= 0:
        raise ValueError(f"difference: got {difference!r}, accepted: more than two of our own standard errors, here "
                         f"{2 * deviation / math.sqrt(seeds):g}")
    return int(1 / share)
