"""Recorded trainings: frames against plain `fit`, what is packed into the page, and what is said where runs are missing."""
import re

import numpy as np
import pytest

from experiments import recorded, reporting
from experiments.data.sinusoid import sinusoid
from experiments.report import scrubber
from experiments.report.scrubber import packed, shown, unpacked
from experiments.report.web_parts import as_json
from experiments.runs.shards import SweepError
from experiments.runs.store import Store
from experiments.runs.sweep import SweepInterrupted
from experiments.trainers.frames import SQUEEZE, Recording, frame_epochs, places, recording_of, squeezed, train_fleet
from losses import CrossEntropy, Flooding, Hinge
from losses.margins import output_margins
from nn import MLP, Adam, fit
from stopping import parse, replay
from tests.recordings import recording, recordings

RULES = ("ZeroError()", "Patience(2)", "GL(5)", "PQ(0.5)", "LabelWave(2)", "Patience(300)")
TINY = Recording("scrubber", 3, 0.2, train=12, validation=20, test=30, hidden=(16,), learning_rate=0.05, epochs=300,
                 frames=7, size=5, rules=RULES)
LIMIT = 3 * 2**20  # bytes


def learnt(run, epochs, **more):
    """Return the network of a recording after so many epochs, and its history, from a plain `fit`."""
    data = sinusoid(run.train, run.validation, run.test, variant="disc", noise=run.noise, seed=run.seed)
    model = MLP((2, *run.hidden, 2), seed=run.seed)
    base = Hinge() if run.loss == "hinge" else CrossEntropy()
    history = fit(model, data.train.x, data.train.y, loss=Flooding(base, run.level), optimizer=Adam(run.learning_rate),
                  epochs=epochs, batch_size=None, seed=run.seed, validation=(data.validation.x, data.validation.y),
                  test=(data.test.x, data.test.y_clean), metrics=("prediction_changes",), progress=False, **more)
    return model, history, data


@pytest.mark.compiled
@pytest.mark.parametrize("changes", [{"level": 0.3}, {"loss": "hinge"}])
def test_frames_are_those_of_a_plain_fit(changes):
    run = recording_of({**TINY.settings(), **changes})
    (found,) = train_fleet([run.settings()])
    epochs = found.curves["epoch"].astype(int).tolist()
    assert epochs == frame_epochs(300, 7) and {len(values) for values in found.curves.values()} == {7}
    for frame in (0, 4):
        model, history, data = learnt(run, epochs[frame])
        at, field = places(5, run.reach), found.arrays["fields"][frame].ravel()
        outputs = model.forward(at)
        assert ((field >= 128) == (model.predict(at) == 1)).all()  # bit for bit
        assert (field == squeezed(outputs[:, 1].astype(float) - outputs[:, 0])).all()
        assert (found.arrays["margins"][frame] == output_margins(model.forward(data.train.x), data.train.y)).all()
        for name in scrubber.CURVES:
            exact = not name.startswith("test")  # of these the sum is made elsewhere
            assert found.curves[name][frame] == pytest.approx(history[name][-1], rel=0 if exact else 1e-5, abs=1e-12), name
    assert (found.arrays["points"] == data.train.x).all() and (found.arrays["labels"] == data.train.y).all()
    assert found.arrays["flipped"].sum() == int(0.2 * 12) == (data.train.y != data.train.y_clean).sum()


@pytest.mark.compiled
def test_flags_are_where_rules_stop_a_plain_fit():
    fleet = train_fleet([TINY.settings(), {**TINY.settings(), "level": 0.5}])
    for run, found in zip((TINY, recording_of({**TINY.settings(), "level": 0.5})), fleet, strict=True):
        _, history, _ = learnt(run, run.epochs)
        by_hand = {rule: replay(parse(rule), history).stopped_epoch for rule in RULES}
        assert {name.removeprefix("stopped "): epoch for name, epoch in found.scalars.items() if name != "zero"} == {
            rule: epoch for rule, epoch in by_hand.items() if epoch is not None}
        without = [epoch for epoch, error in zip(history["epoch"], history["train_error"], strict=True) if error == 0]
        assert [found.scalars.get("zero")] == (without or [None])[:1]
    assert fleet[0].scalars["zero"] == fleet[0].scalars["stopped ZeroError()"] > 1 and "zero" not in fleet[1].scalars
    assert "stopped Patience(300)" not in fleet[0].scalars  # nobody waited so long


