"""Bugs planted in what trains: optimizers, floods and weights in kernels, batches, rates (nn)."""
from .mutant import FLOOD, HAND, LEVELS, Mutant

STEPS = "tests/test_nn_optimizers.py"
FAMILY = "tests/test_nn_flood_family.py::test_fit_is_what_the_formulas_say"
NETWORK_FIT = "tests/test_nn_rnn_fit.py::test_fit_is_what_the_formulas_say"
FIT = "tests/test_nn_training_equivalence.py::test_fit_is_what_the_formulas_say"
FROZEN_ALL, RESTING = "tests/test_nn_frozen.py", "test_running_statistics_of_a_frozen_layer_rest"
FROZEN = f"{FROZEN_ALL}::test_untouched_bit_for_bit_and_without_a_state"
CLIPPED = f"{FROZEN_ALL}::test_by_hand"
DROPPED = f"{FROZEN_ALL}::test_drop_last_by_hand"
RATES = "tests/test_nn_rates.py"
WEIGHED = "tests/test_nn_weights.py::test_walk[mlp-ce-instance]"
WEIGHTLESS = "tests/test_nn_weights.py::test_a_batch_that_weighs_nothing_moves_nothing"
TRAIN_ON = "tests/test_nn_train_on.py::test_a_check_that_only_ended_the_run_is_forgotten"
DECIDES = "tests/test_nn_identity.py::test_what_decides_counts"
ZERO = "tests/test_experiments_trainers.py::test_zero_error_is_the_first_epoch_without_a_training_error"
EMPTY_MOVES = "tests/test_nn_empty_sequences.py::test_a_batch_without_a_valid_step_moves_nothing"

