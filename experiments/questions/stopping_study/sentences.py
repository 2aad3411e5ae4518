"""The answer in words, each of which follows an interval."""
from collections.abc import Iterator, Mapping

import numpy as np

from ...report.compare import BETTER, FEWEST, UNCLEAR, UNKNOWN, WORSE, paired
from ...report.ratios import Ratio
from ...report.tables import number
from ...report.words import between, counted, depends_on_more, judgeable, listed
from .cases import Results
from .drawing import LOSS_NAMES, OFTEN
from .rules import COMPARED, PRECHELT, WITHOUT
from .tradeoff import BY_LOSS, CLAIMED, FOLD, NOT_GL, Beside, beside, fourfold, ranked, watched

RECOMMENDED = "UP 3"  # by Prechelt, with UP 4 and UP 6, for the best trade-off of time and quality
NOISY, CLEAN = "digits_flipped", "digits"


def sentences(results: Results) -> Iterator[str]:
    """Yield what is said: whether waiting pays, Prechelt's figure, loss or error, no validation set, what never fired."""
    yield opening(results)
    if results.config.seeds < FEWEST:
        return
    yield claim(results)
    yield by_error(results)
    yield without(results)
    if {NOISY, CLEAN} <= set(results.problems):
        yield label_wave(results)
    yield censored(results)


def opening(results: Results) -> str:
    """Say, for each loss, how many slower criteria end clearly below the fastest one, and which is the lowest."""
    losses, [fastest, *slower] = results.config.losses, ranked(results, BY_LOSS, results.slowness)
    found = {loss: [beside(results, name, fastest, len(slower) * len(losses), loss).by_loss for name in slower]
             for loss in losses}
    verdicts = [verdict for some in found.values() for verdict in some]
    if set(verdicts) <= {UNKNOWN}:
        return depends_on_more(results.config.seeds, "seed")
    gain = [BETTER in some for some in found.values()]
    start = ("It depends on what time is worth" if all(gain) else "It depends on the loss whether waiting pays" if any(gain)
             else "No, waiting does not pay clearly")
    counts = listed(f"{some.count(BETTER) or 'none'} with {LOSS_NAMES[loss][0]}" for loss, some in found.items())
    worse = f" (with a higher one {verdicts.count(WORSE)})" if WORSE in verdicts else ""
    best = " ".join(_best(results, fastest, loss) for loss in losses)
    return (f"{start}: of the {len(slower)} slower criteria that watch the validation loss {counts} end with a clearly "
            f"lower test loss{worse} than the fastest, {fastest}. {best}")


def _best(results: Results, fastest: str, loss: str) -> str:
    """Name the criterion with the lowest test loss, and the soonest that is not clearly above it."""
    best = ranked(results, BY_LOSS, results.cost, loss)[0]
    if best == fastest:
        return f"With {LOSS_NAMES[loss][0]} that is also the lowest."
    many = (len(BY_LOSS) - 1) * len(results.config.losses)
    soon = next(name for name in ranked(results, BY_LOSS, results.slowness, loss)
                if name == best or beside(results, name, best, many, loss).by_loss != WORSE)
    lowest, near = (beside(results, name, fastest, loss=loss) for name in (best, soon))
    sooner = (f"; not clearly above it, and the soonest of those, is {soon}" if soon != best else "") + (
        f" ({near.loss.change}, {near.time.times} times)" if soon not in (best, fastest) else "")
    return (f"With {LOSS_NAMES[loss][0]} the lowest is {best}: {lowest.loss.change} in {lowest.time.times} times the "
            f"epochs{sooner}.")


def claim(results: Results) -> str:
    """Say what a fourfold time buys, beside Prechelt's 4 %."""
    order, late = ranked(results, list(PRECHELT), results.slowness), "from 25 on"
    ends, problems = beside(results, order[-1], order[0]), results.problems
    each = [fourfold(results, problem=one, comparisons=len(problems)) for one in problems]
    said = [f"{name} {_beside_claim(fourfold(results, loss))}" for loss, name in (
        ("", "over all runs"), *((one, f"with {LOSS_NAMES[one][0]}") for one in results.config.losses))]
    return (f"Prechelt: slower criteria generalise about 4 % better for about {FOLD:g} times the time. Measured on his 14, "
            f"{FOLD:g} times the epochs change the test loss (95 % over {counted(len(each), 'problem')}): {'; '.join(said)}."
            f" By problem, all at once, it is clearly lower in {sum(one.high < 1 for one in each)} of {len(each)}, higher "
            f"in {sum(one.low > 1 for one in each)}. The slowest, {order[-1]}, takes {ends.time.times} times as long as "
            f"{order[0]}: {ends.loss.change}. Among PQ and UP alone a fourfold time makes "
            f"{_beside_claim(fourfold(results, names=NOT_GL))}; GL 5 that is asked only {late} makes "
            f"{beside(results, f'GL 5 {late}', 'GL 5').loss.change} beside GL 5.")