def test_epochs_of_frames():
    for epochs, frames in ((2, 2), (48, 48), (100, 48), (10_000, 48)):
        found = frame_epochs(epochs, frames)
        assert len(found) == frames and found == sorted(set(found)) and (found[0], found[-1]) == (1, epochs)
    steps = np.diff(np.log(frame_epochs(10_000, 48)[20:]))
    assert steps.max() < 1.1 * steps.min()  # by one factor


def test_bytes_of_log_odds_say_the_class_and_how_sure_it_is():
    assert squeezed([-1e9, -1e-12, 0, 1e-12, 1e9]).tolist() == [0, 127, 127, 128, 255]
    odds = np.linspace(-12, 12, 200)
    back = SQUEEZE * np.log((squeezed(odds) + 1e-9) / (255 - squeezed(odds) + 1e-9))
    assert np.abs(1 / (1 + np.exp(-back)) - 1 / (1 + np.exp(-odds))).max() < 0.01  # as probabilities
    assert places(2, 1.0).tolist() == [[-0.5, 0.5], [0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]  # from the top left


def test_bytes_of_margins():
    margins = np.array([-1e6, -100, -1, -1e-9, 0, 1, 100, 1e6])
    assert shown(margins).tolist() == [0, 0, 106, 127, 128, 149, 255, 255]


def test_what_is_packed_is_unpacked():
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (5, 3), (48, 144)):
        frames = rng.integers(0, 256, shape, dtype=np.uint8)
        assert (unpacked(packed(frames), shape[1]) == frames).all()
    slow = np.repeat(rng.integers(0, 256, (1, 2304), dtype=np.uint8), 48, axis=0)
    assert len(packed(slow)) < 1.3 * len(packed(slow[:1]))  # what does not change costs next to nothing


def test_the_data_of_the_page():
    data = scrubber.part(recordings(), SQUEEZE).data
    assert data["noises"] == [0.0, 0.2] and data["levels"] == [0.15, 0.35] and data["losses"] == ["cross_entropy", "hinge"]
    settings, run = recording(0.2, level=0.15)
    one = next(one for one in data["runs"] if (one["noise"], one["level"]) == (0.2, 0.15))
    assert (unpacked(one["fields"], 144) == run.arrays["fields"].reshape(12, 144)).all()
    assert (unpacked(one["margins"], 30) == shown(run.arrays["margins"])).all()
    assert one["zero"] is None and one["stops"] == {"Patience(20)": 40, "GL(5)": 41, "UP(4)": 900}
    assert one["curves"]["test_loss"] == [float(f"{value:.4g}") for value in run.curves["test_loss"]]
    points = data["sets"][1]
    assert sum(points["wrong"]) == 6 and len(points["points"]) == 2 * len(points["labels"]) == 60
    assert data["epochs"] == frame_epochs(1000, 12) and data["rules"] == list(settings["rules"])


def test_even_noise_would_fit():
    """Twelve runs of fields that no compression helps are within the limit."""
    assert len(recorded.runs()) == 12
    one = recording_of(recorded.runs()[0])
    assert (one.frames, one.size) == (48, 48)
    settings, run = recording(0.0, frames=48, size=2, points=one.train)
    rng = np.random.default_rng(0)
    run.arrays["fields"] = rng.integers(0, 256, (48, 48, 48), dtype=np.uint8)
    run.arrays["margins"] = rng.standard_normal((48, one.train)) * 50
    data = scrubber.part([(settings, run)], SQUEEZE).data
    assert 12 * len(as_json(data)) < LIMIT


@pytest.mark.compiled
def test_what_is_missing_is_said_and_recorded(tmp_path, monkeypatch):
    some = [recording_of({**TINY.settings(), "epochs": 10, "level": level}).settings() for level in (0.0, 0.4)]
    monkeypatch.setattr(recorded, "runs", lambda: some)
    store = Store(tmp_path)
    assert recorded.missing(store) == 2
    assert recorded.run(store) == 2 and recorded.run(store) == recorded.missing(store) == 0  # never again
    assert recorded.part(store).data["levels"] == [0.4]
    monkeypatch.setattr(recorded, "runs", lambda: [*some, {**some[0], "seed": 9}])
    part = recorded.part(store)
    assert part.data == {"missing": 1, "of": 3, "command": "afterzero report --record", "takes": "30 s"}


