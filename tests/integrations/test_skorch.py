"""The callback in skorch itself."""
import pytest

from stopping import parse, replay
from tests.integrations.frameworks import X, Y, require

require("skorch")
require("torch")
import torch  # noqa: E402
from skorch import NeuralNetClassifier  # noqa: E402
from skorch.callbacks import Callback as Plain  # noqa: E402
from skorch.dataset import ValidSplit  # noqa: E402

from stopping.integrations.skorch import Callback  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def net(*callbacks, epochs=60):
    torch.manual_seed(0)
    return NeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Linear(6, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2)),
        criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=0.02, batch_size=20, max_epochs=epochs,
        train_split=ValidSplit(2), verbose=0, callbacks=list(callbacks))


def val_loss(trained):
    _, valid = trained.get_split_datasets(X, Y)
    labels = torch.tensor([valid[i][1] for i in range(len(valid))])
    return float(torch.nn.functional.cross_entropy(trained.forward(valid), labels))


@pytest.mark.parametrize("rule", ["Patience(5)", "GL(20) | Patience(30)", "Patience(8, monitor='val_error')",
                                  "PQ(2, strip=3)"])
def test_stops_where_a_replay_of_its_history_does_with_the_best_weights(rule):
    trained = net(Callback(rule)).fit(X, Y)
    rows = trained.history
    history = {"val_loss": rows[:, "valid_loss"], "train_loss": rows[:, "train_loss"],
               "val_error": [1 - accuracy for accuracy in rows[:, "valid_acc"]]}
    decision = replay(parse(rule), history)
    assert decision.stopped_step == len(rows) < 60
    assert val_loss(trained) == pytest.approx(history["val_loss"][decision.best_step - 1], rel=1e-4)


def test_a_history_that_goes_on_is_judged_as_a_whole():
    trained = net(Callback("Patience(6)"), epochs=4).fit(X, Y)
    trained.set_params(max_epochs=56).partial_fit(X, Y)
    losses = trained.history[:, "valid_loss"]
    assert replay(parse("Patience(6)"), {"val_loss": losses}).stopped_step == len(losses)


def test_an_epoch_that_was_cut_off_is_not_judged():
    """It stays in skorch's history without a loss."""
    class Interrupt(Plain):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 3:  # the first time: it stays the third row
                raise KeyboardInterrupt

    trained = net(Callback("Patience(6)"), Interrupt()).fit(X, Y)
    assert len(trained.history) == 3 and "valid_loss" not in trained.history[-1]
    trained.set_params(max_epochs=57).partial_fit(X, Y)
    losses = [row["valid_loss"] for row in trained.history if "valid_loss" in row]
    assert replay(parse("Patience(6)"), {"val_loss": losses}).stopped_step == len(losses) == len(trained.history) - 1


def test_after_an_exception_the_best_weights_are_back():
    class Fail(Plain):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 12:
                raise ZeroDivisionError

    rule = Callback("Patience(50)")
    trained = net(rule, Fail())
    with pytest.raises(ZeroDivisionError), rule:
        trained.fit(X, Y)
    assert val_loss(trained) == pytest.approx(min(trained.history[:, "valid_loss"]), rel=1e-4)


def test_training_error_with_frozen_weights_is_measured_and_recorded():
    def measure(module):
        assert not module.training and not torch.is_grad_enabled()
        return {"train_error": float((module(torch.tensor(X)).argmax(1) != torch.tensor(Y)).float().mean())}

    trained = net(Callback("Target(0.25, monitor='train_error')", measure=measure), epochs=300).fit(X, Y)
    assert trained.history[-1, "train_error"] <= 0.25 < trained.history[-2, "train_error"]
