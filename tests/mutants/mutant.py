"""What a planted bug is, and the tests that several files name."""
from typing import NamedTuple

HAND = "tests/test_nn_mlp.py::test_by_hand_gradients"
FLOOD = "tests/test_nn_mlp.py::test_by_hand_flooded"
LEVELS = "tests/test_nn_flood_family.py::test_levels_follow_their_samples_through_shuffling"


class Mutant(NamedTuple):
    """A planted bug, and the tests that are asked to find it."""

    file: str
    old: str
    new: str
    tests: str
    jit: bool = False
