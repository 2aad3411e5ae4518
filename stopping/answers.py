"""What a recorded run says about going on after zero training error, in sentences with the numbers they rest on."""
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .logs import Log
from .logs.names import meaning
from .noise import Change, change, flat_at_the_end, within_scatter

LATE = 0.05  # of the run: a best within it is at the end
RISE, LASTS = 0.05, 5  # of a loss, from a low to the top after it; checks until it is as low again
ALIKE = "It makes no difference that this log can show"
UNPAIRED = "; on the same samples less may be more than chance"


def findings(log: Log) -> dict[str, str]:
    """Return topic -> sentence for all that a log can tell, the topics in the order in which to read them."""
    said = {topic: finding(log) for topic, finding in TOPICS.items()}
    return {topic: text for topic, text in said.items() if text}


def verdict(log: Log) -> str:
    """Return whether going on helped: yes, no, it depends, or that this log cannot show a difference or cannot tell."""
    name = judged(log)
    if _diverged(log):
        return "No: the run diverged."
    if name is None:
        return "The log cannot tell whether going on helped: no validation metric is recognised and measured."
    if len(log[name]) == 1:
        return "The log cannot tell whether going on helped: it has one check."
    best, last = best_check(log[name]), last_check(log[name])
    if _is_at_the_end(log[name], best, last):
        return _improving(log, name, best)
    return _turned_for_good(log, name, best, last)


def _is_at_the_end(values: NDArray, best: int, last: int) -> bool:
    """Return whether the best check is the last one, or close to it and the last one no worse than scatter makes it."""
    return best == last or (last - best <= LATE * last and within_scatter(values, best, last))


def _improving(log: Log, name: str, best: int) -> str:
    if flat_at_the_end(log[name]):
        return (f"{ALIKE}: {name} is lowest at the end or close to it ({_at(log, best)}), but over the last quarter of the "
                "checks by no more than it moves from check to check.")
    return f"Yes: {name} was lowest at the end or close to it ({_at(log, best)}), and more training may help."


def _turned_for_good(log: Log, name: str, best: int, last: int) -> str:
    error = log["val_error"] if _has(log, "val_error") else None
    end = last if error is None else last_check(error)
    moved = None if error is None else change(log, best, end)
    chance = ""
    if moved is not None:
        chance = f"{'no ' * moved.is_noise}more than chance explains (±{moved.half:.2g}, {_samples(moved)})"
    fell = error is not None and bool(error[end] < error[best])  # of val_error itself best is lowest
    alike = _same(log[name][last], log[name][best])
    if not alike and within_scatter(log[name], best, last) and (moved.is_noise if moved is not None else not fell):
        return f"{ALIKE}: {name} was lowest at {_at(log, best)}, and at the end it is higher by no more than it scatters."
    if error is not None and fell:
        how_far = f"from {error[best]:.4g} there to {error[end]:.4g}"
        if moved is not None and moved.is_noise:
            return (f"No: {name} was lowest at {_at(log, best)} and got no better after it; val_error's fall {how_far} is "
                    f"{chance}.")
        return (f"It depends on what counts: {name} was lowest at {_at(log, best)}, while val_error went on falling, "
                f"{how_far}{', ' * bool(chance)}{chance}.")
    if alike:
        return f"{ALIKE}: {name} was lowest at {_at(log, best)} and is as low at the end."
    if name == "val_error" and moved is not None and moved.is_noise:
        return (f"{ALIKE}: val_error was lowest at {_at(log, best)} ({moved.best:.4g}) and is {moved.end:.4g} at the end, "
                f"{chance}.")
    return f"No: after {_at(log, best)} {name} got no better; the network of that check is the one to keep."


def _samples(moved: Change) -> str:
    return f"at least {moved.samples} validation sample{'s' * (moved.samples != 1)}"


def _missing(log: Log) -> str:
    """What cannot be judged."""
    lacking = [words for name, words in (("train_error", "whether training reached 100 %"),
                                         ("val_loss", "whether the validation loss turned"),
                                         ("val_error", "how many validation samples are wrong")) if not _has(log, name)]
    return f"The log does not say {', '.join(lacking)}." if lacking else ""


def _diverged(log: Log) -> str | None:
    """Return the loss that is no number at its last check, though it was measured."""
    return next((name for name in ("train_loss", "val_loss") if name in log and log.measured[name].any()
                 and not np.isfinite(log[name][log.measured[name]][-1])), None)


