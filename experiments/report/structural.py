"""What a capacity bound and structural risk minimisation say of networks of many sizes, in words."""
from collections.abc import Sequence
from functools import partial

import numpy as np

from .capacity import Grid
from .compare import mean_and_error
from .risk import confidence_term, log_growth_counted, samples_needed
from .tables import mean_error, number
from .words import listed

COUNTED = partial(confidence_term, growth=log_growth_counted)


def bound_sentences(grids: Sequence[Grid]) -> str:
    """Return by how much the bound is vacuous, and what structural risk minimisation would have chosen at what cost."""
    places = [(grid, w, n) for grid in grids for w, _ in enumerate(grid.widths) for n, _ in enumerate(grid.samples)]
    gaps = np.array([grid.end("gap")[w, n].mean() for grid, w, n in places])
    terms, counted = (np.array([term(grid.samples[n], grid.layers(grid.widths[w])) for grid, w, n in places])
                      for term in (confidence_term, COUNTED))
    first = grids[0]
    least, most = (number(samples_needed(1.0, first.layers(first.widths[place]))) for place in (0, -1))
    chosen = [grid.structural(COUNTED) for grid in grids]
    fits = [grid.fits[place, n] for grid, (taken, _) in zip(grids, chosen, strict=True)
            for (n, _), place in np.ndenumerate(taken)]
    cost = listed(f"{mean_error(*mean_and_error(one.mean(axis=0)))} ({grid.title})"
                  for grid, (_, one) in zip(grids, chosen, strict=True))
    times = number(float(np.min(terms / np.maximum(gaps, 1e-9))), 2)
    return (f"Vapnik's bound, of the growth function of relu networks, adds {number(terms.min())} or more to the training "
            f"error, at least {times} times the measured gap to the validation error, which was {number(gaps.max(), 2)} at "
            f"most: it says nothing (1 or more) in {np.sum(terms >= 1)} of {len(terms)} cells. To add at most 1 it takes "
            f"{least} samples with the smallest, {most} with the largest network on {first.table}; there "
            f"were {first.samples[-1]} at most. Were the number of weights the VC dimension, it would say nothing in "
            f"{np.sum(counted >= 1)}; structural risk minimisation would by that take a network that reaches zero training "
            f"error in {100 * np.mean(fits):.0f} % of choices, whose validation error at the end is above that of the size "
            f"chosen by cross-validation by {cost} points.")
