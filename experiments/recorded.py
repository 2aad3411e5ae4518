"""Which trainings the report's scrubber shows, what a store lacks of them, and how they are recorded.

They are made up for looking, and answer nothing: one seed, a choice of what teaches most. Twelve runs, three shares of wrong
labels times four losses: cross-entropy, whose test loss rises for as long as one trains on; flooding at a low level, which
holds the losses and still learns some wrong labels, and at a higher one, which learns fewer and costs where all labels are
right; and the hinge, which is content with a margin of 1, so that its loss becomes 0 and nothing moves any more.
"""
from .report import scrubber
from .report.web_parts import Part
from .runs.store import Store
from .runs.sweep import pool, train_missing
from .trainers.frames import SQUEEZE, TRAINER, Recording

SEED = 1
NOISES = (0.0, 0.1, 0.2)
ARMS = (("cross_entropy", 0.0), ("cross_entropy", 0.15), ("cross_entropy", 0.35), ("hinge", 0.0))
RULES = ("ZeroError()", "Patience(20)", "Patience(200)", "GL(5)", "PQ(0.5)", "UP(4)", "CorrelationDriven(20, 0, 10)",
         "LabelWave(10)", "Plateau(1e-05, 50)")
# What is worth looking at: a question, and the choice that shows it.
LOOKS = (("What do wrong labels do?", 0.1, "flooding", 0.35), ("Is a low level enough?", 0.2, "flooding", 0.15),
         ("And where all labels are right?", 0.0, "flooding", 0.35),
         ("Does a loss that becomes 0 help?", 0.1, "hinge", 0.35))
COMMAND, TAKES = "afterzero report --record", "30 s"


def runs() -> list[dict]:
    """Settings of all recordings."""
    return [Recording("scrubber", SEED, noise, loss, level, rules=RULES).settings() for noise in NOISES
            for loss, level in ARMS]


def missing(store: Store) -> int:
    """How many of the recordings a store lacks."""
    return len(store.missing(runs()))


def run(store: Store, workers: int = 0) -> int:
    """Train what is missing, on all cores or in so many processes; return how many runs that were."""
    with pool(workers=workers) as place:
        return train_missing(store, runs(), TRAINER, place, "recordings")


def part(store: Store) -> Part:
    """The scrubber, or what says how it is recorded."""
    found = [(settings, store.load(settings)) for settings in runs()]
    there = [(settings, run) for settings, run in found if run is not None]
    if len(there) < len(found):
        return scrubber.missing_part(len(found) - len(there), len(found), COMMAND, TAKES)
    return scrubber.part(there, SQUEEZE, LOOKS)