def _divergence(log: Log) -> str:
    for name in filter(None, (_diverged(log), "train_loss", "val_loss")):
        bad = np.flatnonzero(log.measured[name] & ~np.isfinite(log[name])).tolist() if name in log else []
        if bad:
            after = "the run diverged." if name == _diverged(log) else "a number again later."
            return f"{name} is {log[name][bad[0]]:g} at {_at(log, bad[0])}: {after}"
    return ""


def _zero(log: Log) -> str:
    """When training accuracy reached 100 %, and what happened since."""
    if not _has(log, "train_error"):
        return ""
    error = log["train_error"]
    zero = np.flatnonzero(error == 0)
    if not len(zero):
        return f"Training accuracy never reached 100 %; its highest is {_share(1 - float(np.nanmin(error)))} %."
    first = int(zero[0])
    since = [f"{name} went from {before:.4g} to {after:.4g}" for name in ("val_loss", "val_error")
             if _has(log, name) and (pair := _between(log, name, first)) for before, after in [pair]]
    return (f"Training accuracy reached 100 %, to the digits of the log, at {_at(log, first)}" + (" and did not stay there"
            if (error[first:] > 0).any() else "") + (f"; since then {' and '.join(since)}." if since else "."))


def _turned(log: Log) -> str:
    """Whether the loss turned while the error did not."""
    if not _has(log, "val_loss") or len(log["val_loss"]) == 1:
        return ""
    loss, best = log["val_loss"], best_check(log["val_loss"])
    last = last_check(loss)
    if (log.measured["val_loss"] & ~np.isfinite(loss))[last:].any():
        return f"val_loss is lowest at {_at(log, best)} ({loss[best]:.4g}) and no number after {_at(log, last)}."
    if last == best or _same(loss[last], loss[best]):
        return f"val_loss is lowest at the end ({loss[last]:.4g}): {_rise(log, loss, last) or 'it has not turned'}."
    said = f"val_loss is lowest at {_at(log, best)} ({loss[best]:.4g}) and {loss[last]:.4g} at the end"
    if within_scatter(loss, best, last):
        return f"{said}, by no more than it scatters: it has not turned that this log can show."
    if not _has(log, "val_error"):
        return f"{said}: it turned."
    error = log["val_error"]
    lowest, end = best_check(error), last_check(error)
    at_best = error[best] if np.isfinite(error[best]) else error[lowest]
    where = f"val_error is lowest at {_at(log, lowest)} ({error[lowest]:.4g}) and {error[end]:.4g} at the end"
    moved = change(log, best, end)
    if moved is not None and moved.is_noise and moved.best != moved.end:
        return f"{said}; {where}: the loss turned, and the error changed by no more than chance explains."
    if error[end] < at_best:
        return f"{said}, while {where}: the loss turned and the error went on falling."
    return f"{said}; {where}: the loss turned, and the error " + ("rose too." if error[end] > at_best else "did not rise.")


def _rise(log: Log, loss: NDArray, last: int) -> str:
    """The largest rise before a best at the end, as between two descents; "" where none is plain to see."""
    known = np.flatnonzero(np.isfinite(loss[:last + 1]))
    peak = int(known[np.argmax(loss[known] - np.minimum.accumulate(loss[known]))])
    low = best_check(loss[:peak + 1])
    back = next((check for check in range(peak, last) if loss[check] <= loss[low]), last)
    if back - low < LASTS or loss[peak] - loss[low] <= RISE * abs(loss[low]) or within_scatter(loss, low, peak):
        return ""
    return f"it rose from {loss[low]:.4g} at {_at(log, low)} to {loss[peak]:.4g} at {_at(log, peak)}, and fell again"


def _past_the_best(log: Log) -> str:
    name = judged(log)
    if name is None:
        return ""
    best, last = best_check(log[name]), len(log[name]) - 1
    end = last_check(log[name])
    if last == 0 or flat_at_the_end(log[name]):
        return ""
    if _is_at_the_end(log[name], best, end):
        return f"By {name} the run still improved at its end: it may have been stopped too early."
    if _same(log[name][best], log[name][end]) or within_scatter(log[name], best, end):
        return ""
    return f"By {name} the run went on for {last - best} of its {last + 1} checks after its best."


