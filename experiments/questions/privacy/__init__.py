"""Does zero loss leak who was in the training set?

Digits are learnt to zero error and on to a cross-entropy near zero. Membership attacks then ask of every sample whether
the model was trained on it: by its loss (Yeom et al., CSF 2018), its confidence, the entropy of the answer, that entropy
with the label in it (Song & Mittal, USENIX Security 2021), and by how models answer that have never seen it (LiRA, Carlini
et al., IEEE S&P 2022). Inputs are reconstructed by climbing to what the model is sure of, with its gradients or with outputs
alone. Against them stand early stopping, flooding, RelaxLoss (Chen et al., ICLR 2022) and dropout.
"""
from collections.abc import Sequence
from pathlib import Path

from ...report.compare import FEWEST
from ...report.tables import Table
from ...report.words import counted
from ...runs.store import Store
from ...trainers.exposure import DIRECTIONS, STEPS
from .attacked import ATTACKS, LIRA, RATE, Case, gather, interval  # noqa: F401 (gather: what a question consists of)
from .cases import Config, runs

RUN_TIMES = {"quick": "10 s", "default": "2 min", "full": "1 h 30 min"}  # on 2 cores
QUERIES = 2 * DIRECTIONS * STEPS  # of the black box, per image
SURE = ("loss", "modified entropy", LIRA)  # attacks whose other figures have a column


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, runs(config))


def tables(results: Sequence[Case]) -> list[Table]:
    """Two tables per case: what membership attacks find out, and what reconstructions show; a row per model."""
    return [table for case in results for table in (_membership(case), _reconstruction(case))]


def _membership(case: Case) -> Table:
    heads = ["model", "epoch", "training loss", "test error, %", *(f"AUC, {attack}" for attack in ATTACKS),
             *(f"caught, {attack}, %" for attack in SURE), *(f"balanced, {attack}, %" for attack in SURE)]
    rows = [[name, *(interval(one.values(figure, factor)) for figure, factor in (
        ("epoch", 1), ("train_loss", 1), ("test_error", 100))), *(interval(one.found("auc", attack)) for attack in ATTACKS),
        *(interval(one.found(kind, attack), 100) for kind in ("caught", "balanced") for attack in SURE)]
        for name, one in case.rows.items()]
    return Table(f"Membership, {case.title} ({_runs(case)})", heads, rows,
                 "AUC: probability that a member scores higher than another sample, 0.5 is chance. caught: members above a "
                 f"threshold that {100 * RATE:.0f} % of the others exceed. balanced: accuracy, of members and others "
                 "alike, at the threshold that is best for the other runs.")


def _reconstruction(case: Case) -> Table:
    figures = [(box, what) for box in ("white", "black") for what in ("class", "mean", "nearest")]
    heads = ["model", *(f"{box} box, {what}" for box, what in figures)]
    rows = [[name, *(interval(one.values(f"{box}_{what}")) for box, what in figures)] for name, one in case.rows.items()]
    return Table(f"Reconstruction, {case.title} ({_runs(case)})", heads, rows,
                 "Differences of correlations, 0 where nothing is shown. class: with the mean of the class's samples that "
                 "were not trained on, less the other classes'. mean: with the mean of the class's members, less that of as "
                 f"many others. nearest: with the most similar of these. The black box takes {QUERIES} outputs an image.")


def _runs(case: Case) -> str:
    return counted(case.seeds, "run") + (", mean ± 95 % interval" if case.seeds >= FEWEST else "")


def figures(results: Sequence[Case], folder: Path) -> list:
    """Draw all figures."""
    from . import drawing

    return [*drawing.draw_length(results, folder / "privacy.png"),
            *drawing.draw_defences(results, folder / "privacy_defences.png"),
            *drawing.draw_images(results[0], folder / "privacy_images.png")]


def answer(results: Sequence[Case]) -> str:
    """Open with yes, no or what it depends on; then training length, attacks, defences, reconstruction."""
    from .sentences import sentences

    return " ".join(sentences(results))
