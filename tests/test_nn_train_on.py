"""A run that is done is trained on with more epochs and ends bit for bit as the longer one; its checks are no list."""
import io
import tracemalloc

import numpy as np
import pytest

from nn import SGD, Adam, CheckpointError, ReduceOnPlateau, cosine, fit, fit_fleet, warmup
from nn.fitting.check_points import CheckPoints
from stopping import Patience, Target, ZeroError
from tests.checkpointing import EVERYTHING, Y_WRONG, contents, forge, mlp, remains, start
from tests.fitting import X_VAL, X, Y, network, train

LONG = 7
RUNS = {
    "momentum": {}, "recurrent": {"check_every": None},
    "everything": {"check_every": None}, "adam, checks between epochs": {"check_every": 2},
    "log-spaced checks that end early": {"check_every": [0, 1, 2, 5]}, "on-line": {"check_every": 23},
    "rprop": {},
    "plateau": {"optimizer": SGD(ReduceOnPlateau(warmup(0.5, 2), factor=0.5, patience=1)), "validation": (X_VAL, Y_WRONG)}}


@pytest.mark.parametrize("name", RUNS)
def test_more_epochs_go_on_as_the_longer_run(backend, name, tmp_path):
    run, options = ("momentum" if name == "plateau" else name), RUNS[name]
    whole = remains(*start(run, backend, **options | {"epochs": LONG}))
    for epochs in (2, 3, LONG):
        found = remains(*start(run, backend, tmp_path / "run", **options | {"epochs": epochs}))
    assert found == whole
    assert found != remains(*start(run, backend, **options | {"epochs": 3}))


def test_a_longer_sequence_of_checks_goes_on_too(tmp_path):
    whole = remains(*start("momentum", "numpy", epochs=6, check_every=[1, 8, 20, 24]))
    start("momentum", "numpy", tmp_path / "run", epochs=3, check_every=[1, 8])
    assert remains(*start("momentum", "numpy", tmp_path / "run", epochs=6, check_every=[1, 8, 20, 24])) == whole
    with pytest.raises(CheckpointError, match=r"checks was at \[1, 8, 20, 24\] there and is at \[1, 9, 20, 24\] here"):
        start("momentum", "numpy", tmp_path / "run", epochs=6, check_every=[1, 9, 20, 24])


def test_an_unfinished_run_may_have_other_epochs(tmp_path):
    def stop_here(model, row):
        if row["epoch"] == 3:
            raise RuntimeError
    for epochs in (3, 4, 9):
        path = tmp_path / str(epochs)
        with pytest.raises(RuntimeError):
            start("momentum", "numpy", path, epochs=5, on_check=stop_here)
        whole = remains(*start("momentum", "numpy", epochs=epochs))
        assert remains(*start("momentum", "numpy", path, epochs=epochs)) == whole


def test_a_run_that_stopped_stays_stopped(tmp_path):
    options = {"stopping": Target(0.62, "train_loss"), "optimizer": Adam(0.05)}
    short = start("momentum", "numpy", tmp_path / "run", epochs=30, **options)
    assert short[1].stopped_epoch is not None
    assert remains(*start("momentum", "numpy", tmp_path / "run", epochs=50, **options)) == remains(*short)


# --- checks that are made only because a run ends: 4 updates an epoch ---

WATCHED = {
    "nobody": {}, "the criterion that the end would stop": {"stopping": ZeroError() | Target(0.65, "train_loss")},
    "patience": {"stopping": Patience(3, "val_loss"), "validation": (X_VAL, Y_WRONG)},
    "the best at the end": {"stopping": Patience(50, "train_loss")},
    "plateau": {"optimizer": SGD(ReduceOnPlateau(0.5, factor=0.5, patience=1)), "validation": (X_VAL, Y_WRONG)},
    "changes": {"metrics": ("prediction_changes", "update_norm", "gradient_norm")}}


@pytest.mark.parametrize("every", [0, None, 3, 5])
@pytest.mark.parametrize("name", WATCHED)
def test_a_check_that_only_ended_the_run_is_forgotten(backend, name, every, tmp_path):
    """7 epochs, then 12: as 12 at once, and as 7 at once if it is called with 7 again."""
    options = {**WATCHED[name], "check_every": every}
    whole, short = (start("momentum", backend, epochs=epochs, **options) for epochs in (12, 7))
    for _ in range(2):
        assert remains(*start("momentum", backend, tmp_path / "run", epochs=7, **options)) == remains(*short)
    for _ in range(2):
        assert remains(*start("momentum", backend, tmp_path / "run", epochs=12, **options)) == remains(*whole)


def test_the_end_of_the_short_run_did_decide_something():
    """What is forgotten above: a stop, a best, a reduction."""
    stopped = start("momentum", "numpy", epochs=7, check_every=0, **WATCHED["the criterion that the end would stop"])[1]
    assert stopped.stopped_epoch == 7
    assert start("momentum", "numpy", epochs=7, check_every=5, **WATCHED["the best at the end"])[1].best_epoch == 7
    rows = start("momentum", "numpy", epochs=7, check_every=5, **WATCHED["plateau"])[1]["val_loss"]
    assert not rows[-1] < rows[:-1].min()


@pytest.mark.parametrize("every", [0, 3])
def test_a_longer_run_that_is_cut_where_the_shorter_one_ends(every, tmp_path):
    """It was not checked there, and the shorter one is; then on with the longer one after all."""
    def stop_here(model, epoch):
        if epoch == 8:
            raise RuntimeError
    options = {"check_every": every, "stopping": Patience(50, "train_loss")}
    with pytest.raises(RuntimeError):
        start("momentum", "numpy", tmp_path / "run", epochs=12, on_epoch=stop_here, **options)
    for epochs in (7, 12):
        whole = remains(*start("momentum", "numpy", epochs=epochs, **options))
        assert remains(*start("momentum", "numpy", tmp_path / "run", epochs=epochs, **options)) == whole


