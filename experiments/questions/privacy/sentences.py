"""The answer of privacy: sentences whose words follow the intervals."""
from collections.abc import Sequence

from ...report.compare import BETTER, FEWEST, UNCLEAR, WORSE, clearly_above, paired
from ...report.words import counted, depends_on_more, listed, means
from .attacked import LIRA, RATE, Case, interval
from .cases import SEEDS
from .compared import Figure, clearly_shown, error_on_test, lira_auc, loss_auc, loss_balanced, moves, rounded, verdict

CHANCE = 0.5
MOVED = {WORSE: "clearly rose", BETTER: "clearly fell", UNCLEAR: "did not change clearly"}
# What is expected of a kind of defence.
EXPECTED = {"flooding": "no figures are known of it; one would expect less of a leak the higher the level",
            "RelaxLoss": "its authors: attacks near chance, accuracy kept; a replication: near chance at a cost in accuracy"}
# What of a leak a defence may change, and what it costs.
LEAKS: dict[str, Figure] = {"the loss attack's AUC": loss_auc, "its balanced accuracy": loss_balanced,
                            "LiRA's AUC": lira_auc, "test error": error_on_test}


def sentences(results: Sequence[Case]) -> list[str]:
    """Whether and since when zero loss leaks; which attack finds most; what helps, at which price; what is rebuilt."""
    reached = [case for case in results if case.plain["zero"].there.any()]
    if not reached:
        return ["It depends on more epochs: no run reached zero training error, so the question has no answer here."]
    if results[0].seeds < FEWEST:
        return [depends_on_more(results[0].seeds, "run")]
    return [_opening(reached), _length(reached), _attacks(reached), *_defences(reached), _reconstruction(reached)]


def _opening(results: Sequence[Case]) -> str:
    leaks = [clearly_above(loss_auc(case.plain["end"]), CHANCE) for case in results]
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
    found = listed(f"{rounded(loss_auc(case.plain['end']))} with {case.title} (training loss "
                   f"{interval(case.plain['end'].values('train_loss'))}; LiRA {rounded(lira_auc(case.plain['end']))})"
                   for case in results)
    return f"{start} At the end of plain training the loss tells members from other samples with an AUC of {found}."


def _length(results: Sequence[Case]) -> str:
    """What training on from zero error does, and stopping early."""
    parts = []
    for case in results:
        stop, zero, end = (case.plain[time] for time in ("stop", "zero", "end"))
        moved = [MOVED.get(verdict(zero, end, figure), "cannot be judged") for figure in (loss_auc, lira_auc)]
        parts.append(f"with {case.title} the loss attack's AUC {moved[0]} (from {rounded(loss_auc(zero))}), LiRA's "
                     f"{moved[1]} (from {rounded(lira_auc(zero))}); early stopping, beside the end: "
                     f"{moves([verdict(end, stop, loss_auc)])} ({rounded(loss_auc(stop))}), LiRA "
                     f"{moves([verdict(end, stop, lira_auc)])} ({rounded(lira_auc(stop))})")
    return f"From zero error to the end, {'; '.join(parts)}."


def _attacks(results: Sequence[Case]) -> str:
    """LiRA beside the loss, Song & Mittal's entropy beside the plain one, the loss beside the mere prediction."""
    end = [case.plain["end"] for case in results]

    def beside(kind: str, one: str, other: str) -> str:
        return moves([paired(some.found(kind, other), some.found(kind, one)).verdict for some in end])

    shares = listed(f"{interval(one.found('caught', LIRA), 100)} instead of {interval(one.found('caught', 'loss'), 100)} %"
                    for one in end)
    return ("Literature: at few false alarms shadow models find more than the loss. Measured: at "
            f"{100 * RATE:.0f} % of them LiRA caught {shares} of the members, "
            f"{beside('caught', LIRA, 'loss')}{f' of {len(end)} cases' * (len(end) > 1)}. "
            "Literature: entropy is the better for having the label in it. Measured: AUC "
            f"{beside('auc', 'modified entropy', 'entropy')}. "
            f"The loss beside whether the prediction is right: AUC {beside('auc', 'loss', 'correctness')}.")


def _defences(results: Sequence[Case]) -> list[str]:
    """A sentence for every kind: what it takes off the leak, and what it does to the test error."""
    names = list(results[0].defences)
    of = len(names) * len(results)  # looked at together
    said = []
    for kind in dict.fromkeys(name.partition(" ")[0] for name in names):
        some = [name for name in names if name.startswith(kind)]
        pairs = [(case.plain["end"], case.defences[name]) for case in results for name in some]
        changes = listed(f"{what} {moves([verdict(*pair, figure, of) for pair in pairs])}"
                         for what, figure in LEAKS.items())
        left = sum(clearly_above(lira_auc(after), CHANCE) for _, after in pairs)
        expected = f" ({EXPECTED[kind]})" if kind in EXPECTED else ""
        aucs = means(lira_auc(after) for _, after in pairs)
        said.append(f"{kind[0].upper()}{kind[1:]}{expected} beside plain training, {counted(len(pairs), 'comparison')}: "
                    f"{changes}; LiRA's AUC was {aucs}, still clearly above chance in {left}{_trend(results, some)}.")
    return said


def _trend(results: Sequence[Case], names: Sequence[str]) -> str:
    """What a higher level does, where there are several."""
    if len(names) < 2:
        return ""
    ends = [(case.defences[names[0]], case.defences[names[-1]]) for case in results]
    changes = listed(f"{what} {moves([verdict(*pair, figure, len(ends)) for pair in ends])}"
                     for what, figure in LEAKS.items())
    return f"; the highest level beside the lowest, {counted(len(ends), 'case')}: {changes}"


def _reconstruction(results: Sequence[Case]) -> str:
    """In how many kinds of models a class, and more than a class, is seen."""
    models = [one for case in results for one in case.rows.values() if one.there.any()]
    said = []
    for box in ("white", "black"):
        counts = []
        for what in ("class", "mean", "nearest"):
            values = [one.values(f"{box}_{what}") for one in models]
            seen = [clearly_shown(some, len(values)) for some in values]
            counts.append(f"{sum(seen)} ({means(values)})")
        said.append(f"with the {box} box the class shows clearly in {counts[0]}, the mean of its members more than that of "
                    f"other samples in {counts[1]}, a member more than any other sample in {counts[2]}")
    return f"Reconstructed from {counted(len(models), 'kind')} of models (differences of correlations): {'; '.join(said)}."