def _beside_claim(one: Ratio) -> str:
    """Say where an interval lies, beside the figure claimed and beside no change."""
    if not one.known:
        return f"{one.change}, which cannot be judged"
    where = one.beside(CLAIMED, "clearly more than that", "which agrees", "clearly less than that")
    return f"{one.change}, {where}{one.beside(1, '', ', though not clearly different from none', ', a loss')}"


def by_error(results: Results) -> str:
    """Say what changes when a criterion watches the error instead of the loss."""
    found = watched(results)
    loss, error = (_tally([getattr(one, f"by_{what}") for one in found.values()]) for what in ("loss", "error"))
    now, before = (between(results.never(f"{name}{ending}") for name in found) for ending in (", error", ""))
    points = between(float(np.mean(one.points)) for one in found.values())
    return (f"The classification error watched instead of the loss: by test loss {loss} of {len(found)} criteria ("
            f"{_range(found, 'loss')} times it), by test error {error} ({points} points more), in {_range(found, 'time')} "
            f"times the epochs; no stop in {now} % of runs instead of {before} %.")


def _tally(verdicts: list[str]) -> str:
    return judgeable(verdicts, f"clearly better in {verdicts.count(BETTER)} and worse in {verdicts.count(WORSE)}")


def _range(found: Mapping[str, Beside], what: str) -> str:
    return between(getattr(one, what).mean for one in found.values())


def without(results: Results) -> str:
    """Say how criteria without a validation set do beside one that Prechelt recommends."""
    found = {name: beside(results, name, RECOMMENDED, len(WITHOUT)) for name in WITHOUT}
    words = {WORSE: "clearly higher", UNCLEAR: "not clearly different", BETTER: "clearly lower"}
    groups = {word: [f"{name} ({one.loss.change}, {number(one.time.mean, 2)} times the epochs)"
                     for name, one in found.items() if one.by_loss == verdict] for verdict, word in words.items()}
    said = [f"{word} with {listed(some)}" for word, some in groups.items() if some]
    return (f"Without a validation set, beside {RECOMMENDED}, the test loss is {'; '.join(said)}. Such criteria could train "
            "on the validation samples as well, which is not counted here.")


def label_wave(results: Results) -> str:
    """Say whether the label wave is better where labels are wrong, for which it was made."""
    cost = np.diff(results.by_problem(results.of(results.cost, RECOMMENDED, "label wave")), axis=2)[:, :, 0]  # (P, R)
    clean, wrong = (cost[results.problems.index(name)] for name in (CLEAN, NOISY))
    than = {BETTER: "clearly less than", WORSE: "clearly more than", UNCLEAR: "not clearly another figure than"}
    return (f"The label wave is meant for wrong labels: on digits with 20 % of them its test loss beside {RECOMMENDED} is "
            f"{Ratio.of(wrong).change}, {than[paired(clean, wrong).verdict]} on clean ones, {Ratio.of(clean).change}.")


def censored(results: Results) -> str:
    """Name the criteria that often did not stop within the record."""
    shares = {name: results.never(name) for name in COMPARED}
    often = sorted((name for name, share in shares.items() if share > OFTEN), key=lambda name: -shares[name])
    if not often:
        return f"All criteria stopped in at least {100 - OFTEN} % of runs."
    loss = [f"{name} {number(shares[name], 2)} %" for name in often if name in BY_LOSS][:3]
    most = f" (of those that watch the loss most often {listed(loss)})" if loss else ""
    return (f"Within {results.config.epochs} epochs {len(often)} of {len(shares)} criteria did not stop in more than "
            f"{OFTEN} % of runs{most}: their slowness is a lower bound.")
