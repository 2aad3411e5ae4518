"""A data set with a share of its labels flipped: what it is called, and what no classifier can beat on it."""
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..report import plots
from ..report.words import flips
from . import image_settings
from .data_sets import bayes_figures

TITLES = {"two_gaussians": "Two Gaussians", "sinusoid": "Sinusoid", "spiral": "Spiral", **image_settings.TITLES}
best_possible = lru_cache(maxsize=32)(bayes_figures)  # the spiral's take a second


@dataclass(frozen=True)
class Flipped:
    """One data set with one share of flipped labels.

    Attributes
    ----------
    data, noise : str, float
        As a description has them.
    """

    data: str
    noise: float

    @property
    def title(self) -> str:
        """For tables and figures."""
        return f"{TITLES[self.data]}, {flips(self.noise)}"

    @property
    def best(self) -> Any:
        """What no classifier can beat, of a generated data set: `noisy_error`, `clean_error`, `cross_entropy`."""
        return best_possible(self.data, self.noise)

    @property
    def best_accuracy(self) -> float:
        """Of labels with flips, in percent."""
        return 100 - 100 * self.best.noisy_error

    @property
    def best_note(self) -> str:
        """What no classifier can beat, in words for below a table."""
        noisy, clean = 100 * self.best.noisy_error, 100 * self.best.clean_error
        return (f"best possible: test error {noisy:.1f} %, on true labels {clean:.1f} %, test loss "
                f"{self.best.cross_entropy:.3f}")

    @property
    def labels(self) -> str:
        """The group of cases with labels like these, for `words.opening_by`."""
        return f"where {100 * self.noise:g} % are wrong" if self.noise else "where they are clean"

    def best_line(self, axis: Any) -> None:
        """Draw the best possible accuracy."""
        axis.axhline(self.best_accuracy, color=plots.ink(plots.GREY), lw=1, ls="-.", label="best possible accuracy")