def _noise(log: Log) -> str:
    """Whether the error changed by more than the size of the validation set explains, since the loss (or it) was lowest."""
    if not _has(log, "val_error"):
        return ""
    error = log["val_error"]
    by = "val_loss" if _has(log, "val_loss") and np.isfinite(error[best_check(log["val_loss"])]) else "val_error"
    best, end = best_check(log[by]), last_check(error)
    moved = change(log, best, end)
    if moved is None or moved.best == moved.end:
        return ""
    verdict = "no more than" if moved.is_noise else "more than"
    return (f"By the steps of the accuracy there are {_samples(moved)}; if it is so many, val_error's change by "
            f"{moved.end - moved.best:+.3g} from the lowest {by} to the end is {verdict} chance explains (95 %, unpaired: "
            f"±{moved.half:.2g}{UNPAIRED if moved.is_noise else ''}).")


def _validation_better(log: Log) -> str:
    """Whether validation is better than training, early only or throughout."""
    for name in ("error", "loss"):
        if not (_has(log, f"train_{name}") and _has(log, f"val_{name}")):
            continue
        sources = [log.reading.sources.get(f"{part}_{name}", "") for part in ("train", "val")]
        if len({meaning(source)[2] // 2 for source in sources}) > 1:
            continue  # a mean squared error and a loss are not alike
        both = np.isfinite(log[f"train_{name}"]) & np.isfinite(log[f"val_{name}"])
        better = (log[f"val_{name}"] < log[f"train_{name}"])[both]
        if not better.any():
            continue
        share = float(better.mean())
        if share >= 0.9:
            return (f"val_{name} is below train_{name} at {100 * share:.0f} % of the checks, throughout. The log cannot "
                    "tell apart: dropout or augmentation in training only, a penalty in the training loss, an easier or "
                    "leaking validation set.")
        checks = int(better.sum())
        if not better[len(better) // 2:].any():
            return (f"val_{name} is below train_{name} early only ({checks} check{'s' * (checks > 1)}): what an average "
                    "over an epoch of changing weights shows, and dropout or augmentation too.")
        return f"val_{name} is below train_{name} at {checks} of {len(better)} checks, now and then."
    return ""


TOPICS: dict[str, Callable[[Log], str]] = {
    "zero training error": _zero, "turn": _turned, "past the best": _past_the_best, "noise": _noise,
    "validation better than training": _validation_better, "divergence": _divergence, "not judged": _missing}


def judged(log: Log) -> str | None:
    """Return what solutions are judged by: the first that is measured at half of the checks or more, else any."""
    known = [name for name in ("test_loss", "val_loss", "val_error") if _has(log, name)]
    sources = log.reading.sources
    if "val_loss" in known and sources.get("test_loss") == sources.get("val_loss"):  # a test taken for the validation
        known = [name for name in known if name != "test_loss"]
    return next((name for name in known if 2 * np.isfinite(log[name]).sum() >= len(log[name])), next(iter(known), None))


def _same(value: float, other: float) -> bool:
    """Return whether two numbers are the same to the digits that are shown."""
    return f"{value:.4g}" == f"{other:.4g}"


def _share(share: float) -> str:
    """Return a share in percent, with as many digits as keep it from being rounded to 100."""
    short = f"{100 * share:.4g}"
    return short if short != "100" else f"{100 * share:.10g}"


def _has(log: Log, name: str) -> bool:
    return name in log and bool(np.isfinite(log[name]).any())


def best_check(values: NDArray) -> int:
    """Return the check, from 0, with the lowest finite one of (C,)."""
    return int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))


def last_check(values: NDArray) -> int:
    """Return the last check, from 0, with a finite one of (C,)."""
    return int(np.flatnonzero(np.isfinite(values))[-1])


def _between(log: Log, name: str, first: int) -> tuple[float, float] | None:
    known = np.flatnonzero(np.isfinite(log[name]))
    known = known[known >= first]
    return (float(log[name][known[0]]), float(log[name][known[-1]])) if len(known) > 1 else None


def _at(log: Log, check: int) -> str:
    epochs = log.reading.epochs
    if epochs is not None and np.isfinite(epochs[check]):
        return f"epoch {epochs[check]:.15g}"
    return f"check {check + 1}"
