"""Training runs that leave nothing out, and all that one leaves behind: what the tests of checkpoints share."""
import hashlib
import io
import json

import numpy as np

from losses import L2, CrossEntropy, Flooding
from nn import MLP, RNN, RPROP, SGD, Adam, AdamW, GaussianNoise, Mixup, cosine, fit, inverse_time, step
from stopping import Patience, Target, ZeroError
from tests.fitting import X_VAL, Y_VAL, X, Y

RNG = np.random.default_rng(17)
SEQUENCES = RNG.normal(size=(11, 5, 3))
LENGTHS = np.array([5, 1, 3, 4, 2, 5, 5, 1, 2, 3, 4])
SEQUENCE_LABELS = RNG.integers(0, 2, 11)
TOKENS = RNG.integers(0, 6, (11, 5))
Y_WRONG = 1 - Y_VAL  # training makes this validation loss worse: the best check is an early one

EVERYTHING = {"optimizer": Adam(cosine(0.05, 5)), "augment": GaussianNoise(0.2), "clip_norm": 0.5, "penalty": L2(1e-3),
              "loss": Flooding(CrossEntropy(), 0.5), "check_every": 3, "validation": (X_VAL, Y_WRONG),
              "stopping": Patience(100, "val_loss"), "metrics": ("update_norm", "prediction_changes")}


def mlp(**options):
    return lambda backend: MLP([4, 6, 2], **{"activation": "tanh", "seed": 3, "backend": backend, **options})


def rnn(inputs=3, **options):
    return lambda backend: RNN(inputs, 4, 2, **{"seed": 3, "backend": backend, **options})


# name -> (function of the backend that makes the model, arguments of fit); 23 samples in batches of 7: 4 updates an epoch
RUNS = {
    "momentum": (mlp(), {"optimizer": SGD(inverse_time(0.3, 0.5), momentum=0.9, nesterov=True)}),
    "adam, checks between epochs": (mlp(dropout=0.3), {"optimizer": Adam(0.03), "check_every": 3}),
    "adamw, checks over epochs": (mlp(batch_norm=True, dtype="float64"), {"optimizer": AdamW(0.03), "check_every": 7}),
    "rprop": (mlp(dtype="float64"), {"optimizer": RPROP(0.05), "batch_size": None, "epochs": 9}),
    "on-line": (mlp(), {"batch_size": 1, "check_every": 10, "epochs": 3}),
    "log-spaced checks that end early": (mlp(dropout=0.5), {"check_every": [0, 1, 2, 5, 11], "metrics": ("update_norm",)}),
    "one check": (mlp(batch_norm=True, dtype="float64"),
                  {"check_every": 0, "clip_norm": 0.1, "loss": Flooding(CrossEntropy(), 0.6)}),
    "mixup": (mlp(), {"augment": Mixup(0.4, 2), "check_every": 5, "metrics": ("prediction_changes", "update_norm")}),
    "everything": (mlp(batch_norm=True, dropout=0.25), EVERYTHING),
    "stopped": (mlp(), {"stopping": Patience(3, "val_loss") | ZeroError(), "validation": (X_VAL, Y_WRONG), "check_every": 3,
                        "optimizer": SGD(step(0.5, 1, 0.9))}),
    "stopped at the best": (mlp(), {"stopping": Patience(9, "train_loss") | Target(0.62, "train_loss"), "epochs": 30}),
    "last weights kept": (mlp(), {"stopping": Patience(50, "val_loss"), "validation": (X_VAL, Y_WRONG),
                                  "restore_best": False}),
    "recurrent": (rnn(bidirectional=True, dropout=0.3),
                  {"data": (SEQUENCES, SEQUENCE_LABELS), "lengths": LENGTHS, "batch_size": 4, "optimizer": Adam(0.05),
                   "clip_norm": 1.0, "check_every": 2}),
    "tokens": (rnn(6, pooling="mean", truncate=2), {"data": (TOKENS, SEQUENCE_LABELS), "lengths": LENGTHS, "batch_size": 4}),
}


def start(name, backend, path=None, **changes):
    """Train one of the runs from a new model; return the model and the history."""
    make, options = RUNS[name]
    model = make(backend)
    options = {"data": (X, Y), "loss": CrossEntropy(), "optimizer": SGD(0.2), "epochs": 5, "batch_size": 7, **options,
               "checkpoint": path, **changes}
    data = options.pop("data")
    return model, fit(model, *data, **options)


def remains(model, history):
    """All that a run leaves behind, as bytes: equal means equal bit for bit."""
    columns = {name: history[name].tobytes() for name in history}
    ends = repr((history.stopped_epoch, history.best_epoch, history.checks, [type(v).__name__ for v in history._rows[0]]))
    return {"flat": model.flat.tobytes(), "running": model.running.tobytes(), **columns, "ends": ends}


def contents(path):
    """Return (values, arrays) of a checkpoint that the test itself has written."""
    _, _, header, payload = path.read_bytes().split(b"\n", 3)
    with np.load(io.BytesIO(payload)) as arrays:
        return json.loads(header)["values"], dict(arrays)


def forge(path, header, payload=b""):
    """Write a file with a right checksum."""
    data = (header if isinstance(header, bytes) else json.dumps(header).encode()) + b"\n" + payload
    path.write_bytes(b"afterzero checkpoint\n" + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
