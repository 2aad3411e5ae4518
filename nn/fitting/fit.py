"""fit: on-line, mini-batch and full-batch training, recorded as a History."""
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from losses.base import Loss
from losses.keywords import explains_arguments

from .. import compiling, elsewhere
from ..model import Model
from ..optimizers import Optimizer
from ..processor import one_blas_thread, thread_limit
from .checkpoint import RunFile
from .history import History, TrainingInterrupted
from .run import BestKeeper, TrainingRun
from .settings import Settings


@explains_arguments(elsewhere.FIT)
def fit(model: Model, x: ArrayLike, y: ArrayLike, *, loss: Loss, optimizer: Optimizer, epochs: int,
        batch_size: int | None = 32, penalty: Any = None, validation: Sequence[Any] | None = None,
        test: Sequence[Any] | None = None, metrics: str | Iterable[str] = (), stopping: Any = None,
        restore_best: bool = True, check_every: int | Sequence[int] | None = None, lengths: ArrayLike | None = None,
        augment: Callable[..., Any] | None = None, clip_norm: float | None = None, seed: int = 0, progress: bool = True,
        checkpoint: str | PathLike[str] | None = None, on_check: Callable[..., Any] | None = None,
        on_epoch: Callable[..., Any] | None = None, threads: int | None = None, drop_last: bool = False,
        frozen: Sequence[int | str] = (), resume: str | None = None,
        sample_weight: ArrayLike | None = None) -> History:
    """Train a model and return the record of its training.

    Parameters
    ----------
    model : MLP or RNN
        Trained in place.
    x : array (N, D), for an RNN (N, T, D) or integer tokens (N, T)
        Cast once to the model's dtype.
    y : array
        As `loss` wants it: class ids (N,), or targets (N, K).
    loss : losses.Loss
        Flooding included.
    optimizer : SGD, Adam, AdamW, RPROP
        Its state starts afresh.
    epochs : int
    batch_size : int or None
        1 is on-line training (an update after every pattern), None or more than N full batch. The last batch of an epoch
        may be smaller (see `drop_last`); every batch's loss is a mean over its own size.
    penalty : losses.L1, losses.L2 or a sum of them, optional
        Added to the objective outside the flood.
    validation, test : (x, y), or (x, y, lengths) for an RNN, optional
    metrics : names, optional
        "margin_min", "margin_median", "gradient_norm", "update_norm", "prediction_changes", "evidence" (see evidence.py),
        "seconds"; for networks of weight matrices alone (bias-free, relu) also "margin_normalized" and "margin_smoothed",
        see losses/margins.py.
    stopping : criterion, optional
        Asked after every check; anything with `requires`, `reset()`, `update(**row) -> bool` and `best_step`.
    restore_best : bool
        With a criterion that has a best, give the model those weights on every way out: stop, end, Ctrl-C, divergence.
    check_every : None, int, or sequence of int
        Updates between checks. None: once an epoch. 0: only at the end. A number: every so many updates, and at the end.
        A sequence: after exactly these numbers of updates (0: before the first).
    lengths : array (N,), for an RNN
        Valid steps of each sequence; None: all.
    augment : callable(x, y, rng) -> (x, y), optional
        Called once per epoch on the whole training set, see augmentation.py; y may become soft targets. Losses and
        errors of the History are those of the set as it was given.
    clip_norm : float > 0, optional
        Scale a longer gradient (penalty included) down to this norm.
    seed : int
        Of the orders: epoch e uses ``np.random.default_rng([seed, e]).permutation(N)``.
    progress : bool
        Show a progress bar, if standard error is a terminal.
    checkpoint : path, optional
        Written at the end of every epoch. If the file exists, the run goes on from there and ends bit for bit as if it had
        never been interrupted; a file of a different configuration raises CheckpointError. Other `epochs` are no different
        configuration: with more of them a run that is done is trained on, and ends as the longer run would have, because
        schedules state their own horizon. A check that was made because the run ended, where the longer one has none (see
        `check_every`), is then forgotten with all that it decided.
    on_check : callable(model, row), optional
        Called after every check with the model as it is and the row of the History.
    on_epoch : callable(model, epoch) -> bool, optional
        Called after every epoch, whatever `check_every` says and before a check, until it returns True: for what is looked
        for often and measured at little cost, such as the first epoch without a training error. It may not change the
        model. A resumed run calls it after the epochs that it trains itself.
    threads : int, optional
        At most so many threads in the kernels, checks included; the result does not depend on it.
    drop_last : bool
        Leave out the last batch of an epoch where it would be smaller than the others: its samples, others in every epoch,
        are not trained on in this one. Losses and errors of the History are those of all samples all the same. With batch
        normalisation that is the remedy for a last batch of one.
    frozen : sequence of layer numbers or parameter names, optional
        What stays as it is, bit for bit: of layer 1 that is W1, b1, gamma1, beta1 and its running statistics (which rest
        where both gamma and beta do; the batch is normalised by its own as ever). Its optimizer state does not move
        either, and neither weight decay nor penalty act on it. `clip_norm` is the norm of the gradient of the others alone.
    resume : None or "anyway"
        "anyway": go on from a checkpoint although the state of a callable (`augment`, a loss, a schedule) cannot be known,
        so that nobody can tell whether it is still the same. What is known to differ is refused all the same.
    sample_weight : array (N,), >= 0, optional
        How much each sample counts (for an RNN each sequence, at all of its steps): the objective of a batch is
        J = Σ w ℓ / Σ w, then flooded, so in batches of one only a weight of 0 makes a difference. `CrossEntropy` has weights
        of classes besides. A batch that weighs 0 moves nothing, and is counted as an update. Batch normalisation counts all
        samples the same. After `augment` a sample keeps the weight of its place, and has the class weights of its new
        targets; `Mixup` does not mix weights. Losses, errors and metrics of the History stay raw; `train_loss_weighted` and
        `train_error_weighted` stand beside them (with class weights those of validation and test as well).

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        For arguments, naming the argument, what was received and what is accepted; the model is unchanged then (unless
        it is `augment` that returned something wrong, in the middle of training).
    CheckpointError
        For a checkpoint that this run cannot have written, whatever is in it; the file, the model and the criterion are
        then as they were.
    TrainingDiverged
        When a loss is not finite.
    TrainingInterrupted
        On Ctrl-C.

    """
    settings = Settings.of(locals())
    run = TrainingRun(model, {"training": (x, y, lengths), "validation": validation, "test": test}, settings)
    keeper = BestKeeper(run)
    file = RunFile(run, keeper)
    try:
        # Overflow on the way to divergence is reported once, as TrainingDiverged.
        with (np.errstate(over="ignore", invalid="ignore"), one_blas_thread(), thread_limit(run.threads),
              progress_bar(progress, run.total) as advance):
            train(run, keeper, file, advance)
    except KeyboardInterrupt:
        raise TrainingInterrupted(run.history) from None
    finally:
        keeper.restore()
    return run.history


