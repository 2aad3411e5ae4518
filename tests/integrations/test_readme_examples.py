"""The examples of stopping/README.md in frameworks, as they stand: they stop, with the best weights."""
import re
from pathlib import Path

import pytest

from tests.integrations.frameworks import require

require("torch")
import torch  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PAGE = (Path(__file__).parents[2] / "stopping" / "README.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### ([^\n]*)\n\n```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def example(request, tmp_path, monkeypatch):
    name = request.param
    if name != "Plain PyTorch":
        require(name.split()[0].lower())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    torch.manual_seed(0)
    session = {}
    exec(compile(EXAMPLES[name], name, "exec"), session)
    return session


def test_every_framework_has_an_example():
    assert list(EXAMPLES) == ["Keras 3", "Lightning", "transformers", "skorch", "Plain PyTorch"]


@pytest.mark.parametrize("example", ["Keras 3"], indirect=True)
def test_keras(example, tmp_path):
    criterion, (x, y) = example["rule"].watcher.criterion, (example["x"], example["y"])
    assert len(example["seen"].epoch) == criterion.stopped_step < 500 and (tmp_path / "rule.json").exists()
    losses = example["model"].evaluate(x[100:], y[100:], verbose=0, return_dict=True)
    assert losses["loss"] == pytest.approx(criterion.best_value, rel=1e-4)


@pytest.mark.parametrize("example", ["Lightning"], indirect=True)
def test_lightning(example):
    criterion, net = example["rule"].watcher.criterion, example["net"]
    with torch.no_grad():
        loss = example["cross_entropy"](net.layers(example["x"][100:]), example["y"][100:])
    assert criterion.stopped_step < 500 and float(loss) == pytest.approx(criterion.best_value, rel=1e-4)


@pytest.mark.parametrize("example", ["transformers"], indirect=True)
def test_transformers(example):
    criterion = example["rule"].watcher.criterion
    assert criterion.stopped_step < 100
    assert example["trainer"].evaluate()["eval_loss"] == pytest.approx(criterion.best_value, rel=1e-3)


@pytest.mark.parametrize("example", ["skorch"], indirect=True)
def test_skorch(example):
    net = example["net"]
    criterion = dict(net.callbacks_)["Callback"].watcher.criterion
    _, valid = net.get_split_datasets(example["x"], example["y"])
    labels = torch.tensor([int(valid[n][1]) for n in range(len(valid))])
    loss = torch.nn.functional.cross_entropy(net.forward(valid), labels)
    assert len(net.history) == criterion.stopped_step < 500 and float(loss) == pytest.approx(criterion.best_value, rel=1e-4)


@pytest.mark.parametrize("example", ["Plain PyTorch"], indirect=True)
def test_plain_pytorch(example):
    with torch.no_grad():
        loss = example["cross_entropy"](example["net"](example["x"][100:]), example["y"][100:])
    criterion = example["watcher"].criterion
    assert example["epoch"] + 1 == criterion.stopped_step < 1000
    assert float(loss) == pytest.approx(criterion.best_value, rel=1e-5)
