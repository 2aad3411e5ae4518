"""A question whose figures are read off many arms, each some runs that differ in their seed alone."""
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..runs.store import Store
from .measured import Measured, load_all
from .tables import Table
from .words import spread, text


class Arms(NamedTuple):
    """The settings, and the runs of every arm.

    Attributes
    ----------
    config : settings with `seeds`
    runs : mapping of any key to Measured
    """

    config: Any
    runs: Mapping[Any, Measured]

    @classmethod
    def load(cls, store: Store, config: Any, arms: Mapping[Any, Any]) -> "Arms":
        """Load the runs of all descriptions of each arm; raises StoreError when one is missing."""
        return cls(config, load_all(store, arms))

    def at(self, arm: Any, figure: str, factor: float = 1.0, rule: str = "end") -> np.ndarray:
        """A figure (seeds,) of the models that a rule took, NaN where it took none; see `Measured.at`."""
        return self.runs[arm].at(rule, figure, factor)

    def text(self, arm: Any, figure: str, factor: float = 1.0, rule: str = "end") -> str:
        """Return "mean ±error" of the same."""
        return text(self.at(arm, figure, factor, rule))

    def table(self, title: str, heads: str, rows: Mapping[str, Sequence[Any]], note: str = "") -> Table:
        """Return a table of means with their errors.

        Parameters
        ----------
        title : str
            The number of seeds is added.
        heads : str
            Of the columns, between them "; "; the first names the rows.
        rows : mapping of str to sequence of array
            Values of the seeds, or one value, by row and column.
        note : str
        """
        return Table(f"{title} ({spread(self.config.seeds, 'seed')})", heads.split("; "),
                     [[name, *map(text, row)] for name, row in rows.items()], note)
