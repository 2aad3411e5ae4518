"""What a gradient check found: per array and per entry, and the verdict.

An entry with the analytic value a and the numerical value n agrees if |a − n| <= max(tolerance·|n|, bound). The bound is
what rounding leaves open in n. Where a and n differ and both lie within it, nothing can be said: the entry is *not judged*.
"""
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from losses.keywords import explains_arguments

TOLERANCE = 1e-6


@dataclass
class ParameterReport:
    """The comparison of one array."""

    name: str
    checked: int = 0  # entries (or directions) compared
    error: float = np.nan  # ‖analytic − numerical‖ / ‖numerical‖ over those
    worst: tuple | None = None  # index of the largest deviation; None for a direction
    analytic: float = np.nan  # the two values there
    numerical: float = np.nan
    skipped: list = field(default_factory=list)  # (index, which kink)
    not_judged: list = field(default_factory=list)  # (index, bound): both values differ, but lie within the bound
    hint: str = ""  # the classic mistake that the difference fits
    entrywise: bool = True  # False: directions, which judge the array as a whole
    least: float = 0.0  # no tolerance below this one is asked for: what the dtype allows
    largest: float = 0.0  # |numerical| of the largest entry of all arrays
    values: tuple = field(default=(), repr=False)  # (indices, analytic, numerical, bounds) of what was compared

    def fill(self, indices: Sequence[tuple[int, ...] | None], analytic: np.ndarray, numerical: np.ndarray,
             bounds: np.ndarray) -> None:
        """Take what was compared: a list of indices, and three arrays of that length."""
        self.checked = len(indices)
        if not indices:
            return
        self.values = indices, analytic, numerical, bounds
        deviation = np.abs(analytic - numerical)
        at = int(np.argmax(deviation))
        self.worst, self.analytic, self.numerical = indices[at], float(analytic[at]), float(numerical[at])
        lost = (deviation > 0) & (np.maximum(np.abs(analytic), np.abs(numerical)) <= bounds)
        self.not_judged = [(indices[k], float(bounds[k])) for k in np.flatnonzero(lost).tolist()]
        # An array that is 0 to rounding has no size of its own.
        scale = self.largest if lost.all() else np.linalg.norm(numerical)
        self.error = float(np.linalg.norm(deviation) / (scale if scale > 0 else 1))

    def worst_entry(self, tolerance: float) -> int | None:
        """Return the position, among the entries compared, of the one furthest beyond what is allowed; None: all agree."""
        if not self.checked:
            return None
        _, analytic, numerical, bounds = self.values
        deviation, allowed = np.abs(analytic - numerical), np.maximum(max(tolerance, self.least) * np.abs(numerical), bounds)
        beyond = deviation > allowed
        if not self.entrywise or not beyond.any():
            return None
        return int(np.argmax(np.where(beyond, deviation / np.where(numerical == 0, 1, np.abs(numerical)), -1)))

    def verdict(self, tolerance: float) -> bool | None:
        """Return True (agrees), False (does not) or None: nothing of it could be judged."""
        if not self.checked:
            return None
        tolerance = max(tolerance, self.least)
        _, analytic, numerical, bounds = self.values
        norm = np.linalg.norm
        if self.worst_entry(tolerance) is not None:
            return False
        scale = norm(numerical) if norm(numerical) > 0 or norm(bounds) > 0 else 1.0
        if not self.entrywise and norm(analytic - numerical) > max(tolerance * scale, norm(bounds)):
            return False
        if len(self.not_judged) == self.checked and norm(bounds) > tolerance * self.largest:
            return None
        return True

    def lines(self, tolerance: float) -> list[str]:
        """Return the lines of the report about this array."""
        where = f"{self.worst}: analytic {self.analytic:.10g}, numerical {self.numerical:.10g}" if self.checked else "-"
        lines = [f"{self.name:<20}{self.checked:>8}{self.error:>12.2e}  {where}"]
        at = self.worst_entry(tolerance)
        if at is not None:
            indices, analytic, numerical, _ = self.values
            off = abs(analytic[at] - numerical[at]) / (abs(numerical[at]) or 1)
            lines.append(f"{'':<28}{off:>12.2e}  off at the entry {indices[at]}: analytic {analytic[at]:.10g}, "
                         f"numerical {numerical[at]:.10g}")
        if self.skipped:
            index, kink = self.skipped[0]
            lines.append(f"{'':<20}{len(self.skipped):>8} skipped at kinks, the first at {index}: {kink}")
        if self.not_judged:
            index, bound = self.not_judged[0]
            lines.append(f"{'':<20}{len(self.not_judged):>8} not judged, the first at {index}: both values lie within "
                         f"rounding, {bound:.1e}")
        return lines + ([f"{'':<20}hint: {self.hint}"] if self.hint and self.verdict(tolerance) is False else [])


@explains_arguments()
@dataclass
class GradientReport:
    """What a gradient check found, one `ParameterReport` per array; print it."""

    method: str
    parameters: list[ParameterReport]
    tolerance: float = TOLERANCE

    @property
    def error(self) -> float:
        """Largest relative error of all arrays; NaN if some array could not be checked anywhere."""
        errors = [p.error for p in self.parameters]
        return float(np.max(errors)) if errors else np.nan

    def passed(self, tolerance: float | None = None) -> bool:
        """Return whether every array was checked somewhere and every entry agrees within the tolerance.

        None: the tolerance of the check. What rounding does not resolve is allowed its bound (see the module); a backend
        in float32 is asked for 1e-4 at most.
        """
        tolerance = self.tolerance if tolerance is None else tolerance
        return bool(self.parameters) and all(p.verdict(tolerance) is True for p in self.parameters)

    def verdict(self, tolerance: float | None = None) -> str:
        """Return the verdict in words: PASSED, FAILED or NOT DECIDED at the tolerance, and what is the matter where."""
        tolerance = self.tolerance if tolerance is None else tolerance
        at = f"at {np.format_float_scientific(tolerance, trim='-', exp_digits=1)}"
        found = {p.name: p.verdict(tolerance) for p in self.parameters}
        wrong, open_ = ([name for name, verdict in found.items() if verdict is kind] for kind in (False, None))
        if wrong:
            return f"FAILED {at}: {', '.join(wrong)}"
        if open_ or not found:
            return f"NOT DECIDED {at}: nothing could be judged of {', '.join(open_) or 'no array'}; nothing else is wrong"
        return f"PASSED {at}"

    def __str__(self) -> str:
        lines = [f"gradient check ({self.method})", f"{'array':<20}{'checked':>8}{'rel. error':>12}  worst at"]
        for p in self.parameters:
            lines += p.lines(self.tolerance)
        if self.method == "direction":
            lines.append("direction judges whole arrays only: a single wrong entry of a small size may hide in one")
        return "\n".join([*lines, self.verdict()])