def test_the_criterion_forgets_too(tmp_path):
    """A criterion of one's own that hands out its own counters, and goes on with them."""
    class Mine:
        requires, best_step = ("train_loss",), None

        def __init__(self):
            self.reset()

        def reset(self):
            self.seen = []

        def update(self, train_loss, **row):
            self.seen.append(train_loss)
            return False

        def state_dict(self):
            return {"seen": self.seen}

        def load_state_dict(self, state):
            self.seen = list(state["seen"])

    for epochs in (7, 12):
        mine = Mine()
        start("momentum", "numpy", tmp_path / "run", epochs=epochs, check_every=5, stopping=mine)
    whole = Mine()
    start("momentum", "numpy", epochs=12, check_every=5, stopping=whole)
    assert mine.seen == whole.seen


@pytest.mark.parametrize("forged, words", [
    ({"best_epoch": 2.0}, "its best epoch is neither this one"), ({"stopped_epoch": 6.0}, "stopped_epoch: got 6.0"),
    ({"criterion": None}, "criterion: a state without one"), ({"more": 1}, "end: got"),
    ({"criterion": {"step": 6}}, "cannot go")])
def test_an_end_that_nobody_wrote(forged, words, tmp_path):
    options = {"check_every": 8, "stopping": Patience(50, "train_loss"), "epochs": 7}
    start("momentum", "numpy", tmp_path / "run", **options)
    values, arrays = contents(tmp_path / "run")
    values["end"] |= forged
    payload = io.BytesIO()
    np.savez(payload, **arrays)
    forge(tmp_path / "run", {"version": 1, "kind": "training run", "values": values}, payload.getvalue())
    with pytest.raises(CheckpointError, match=words):
        start("momentum", "numpy", tmp_path / "run", **options)


def test_fewer_epochs_than_have_been_trained(tmp_path):
    start("momentum", "numpy", tmp_path / "run", epochs=4)
    with pytest.raises(CheckpointError, match=r"epochs: got 3, accepted: at least 4, as many as have been trained there"):
        start("momentum", "numpy", tmp_path / "run", epochs=3)


def test_a_schedule_has_a_horizon_of_its_own():
    """What a longer run does first is what the shorter one does."""
    long, short = (train(network("numpy"), epochs=epochs, optimizer=SGD(warmup(cosine(0.3, 3), 1))) for epochs in (5, 2))
    assert np.array_equal(long["train_loss"][:2], short["train_loss"])


# --- check points without a list ---

@pytest.mark.parametrize("epochs", [10**7, 10**9])
def test_a_long_run_takes_no_memory_before_it_begins(epochs):
    model = network("numpy")
    fit(model.copy(), X, Y, loss=EVERYTHING["loss"], optimizer=SGD(0.1), epochs=1)
    tracemalloc.start()
    history = train(model, epochs=epochs, stopping=~ZeroError())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert history.checks == 1
    assert peak < 6e7  # orders of one chunk; a list of all checks takes ten times as much


def test_more_updates_than_can_be_counted():
    model = network("numpy")
    assert train(model.copy(), epochs=2**53 // 4, stopping=~ZeroError()).checks == 1
    for epochs in (2**53 // 4 + 1, 10**30):
        with pytest.raises(ValueError, match=r"epochs: got \d+, accepted: up to 2251799813685248 with 4 updates in each"):
            train(model, epochs=epochs)


def test_a_long_fleet_as_well():
    tracemalloc.start()
    fleet = fit_fleet(network("numpy"), X, Y, members=[{}, {"seed": 4}], loss=EVERYTHING["loss"], optimizer=SGD(0.1),
                      epochs=10**8, batch_size=None, stopping=~ZeroError())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [fleet.history(r).checks for r in range(2)] == [1, 1]
    assert peak < 2e8  # orders of a chunk of either


@pytest.mark.parametrize("every", [None, 0, 1, 3, 4, 5, 20, 99, [0, 1, 2, 7], np.array([20, 3])])
def test_check_points_are_those_of_a_list(every):
    total, per_epoch = 20, 4
    step = per_epoch if every is None else every
    if np.ndim(step):
        wanted = sorted(np.asarray(step).tolist())
    else:
        wanted = [*range(step, total, step), total] if step else [total]
    points = CheckPoints(every, total, per_epoch)
    assert len(points) == len(wanted)
    for count in range(len(wanted) + 1):
        assert points.first(count).tolist() == wanted[:count]
        assert list(points.after(count)) == wanted[count:]
    for update in range(total + 1):
        assert points.until(update) == sum(point <= update for point in wanted)
        only_ends_there = update == total and not np.ndim(step) and (step == 0 or total % step > 0)
        assert points.only_ends_there(update) == only_ends_there
        assert points.lasting(update) == points.until(update) - only_ends_there


def test_patience_counts_on(tmp_path):
    options = {"stopping": Patience(4, "val_loss"), "validation": (X_VAL, Y_WRONG)}
    whole = start("momentum", "numpy", epochs=20, **options)
    start("momentum", "numpy", tmp_path / "run", epochs=2, **options)
    again = start("momentum", "numpy", tmp_path / "run", epochs=20, **options)
    assert remains(*again) == remains(*whole)
    assert mlp()("numpy").flat.tobytes() != again[0].flat.tobytes()
