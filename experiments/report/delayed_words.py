"""What is said of runs that predict new samples late, of the rules that stop them before, and of what happens meanwhile."""
from collections.abc import Mapping, Sequence

import numpy as np

from .arms import text
from .compare import AGREES, BETTER, DEVIATES, WORSE, agreement, paired
from .delays import END, RISE, THERE, ZERO, Delays
from .shares import Share
from .words import judgeable, listed, means, unjudged

# Liu et al.: the delay is inversely proportional to weight decay. How near to that power is agreement.
POWER, TOLERANCE = -1.0, 0.1
NEEDED = 6  # runs that all miss it, before most can be said to


def sorted_out(missed: Mapping[str, Sequence[Share]]) -> tuple[list[str], list[str], list[str]]:
    """Return the rules that miss it in most runs of every weight decay; those in few of each; all others.

    Weight decays with fewer than `NEEDED` runs that get there do not count; if that leaves none, all lists are empty.
    """
    enough = {name: [share for share in shares if share.runs >= NEEDED] for name, shares in missed.items()}
    judged = {name: shares for name, shares in enough.items() if shares}
    always = [name for name, shares in judged.items() if all(share.mostly for share in shares)]
    never = [name for name, shares in judged.items() if all(share.seldom for share in shares)]
    return always, never, [name for name in judged if name not in (*always, *never)]


def opening(missed: Mapping[str, Sequence[Share]], epochs: int) -> str:
    """Return the first sentence: yes, no or what it depends on.

    Parameters
    ----------
    missed : mapping of str to sequence of Share
        By rule, how many of the runs that get there it misses, of each weight decay that has any.
    epochs : int
        Length of the runs.
    """
    runs = next(iter(missed.values()))
    if not runs:
        return f"Cannot tell yet: within {epochs} epochs no run had 90 % of new sums right."
    always, never, others = sorted_out(missed)
    if not (always or never or others):
        return (f"Cannot tell yet: it takes {NEEDED} runs with 90 % of new sums right; within {epochs} epochs there were "
                f"{listed(str(share.runs) for share in runs)}.")
    each = f" with every weight decay{' that can be judged' * any(share.runs < NEEDED for share in runs)}" * (len(runs) > 1)
    if len(always) == len(missed):
        return f"Yes: each of {len(missed)} rules would have missed it in most runs{each}."
    if len(never) == len(missed):
        return f"No: each of {len(missed)} rules would have seen it in most runs{each}."
    counts = [f"{len(always)} would have missed it in most runs{each}", f"{len(never)} in few{_named(never)}"]
    if others:
        some = "with some weight decays or in some runs" if len(runs) > 1 else "in some runs"
        counts.append(f"{len(others)} {some}{_named(others)}")
    return f"It depends on the rule: of {len(missed)} rules {listed(counts)}."


def _named(names: Sequence[str]) -> str:
    return f" ({listed(names)})" if names else ""


def after(cases: Sequence[Delays]) -> str:
    """Say when training error is zero and when new samples are predicted, how often, and how that follows weight decay."""
    late = [one for one in cases if one.late]
    learnt = [Share.of(np.isfinite(one.at(ZERO, "epoch"))) for one in cases]
    said = f"Zero training error came at epoch {means(one.at(ZERO, 'epoch') for one in cases)}" + "".join(
        f" (with {one.title} in {share} runs)" for one, share in zip(cases, learnt, strict=True) if share.hits < share.runs)
    if late:
        said += (f", with {means(one.at(ZERO, 'accuracy', 100) for one in late)} % of new sums right; 90 % were at epoch "
                 f"{listed(text(one.at(THERE, 'epoch')) for one in late)} with weight decay {_decays(late)}, "
                 f"{means(one.at(THERE, 'epoch') / one.at(ZERO, 'epoch') for one in late)} times as late")
    for one in cases:
        if not one.there.all():
            name = f"With {one.title}" if one.weight_decay else "Without weight decay"
            said += (f". {name}, {Share.of(one.there)} runs got there within {one.epochs[-1]:.0f} epochs; "
                     f"{text(one.at(END, 'accuracy', 100))} % were right in the end")
    return f"{said}.{_power(late)}"


def _decays(cases: Sequence[Delays]) -> str:
    return listed(f"{one.weight_decay:g}" for one in cases)