def test_the_page_says_how_to_record():
    pytest.importorskip("jinja2")
    from experiments.report.page import page

    text = page([], [], [scrubber.missing_part(5, 12, "afterzero <record>", "30 s")], version="0")
    assert re.search(r"Not yet recorded: 5 of 12 runs are missing. <code>afterzero &lt;record&gt;</code>", text)
    full = page([], [], [scrubber.part(recordings(), SQUEEZE)], version="0")
    assert full.count('name="scrub-noise"') == 2 and full.count('name="scrub-level"') == 2 and "uPlot" in full


def test_settings_that_cannot_be():
    with pytest.raises(ValueError, match="loss: got 'mse', accepted: 'cross_entropy', 'squared_error', 'hinge'"):
        Recording("scrubber", 1, 0.0, "mse")
    with pytest.raises(ValueError, match="frames: got 48, accepted: from 2 to the number of epochs, 40"):
        Recording("scrubber", 1, 0.0, epochs=40)
    with pytest.raises(ValueError, match="criterion: got 'Patient', accepted: "):
        train_fleet([{**TINY.settings(), "rules": ["Patient(3)"]}])
    with pytest.raises(ValueError, match=r"fraction: got 2.0, accepted: a number from 0 to 1"):
        train_fleet([{**TINY.settings(), "noise": 2.0}])


def test_every_question_chooses_a_recording():
    assert {(noise, *(("cross_entropy", level) if loss == "flooding" else (loss, 0.0))) for _, noise, loss, level in
            recorded.LOOKS} <= {(noise, *arm) for noise in recorded.NOISES for arm in recorded.ARMS}


@pytest.mark.slow
@pytest.mark.compiled
def test_the_recordings_show_what_they_are_for(tmp_path, monkeypatch):
    """Factors are half of those that were seen, or less: 6, 10, 2 and 4."""
    shown = [run for run in recorded.runs() if run["level"] != 0.15 and (run["loss"], run["noise"]) not in (("hinge", 0.0),
                                                                                                       ("hinge", 0.2))]
    monkeypatch.setattr(recorded, "runs", lambda: shown)
    store = Store(tmp_path)
    assert recorded.run(store) == 7
    found = {(run["noise"], run["loss"], run["level"]): store.require(run) for run in shown}
    end = {key: {name: values[-1] for name, values in run.curves.items()} for key, run in found.items()}
    for noise in (0.1, 0.2):
        plain, flooded = ((noise, "cross_entropy", level) for level in (0.0, 0.35))
        rise = {key: end[key]["test_loss"] / found[key].curves["test_loss"].min() for key in (plain, flooded)}
        assert rise[plain] > 3 and rise[flooded] < 1.5
        assert end[flooded]["test_error"] < 0.75 * end[plain]["test_error"]
        assert found[plain].scalars["zero"] < 10_000 / 4 and end[plain]["train_error"] == 0  # far past it
        assert "zero" not in found[flooded].scalars and end[flooded]["train_loss"] == pytest.approx(0.35, abs=0.02)
    clean = (end[0.0, "cross_entropy", level]["test_error"] for level in (0.35, 0.0))
    assert next(clean) > 2 * next(clean)
    assert end[0.1, "hinge", 0.0]["train_loss"] == 0 and found[0.1, "hinge", 0.0].arrays["margins"][-1].min() >= 1


def test_what_goes_wrong_while_recording_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("threading.active_count", lambda: 1)  # with threads of other tests it would end this process at once

    def broken(error):
        def run(store):
            raise error
        monkeypatch.setattr(recorded, "run", run)
        return reporting.record(tmp_path), capsys.readouterr().err

    assert broken(SweepError("a worker left")) == (1, "afterzero: a worker left\n")
    code, said = broken(SweepInterrupted("3 of 12 runs of this sweep are done and kept"))
    assert code == 130 and said == ("\nafterzero: interrupted; 3 of 12 runs of this sweep are done and kept; finished runs "
                                    f"are kept in {tmp_path} and the same command goes on from there\n")
