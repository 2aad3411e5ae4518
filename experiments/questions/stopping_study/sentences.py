"""The answer in words, each of which follows an interval."""
from collections.abc import Iterator, Mapping

import numpy as np

from ...report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, paired
from ...report.ratios import Ratio
from ...report.tables import number
from ...report.words import between, counted, depends_on_more, listed
from .cases import Results
from .drawing import LOSS_NAMES, OFTEN
from .rules import COMPARED, PRECHELT, WITHOUT
from .tradeoff import BY_LOSS, CLAIMED, FOLD, Beside, beside, fourfold, ranked, watched

RECOMMENDED = "UP 3"  # Prechelt's best trade-off of time and quality: UP 3, 4 or 6


def sentences(results: Results) -> Iterator[str]:
    """Yield what is said: whether waiting pays, Prechelt's figure, loss or error, no validation set, what never fired."""
    yield opening(results)
    if results.config.seeds < 3:
        return
    yield claim(results)
    yield by_error(results)
    yield without(results)
    yield label_wave(results)
    yield censored(results)


def opening(results: Results) -> str:
    """Say whether slower criteria end with a clearly lower test loss than the fastest one, with which loss, and which will do."""
    losses, slower = results.config.losses, len(BY_LOSS) - 1
    fastest = ranked(results, BY_LOSS, results.slowness)[0]
    found = {loss: {name: beside(results, name, fastest, slower * len(losses), loss).by_loss
                    for name in BY_LOSS if name != fastest} for loss in losses}
    better = {loss: list(verdicts.values()).count(BETTER) for loss, verdicts in found.items()}
    if {verdict for verdicts in found.values() for verdict in verdicts.values()} <= {UNKNOWN}:
        return depends_on_more(results.config.seeds, "seed")
    worse = sum(list(verdicts.values()).count(WORSE) for verdicts in found.values())
    start = ("No" if not any(better.values()) else "It depends on what time is worth" if all(better.values())
             else "It depends on the loss")
    counts = listed(f"{count or 'none'} with {LOSS_NAMES[loss][0]}" for loss, count in better.items())
    return (f"{start}: of {slower} slower criteria that watch the validation loss, those that end with a clearly lower test "
            f"loss than the fastest, {fastest}, are {counts}{f' ({worse} clearly higher)' if worse else ''}. "
            f"{' '.join(_best(results, fastest, loss) for loss in losses)}")


def _best(results: Results, fastest: str, loss: str) -> str:
    """Name the criterion with the lowest test loss, and the soonest that is not clearly above it."""
    best = ranked(results, BY_LOSS, results.cost, loss)[0]
    soon = next(name for name in ranked(results, BY_LOSS, results.slowness, loss)
                if name == best or beside(results, name, best, len(BY_LOSS) - 1, loss).by_loss != WORSE)
    first, other = (beside(results, name, fastest, loss=loss) for name in (best, soon))
    near = f", not clearly below {soon} ({other.loss.percent} %, {other.time.times} times)" if soon != best else ""
    return (f"With {LOSS_NAMES[loss][0]} the lowest mean is that of {best} ({first.loss.percent} % in {first.time.times} times "
            f"the epochs){near}.")


def claim(results: Results) -> str:
    """Say what a fourfold time buys, beside Prechelt's 4 %."""
    order = ranked(results, list(PRECHELT), results.slowness)
    ends, whole = beside(results, order[-1], order[0]), fourfold(results)
    where = whole.beside(CLAIMED, "clearly more than that", "which agrees with it", "clearly less than that")
    sure = whole.beside(1, "clearly below", "not clearly different from", "clearly above")
    parts = listed(f"{LOSS_NAMES[loss][0]} {fourfold(results, loss).percent} %" for loss in results.config.losses)
    each = {problem: fourfold(results, problem=problem) for problem in results.problems}
    return (f"Prechelt: slower criteria generalise about 4 % better for about {FOLD:g} times the time. Measured on his 14: "
            f"{FOLD:g} times the epochs change the test loss by {whole.percent} % (95 % over "
            f"{counted(len(each), 'problem')}), {where} and {sure} none ({parts}); over their seeds it is clearly lower in "
            f"{sum(one.high < 1 for one in each.values())} problems, higher in {sum(one.low > 1 for one in each.values())}. "
            f"The slowest, {order[-1]}, takes {ends.time.times} times as long as {order[0]} and changes it by "
            f"{ends.loss.percent} %.")


