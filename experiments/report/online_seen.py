"""What an on-line loop sees: the loss of every pattern before it is learnt, its averages, and losses of frozen weights."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import plots
from .arms import text
from .compare import AGREES, DEVIATES, UNCLEAR, UNKNOWN, agreement
from .measured import Measured
from .online import at_epoch
from .rises import ends
from .words import listed

NEAR = 0.03  # share by which an estimate of a loss may be off
# Figure: what it is called, hue, part of the data. Frozen weights are those of on-line training and have its hue on both
# parts; averages of losses before each update are other measures, of patterns that may or may not have been seen before.
LINES = (("running", "running average", plots.SKY, ""), ("average", "epoch's average", plots.PURPLE, ""),
         ("train_loss", "frozen", plots.RED, "train"), ("val_loss", "frozen", plots.RED, "val"))


def seen(runs: Measured, train: int, epoch: int) -> dict[str, np.ndarray]:
    """What on-line runs on so many patterns see around an epoch: figures (seeds,), nats.

    `scatter` of single patterns, `running` and `average`; with frozen weights `half` an epoch before its end, `train_loss`
    and `val_loss` at its end, and `val_mean`, the mean of the validation loss over the epoch.
    """
    last = epoch * train
    single = np.array([one.arrays["losses"][last - train:last] for one in runs.runs])
    t = runs.curves("epoch")[0]
    within = (t >= epoch - 1) & (t <= epoch)
    steps = np.diff(t[within])
    ends_of_steps = runs.curves("val_loss")[:, within]
    mean = ((ends_of_steps[:, 1:] + ends_of_steps[:, :-1]) / 2) @ steps
    return {"scatter": single.std(axis=1), **{name: at_epoch(runs, name, epoch) for name in ("running", "average")},
            "half": at_epoch(runs, "train_loss", epoch - 0.5),
            **{name: at_epoch(runs, name, epoch) for name in ("train_loss", "val_loss")}, "val_mean": mean}


def judged(gaps: np.ndarray, losses: np.ndarray) -> str:
    """Say whether a figure (seeds,), by its gaps to losses, is one of these, to within `NEAR`."""
    return {AGREES: "is", DEVIATES: "is not", UNCLEAR: "may be", UNKNOWN: "is, for all these runs can tell,"}[
        agreement(gaps / losses, 0, NEAR)] + f" (to {100 * NEAR:g} %)"


def told(runs: Measured, train: int, epochs: Sequence[int]) -> str:
    """Say what the averages are worth in some epochs, the first of which is 1."""
    around = {epoch: seen(runs, train, epoch) for epoch in epochs}
    gaps = {epoch: one["average"] - one["val_mean"] for epoch, one in around.items()}

    def over(differences: Any) -> str:
        return listed(f"{text(values)} in epoch {epoch}" for epoch, values in differences.items())
    later = over({epoch: gap for epoch, gap in gaps.items() if epoch > 1}) if len(gaps) > 1 else "there is none"
    return (f"What an on-line loop sees: in the first pass, when no pattern has been seen before, the average of the errors "
            f"before each update {judged(gaps[1], around[1]['val_mean'])} the validation loss over the same epoch "
            f"({text(gaps[1])} nats above); later it is of training patterns ({later}). Less the training loss of the "
            f"epoch's last, frozen weights it is "
            f"{over({epoch: one['average'] - one['train_loss'] for epoch, one in around.items()})}, less that of the "
            f"weights half an epoch ago {listed(text(one['average'] - one['half']) for one in around.values())}.")


def single_panel(run: Any, train: int, average: Any, epochs: int, axis: Any) -> None:
    """The loss of every pattern of one on-line run, and what is made of it; `average` is a new `stopping.RunningAverage`."""
    t, losses = run.curves["epoch"], run.arrays["losses"][:epochs * train]
    seen = (np.arange(len(losses)) + 1) / train
    average.reset()
    axis.plot(seen, losses, ".", ms=3, color=plots.ink(plots.GREY), alpha=0.6, mew=0)
    axis.plot([], [], ".", ms=8, color=plots.ink(plots.GREY), label="single patterns")
    (_, running, moving, _), (_, whole_epoch, level, _), *frozen = LINES
    plots.curve(axis, seen, [[average.update(loss) for loss in losses]], running, hue=moving, split="")
    shown, whole = t <= epochs, (t > 0) & (t <= epochs) & (t == np.round(t))
    for name, label, hue, split in frozen:
        plots.curve(axis, t[shown], [run.curves[name][shown]], label, hue=hue, split=split)
    for place, (epoch, value) in enumerate(zip(t[whole], run.curves["average"][whole], strict=True)):
        axis.plot([epoch - 1, epoch], [value] * 2, color=plots.ink(level), lw=2.5, label="" if place else whole_epoch)
    axis.set(xlabel="epoch", ylim=(0, 1.25 * np.nanmax([run.curves["val_loss"][shown].max(), 1e-3])))


def means_panel(runs: Measured, axis: Any) -> None:
    """The same measures at the ends of epochs, means over seeds."""
    for name, label, hue, split in LINES:
        values = ends(runs, name)
        plots.curve(axis, np.arange(1, values.shape[1] + 1), values, label, hue=hue, split=split)
    axis.set_xlabel("epoch (log)")
    plots.log(axis, "x")
