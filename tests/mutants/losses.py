"""Bugs planted in losses and in what they say of outputs: answers, margins, calibration, posteriors."""
from .mutant import FLOOD, HAND, LEVELS, Mutant

LOSS = "tests/test_losses_rows.py"
PER_NORM = "tests/test_losses_normalized_margins.py"
HARD_MARGIN = "tests/test_losses_hard_margin.py"
BAYES = "tests/test_losses_bayes.py"
INFINITE = "tests/test_losses_infinite.py"
MULTI_LABEL = "tests/test_losses_multi_label.py"
COPIES = "tests/test_losses_weights.py::test_a_weight_is_so_many_copies_of_the_sample"
TEMPERATURE = "tests/test_losses_temperature.py"
ANSWER = "tests/test_nn_answers.py::test_predict_answers_what_the_last_loss_says"
CLAIM = "tests/test_experiments_loss_matters.py::test_margins_grow_stop_or_return_as_the_loss_says"
LEAK = "tests/test_experiments_privacy.py::test_zero_loss_leaks_and_a_flood_takes_from_it"
FAMILY = "tests/test_experiments_flooding_family.py::test_with_wrong_labels_flooding_pays_and_batches_are_not_samples"
SEPARABLE = "tests/test_experiments_margin_theory.py::test_gradient_descent_goes_where_theory_says"

LOSSES = {
    "sum_instead_of_mean": Mutant(
        "losses/base.py", "np.full(len(losses), 1 / len(losses)", "np.full(len(losses), 1.0", HAND),
    "no_max_shift": Mutant(
        "losses/cross_entropy.py", "    e = np.exp(-gaps)  # (N, K)\n",
        "    e = np.exp(outputs) / np.exp(outputs[n, top])[:, None]\n", LOSS),
    "no_max_shift_rows": Mutant(
        "losses/rows.py", "dz[j] = F(math.exp(-gap))\n            if j != top:\n                s_block += dz[j]\n"
        "            gaps_block += g",
        "dz[j] = F(math.exp(z[j]) / math.exp(z[top]))\n            if j != top:\n                s_block += dz[j]\n"
        "            gaps_block += g", LOSS),
    "sign_of_the_flood": Mutant(
        "losses/flooding.py", "np.sign(J.real - self.level)", "np.sign(self.level - J.real)", FLOOD),
    "instance_flooding": Mutant(
        "losses/flooding.py", "slopes * slopes.dtype.type(sign)", "slopes * np.sign(losses.real - self.level)", FLOOD),
    "instance_flooding_rows": Mutant(
        "losses/rows.py", "if kind in (FLOODING, RELAX, RELAXED):", "if kind in (RELAX, RELAXED):", LOSS),
    "levels_by_place_in_the_batch": Mutant(
        "losses/flooding.py", "self.levels[indices]", "self.levels[:len(losses)]", LEVELS),
    "zero_times_infinity": Mutant(
        "losses/cross_entropy.py", "np.where((shares == 0) & np.isinf(gaps), 0, shares * gaps)", "shares * gaps", INFINITE),
    "infinity_that_weighs_nothing": Mutant(
        "losses/base.py", "np.where((shares == 0) & np.isinf(losses), 0, losses)", "losses", INFINITE),
    "nan_at_every_check_replayed": Mutant(
        "stopping/replay.py", "np.isnan(columns[name]).all()", "False",
        "tests/test_stopping_frame.py::test_a_metric_that_is_always_nan_is_no_record"),
    "zero_times_infinity_rows": Mutant(
        "losses/rows.py", "if not (F(target[j]) == zero and gap == F(math.inf)):", "if True:", INFINITE),
    "soft_target_as_a_label_rows": Mutant(
        "losses/rows.py", "dz[j] = (rest - t * e) /", "dz[j] = (one - t * e) /", MULTI_LABEL),
    "only_the_last_label_rows": Mutant("losses/rows.py", "        loss += block\n", "        loss = block\n", MULTI_LABEL),
    "soft_target_truncated": Mutant(
        "losses/relax.py", "(y[:, 0] > 0.5).astype(np.int64)", "y[:, 0].astype(np.int64)", MULTI_LABEL),
    "border_of_labels_at_zero": Mutant(
        "losses/answers.py", '0.5 if answers == "half" else 0', "0", "tests/test_losses_answers.py"),
    "weights_in_the_flood": Mutant(
        "losses/flooding.py", "mirrored(losses, self.level), indices, weights)",
        "mirrored(losses * (1 if weights is None else weights), self.level), indices, weights)", COPIES),
    "mean_of_weighted_losses": Mutant("losses/base.py", "weights / (weights.sum() or 1)", "weights / len(weights)", COPIES),
    "class_weights_of_smoothed_targets": Mutant(
        "losses/cross_entropy.py",
        "np.maximum(y - self.label_smoothing / len(c), 0) / (1 - self.label_smoothing) @ c", "y @ c",
        "tests/test_losses_weights.py::test_class_weights_go_by_the_target_before_smoothing"),
    "smoothed_margin_of_the_mean": Mutant("losses/margins.py", "L = losses.sum()", "L = losses.mean()", PER_NORM),
    "norm_to_the_first_power": Mutant(
        "losses/margins.py", "np.linalg.norm(norms))] * len(norms)", "np.linalg.norm(norms))]", PER_NORM),
    "offset_that_is_penalised": Mutant(
        "losses/hard_margin.py", "weight * offsets, np.ones", "offsets, np.ones", HARD_MARGIN),
    "multipliers_of_the_scaled_samples": Mutant("losses/hard_margin.py", "* scale**2", "* scale", HARD_MARGIN),
    "flips_to_any_class": Mutant("losses/bayes.py", "noise * (1 - p) / (p.shape[-1] - 1)", "noise / p.shape[-1]", BAYES),
    "posterior_without_the_share": Mutant(
        "losses/bayes.py", "(s - distance / 2) + math.log(share / (1 - share))", "(s - distance / 2)", BAYES),
    "temperature_upside_down": Mutant(
        "losses/calibration.py", "beta = np.exp(-log_temperature)", "beta = np.exp(log_temperature)", TEMPERATURE),
    "hinge_that_never_stops": Mutant(
        "losses/rows.py", "if missing <= zero:\n        return zero",
        "if missing <= zero - F(50):\n        return zero", CLAIM,
        jit=True),
    "flood_that_never_rises": Mutant(
        "losses/rows.py", "        return -one\n", "        return one\n", LEAK, jit=True),
    "samples_flooded_as_a_batch_cpu": Mutant(
        "nn/cpu/rows.py", "flood_weight(loss.flood, losses[n], mean, level,", "flood_weight(loss.flood, mean, mean, level,",
        FAMILY, jit=True),
    "clipped_probabilities_of_one_output": Mutant(
        "losses/rows.py", "e = F(math.exp(-abs(z[j])))", "e = F(max(math.exp(-abs(z[j])), 1e-2))", SEPARABLE, jit=True),
    "labels_of_one_output_told_apart_at_0": Mutant(
        "losses/answers.py", '(0.5 if answers == "half" else 0)', "0", ANSWER),
}
