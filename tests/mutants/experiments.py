"""Bugs planted in experiments."""
from .mutant import Mutant

MEMORIZED = "tests/test_experiments_memorization.py::test_random_labels_are_fitted_later_and_mean_nothing"
CHOICE = "tests/test_experiments_zero_loss.py::test_the_level_is_chosen_once_for_all_seeds"
JENSEN = "tests/test_experiments_jensen.py::test_few_samples_vary_less_without_replacement"

EXPERIMENTS = {
    "a_level_by_the_first_seed": Mutant(
        "experiments/report/levels.py", "np.round(errors.mean(axis=1), 12)", "np.round(errors[:, 0], 12)", CHOICE),
    "batches_drawn_with_replacement": Mutant(
        "experiments/report/jensen.py", "(count - batch_size) / (count - 1) / batch_size", "1 / batch_size", JENSEN),
    # The gradient of each sample by the label of the one before: as good as random ones.
    "label_of_another_sample_cpu": Mutant(
        "nn/cpu/training.py", "load_targets(work, data, n, indices[n])", "load_targets(work, data, n, indices[n - 1])",
        MEMORIZED, jit=True),
}
