"""What `questions.memorization` measures of a network: how near its training samples are to other answers, and the same of
the network that was constructed for the same data.
"""
import numpy as np

from losses.bayes import entropy

from .measures import Subject, gives

DTYPES = {"float64": "", "float32": "32"}


@gives("distance_min", "distance_median")
def distances(one: Subject) -> dict:
    """How far the training inputs are from where the answer changes, to first order: q/‖∇q‖ of the output margin q.

    Exact where the network is linear up to there (Elsayed et al., Large margin deep networks for classification, NeurIPS
    2018). Negative for a sample that is misclassified.
    """
    from losses import Hinge
    from losses.margins import output_margins

    x, y = one.data.train.x, one.labels("train")
    margins = output_margins(one.outputs("train"), y)  # (N,)
    # Below its margin the hinge is (margin - q), so that the gradient of its mean over N samples is -∇q/N.
    above = Hinge(margin=2 * max(1.0, float(np.abs(margins).max())))
    _, gradients = one.model.loss_and_gradients(x, y, above, input_gradient=True)
    steepness = len(x) * np.linalg.norm(gradients["x"].astype(np.float64), axis=1)  # (N,)
    return _of(margins / np.maximum(steepness, np.finfo(np.float64).tiny), "")


@gives("constructed_error", "constructed_error32", "constructed_off", "constructed_off32", "constructed_weight",
       "constructed_numbers", "constructed_test_error", "constructed_margin", "constructed_distance_min",
       "constructed_distance_median")
def constructed(one: Subject) -> dict:
    """Of `nn.constructed_network` for the training set, in float64 and in float32: the share of wrong answers and how far
    s is off at most; then its largest weight, 2n + d, test error, smallest output margin and distances, exact as it looks
    along a line.
    """
    from losses.margins import output_margins
    from nn import constructed_network

    x, y = one.data.train.x, one.labels("train")
    found: dict[str, float] = {}
    for dtype, end in DTYPES.items():
        model = constructed_network(x, y, seed=one.model.seed, dtype=dtype)
        outputs = model.forward(x).astype(np.float64)  # (N, K)
        # o_1 = s - 1/2
        found |= {f"constructed_error{end}": float(np.mean(outputs.argmax(axis=1) != y)),
                  f"constructed_off{end}": float(np.abs(outputs[:, 1] + 0.5 - y).max())}
        if not end:
            found |= {"constructed_weight": max(float(np.abs(array).max()) for array in model.parameters.values()),
                      "constructed_numbers": float(2 * model.sizes[1] + model.sizes[0]),
                      "constructed_test_error": float(np.mean(model.predict(one.data.test.x) != one.labels("test"))),
                      "constructed_margin": float(output_margins(outputs, y).min()),
                      **_of(_on_a_line(x.astype(np.float64), y, model.parameters["W1"][:, 0]), "constructed_")}
    return found


@gives("weights", "late_train_error", "lowest_train_error", "least_error", "least_loss")
def fitted(one: Subject) -> dict:
    """Weights of the network, biases included; its training error over the second half of the checks and at the best one;
    the smallest training error and cross-entropy of any function of the input: above 0 where equal inputs differ in label.
    """
    errors, x, y = one.history["train_error"], one.data.train.x, one.labels("train")
    _, group = np.unique(x, axis=0, return_inverse=True)  # (N,) which inputs are equal
    counts = np.zeros((len(x), y.max() + 1))  # (groups at most, K)
    np.add.at(counts, (group.reshape(-1), y), 1)
    shares = counts[counts.sum(axis=1) > 0]
    total = shares.sum(axis=1, keepdims=True)
    return {"weights": float(one.model.flat.size), "late_train_error": float(np.mean(errors[len(errors) // 2:])),
            "lowest_train_error": float(np.min(errors)),
            "least_error": float((total[:, 0] - shares.max(axis=1)).sum() / len(x)),
            "least_loss": float((total[:, 0] * entropy(shares / total)).sum() / len(x))}


def _on_a_line(x: np.ndarray, y: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Distances (N,) of samples, in the order of a·x, from the nearest change of class of a function of a·x that runs
    straight from label to label; what it does beyond the first and the last is left out.
    """
    z = x @ a  # (N,)
    order = np.argsort(z)
    z, steps = z[order], np.abs(np.diff(y[order]))  # (N,), (N - 1,)
    half = np.diff(z)[steps > 0] / (2 * steps[steps > 0])  # to where it is 1/2 away from a label
    changes = np.sort(np.concatenate([z[:-1][steps > 0] + half, z[1:][steps > 0] - half, [-np.inf, np.inf]]))
    after = np.searchsorted(changes, z)
    return np.minimum(z - changes[after - 1], changes[after] - z) / np.linalg.norm(a)


def _of(distances: np.ndarray, prefix: str) -> dict:
    return {f"{prefix}distance_min": float(distances.min()), f"{prefix}distance_median": float(np.median(distances))}
