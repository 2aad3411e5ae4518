"""Sentences about autoencoders; each follows the intervals of what it says."""
from collections.abc import Mapping
from typing import Any

import numpy as np

from .compare import BETTER, FEWEST, UNCLEAR, UNKNOWN, WORSE, judge, mean_and_error, paired
from .measured import Measured
from .reconstruction import FOOLED, STUCK, Outcome, Told, at_best, points_of_leaving, since_early, smallest_before
from .shares import Share
from .tables import number
from .words import counted, depends_on_more, interval, listed, unjudged

GOES = {BETTER: "goes with better classification", WORSE: "goes with worse classification",
        UNCLEAR: "does not clearly go with either"}


def verdicts(correlations: Mapping[Any, np.ndarray]) -> dict[Any, str]:
    """Whether each mean correlation (seeds,) is clearly above 0 (`BETTER`) or below, all together at 95 %."""
    return {name: judge(values, lower_is_better=False, comparisons=len(correlations)).verdict
            for name, values in correlations.items()}


def opened(correlations: Mapping[tuple[str, str], np.ndarray], seeds: int) -> str:
    """Open the answer: does better reconstruction mean better classification? By (data, what makes it better)."""
    found = verdicts(correlations)
    judged = [verdict for verdict in found.values() if verdict != UNKNOWN]
    if not judged:
        return depends_on_more(seeds, "seed")
    start = ("Yes" if set(judged) == {BETTER} else "No" if BETTER not in judged else "It depends on what makes it better")
    said = [f"{GOES[verdict]} in {len(cases)} of {counted(len(judged), 'comparison')} ({'; '.join(cases)})"
            for verdict in GOES if (cases := [
                f"{data}, {name}: {interval(correlations[data, name], 2)}" for (data, name), one in found.items()
                if one == verdict])]
    return f"{start}: better reconstruction {listed(said)}: rank correlations, 1 if always better, mean ± 95 % interval."


def useful(data: str, runs: Measured) -> str:
    """Say when validation error is lowest, and what late training up to there brought."""
    epoch, error, points = since_early(runs)
    moved = {BETTER: "rose", WORSE: "fell", UNKNOWN: "changed by what so few seeds cannot judge"}
    rose = moved.get(judge(points, lower_is_better=False).verdict, "did not clearly change")
    return (f"{data}: validation error is lowest after {interval(at_best(runs, 'epoch'), 0)} epochs; from epoch {epoch:.0f} "
            f"to there test error fell by {interval(error)} %, the accuracy of the code {rose} ({interval(points)} points)")


def leaving(data: str, runs: Measured) -> str:
    """Say what the code of a slow network gains or loses when it reconstructs more than the mean image at last."""
    points = points_of_leaving(runs)
    left = points[~np.isnan(points)]
    if not len(left):
        return f"{data}: no run did"
    verdict = judge(left, lower_is_better=False).verdict
    words = {BETTER: "gained {} points", WORSE: "lost {} points", UNKNOWN: "changed by {} points"}.get(
        verdict, "did not clearly change ({} points)")
    return (f"{data}: {len(left)} of {counted(len(points), 'run')} did, and then their codes, compared with those before "
            f"training, {words.format(interval(-left if verdict == WORSE else left))}")


def halving(data: str, constant: Measured, halved: Measured) -> str:
    """Say what halving the rate whenever the loss stands still does to the test error at the end."""
    ends = [100 * runs.curves("test_loss")[:, -1] for runs in (constant, halved)]
    word = {BETTER: "less error", WORSE: "more error", UNKNOWN: "not to be judged"}.get(paired(*ends).verdict, UNCLEAR)
    return f"{data}: {word} ({interval(ends[1])} % of the variance, at a constant rate {interval(ends[0])} %)"


def rates(data: str, found: Told) -> str:
    """Say what gradient and other rates tell about plateaus that were not the end, and the end."""
    stuck, end = found.counts
    if not stuck or not end:
        return f"{data}: {counted(stuck, 'plateau')} and {counted(end, 'end')}, which cannot be compared"
    norms = judge(found.norms).verdict
    size = {BETTER: "clearly smaller", WORSE: "clearly larger", UNKNOWN: "not to be judged"}.get(
        norms, "not clearly different")
    helped, at_ends = found.helped
    gains = ", ".join(f"× {factor} {interval(on)} against {interval(off)}" for factor, (on, off) in found.gains.items())
    apart = {f"× {factor}": paired(off, on, comparisons=len(found.gains)).verdict
             for factor, (on, off) in found.gains.items()}
    tells = [name for name, verdict in apart.items() if verdict in (BETTER, WORSE)]
    told = f"on average {listed(tells or ['none'])} clearly told them apart"
    if unjudged([*apart.values()]):
        told = "which of them tells the two apart so few seeds cannot judge"
    return (f"{data}: the gradient's norm was {size} on plateaus (× "
            f"{number(float(np.exp(mean_and_error(found.norms)[0])), 2)}); a doubled rate did better than going on at "
            f"{helped} of {counted(stuck, 'plateau')} and {at_ends} of {counted(end, 'end')}; rate {gains}: "
            f"{told}")


def thresholds(data: str, share: Share) -> str:
    """Say whether a threshold of the gradient's norm can wait until a plateau has been left."""
    word = "none waits" if share.mostly else "one could wait" if share.seldom else (
        "unclear" if share.runs >= FEWEST else "not to be judged")
    return f"{data}: in {share} runs not, {word}"


def plateaus(found: Mapping[str, Told], slow: Mapping[str, Measured]) -> str:
    """Say of all data what tells a plateau from the end."""
    before = {data: share for data, runs in slow.items() if (share := smallest_before(runs)).runs}
    waits = (" Is there a threshold of the norm that ends the slow network, but not before it has left its plateau? "
             f"{'; '.join(thresholds(data, share) for data, share in before.items())}." if before else "")
    return (f"Plateaus after which validation error still fell by {100 * STUCK:.0f} %, against ends (no new low in the last "
            "quarter), and what other rates then brought more than going on, in % of the training loss: "
            f"{'. '.join(rates(data, one) for data, one in found.items())}.{waits}")


def rules(name: str, outcomes: Mapping[str, Mapping[str, Outcome]]) -> str:
    """Say of a network which rules were fooled, which stopped near the best, and which never stopped."""
    said = []
    for data, found in outcomes.items():
        fooled = [f"{rule} (epoch {mean_and_error(one.stopped)[0]:.0f})" for rule, one in found.items() if one.fooled.mostly]
        never = [rule for rule, one in found.items() if np.isnan(one.stopped).all()]
        near = [f"{rule} (epoch {one.epochs.mean():.0f}, × {one.cost.mean():.2f})" for rule, one in found.items()
                if one.fooled.seldom and not np.isnan(one.stopped).any()]
        if 2 * len(never) > len(found):
            never = [f"all but {listed(rest)}" if (rest := [rule for rule in found if rule not in never]) else "any"]
        parts = [f"{words} {listed(some)}" for words, some in (
            (f"too soon in most runs (error above {FOOLED} times the lowest):", fooled),
            ("always, and in most near the lowest error:", near), ("never:", never)) if some]
        said.append(f"{data}: {'; '.join(parts) or 'nothing is clear of any rule'}")
    return f"Where rules stop {name}: {'. '.join(said)}."
