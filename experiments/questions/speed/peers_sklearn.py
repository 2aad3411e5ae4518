"""scikit-learn's MLPClassifier.partial_fit: timing only.

It draws its own weights and orders, has one logistic output for two classes and no flooding, so its loss curve cannot agree.
"""
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier


class Mlp:
    """One call of partial_fit per epoch, with the same sizes, batches and optimizer."""

    validated = False

    def __init__(self, problem, threads: int):
        self.problem = problem
        workload = problem.workload
        self.settings = {"hidden_layer_sizes": workload.network[1:-1], "alpha": 0.0, "batch_size": workload.batch,
                         "learning_rate_init": workload.learning_rate, "shuffle": True, "random_state": 0,
                         "solver": "adam" if workload.optimizer == "adam" else "sgd",
                         "momentum": 0.9 if workload.optimizer == "momentum" else 0.0, "nesterovs_momentum": False}

    def train(self, epochs: int) -> np.ndarray:
        """Train from its own initial weights; return its loss after each epoch, (epochs,)."""
        model, losses = MLPClassifier(**self.settings), []
        classes = np.arange(self.problem.workload.network[-1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(epochs):
                model.partial_fit(self.problem.x, self.problem.y, classes=classes)
                losses.append(model.loss_)
        return np.array(losses)

    curve = train
