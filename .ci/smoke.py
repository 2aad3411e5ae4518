"""The library from end to end with what is installed: imports, training, records, checkpoints, gradients, stopping rules."""
import importlib
import pkgutil
import tempfile
from pathlib import Path

import numpy as np

import experiments
import losses
import nn
import stopping
from losses import CrossEntropy, Flooding

# What setup.cfg leaves to extras.
EXTRAS = {"aiohttp", "dask", "distributed", "jax", "jinja2", "keras", "lightning", "pandas", "pyarrow", "safetensors",
          "sklearn", "skorch", "torch", "transformers"}

for package in (nn, losses, stopping, experiments):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        try:
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] not in EXTRAS:
                raise

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 4))
y = (x[:, 0] > 0).astype(int)
options = {"loss": Flooding(CrossEntropy(), 0.05), "optimizer": nn.Adam(0.02), "epochs": 3, "validation": (x, y)}
records = {}
for backend in ("numpy", "numba"):
    model = nn.MLP([4, 8, 2], dropout=0.1, batch_norm=True, dtype="float64", backend=backend)
    records[backend] = nn.fit(model, x, y, stopping=stopping.Patience(20), batch_size=16, **options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.afterzero"
        nn.save(path, model)
        assert np.array_equal(nn.load(path).predict(x), model.predict(x))
np.testing.assert_allclose(records["numba"]["train_loss"], records["numpy"]["train_loss"], rtol=1e-9)
fleet = nn.fit_fleet(nn.MLP([4, 8, 2]), x, y, members=[{"seed": 0}, {"seed": 1, "level": 0.1}], **options)
assert not fleet.diverged.any()
sequences = nn.RNN(4, 5, 2, bidirectional=True)
nn.fit(sequences, x.reshape(16, 4, 4), y[:16], loss=CrossEntropy(), optimizer=nn.SGD(nn.cosine(0.1, 2)), epochs=2,
       batch_size=1)
assert nn.check_model(nn.MLP([4, 8, 2], dtype="float64"), x, y, CrossEntropy(), method="central").passed(1e-6)
stopping.replay(stopping.parse("GL(5) | Patience(10)"), records["numpy"])
print("smoke: all right")