def by_error(results: Results) -> str:
    """Say what changes when a criterion watches the error instead of the loss."""
    found = watched(results)
    often = [results.never(f"{name}, error") for name in found]
    before = [results.never(name) for name in found]
    verdict = {what: _tally([getattr(one, f"by_{what}") for one in found.values()]) for what in ("loss", "error")}
    return (f"Watched the classification error instead of the loss, of {len(found)} criteria {verdict['loss']} by test loss "
            f"(factor {_range(found, 'loss')}), {verdict['error']} by test error (change "
            f"{between(float(np.mean(one.points)) for one in found.values())} points), in {_range(found, 'time')} times the "
            f"epochs; they never stopped in {between(often)} % of runs instead of {between(before)} %.")


def _tally(verdicts: list[str]) -> str:
    return f"{verdicts.count(BETTER)} are clearly better and {verdicts.count(WORSE)} worse"


def _range(found: Mapping[str, Beside], what: str) -> str:
    return between(getattr(one, what).mean for one in found.values())


def without(results: Results) -> str:
    """Say how criteria without a validation set do beside one that Prechelt recommends."""
    found = {name: beside(results, name, RECOMMENDED, len(WITHOUT)) for name in WITHOUT}
    said = [f"{word} with {listed(f'{name} ({one.loss.percent} %, {one.time.times} times)' for name, one in some.items())}"
            for verdict, word in ((WORSE, "clearly higher"), (UNCLEAR, "not clearly different"), (BETTER, "clearly lower"))
            if (some := {name: one for name, one in found.items() if one.by_loss == verdict})]
    return (f"Without a validation set, beside {RECOMMENDED}, the test loss is {'; '.join(said)} (in brackets its change and "
            "the factor of time; they could train on the validation samples as well, which is not counted).")


def label_wave(results: Results) -> str:
    """Say whether the label wave is better where labels are wrong, for which it was made."""
    noisy = "digits_flipped"
    if not {noisy, "digits"} <= set(results.problems):
        return ""
    cost = np.diff(results.by_problem(results.of(results.cost, RECOMMENDED, "label wave")), axis=2)[:, :, 0]  # (P, R)
    clean, wrong = (cost[results.problems.index(name)] for name in ("digits", noisy))
    verdict = paired(clean, wrong).verdict
    word = {BETTER: "clearly less", WORSE: "clearly more"}.get(verdict, "not clearly another figure")
    return (f"The label wave is meant for wrong labels: on digits with 20 % of them it ends {Ratio.of(wrong).percent} % above "
            f"{RECOMMENDED}, {word} than with clean ones ({Ratio.of(clean).percent} %).")


def censored(results: Results) -> str:
    """Name the criteria that often did not stop within the record."""
    shares = {name: results.never(name) for name in COMPARED}
    often = sorted((name for name, share in shares.items() if share > OFTEN), key=lambda name: -shares[name])
    if not often:
        return f"All criteria stopped in at least {100 - OFTEN} % of runs."
    shown = [f"{name} {number(shares[name], 2)} %" for name in often[:5]]
    return (f"Within {results.config.epochs} epochs {len(often)} of {len(shares)} criteria did not stop in more than {OFTEN} % "
            f"of runs, which makes their slowness a lower bound: {listed(shown)}{' and others' * (len(often) > 5)}.")

