"""The answer of flooding_table: sentences whose words follow the numbers."""
from collections.abc import Sequence

from ...report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, Difference, paired
from ...report.tables import number
from ...report.words import direction, opening, too_few
from .report import PUBLISHED, Cell


def sentences(tables: Sequence[Sequence[Cell]]) -> list[str]:
    """Return yes, no or what it depends on; then what flooding does alone and after early stopping, where its level lies,
    and how far the published row is.
    """
    cells = [cell for group in tables for cell in group]
    return [_opening(cells), _compare(cells, "without", "flooded", "Without early stopping, flooding"),
            _compare(cells, "early", "early_flooded", "With early stopping, flooding"),
            _where(cells), *_against_published(cells)]


def _differences(cells: Sequence[Cell], a: str, b: str) -> list[Difference]:
    return [paired(cell.accuracies(a), cell.accuracies(b), lower_is_better=False) for cell in cells]


def _opening(cells: Sequence[Cell]) -> str:
    """Answer both halves of the question: does it help, and does early stopping make it needless?"""
    alone, beside = ([difference.verdict for difference in _differences(cells, *pair)]
                     for pair in (("without", "flooded"), ("early", "early_flooded")))
    said = opening({"accuracy": alone}, len(cells[0].trials), "trial", "data and noise")
    if said != "Yes.":
        return said
    return {"yes": "Yes, and early stopping does not make it needless.",
            "no": "Yes, but with early stopping it gains nothing clear.",
            "depends": "Yes, and whether early stopping makes it needless depends on data and noise.",
            "unknown": "Yes; whether early stopping makes it needless cannot be judged."}[direction(beside)]


def _compare(cells: Sequence[Cell], a: str, b: str, lead: str) -> str:
    found = _differences(cells, a, b)
    verdicts = [difference.verdict for difference in found]
    if set(verdicts) == {UNKNOWN}:
        return f"{lead} cannot be judged: {too_few(len(cells[0].trials), 'trial').lower()} cannot tell."
    gains = [difference.mean for difference in found]
    said = ", ".join(f"{verdict} in {verdicts.count(verdict)}" for verdict in (BETTER, WORSE) if verdict in verdicts)
    clear = f"clearly {said}" if said else "clearly different in none"
    unclear = f", with no clear difference in {verdicts.count(UNCLEAR)}" if said and UNCLEAR in verdicts else ""
    return (f"{lead} changed the accuracy by {number(min(gains), 2)} to {number(max(gains), 2)} points and was {clear}"
            f"{unclear} of {len(cells)} case{'s' if len(cells) > 1 else ''}.")


def _where(cells: Sequence[Cell]) -> str:
    ratios = [(cell.levels("last").mean() / cell.best.cross_entropy, cell) for cell in cells if cell.best.cross_entropy > 0]
    if not ratios:
        return "No case has noise, so no level can be set beside a Bayes cross-entropy."
    below = sum(ratio < 1 for ratio, _ in ratios)
    (low, a), (high, b) = min(ratios, key=lambda pair: pair[0]), max(ratios, key=lambda pair: pair[0])
    return (f"The level that validation chose was {low:.2f} ({a.title}) to {high:.2f} ({b.title}) times the Bayes "
            f"cross-entropy, and below it in {below} of {len(ratios)}.")


def _against_published(cells: Sequence[Cell]) -> list[str]:
    gaps = [value for cell in cells if cell.data == "two_gaussians" and cell.noise in PUBLISHED
            for value in (cell.accuracies("without").mean() - PUBLISHED[cell.noise][0],
                          cell.accuracies("flooded").mean() - PUBLISHED[cell.noise][2])]
    if not gaps:
        return []
    return [f"The {len(gaps)} accuracies of Two Gaussians without early stopping differ from the published ones by "
            f"{min(gaps):+.1f} to {max(gaps):+.1f} points."]
