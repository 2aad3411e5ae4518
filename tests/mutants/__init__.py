"""Classic bugs, each one exact replacement of text, and the tests that are asked to find them.

A new bug goes into the file of the package that it is planted in. Names are unique; README says how many there are.
"""
from .experiments import EXPERIMENTS
from .losses import LOSSES
from .mutant import Mutant
from .networks import NETWORKS
from .training import TRAINING

__all__ = ["EVERYDAY", "MUTANTS", "TABLES", "Mutant"]

TABLES = (NETWORKS, TRAINING, LOSSES, EXPERIMENTS)
MUTANTS = {name: mutant for table in TABLES for name, mutant in table.items()}
# The bugs that everybody plants once; the default run looks for these, --slow (and .ci/run) for all.
EVERYDAY = {
    "transpose", "transpose_cpu", "sign_of_the_step", "sign_of_the_step_cpu", "bias_gradient_without_the_first_sample",
    "bias_off_by_one_place", "no_activation_derivative", "no_activation_derivative_cpu", "sum_instead_of_mean",
    "sum_instead_of_mean_cpu", "stale_activations", "stale_activations_cpu", "update_inside_backward",
    "update_inside_backward_cpu", "no_max_shift", "no_max_shift_rows", "sign_of_momentum", "sign_of_momentum_cpu",
    "shuffled_labels", "shuffled_labels_cpu", "compiled_kernel", "compiled_scalar"}
