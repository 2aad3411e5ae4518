"""When to stop: which criterion, on validation loss or error, or without a validation set?

Prechelt's study (Neural Networks 11, 1998) rebuilt: networks are trained once, by RPROP, far beyond most stops, and all that
criteria watch is recorded after every epoch. Then each criterion is asked of the same record when it would have stopped, and
with which network: his 14, others that watch the validation loss, the same ones on the validation error, and some that need
no validation set. Compared are how slow they are and what the network that they return costs on the test set.
"""
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...report.arms import text
from ...report.ratios import Ratio
from ...report.tables import Table, number
from ...trainers.trajectories import PROBLEMS
from .cases import LEAST, Config, Results, arms, gather, run  # noqa: F401 (what a question consists of)
from .drawing import LOSS_NAMES, OFTEN, draw, seeds_of
from .rules import COMPARED, END, Rule
from .sentences import sentences
from .tradeoff import fourfold, watched

RUN_TIMES = {"quick": "20 s", "default": "4 min", "full": "1 h 30 min"}  # on 2 cores


def tables(results: Results) -> list[Table]:
    """Every criterion's time and cost; what a fourfold time buys on each problem; error or loss watched."""
    seeds, margin = seeds_of(results), results.config.margin
    measured = [(results.by_seed(values), values) for values in (results.slowness, results.cost, results.points)]
    rows = []
    for j, (name, rule) in enumerate({**COMPARED, END: Rule("", END)}.items()):
        (slowness, _), (cost, runs), (points, _) = ((mean[:, j], whole[..., j]) for mean, whole in measured)
        good = 100 * float(np.mean(runs <= np.log1p(margin / 100)))
        rows.append([name, rule.watches, text(results.by_seed(results.stops)[:, j]), Ratio.of(slowness).times,
                     Ratio.of(cost).percent, text(points), number(good, 2), number(results.never(name), 2)])
    return [
        Table(f"Criteria on the same runs ({seeds})", ["criterion", "watches", "epoch", "slowness", "cost, %",
                                                       "error, points", "good, %", "never, %"], rows,
              "Slowness: stop over the first stop of Prechelt's 14 in the run. Cost: test loss (not below "
              f"{LEAST:g}) of what is returned, over the lowest that these 14 returned. Geometric means; all problems count "
              "alike. Error: likewise, the difference in points (± standard error). Good: share of "
              f"runs with a cost up to {margin:g} %. Never: share of runs without a stop, which count with the last epoch "
              f"(in figures hollow above {OFTEN} %)."),
        Table(f"Change of the test loss for four times the time, % ({seeds})", ["problem", *_names(results), "both"],
              [[PROBLEMS[problem].title, *(fourfold(results, loss, problem=problem).percent
                                           for loss in (*results.config.losses, ""))] for problem in results.problems]
              + [["all, over problems", *(fourfold(results, loss).percent for loss in (*results.config.losses, ""))]],
              "Least-squares slope of log test loss over log time among Prechelt's 14 criteria, within runs; he: about -4."),
        Table(f"The validation error watched instead of the loss ({seeds})",
              ["criterion", "time, factor", "test loss, factor", "test error, points"],
              [[name, one.time.times, one.loss.times, text(one.points)] for name, one in watched(results).items()])]


def _names(results: Results) -> Iterable[str]:
    return (LOSS_NAMES[loss][0] for loss in results.config.losses)


def figures(results: Results, folder: Path) -> list:
    """Draw slowness against cost, what watching the error changes, and what a fourfold time buys."""
    return draw(results, folder)


def answer(results: Results) -> str:
    """Open with whether it depends; then Prechelt's figure, loss or error, no validation set, and what never stopped."""
    return " ".join(filter(None, sentences(results)))
