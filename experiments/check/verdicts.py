"""Yes or no: what training on does to error and loss, and what that says of it."""
from ..report.compare import BETTER, WORSE
from .changes import SAME, Change
from .results import ERROR, LOSS, Results

LATE = 0.95  # of the run: a best after it may not be the best


def measures(results: Results, start: str = "", *, fresh: bool = False) -> dict[str, Change]:
    """What training on did to each figure, by its name, from zero error or from `start`."""
    names = {"test loss": LOSS} if results.regression else {"test error": ERROR, "test loss": LOSS}
    return {name: results.after(figure, start, fresh=fresh) for name, figure in names.items()}


def verdict(changes: dict[str, Change]) -> str:
    """Return "yes", "no", "same", "depends" or "unknown" for "does training on pay?"."""
    found = {one.verdict for one in changes.values()}
    if {BETTER, WORSE} <= found:
        return "depends"
    if BETTER in found:
        return "yes"
    if WORSE in found:
        return "no"
    return "same" if found == {SAME} else "unknown"


def late(results: Results) -> bool:
    """Whether the lowest validation loss came so late that more training may lower it by what matters."""
    plain = results.trained.plain
    return plain.mean("best.epoch") >= LATE * results.plan.run.epochs and plain.mean(f"best.{LOSS}") > results.matters(LOSS)


def unasked(results: Results) -> bool:
    """Whether what is judged from, the best, came at the end: that nothing changed after it says nothing then."""
    return not results.asks_zero and late(results)


def decision(results: Results) -> str:
    """Return `verdict` of the whole: "no" too where the best was clearly past before there was no error."""
    way = verdict(measures(results))
    if way == "same" and unasked(results):
        return "unknown"
    if way in ("same", "unknown") and results.asks_zero and verdict(measures(results, "best")) == "no":
        return "no"
    return way