def _power(cases: Sequence[Delays]) -> str:
    """Say with which power of weight decay the delay goes, from each to the next one; "" of one weight decay."""
    found = [one for one in cases if one.weight_decay]
    if len(found) < 2:
        return ""
    delays = np.log([np.maximum(one.at(THERE, "epoch") - one.at(ZERO, "epoch"), one.epochs[0])  # at least a check
                     for one in found])  # (weight decays, seeds)
    powers = (np.diff(delays, axis=0).T / np.diff(np.log([one.weight_decay for one in found]))).T
    verdicts = [agreement(values, POWER, TOLERANCE, comparisons=len(powers)) for values in powers]
    said = [f"{text(values)} ({less.weight_decay:g} to {more.weight_decay:g})"
            for values, less, more in zip(powers, found, found[1:], strict=False)]
    agrees = "cannot be judged in any" if unjudged(verdicts) else (
        f"clearly agrees in {verdicts.count(AGREES)}, deviates in {verdicts.count(DEVIATES)}")
    return (f" The delay goes with weight decay to the power {listed(said)}; theory's {POWER:.0f} (Liu et al.) {agrees} of "
            f"{len(verdicts)}.")


def needed(cases: Sequence[Delays], watched: Mapping[str, str]) -> str:
    """Say how much patience is the least that does not miss it, on each figure that is watched."""
    late = [one for one in cases if one.late]
    if not late:
        return "Which patience would do is not known."
    each = [f"on {name} {listed(_least(one.patience(figure)[one.there]) for one in late)}"
            for name, figure in watched.items()]
    return f"Patience would have had to be at least, in epochs: {listed(each)} (weight decay {_decays(late)})."


def _least(patience: np.ndarray) -> str:
    none = int(np.isnan(patience).sum())
    return text(patience) + f" (none in {none} of {len(patience)} runs)" * bool(none)


def vain(control: Sequence[Delays], missed: Mapping[str, Sequence[Share]], rules: Mapping[str, str]) -> str:
    """Say how long the rules that see it train where there is nothing to wait for."""
    never = sorted_out(missed)[1]
    if not control or not never or control[0].there.any():
        return ""
    last, found = control[0].epochs[-1], {name: control[0].returned(rules[name]).trained for name in never}
    whole = [name for name, epochs in found.items() if (epochs == last).all()]
    return (f"Without weight decay, where there is nothing to wait for, those that see it trained "
            f"{means(found.values())} epochs; to the last one in all runs: {listed(whole or ['none'])}.")


def meanwhile(cases: Sequence[Delays]) -> str:
    """Say what norm and normalised margin do while more and more new samples are right, beside what theories expect."""
    late = [one for one in cases if one.weight_decay and one.late]
    if not late:
        return "What norm and margin do meanwhile is not known."
    norms = [[one.at(moment, "parameter_norm") for moment in (RISE, THERE)] for one in late]
    grown = [[one.at(moment, "margin_normalized") for moment in (RISE, THERE)] for one in late]
    said = (f"From 10 to 90 % right the norm of the weights went from {_each(norms, 'fell', 'rose')} with weight decay "
            f"{_decays(late)}, Liu et al.: it falls; the normalised margin was multiplied by "
            f"{means(after / before for before, after in grown)}, {_count(grown)}, Lyu et al.: it grows")
    control = [one for one in cases if not one.weight_decay]
    if control:
        end = control[0].at(END, "margin_normalized")
        beside = [[end, after] for _, after in grown]
        said += (f"; it was then {means(after / before for before, after in beside)} times that of the control at its end, "
                 f"{_count(beside, 'larger')}")
    return f"{said}."


def _verdicts(pairs: Sequence[Sequence[np.ndarray]]) -> list[str]:
    return [paired(*pair, comparisons=len(pairs)).verdict for pair in pairs]


def _each(pairs: Sequence[Sequence[np.ndarray]], lower: str, higher: str) -> str:
    words = {BETTER: f" (clearly {lower})", WORSE: f" (clearly {higher})"}
    return listed(f"{text(before)} to {text(after)}{words.get(verdict, '')}"
                  for (before, after), verdict in zip(pairs, _verdicts(pairs), strict=True))


def _count(pairs: Sequence[Sequence[np.ndarray]], what: str = "more") -> str:
    verdicts = _verdicts(pairs)
    return f"{judgeable(verdicts, f'clearly {what} in {verdicts.count(WORSE)}')} of {len(pairs)}"
