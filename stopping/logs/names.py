"""What a column is called: our name for theirs, in any case and with any separators."""
import re
from collections.abc import Iterable

# Our names, in the order in which they are shown. Accuracies are kept, and errors are made of them.
OURS = tuple(f"{part}_{what}" for what in ("loss", "error", "accuracy") for part in ("train", "val", "test"))
PARTS = {**dict.fromkeys(("train", "training", "trn", "tr", "learn", "dtrain"), "train"),
         **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev", "dvalid", "deval"), "val"),
         **dict.fromkeys(("test", "dtest"), "test")}
# In order: of a file with several, the first is the loss.
LOSSES = ("loss", "total_loss", "loss_total", "loss_curve", "logloss", "mlogloss", "binary_logloss", "multi_logloss",
          "cross_entropy", "crossentropy", "crossentropyloss", "multiclass", "nll", "nll_loss", "rmse", "mse", "l2", "mae",
          "l1")
ACCURACIES = ("accuracy", "acc", "accuracy_score", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy",
              "acc1", "top1", "top_1", "acc_1", "top1_acc", "top1_accuracy", "acc_top1", "accuracy_top1", "scores")
ERRORS = ("error", "err", "error_rate", "merror", "multi_error", "binary_error", "err1", "top1_err")
REGRESSION = ("multiclass", "rmse", "mse", "l2", "mae", "l1")  # a loss where a set is named beside it
WHAT = {**dict.fromkeys(LOSSES, "loss"), **dict.fromkeys(ACCURACIES, "accuracy"), **dict.fromkeys(ERRORS, "error")}
RANK = {name: place for place, name in enumerate((*LOSSES, *ACCURACIES, *ERRORS))}
SILENT = ("epoch", "main", "metrics", "metric", "avg", "average", "mean")  # words that change no meaning
RISING = {"score", "scores", "auc", "f1", "map", "map50", "iou", "dice", "r2", "bleu", "precision", "recall", "ap"}
SIDE_BY_SIDE = {"phase", "mode", "split", "set", "subset", "stage", "dataset", "run", "run_id", "run_name", "seed", "fold",
                "name", "experiment", "model", "variable", "metric", "tag", "key"}  # what tells rows of one epoch apart
EPOCHS = ("epoch", "epochs", "current_epoch")
STEPS = ("step", "global_step", "trainer_global_step", "iteration", "iterations", "iter", "steps")
ACCURACY = re.compile(r"\w*acc(?:uracy)?\d*|top\d+")  # a word that says so
# What stands behind a name and changes no meaning: a unit, and Lightning's number of a validation set (of several one is
# asked about).
NOISE = re.compile(r"\s*\((?:ce|bce|nll|cross[ -]?entropy|%|percent|avg|mean)\)|/dataloader_idx_\d+$", re.IGNORECASE)
# Ultralytics writes the weighted parts of a loss, whatever a task has of them, beside metrics/... and lr/pg0.
COMPONENT = re.compile(r"(train|val)/(\w+_loss)")
ULTRALYTICS = re.compile(r"metrics/.*|lr/pg\d")


def plain(name: str) -> str:
    """Return a name in small letters, with single underscores between its words."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.rpartition(" - ")[2])  # W&B: "run - metric"
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def candidates(names: Iterable[str]) -> dict[str, list[str]]:
    """Return our name -> their names that may mean it, the likeliest first.

    A bare accuracy or error belongs to training only beside a bare loss; beside a loss of training and one of validation
    it is one of validation, as fastai writes it; else nobody can tell.
    """
    names = [name for name in names if not name.endswith(("__MIN", "__MAX"))]  # W&B's smoothing band
    found: dict[str, list[tuple[int, str]]] = {}
    bare: dict[str, list[tuple[int, str]]] = {}
    several = len({plain(name).split("_")[1] for name in names if re.match(r"valid(ation)?_\d", plain(name))}) > 1
    for name in names:
        part, what, rank = meaning(name)
        if what is None or (several and re.match(r"valid(ation)?_\d", plain(name))):
            continue
        (found if part else bare).setdefault(f"{part}_{what}" if part else what, []).append((rank, name))
    fastai = "loss" not in bare and "train_loss" in found and "val_loss" in found
    for what, given in bare.items():
        owner = "train" if "loss" in bare else "val" if fastai else None
        if owner is not None:
            found.setdefault(f"{owner}_{what}", []).extend((rank + 100, name) for rank, name in given)
    return {ours: [name for _, _, name in sorted((name != ours, rank, name) for rank, name in theirs)]
            for ours, theirs in found.items()}


def alike(found: list[str]) -> list[str]:
    """Return those of the `candidates` of one of our names that are as likely as the first: of two runs, for example."""
    if found[0] in OURS:
        return found[:1]
    first = meaning(found[0])
    return [name for name in found if (other := meaning(name))[1:] == first[1:] and bool(other[0]) == bool(first[0])]


def meaning(name: str) -> tuple[str | None, str | None, int]:
    """Return (train, val, test or None; loss, accuracy, error or None; how late in the order it comes)."""
    ours = plain(NOISE.sub("", name))
    words = [word for word in ours.split("_") if word not in SILENT]
    parts = [PARTS[word] for word in words if word in PARTS]
    # LightGBM's valid_0 and XGBoost's validation_0 number their sets; in val_loss_1 the number means something else.
    rest = "_".join(word for before, word in zip(["", *words], words, strict=False)
                    if word not in PARTS and not (word.isdigit() and before in PARTS))
    if len(parts) > 1 or rest not in WHAT or (not parts and rest in REGRESSION):
        return None, None, 0
    if ours == "metrics_accuracy_top1":  # Ultralytics'
        parts = ["val"]
    epoch = 1 if "epoch" in ours.split("_") else 0
    return parts[0] if parts else None, WHAT[rest], 2 * RANK[rest] + epoch


def counts(names: Iterable[str]) -> tuple[str | None, str | None]:
    """Return the columns that count epochs and steps."""
    by_plain = {plain(name): name for name in reversed(list(names))}
    return tuple(next((by_plain[word] for word in words if word in by_plain), None)  # type: ignore[return-value]
                 for words in (EPOCHS, STEPS))


def is_accuracy(name: str) -> bool:
    """Return whether a name says that higher is better, and 1 or 100 % is the most."""
    words = plain(name).split("_")
    return meaning(name)[1] == "accuracy" or (any(map(ACCURACY.fullmatch, words)) and not set(words) & set(ERRORS))


def rises_by_name(name: str) -> bool:
    """Return whether higher is better, by what the name says."""
    words = set(plain(name).split("_"))
    return is_accuracy(name) or bool(words & RISING)
