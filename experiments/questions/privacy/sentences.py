"""The answer of privacy: sentences whose words follow the intervals."""
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...report.compare import BETTER, FEWEST, UNCLEAR, WORSE, Difference, clearly_above, paired
from ...report.words import between, counted, depends_on_more, listed, tally
from .attacked import LIRA, RATE, Attacked, Case, interval
from .cases import SEEDS

CHANCE = 0.5
MOVED = {WORSE: "rose clearly", BETTER: "fell clearly", UNCLEAR: "did not change clearly"}


def sentences(results: Sequence[Case]) -> list[str]:
    """Whether zero loss leaks; since when; which attack finds most; what helps, at which price; what can be reconstructed."""
    reached = [case for case in results if case.plain["zero"].there.any()]
    if not reached:
        return ["It depends on more epochs: no run reached zero training error, so the question has no answer here."]
    if results[0].seeds < FEWEST:
        return [depends_on_more(results[0].seeds, "run")]
    return [_opening(reached), _length(reached), _attacks(reached), *_defences(reached), _reconstruction(reached)]


def _auc(one: Attacked, attack: str = "loss") -> np.ndarray:
    return one.found("auc", attack)


def _opening(results: Sequence[Case]) -> str:
    leaks = [clearly_above(_auc(case.plain["end"]), CHANCE) for case in results]
    seeds = results[0].seeds
    if all(leaks):
        start = "Yes."
    elif any(leaks):
        yes, no = (listed(case.title for case, leak in zip(results, leaks, strict=True) if leak is one)
                   for one in (True, False))
        start = f"It depends on the labels: yes with {yes}, not clearly with {no}."
    elif seeds < SEEDS:
        start = f"It depends on more than {counted(seeds, 'run')}, which cannot tell: the question takes {SEEDS}."
    else:
        start = "No."
    found = listed(f"{interval(_auc(case.plain['end']))} with {case.title} (training loss "
                   f"{interval(case.plain['end'].values('train_loss'))})" for case in results)
    return f"{start} At the end of plain training the loss tells members from other samples with an AUC of {found}."


def _length(results: Sequence[Case]) -> str:
    parts = []
    for case in results:
        times = {name: _auc(case.plain[name]) for name in ("stop", "zero", "end")}
        moved = MOVED.get(_compared(times["zero"], times["end"]).verdict, "cannot be compared")
        parts.append(f"with {case.title} it {moved} from zero error ({interval(times['zero'])}) to the end; early stopping, "
                     f"at {interval(times['stop'])}, was {_compared(times['end'], times['stop']).verdict}")
    return f"Training on: {'; '.join(parts)}."


def _attacks(results: Sequence[Case]) -> str:
    """LiRA against the loss, Song & Mittal's entropy against the plain one."""
    end = [case.plain["end"] for case in results]
    lira = [_compared(one.found("caught", "loss"), one.found("caught", LIRA), higher=True) for one in end]
    song = [_compared(_auc(one, "entropy"), _auc(one, "modified entropy"), higher=True) for one in end]
    gap = [_compared(_auc(one, "correctness"), _auc(one), higher=True) for one in end]
    shares = listed(f"{interval(one.found('caught', LIRA), 100)} % instead of {interval(one.found('caught', 'loss'), 100)} %"
                    for one in end)
    cases = counted(len(results), "case")
    return (f"Literature: with few false alarms shadow models find far more than the loss. Measured: at {RATE:.0%} of them "
            f"LiRA caught {shares} of the members, {_tally(lira)} of {cases}. Literature: the label in the entropy helps. "
            f"Measured: AUC {_tally(song)}. The loss, beside whether the prediction is right: {_tally(gap)}.")


def _defences(results: Sequence[Case]) -> list[str]:
    """A sentence for every kind: how much it takes off the AUC of the loss, and what it does to the test error."""
    names = list(results[0].defences)
    of = len(names) * len(results)  # looked at together
    kinds: Mapping[str, list[str]] = {name.partition(" ")[0]: [] for name in names}
    for name in names:
        kinds[name.partition(" ")[0]].append(name)
    said = []
    for kind, some in kinds.items():
        pairs = [(case.plain["end"], case.defences[name]) for case in results for name in some]
        leak = [_compared(_auc(before), _auc(after), of) for before, after in pairs]
        error = [paired(before.values("test_error"), after.values("test_error"), comparisons=of) for before, after in pairs]
        left = sum(clearly_above(_auc(after), CHANCE) for _, after in pairs)
        said.append(f"{kind[0].upper()}{kind[1:]}: AUC {between(np.nanmean(_auc(after)) for _, after in pairs)}, "
                    f"{_tally(leak)} of {len(pairs)} comparisons with plain training, still clearly above chance in {left}; "
                    f"test error {_tally(error)}{_trend(results, some)}.")
    return said


def _trend(results: Sequence[Case], names: Sequence[str]) -> str:
    """What a higher level does, where there are several."""
    if len(names) < 2:
        return ""
    ends = [_compared(_auc(case.defences[names[0]]), _auc(case.defences[names[-1]])) for case in results]
    steps = [_compared(_auc(case.defences[one]), _auc(case.defences[two]), (len(names) - 1) * len(results))
             for case in results for one, two in zip(names, names[1:], strict=False)]
    rises = sum(step.verdict == WORSE for step in steps)
    return (f"; the highest level beside the lowest: AUC {_tally(ends)} of {counted(len(results), 'case')}, with a clear rise "
            f"in {rises} of {counted(len(steps), 'step')} between them")


def _reconstruction(results: Sequence[Case]) -> str:
    """Whether classes, and whether members, are seen, by every model together."""
    said = []
    for box in ("white", "black"):
        counts = []
        for what in ("class", "mean", "nearest"):
            values = [one.values(f"{box}_{what}") for case in results for one in case.rows.values()]
            seen = [paired(np.zeros(len(some)), some, lower_is_better=False, comparisons=len(values)).verdict for some in values]
            counts.append(f"{seen.count(BETTER)} ({between(np.nanmean(some) for some in values)})")
        said.append(f"with the {box} box the class is seen clearly in {counts[0]}, its members' mean more than other samples' "
                    f"in {counts[1]}, a member more than other samples in {counts[2]}")
    return f"Reconstruction, of {counted(len(values), 'kind')} of models (differences of correlations): {'; '.join(said)}."


def _compared(before: np.ndarray, after: np.ndarray, comparisons: int = 1, higher: bool = False) -> Difference:
    """Compare what leaks: less is better, or, of attacks, more."""
    return paired(before, after, lower_is_better=not higher, comparisons=comparisons)


def _tally(differences: Iterable[Difference]) -> str:
    return tally([one.verdict for one in differences])