TRAINING = {
    "sign_of_the_step": Mutant(
        "nn/reference/optimizers.py", "theta -= learning_rate * step", "theta += learning_rate * step", STEPS),
    "sign_of_the_step_cpu": Mutant(
        "nn/shared/scalars.py", "theta - learning_rate * step, velocity", "theta + learning_rate * step, velocity", FIT),
    "sum_instead_of_mean_cpu": Mutant(
        "nn/cpu/rows.py", "mean, mean, loss.level, loss.flood_parameter) / n_rows",
        "mean, mean, loss.level, loss.flood_parameter)", HAND),
    "stale_activations": Mutant(
        "nn/reference/training.py", "    forward(work, norm,", "    if update % 2 == 0:\n        forward(work, norm,", FIT),
    "stale_activations_cpu": Mutant(
        "nn/cpu/training.py", "    forward(work, norm,", "    if update % 2 == 0:\n        forward(work, norm,", FIT),
    "sign_of_momentum": Mutant(
        "nn/reference/optimizers.py", "velocity *= momentum", "velocity *= -momentum", STEPS),
    "sign_of_momentum_cpu": Mutant(
        "nn/shared/scalars.py", "velocity = momentum * velocity + dtheta", "velocity = dtheta - momentum * velocity", STEPS),
    "shuffled_labels": Mutant(
        "nn/reference/training.py", "data.labels[place]", "data.labels[np.sort(place)]", FIT),
    "shuffled_labels_cpu": Mutant(
        "nn/cpu/training.py", "load_targets(work, data, n, indices[n])", "load_targets(work, data, n, n)", FIT),
    "no_bias_correction": Mutant(
        "nn/reference/optimizers.py", "m_hat = m / (1 - beta1**step)", "m_hat = m", STEPS),
    "no_bias_correction_cpu": Mutant(
        "nn/cpu/optimizers.py", "real(learning_rate / (1.0 - beta1**step))", "real(learning_rate)", STEPS),
    "coupled_adamw_cpu": Mutant(
        "nn/cpu/optimizers.py", "real(1.0 - learning_rate * weight_decay) if decoupled else real(1)", "real(1)", STEPS),
    "no_look_ahead": Mutant(
        "nn/reference/optimizers.py", "step + momentum * velocity if nesterov else velocity", "velocity", STEPS),
    "instance_flooding_cpu": Mutant(
        "nn/cpu/rows.py", "flood_weight(loss.flood, mean, mean,", "flood_weight(loss.flood, losses[0], losses[0],", FLOOD),
    "levels_by_place_in_the_batch_cpu": Mutant(
        "nn/cpu/rows.py", "loss.levels[samples[n]] if loss.flood == ADAPTIVE else loss.level\n            weight",
        "loss.levels[n] if loss.flood == ADAPTIVE else loss.level\n            weight", LEVELS),
    "relaxloss_that_does_not_alternate_cpu": Mutant("nn/cpu/rows.py", "epoch % 2 == 1", "epoch % 2 == 2", FAMILY),
    "penalty_on_biases": Mutant(  # b lies behind W: one more row
        "nn/reference/views.py", "layer[AT_W], layer[IN], layer[OUT])", "layer[AT_W], layer[IN] + 1, layer[OUT])", FIT),
    "penalty_on_biases_cpu": Mutant(
        "nn/cpu/training.py", "layers[l, AT_W], layers[l, IN], layers", "layers[l, AT_W], layers[l, IN] + 1, layers", FIT),
    "penalty_on_recurrent_biases": Mutant(
        "nn/reference/views.py", "at[AT_W_HH], front.hidden, front.hidden)", "at[AT_W_HH], front.hidden + 1, front.hidden)",
        NETWORK_FIT),
    "clipped_when_short_cpu": Mutant(
        "nn/cpu/training.py", "if norm > clip_norm:", "if norm < clip_norm:", NETWORK_FIT),
    "weights_in_the_flood_cpu": Mutant(
        "nn/cpu/rows.py", "own = losses[n] if each", "own = row_weights[n] * losses[n] if each", WEIGHED),
    "mean_of_weighted_losses_cpu": Mutant("nn/cpu/rows.py", "total += row_weights[n]", "total += 1.0", WEIGHED),
    "weights_by_place_in_the_batch_cpu": Mutant(
        "nn/cpu/training.py", "load_weight(work.row_weights, data.row_weights, n, place)",
        "load_weight(work.row_weights, data.row_weights, n, n)", WEIGHED),
    "momentum_of_a_batch_without_weight": Mutant(
        "nn/reference/training.py", "or _weightless(work, rows):", "or False:", WEIGHTLESS),
    "momentum_of_a_batch_without_weight_cpu": Mutant(
        "nn/cpu/rows.py", "return heaviest == 0.0", "return heaviest < 0.0", WEIGHTLESS),
    "flood_of_the_plain_mean_cpu": Mutant(
        "nn/cpu/rows.py", "J += row_weights[n] * losses[n]", "J += losses[n]", "tests/test_nn_weights.py::test_walk"),
    "frozen_in_adam": Mutant(  # a gradient of 0 instead of none: decay and moments move what is frozen
        "nn/reference/training.py", "    for start, end in free:\n        part = slice(start, end)\n",
        "    clear_frozen(dflat, free)\n    for part in (slice(0, flat.size),):\n", FROZEN),
    "frozen_in_adam_cpu": Mutant(
        "nn/cpu/training.py", "start, size = free[r, 0], free[r, 1] - free[r, 0]", "start, size = 0, free[r, 1]", FROZEN),
    "clipped_by_what_is_frozen_cpu": Mutant("nn/cpu/training.py", "            clear_frozen(dflat, free)\n", "", CLIPPED),
    "frozen_statistics_that_move": Mutant(
        "nn/host.py", "self._network.running[part] = values", "pass", f"{FROZEN_ALL}::{RESTING}"),
    "last_batch_not_dropped": Mutant(
        "nn/fitting/settings.py", "n // batch_size if self.drop_last else -(-n // batch_size)", "-(-n // batch_size)",
        DROPPED),
    "dropped_batch_of_another_epoch": Mutant(  # the right number of updates, out of orders of the wrong length
        "nn/fitting/run.py", ".permutation(self.n)[:used]", ".permutation(self.n)", DROPPED),
    "warmup_off_by_one": Mutant("nn/schedules.py", "np.minimum(epoch / self.numbers[0], 1)",
                                "np.minimum((epoch + 1) / self.numbers[0], 1)", RATES),
    "reduction_a_check_late": Mutant("nn/schedules.py", "self._waited >= self._plateau.patience",
                                     "self._waited > self._plateau.patience", RATES),
    "reductions_forgotten_by_a_checkpoint": Mutant(
        "nn/fitting/run_state.py", "if run.reductions is not None:", "if run.reductions is None:", RATES),
    "empty_batch_that_decays_weights": Mutant(
        "nn/reference/training.py", "sequences is not None and sequences.steps[0] == 0", "False", EMPTY_MOVES),
    "compiled_kernel": Mutant(
        "nn/cpu/rows.py", "mean, mean, loss.level, loss.flood_parameter) / n_rows",
        "mean, mean, loss.level, loss.flood_parameter)",
        f"{HAND}[numba-float64-1e-14]", jit=True),
    "compiled_scalar": Mutant(
        "nn/shared/scalars.py", "velocity = momentum * velocity + dtheta", "velocity = dtheta - momentum * velocity",
        "tests/test_nn_twins.py::test_same_results[optimizers-sgd_step-float64]", jit=True),
    "end_that_a_longer_run_keeps": Mutant(
        "nn/fitting/run_state.py", "if update == run.total else (values, arrays)", "if True else (values, arrays)",
        TRAIN_ON),
    "end_that_forgets_what_it_decided": Mutant(
        "nn/fitting/run_state.py", 'return values | values["end"], arrays', "return values, arrays", TRAIN_ON),
    "captured_value_that_nobody_tells": Mutant(
        "nn/fitting/described.py", 'self.add(cell.cell_contents, f"{prefix}captured {variable}")', "pass", DECIDES),
    "cached_function_by_its_name": Mutant(
        "nn/fitting/described.py", "isinstance(thing, functools._lru_cache_wrapper)", "False", DECIDES),
    "random_state_of_the_process_that_nobody_tells": Mutant(
        "nn/fitting/functions.py", "in (np.random.mtrand._rand, random._inst)", "in ()",
        "tests/test_nn_identity.py::test_what_belongs_to_the_whole_process_cannot_be_known"),
    "error_that_is_always_nan": Mutant(
        "nn/fitting/metrics.py", 'if what == "error" and data is not None and', "if False and",
        "tests/test_nn_answers.py::test_watching_an_error_of_real_targets_is_refused_at_the_start"),
    "fill_narrowed": Mutant(
        "nn/fitting/augmentation.py", "return np.result_type(dtype, np.float32)", "return dtype",
        "tests/test_nn_augmentation.py::test_the_border_holds_the_fill"),
    "zero_error_of_the_next_check": Mutant(
        "nn/fitting/run.py", "if self._watched and self.between_epochs:", "if self._watched and self.update == update:",
        ZERO),
}
