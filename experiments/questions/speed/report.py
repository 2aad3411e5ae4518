"""What speed reports: tables, Markdown and sentences, all computed from stored measurements."""
import math
from dataclasses import dataclass, field
from datetime import datetime, timezone
from os import PathLike
from typing import Any

import numpy as np

from ...report.tables import Table, number
from ...runs import outputs
from ...runs.identity import cpu_name
from ...runs.runner import cores
from ...runs.store import Run, Store
from . import cold, growth
from .contenders import CONTENDERS, OURS, SGEMM, by_name, versions
from .harness import TIE, Spread, fastest, judged, ratio, verdict
from .race import TIMING_ONLY, VALIDATED
from .workloads import WORKLOADS, Target, flops


@dataclass(frozen=True)
class Result:
    """One measurement with what was measured.

    Attributes
    ----------
    part : speed.Part
    run : Run
    """

    part: Any
    run: Run

    @property
    def status(self) -> dict[str, str]:
        """Of a race: contender -> "ok", "timing only", or why it has no times."""
        return {str(name): str(words) for name, words in self.run.arrays["status"]}

    @property
    def clock(self) -> str:
        """"cpu" on one core, which other programs disturb least, "wall" on several."""
        return "cpu" if self.part.threads == 1 else "wall"

    def seconds(self, name: str) -> np.ndarray:
        """Seconds per epoch of a contender in each round, (rounds,); of "sgemm" per product."""
        return self.run.curves.get(f"{self.clock}.{name}", np.empty(0))

    def medians(self) -> dict[str, float]:
        """Median seconds per epoch of every contender that finished, fastest first."""
        found = {name: float(np.median(self.seconds(name))) for name in self.status if self.seconds(name).size}
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def best_peer(self) -> str | None:
        """The fastest contender that is not ours."""
        return fastest({name: median for name, median in self.medians().items() if name != OURS})

    def versus(self, peer: str | None) -> Spread:
        """Ratio ours / a peer; NaN when one of them has no times."""
        ours, theirs = self.seconds(OURS), self.seconds(peer or "")
        return ratio(ours, theirs) if ours.size and theirs.size else Spread.of([])

    def rate(self, name: str) -> float:
        """Operations per second of a contender's matrix products."""
        work = by_name(SGEMM).load("mlp").flops() if name == SGEMM else flops(self.part.subject)
        return work / float(np.median(self.seconds(name)))


@dataclass(frozen=True)
class Results:
    """All measurements of a configuration."""

    config: Any
    races: list[Result] = field(default_factory=list)
    cold: list[Result] = field(default_factory=list)
    growth: list[Result] = field(default_factory=list)

    def measured(self) -> float:
        """When the first of them was made, seconds since 1970."""
        return min(result.run.scalars["measured"] for result in (*self.races, *self.cold, *self.growth))


def gathered(store: Store, config: Any, parts: Any) -> Results:
    """Load the measurements of a configuration, its `parts`.

    Raises
    ------
    StoreError
        When some are missing.
    """
    results = Results(config)
    for part in parts:
        kind = {"race": results.races, "cold": results.cold, "growth": results.growth}[part.kind]
        kind.append(Result(part, store.require(part.settings)))
    return results


def targets(result: Result) -> list[Target]:
    """What is promised of a race with its number of threads."""
    name = result.part.subject.name
    promised = next(workload.targets for workload in WORKLOADS if workload.name == name)
    return [target for target in promised if target.threads == result.part.threads]


# --- tables ---

def all_tables(results: Results) -> list[Table]:
    """Summary, races, first epochs, growth: those that were measured."""
    tables = [summary(results.races, results.config)] if results.races else []
    tables += [race_table(result, results.config.baseline) for result in results.races]
    tables += [cold_table(results.cold)] if results.cold else []
    return tables + ([growth_table(results.growth)] if results.growth else [])


