"""Classic bugs, each one exact replacement of text, and the tests that are asked to find them.

A new bug goes into the file of the package that it is planted in. Names are unique; README says how many there are.
"""
from .experiments import EXPERIMENTS
from .losses import LOSSES
from .mutant import Mutant
from .networks import NETWORKS
from .stopping import STOPPING
from .training import TRAINING

__all__ = ["EVERYDAY", "MUTANTS", "TABLES", "Mutant"]

TABLES = (NETWORKS, TRAINING, LOSSES, EXPERIMENTS, STOPPING)
MUTANTS = {name: mutant for table in TABLES for name, mutant in table.items()}
# The bugs that everybody plants once; the default run looks for these, --slow (and .ci/run) for all.
EVERYDAY = {
    "transpose", "transpose_cpu", "sign_of_the_step_cpu", "no_activation_derivative", "sum_instead_of_mean_cpu",
    "stale_activations", "update_inside_backward", "compiled_kernel"}
