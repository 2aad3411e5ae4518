"""Yes or no: what training on does to error and loss, and what that says of it."""
from ..report.compare import BETTER, WORSE
from .changes import SAME, Change
from .results import ERROR, LOSS, Results


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


def decision(results: Results) -> str:
    """Return `verdict` of the whole: "no" too where the best was clearly past before there was no error."""
    way = verdict(measures(results))
    if way in ("same", "unknown") and results.asks_zero and verdict(measures(results, "best")) == "no":
        return "no"
    return way