def _threads(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


def _milliseconds(spread: Spread) -> str:
    return f"{number(1e3 * spread.median)} [{number(1e3 * spread.low)}–{number(1e3 * spread.high)}]"


def _ratio(spread: Spread) -> str:
    return "–" if math.isnan(spread.median) else f"{spread.median:.3g} [{spread.low:.3g}–{spread.high:.3g}]"


def summary(races: Any, config: Any) -> Table:
    """One line per target: ours, the peer, the ratio, and whether the target is met."""
    rows = []
    for result in races:
        for target in targets(result) or [Target(result.part.threads, math.inf)]:
            peer = target.versus or result.best_peer()
            spread = result.versus(peer)
            measured = Spread.of(result.seconds(OURS))
            wanted = "–" if math.isinf(target.most) else f"≤ {target.most:.3g}"
            found = "–" if math.isinf(target.most) or config.share != 1 else judged(spread.median, target.most)
            rows.append((f"{result.part.subject.name}, {_threads(result.part.threads)}", _milliseconds(measured),
                         peer or "none", _ratio(spread), verdict(spread.median), wanted, found))
    note = (f"ratios of each round, median [quartiles]; within {TIE} either way is a tie. {hardware()}. "
            f"{'; '.join(f'{package} {version}' for package, version in versions().items())}")
    missing = sorted({contender.package for contender in CONTENDERS if contender.version() is None})
    if missing:
        note += f"\nNOT INSTALLED, so not compared with: {', '.join(missing)} (pip install -e '.[peers]')"
    columns = ("", "ours, ms per epoch", "peer", "ours / peer", "verdict", "target", "")
    return Table(f"Time of {OURS} / time of a peer", columns, rows, note)


def hardware() -> str:
    """Processor and cores in words."""
    return f"{cpu_name()}, {cores()} core{'s' if cores() > 1 else ''}"


def race_table(result: Result, baseline: str) -> Table:
    """Every contender of one race, fastest first."""
    workload, threads = result.part.subject, result.part.threads
    medians, status = result.medians(), result.status
    baseline = baseline if baseline in medians else "numpy" if "numpy" in medians else ""
    peak, rows = result.rate(SGEMM), []
    for name, median in medians.items():
        difference = result.run.scalars.get(f"difference.{name}")
        rows.append((name, _milliseconds(Spread.of(result.seconds(name))),
                     f"{median / medians[OURS]:.3g}" if OURS in medians else "–",
                     f"{medians[baseline] / median:.3g}" if baseline else "–",
                     f"{100 * result.rate(name) / peak:.2g}" if status[name] == VALIDATED else "–",
                     status[name] if difference is None else f"{difference:.0e}",
                     number(result.run.scalars[f"first.{name}"])))
    notes = [f"{flops(workload) / 1e6:.3g} MFLOP per epoch; peak (sgemm 2048, NumPy): {peak / 1e9:.3g} GFLOP/s; "
             f"{'CPU' if result.clock == 'cpu' else 'wall'} time, {len(result.seconds(SGEMM))} rounds"]
    notes += [f"{name}: {words}" for name, words in status.items() if words not in (VALIDATED, TIMING_ONLY)]
    return Table(f"{workload.name}: {workload.title}, N {workload.samples}, {_threads(threads)}",
                 ("", "ms per epoch [quartiles]", "x ours", f"x faster than {baseline}", "% of peak", "loss differs",
                  "first call, s"), rows, "\n".join(notes))


def cold_table(results: Any) -> Table:
    """Seconds from the start of a process to its first epoch."""
    rows, notes = [], []
    for result in results:
        start = result.part.subject
        if not result.run.curves:
            notes.append(f"{start.title}: {result.run.arrays['status'][0]}")
            continue
        cold_time, warm, compilation = latencies(result)
        cpu = [float(np.median(result.run.curves[name])) for name in ("cold_cpu", "warm_cpu")]
        found = f"{judged(compilation, cold.COMPILATION_MOST)}; {judged(warm, cold.WARM_MOST)}" if start.promised else ""
        rows.append((start.title, *(f"{seconds:.2f}" for seconds in (cold_time, warm, *cpu, compilation)), found))
    notes.insert(0, f"medians; promised: at most {cold.COMPILATION_MOST:g} s of compilation, {cold.WARM_MOST:g} s warm. "
                    "Cold: no cache of compiled code; warm: with the cache that the cold start left; compilation: the "
                    "difference in CPU time (of the process itself: helpers that torch starts are not in it). Every start "
                    "includes drawing the initial weights with nn, whose import takes about 0.1 s")
    return Table("W6: from the start of a process to the end of its first epoch, s (1 core)",
                 ("", "cold", "warm", "cold, CPU", "warm, CPU", "compilation", "promised"), rows, "\n".join(notes))


def latencies(result: Result) -> tuple[float, float, float]:
    """Median cold and warm seconds (wall), and the median difference of their CPU seconds: the compilation."""
    curves = result.run.curves
    return (float(np.median(curves["cold"])), float(np.median(curves["warm"])),
            float(np.median(curves["cold_cpu"] - curves["warm_cpu"])))


def growth_table(results: Any) -> Table:
    """Fitted exponents per axis."""
    rows = []
    notes = ["exponent p: seconds per epoch grow as size to the p, fitted to the lower and the upper half of the sizes"]
    for result in results:
        axis, run = result.part.subject, result.run
        if not run.curves:
            notes.append(f"{axis.name}: {run.arrays['status'][0]}")
            continue
        low, high = growth.exponents(run)
        sizes, seconds, share = run.curves["size"], run.curves["seconds"], 100 * run.curves["flops"] / run.scalars["peak"]
        rows.append((axis.title, f"{sizes[0]:.0f}–{sizes[-1]:.0f}", f"{1e3 * seconds[0]:.3g}–{1e3 * seconds[-1]:.3g}",
                     f"{low:.2f}", f"{high:.2f}", f"{share[0]:.2g}–{share[-1]:.2g}"))
    return Table(f"Growth of {OURS}, 1 core", ("size", "from–to", "ms per epoch", "p, lower", "p, upper", "% of peak"), rows,
                 "\n".join(notes))


# --- Markdown ---

def _markdown(table: Table) -> str:
    def line(cells: Any) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
    head = [line(table.columns), "|" + "---|" * len(table.columns)]
    return "\n".join([f"**{table.title}**", "", *head, *map(line, table.rows), "", *table.note.splitlines(), ""])


def write_markdown(results: Results, path: str | PathLike[str]) -> Any:
    """Write all tables for a README, with date and hardware; returns the path."""
    day = datetime.fromtimestamp(results.measured(), timezone.utc).date().isoformat()
    parts = [f"Measured {day} (UTC) on {hardware()}.", "", *map(_markdown, all_tables(results)),
             *sentences(results), ""]
    with outputs.writing(path, text=True) as file:
        file.write("\n".join(parts))
    return path


# --- the answer ---

def sentences(results: Results) -> list[str]:
    """What is met, where a peer wins, and how ours grows; every word follows the numbers."""
    said = [_opening(results.races)]
    if results.races:
        said.append(_against_peers(results.races))
    if results.races and results.config.share == 1:
        said.append(_targets_met(results.races))
    said += [_first_epoch(result) for result in results.cold if result.part.subject.promised and result.run.curves]
    failed = [f"{name} on {result.part.subject.name}" for result in results.races
              for name, words in result.status.items() if words.startswith("FAILED")]
    if failed:
        said.append(f"FAILED, and excluded from all ratios: {', '.join(failed)}.")
    grown = [result for result in results.growth if result.run.curves]
    if grown:
        said.append("Time per epoch grows, for large sizes, as " + ", ".join(
            f"{result.part.subject.name} to the {growth.exponents(result.run)[1]:.2f}" for result in grown) + ".")
    return said if said[1:] else [*said, "Nothing was measured."]


def _opening(races: Any) -> str:
    """Return whether ours is at least as fast as the fastest peer of each workload."""
    ratios = [value for result in races if not math.isnan(value := result.versus(result.best_peer()).median)]
    if not ratios:
        return "It depends on peers and workloads, none of which could be compared."
    slower = sum(value >= TIE for value in ratios)
    return "Yes." if not slower else "No." if slower == len(ratios) else (
        f"It depends on the workload: it is as fast in {len(ratios) - slower} of {len(ratios)} races.")


def _against_peers(races: Any) -> str:
    outcomes: dict[str, list[str]] = {"faster": [], "a tie": [], "slower": []}
    for result in races:
        value = result.versus(result.best_peer()).median
        if not math.isnan(value):
            word = "faster" if value <= 1 / TIE else "slower" if value >= TIE else "a tie"
            words = f"{result.part.subject.name} on {_threads(result.part.threads)}"
            outcomes[word].append(words if word == "a tie" else f"{words} ({max(value, 1 / value):.3g} x)")
    listed = [f"{word}: {', '.join(found)}" for word, found in outcomes.items() if found]
    return ("Against the fastest installed peer of each workload ours is " + "; ".join(listed) + "." if listed
            else "No peer could be compared.")


def _targets_met(races: Any) -> str:
    lines = [(result, target, result.versus(target.versus or result.best_peer()).median)
             for result in races for target in targets(result)]
    lines = [(result, target, value) for result, target, value in lines if not math.isnan(value)]
    missed = [f"{result.part.subject.name} on {_threads(target.threads)}" + (
                  f" against {target.versus}" if target.versus else "") + f" ({value:.3g} instead of {target.most:.3g})"
              for result, target, value in lines if value > target.most]
    return (f"{len(lines) - len(missed)} of {len(lines)} targets for ratios are met"
            + (f"; missed: {', '.join(missed)}." if missed else "."))


def _first_epoch(result: Result) -> str:
    cold_time, warm, compilation = latencies(result)
    return (f"The first epoch is done {warm:.2f} s after the start of the process ({judged(warm, cold.WARM_MOST)}: at most "
            f"{cold.WARM_MOST:g} s), {cold_time:.1f} s when everything must be compiled ({compilation:.1f} s of "
            f"compilation, {judged(compilation, cold.COMPILATION_MOST)}: at most {cold.COMPILATION_MOST:g} s).")