def train(run: TrainingRun, keeper: BestKeeper, file: RunFile, advance: Callable[..., None]) -> None:
    """Alternate training and checks until the criterion stops or all updates are done."""
    file.start()
    run.model.answer_as(run.sets["train"].answers)
    advance(run.update, np.nan)
    for point in run.check_points.after(run.history.checks):
        if run.history.stopped_epoch is not None:
            return
        run.train_until(point, advance, file)
        before = file.state() if run.check_points.only_ends_there(point) else None  # a longer run goes on from it
        row = run.check()
        keeper.see(row, run.history)
        if run.settings.on_check is not None:
            run.settings.on_check(run.model, row)
        if keeper.stop:
            run.history.stopped_epoch = row["epoch"]
        if before is not None:
            file.write_end(before)
        elif run.between_epochs or keeper.stop:
            file.write()
    if run.history.stopped_epoch is None and run.update < run.total:
        run.train_until(run.total, advance, file)  # a sequence of checks may end before training does
        run.require_finite_weights()
        file.write()


@contextlib.contextmanager
def progress_bar(wanted: bool, total: int) -> Iterator[Callable[..., None]]:
    """Yield a function(updates, loss); it draws only on a terminal."""
    if not wanted or not sys.stderr.isatty():
        yield lambda updates, loss: None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeRemainingColumn
    with compiling.Watched(), Progress(TextColumn("training"), compiling.bar_column(), TextColumn("{task.fields[loss]}"),
                                       TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=total, loss="")

        def advance(updates: int, loss: float) -> None:
            bar.update(task, advance=updates, loss="" if np.isnan(loss) else f"loss {loss:.4g}")
        yield advance
