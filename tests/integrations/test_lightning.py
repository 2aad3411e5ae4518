"""The callback in Lightning itself."""
import pytest

from stopping import parse, replay
from tests.integrations.frameworks import TRAIN, VALID, X, Y, require

require("lightning")
require("torch")
import torch  # noqa: E402
from lightning.pytorch import LightningModule, Trainer, seed_everything  # noqa: E402
from lightning.pytorch.callbacks import Callback as Plain  # noqa: E402
from lightning.pytorch.strategies import SingleDeviceStrategy  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from stopping.integrations.lightning import Callback  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Net(LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(6, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))

    def training_step(self, batch, index):
        x, y = batch
        outputs = self.layers(x)
        self.log("train_acc", (outputs.argmax(1) == y).float().mean(), on_step=False, on_epoch=True)
        loss = torch.nn.functional.cross_entropy(outputs, y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, index):
        x, y = batch
        outputs = self.layers(x)
        self.log("val_loss", torch.nn.functional.cross_entropy(outputs, y))
        self.log("val_acc", (outputs.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.02)


class Log(Plain):
    """The metrics of each epoch."""

    def __init__(self):
        self.rows = []

    def on_train_epoch_end(self, trainer, pl_module):
        self.rows.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def loader(part, **more):
    return DataLoader(TensorDataset(torch.tensor(X[part]), torch.tensor(Y[part])), batch_size=20, **more)


def train(folder, *callbacks, epochs=60, validate=True, net=None, path=None):
    seed_everything(0)
    net, log = net or Net(), Log()
    trainer = Trainer(max_epochs=epochs, callbacks=[log, *callbacks], default_root_dir=folder, logger=False,
                      accelerator="cpu", enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    trainer.fit(net, loader(TRAIN, shuffle=True), loader(VALID) if validate else None, ckpt_path=path, weights_only=False)
    return net, log.rows, trainer


def val_loss(net):
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(net.layers(torch.tensor(X[VALID])), torch.tensor(Y[VALID])))


@pytest.mark.parametrize("rule", ["Patience(5)", "GL(20) | Patience(30)", "Patience(8, monitor='val_error')",
                                  "PQ(2, strip=3)"])
def test_stops_where_a_replay_of_its_log_does_with_the_best_weights(rule, tmp_path):
    net, rows, _ = train(tmp_path, Callback(rule))
    history = {"val_loss": [row["val_loss"] for row in rows], "train_loss": [row["train_loss"] for row in rows],
               "val_error": [1 - row["val_acc"] for row in rows]}
    decision = replay(parse(rule), history)
    assert decision.stopped_step == len(rows) < 60
    assert val_loss(net) == pytest.approx(history["val_loss"][decision.best_step - 1], rel=1e-5)


def test_without_validation_and_with_measured_training_error(tmp_path):
    x, y = torch.tensor(X[TRAIN]), torch.tensor(Y[TRAIN])

    def measure(module):
        assert not module.training and not torch.is_grad_enabled()
        return {"train_error": float((module.layers(x).argmax(1) != y).float().mean())}

    net, rows, _ = train(tmp_path, Callback("ZeroError()", measure=measure), epochs=300, validate=False)
    with torch.no_grad():
        assert len(rows) < 300 and measure(net.eval())["train_error"] == 0


def test_after_an_exception_the_best_weights_are_back(tmp_path):
    class Fail(Plain):
        def on_train_epoch_end(self, trainer, pl_module):
            if trainer.current_epoch == 12:
                raise ZeroDivisionError

    net, rule = Net(), Callback("Patience(50)")
    with pytest.raises(ZeroDivisionError):
        train(tmp_path, rule, Fail(), net=net)
    assert val_loss(net) == pytest.approx(rule.watcher.criterion.best_value, rel=1e-5)


def test_goes_on_from_lightnings_checkpoint(tmp_path):
    first = Callback("Patience(6)")
    *_, trainer = train(tmp_path, first, epochs=4)
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    second = Callback("Patience(6)")
    net, rows, _ = train(tmp_path, second, path=tmp_path / "run.ckpt")
    assert second.watcher.criterion.step == 4 + len(rows)
    assert val_loss(net) == pytest.approx(second.watcher.criterion.best_value, rel=1e-5)


def test_processes_that_see_other_metrics_stop_together(tmp_path, monkeypatch):
    """One whose own criterion would go on stops with the others, who ask at every check too."""
    asked = []

    def any_of_all(self, decision, all=True):
        assert not all
        asked.append(decision)
        return decision or len(asked) == 3

    monkeypatch.setattr(SingleDeviceStrategy, "reduce_boolean_decision", any_of_all, raising=False)
    _, rows, _ = train(tmp_path, Callback("Patience(50)"))
    assert asked == [False] * 3 and len(rows) == 3
