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
# A bug of the definition, one of the kernels as plain Python, one of the kernels compiled; the default run looks for
# these, --slow (and .ci/run) for all.
EVERYDAY = {"transpose", "sign_of_the_step_cpu", "compiled_kernel"}
