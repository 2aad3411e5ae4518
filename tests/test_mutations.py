"""Is the suite any good? Classic backprop bugs are planted in a copy of the sources; for each one some test must fail.

Every bug is one exact replacement of text. Most runs switch the JIT off, which is fast; a few leave it on, to show that a
bug planted in an undecorated kernel body or in scalar maths reaches the compiled code.
"""
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
# Each run sets the JIT itself, so once is enough: not again where the tests run with the JIT off.
pytestmark = pytest.mark.compiled

FOLDERS = ("nn", "losses", "stopping", "experiments", "tests")
# A test's path follows: where CI is set pytest prints whole messages, and a report of ours has lines that begin with FAILED.
SUMMARY = re.compile(r"^(FAILED|ERROR) (tests/\S+)", re.MULTILINE)

LAYER = "tests/test_nn_dense.py"
ACTIVATION = "tests/test_nn_activations.py"
STEPS = "tests/test_nn_optimizers.py"
LOSS = "tests/test_losses_rows.py"
MODEL = "tests/test_nn_mlp.py::test_equals_loops"
HAND = "tests/test_nn_mlp.py::test_by_hand_gradients"
FLOOD = "tests/test_nn_mlp.py::test_by_hand_flooded"
LEVELS = "tests/test_nn_flood_family.py::test_levels_follow_their_samples_through_shuffling"
FAMILY = "tests/test_nn_flood_family.py::test_fit_is_what_the_formulas_say"
READ_ONLY = "tests/test_nn_mlp.py::test_parameters_are_only_read"
RECURRENCE = "tests/test_nn_recurrent.py"
NETWORK = "tests/test_nn_rnn.py::test_equals_loops"
ZEROS = "tests/test_nn_rnn.py::test_zero_inputs_are_no_padding"
NETWORK_FIT = "tests/test_nn_rnn_fit.py::test_fit_is_what_the_formulas_say"
NORM = "tests/test_nn_normalization.py::test_by_hand"
NORM_MODE = "tests/test_nn_normalization.py::test_training_mode_uses_the_batch_and_evaluation_the_running_statistics"
DROP = "tests/test_nn_dropout.py::test_inverted_scaling_and_the_same_mask_on_both_backends"
DROP_BACKWARD = "tests/test_nn_dropout.py::test_backward_by_complex_step"
DROP_GRADIENT = "tests/test_nn_dropout.py::test_gradients_with_the_mask_frozen"
DROP_PLACE = "tests/test_nn_dropout.py::test_on_hidden_layers_never_on_input_or_output"
FIT = "tests/test_nn_training_equivalence.py::test_fit_is_what_the_formulas_say"
FROZEN_ALL, RESTING = "tests/test_nn_frozen.py", "test_running_statistics_of_a_frozen_layer_rest"
FROZEN = f"{FROZEN_ALL}::test_untouched_bit_for_bit_and_without_a_state"
CLIPPED = f"{FROZEN_ALL}::test_by_hand"
DROPPED = f"{FROZEN_ALL}::test_drop_last_by_hand"
RATES = "tests/test_nn_rates.py"
PER_NORM = "tests/test_losses_normalized_margins.py"
HARD_MARGIN = "tests/test_losses_hard_margin.py"
BAYES = "tests/test_losses_bayes.py"
INFINITE = "tests/test_losses_infinite.py"
MULTI_LABEL = "tests/test_losses_multi_label.py"
COPIES = "tests/test_losses_weights.py::test_a_weight_is_so_many_copies_of_the_sample"
WEIGHED = "tests/test_nn_weights.py::test_walk[mlp-ce-instance]"
WEIGHTLESS = "tests/test_nn_weights.py::test_a_batch_that_weighs_nothing_moves_nothing"
TEMPERATURE = "tests/test_losses_temperature.py"
ZERO = "tests/test_experiments_trainers.py::test_zero_error_is_the_first_epoch_without_a_training_error"
ATTACHED = "tests/test_public_objects.py::test_the_views_of_a_network_are_attached"
ANSWER = "tests/test_nn_answers.py::test_predict_answers_what_the_last_loss_says"
ANSWER_KEPT = "tests/test_nn_answers.py::test_the_answer_is_kept"
TRACE = "tests/test_nn_trace.py::test_rnn_equals_the_complex_step"
EMPTY = "tests/test_nn_empty_sequences.py::test_an_empty_sequence_says_what_the_bias_says"
EMPTY_MOVES = "tests/test_nn_empty_sequences.py::test_a_batch_without_a_valid_step_moves_nothing"
CHOICE = "tests/test_experiments_zero_loss.py::test_the_level_is_chosen_once_for_all_seeds"
CLAIM = "tests/test_experiments_loss_matters.py::test_margins_grow_stop_or_return_as_the_loss_says"


class Mutant(NamedTuple):
    """A planted bug, and the tests that are asked to find it."""

    file: str
    old: str
    new: str
    tests: str
    jit: bool = False


MUTANTS = {
    # A plain missing `.T` would only be a wrong shape; these fit every shape.
    "transpose": Mutant(
        "nn/reference/dense.py", "np.matmul(dz, W.T, out=dx)", "np.matmul(dz, W.reshape(W.shape[::-1]), out=dx)", LAYER),
    "transpose_cpu": Mutant(
        "nn/cpu/dense.py", "product_bt(dx, dz, W, lo, hi)",
        "product_bt(dx, dz, W.reshape(W.shape[1], W.shape[0]).T, lo, hi)", LAYER),
    "transpose_of_x_cpu": Mutant(
        "nn/cpu/dense.py", "product_at(dW, x, dz, lo, hi)",
        "product_at(dW, x.reshape(x.shape[1], x.shape[0]).T, dz, lo, hi)", MODEL),
    "sign_of_the_step": Mutant(
        "nn/reference/optimizers.py", "theta -= learning_rate * step", "theta += learning_rate * step", STEPS),
    "sign_of_the_step_cpu": Mutant(
        "nn/shared/scalars.py", "theta - learning_rate * step, velocity", "theta + learning_rate * step, velocity", FIT),
    "bias_gradient_without_the_first_sample": Mutant(
        "nn/reference/dense.py", "np.sum(dz, axis=0, out=db)", "np.sum(dz[1:], axis=0, out=db)", HAND),
    "bias_gradient_without_the_second_sample_cpu": Mutant(
        "nn/cpu/dense.py", "for n in range(1, dz.shape[0]):", "for n in range(2, dz.shape[0]):", HAND),
    "bias_off_by_one_place": Mutant(
        "nn/shared/layers.py", 'offsets.get(f"b{l}", -1)', 'offsets.get(f"b{l}", 0) - 1', HAND),
    "no_activation_derivative": Mutant(
        "nn/reference/mlp.py", "activation_backward(g.dy, g.da, v.a, v.kind)", "pass", MODEL),
    "no_activation_derivative_cpu": Mutant(
        "nn/cpu/mlp.py", "            if l > 0:\n                activation_backward_panel(",
        "            if l > 1:\n                activation_backward_panel(", MODEL),
    "derivative_of_tanh": Mutant(
        "nn/reference/activations.py", "dz[...] = da * (1 - a * a)", "dz[...] = da * (1 - a)", ACTIVATION),
    "derivative_at_the_wrong_place_cpu": Mutant(
        "nn/cpu/mlp.py", "activation_backward_panel(dx, a_in,", "activation_backward_panel(dx, dx,", MODEL),
    "sum_instead_of_mean": Mutant(
        "losses/base.py", "np.full(len(losses), 1 / len(losses)", "np.full(len(losses), 1.0", HAND),
    "sum_instead_of_mean_cpu": Mutant(
        "nn/cpu/rows.py", "mean, mean, loss.level, loss.flood_parameter) / n_rows",
        "mean, mean, loss.level, loss.flood_parameter)", HAND),
    "stale_activations": Mutant(
        "nn/reference/training.py", "    forward(work, norm,", "    if update % 2 == 0:\n        forward(work, norm,", FIT),
    "stale_activations_cpu": Mutant(
        "nn/cpu/training.py", "    forward(work, norm,", "    if update % 2 == 0:\n        forward(work, norm,", FIT),
    "update_inside_backward": Mutant(
        "nn/reference/dense.py", "    if dx.size:\n", "    W -= 0.1 * (x.T @ dz)\n    if dx.size:\n", READ_ONLY),
    "update_inside_backward_cpu": Mutant(
        "nn/cpu/mlp.py", "        if team.rank == team.size - 1:\n",
        "        W -= 0.1 * dW\n        if team.rank == team.size - 1:\n", READ_ONLY),
    "no_max_shift": Mutant(
        "losses/cross_entropy.py", "    e = np.exp(-gaps)  # (N, K)\n",
        "    e = np.exp(outputs) / np.exp(outputs[n, top])[:, None]\n", LOSS),
    "no_max_shift_rows": Mutant(
        "losses/rows.py", "dz[j] = F(math.exp(-gap))\n            if j != top:\n                s_block += dz[j]\n"
        "            gaps_block += g",
        "dz[j] = F(math.exp(z[j]) / math.exp(z[top]))\n            if j != top:\n                s_block += dz[j]\n"
        "            gaps_block += g", LOSS),
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
    "sign_of_the_flood": Mutant(
        "losses/flooding.py", "np.sign(J.real - self.level)", "np.sign(self.level - J.real)", FLOOD),
    "instance_flooding": Mutant(
        "losses/flooding.py", "slopes * slopes.dtype.type(sign)", "slopes * np.sign(losses.real - self.level)", FLOOD),
    "instance_flooding_rows": Mutant(
        "losses/rows.py", "if kind in (FLOODING, RELAX, RELAXED):", "if kind in (RELAX, RELAXED):", LOSS),
    "instance_flooding_cpu": Mutant(
        "nn/cpu/rows.py", "flood_weight(loss.flood, mean, mean,", "flood_weight(loss.flood, losses[0], losses[0],", FLOOD),
    "levels_by_place_in_the_batch": Mutant(
        "losses/flooding.py", "self.levels[indices]", "self.levels[:len(losses)]", LEVELS),
    "levels_by_place_in_the_batch_cpu": Mutant(
        "nn/cpu/rows.py", "loss.levels[samples[n]] if loss.flood == ADAPTIVE else loss.level\n            weight",
        "loss.levels[n] if loss.flood == ADAPTIVE else loss.level\n            weight", LEVELS),
    "relaxloss_that_does_not_alternate_cpu": Mutant("nn/cpu/rows.py", "epoch % 2 == 1", "epoch % 2 == 2", FAMILY),
    "penalty_on_biases": Mutant(  # b lies behind W: one more row
        "nn/reference/views.py", "layer[AT_W], layer[IN], layer[OUT])", "layer[AT_W], layer[IN] + 1, layer[OUT])", FIT),
    "penalty_on_biases_cpu": Mutant(
        "nn/cpu/training.py", "layers[l, AT_W], layers[l, IN], layers", "layers[l, AT_W], layers[l, IN] + 1, layers", FIT),
    # --- gradient checks ---
    "gradient_check_by_arrays_alone": Mutant(
        "nn/gradcheck/report.py", "if not self.entrywise or not beyond.any():", "if True:",
        "tests/test_nn_gradcheck.py::test_a_small_wrong_entry_does_not_hide_behind_a_large_one"),
    "upstream_gradient_forgotten": Mutant(
        "nn/gradcheck/backward.py", "np.sum(upstream * output(theta)[0])", "np.sum(output(theta)[0])",
        "tests/test_nn_check_backward.py::test_a_right_layer_passes"),
    "slope_of_relu_at_zero": Mutant(
        "nn/reference/activations.py", "np.where(z.real <= 0, 0, z)", "np.where(z.real < 0, 0, z)",
        "tests/test_nn_kinks.py::test_a_fresh_network_with_a_blank_row_passes"),
    # --- recurrent networks ---
    "no_gradient_from_the_later_step": Mutant(
        "nn/reference/recurrent.py", "now[:rows] += dh_now", "pass", RECURRENCE),
    "no_gradient_from_the_later_step_cpu": Mutant(
        "nn/cpu/recurrent.py", "add_rows_product(dz, first, dz, starts[after], rows, W_hh_T)", "pass", RECURRENCE),
    "untransposed_recurrence_cpu": Mutant(
        "nn/cpu/recurrent.py", "to[j, i] = W[i, j]", "to[i, j] = W[i, j]", NETWORK),
    "forward_states_in_reverse": Mutant(
        "nn/reference/views.py", "self.h = block(sequences.states, d,", "self.h = block(sequences.states, 0,", NETWORK),
    "forward_states_in_reverse_cpu": Mutant(
        "nn/cpu/rnn.py", "(sequences.states, d * M * H, M, H)\n        dz", "(sequences.states, 0, M, H)\n        dz",
        NETWORK),
    "reverse_runs_forward": Mutant(
        "nn/reference/rnn.py", "starts, front.kind, v.reverse)", "starts, front.kind, False)", NETWORK),
    "state_before_in_reverse_cpu": Mutant(
        "nn/cpu/rnn.py", "previous_states(h_before, h, starts, d == 1)", "previous_states(h_before, h, starts, False)",
        NETWORK),
    "state_before_off_by_one": Mutant(
        "nn/reference/recurrent.py", "t + 1 if reverse else t - 1\n        if 0 <=",
        "t + 2 if reverse else t - 2\n        if 0 <=", RECURRENCE),
    "state_before_off_by_one_cpu": Mutant(
        "nn/cpu/recurrent.py", "t + 1 if reverse else t - 1", "t + 2 if reverse else t - 2", RECURRENCE),
    "mask_from_zero_inputs": Mutant(
        "nn/rnn.py", "        none = np.zeros((0, 0), np.int64)\n",
        "        if not tokens:\n            valid = np.any(np.nan_to_num(x) != 0, axis=2)\n"
        "            lengths = np.maximum(valid.sum(axis=1), 1)\n        none = np.zeros((0, 0), np.int64)\n", ZEROS),
    "mean_over_padding": Mutant(
        "nn/reference/recurrent.py", ".sum(axis=0) / max(length, 1)", ".sum(axis=0) / (len(starts) - 1)", RECURRENCE),
    "mean_over_padding_cpu": Mutant(
        "nn/cpu/recurrent.py", "/= real(max(lengths[i], 1))", "/= real(starts.size - 1)", RECURRENCE),
    "gradient_of_the_mean_over_the_batch": Mutant(
        "nn/reference/recurrent.py", "dpooled[i, columns] / max(length, 1)", "dpooled[i, columns] / len(lengths)",
        RECURRENCE),
    "gradient_of_the_mean_over_the_batch_cpu": Mutant(
        "nn/cpu/recurrent.py", "here[j] = d[j] / real(lengths[i])",
        "here[j] = d[j] / real(lengths.size)", RECURRENCE),
    "dy_overwritten_by_dx": Mutant(  # before the other direction has used it
        "nn/reference/rnn.py", "g.dx_sum += g.dx ", "g.dx_sum += g.dx; g.dpooled[0, -1] = g.dx[0, 0] ", NETWORK),
    "dz_overwritten_by_the_other_direction_cpu": Mutant(
        "nn/cpu/rnn.py", "(sequences.deltas, d * M * H, M, H)\n        h_", "(sequences.deltas, 0, M, H)\n        h_",
        NETWORK),
    "gradient_of_x_from_one_direction_cpu": Mutant(
        "nn/cpu/rnn.py", "dx[m, i] if d == 0 else dx_sum[m, i] + dx[m, i]", "dx[m, i]", NETWORK),
    "lookup_without_bias": Mutant(
        "nn/reference/recurrent.py", "W_xh[tokens] + b_h\n\n", "W_xh[tokens]\n\n", RECURRENCE),
    "lookup_without_bias_cpu": Mutant(
        "nn/cpu/recurrent.py", "w[j] + b_h[j]", "w[j]", RECURRENCE),
    "repeated_tokens_counted_once": Mutant(
        "nn/reference/recurrent.py", "np.add.at(dW_xh, tokens, dz)", "dW_xh[tokens] += dz", RECURRENCE),
    "truncation_off_by_one": Mutant(
        "nn/reference/recurrent.py", "lengths[:rows] - 1 - t", "lengths[:rows] - t", RECURRENCE),
    "truncation_off_by_one_cpu": Mutant(
        "nn/cpu/recurrent.py", "lengths[i] - 1 - t", "lengths[i] - t", RECURRENCE),
    "targets_not_sorted_by_length_cpu": Mutant(
        "nn/cpu/training.py", "work.samples[i] = indices[sequences.order[i]]", "work.samples[i] = indices[i]", NETWORK),
    "penalty_on_recurrent_biases": Mutant(
        "nn/reference/views.py", "at[AT_W_HH], front.hidden, front.hidden)", "at[AT_W_HH], front.hidden + 1, front.hidden)",
        NETWORK_FIT),
    "clipped_when_short_cpu": Mutant(
        "nn/cpu/training.py", "if norm > clip_norm:", "if norm < clip_norm:", NETWORK_FIT),
    # --- batch normalisation and dropout ---
    "running_statistics_in_training": Mutant(
        "nn/reference/mlp.py", "if v.normalised and training:", "if v.normalised and training and rows == 0:", NORM_MODE),
    "running_statistics_in_training_cpu": Mutant(
        "nn/cpu/mlp.py", "    if training:\n        z_hat", "    if training and rows == 0:\n        z_hat", NORM_MODE),
    "no_mean_term": Mutant(
        "nn/reference/normalization.py", "dy - dbeta / rows - z_hat *", "dy - z_hat *", NORM),
    "no_mean_term_cpu": Mutant(
        "nn/cpu/normalization.py", "-= dbeta[j] / rows + normalised", "-= normalised", NORM),
    "no_variance_term": Mutant(
        "nn/reference/normalization.py", " - z_hat * (dgamma / rows))", ")", NORM),
    "biased_running_variance_cpu": Mutant(
        "nn/cpu/normalization.py", "real(rows / (rows - 1.0))", "real(1.0)", NORM),
    "dropout_scaled_twice": Mutant(
        "nn/reference/dropout.py", "a / (1 - rate)", "a / (1 - rate) ** 2", DROP),
    "dropout_scaled_twice_backward_cpu": Mutant(
        "nn/cpu/dropout.py", "here[j] = here[j] * scale", "here[j] = here[j] * scale * scale", DROP_BACKWARD),
    "another_mask_backward_cpu": Mutant(
        "nn/cpu/mlp.py", "dx, drop.rates[l], drop.seed, update,", "dx, drop.rates[l], drop.seed, update + 1,",
        DROP_GRADIENT),
    "online_step_before_the_gradient": Mutant(  # dx of weights that have moved already
        "nn/cpu/dense_one.py", "put(dx, dx_at + i, before * d if j == 0",
        "put(dx, dx_at + i, (before - step * get(x, x_at + i)) * d if j == 0", "tests/test_nn_online.py", jit=True),
    "online_neighbour": Mutant(  # the end of a row's last vector belongs to the next row
        "nn/cpu/dense_one.py", "first(load(dz, dz_at + j), n_out - j), w_at + j", "load(dz, dz_at + j), w_at + j",
        "tests/test_nn_online.py", jit=True),
    "dropout_on_the_input": Mutant(
        "nn/mlp.py", "[0.0, *self.dropout]", "[*self.dropout, 0.0]", DROP_PLACE),
    # --- targets and edges of the losses ---
    "zero_times_infinity": Mutant(
        "losses/cross_entropy.py", "np.where((shares == 0) & np.isinf(gaps), 0, shares * gaps)", "shares * gaps", INFINITE),
    "zero_times_infinity_rows": Mutant(
        "losses/rows.py", "if not (F(target[j]) == zero and gap == F(math.inf)):", "if True:", INFINITE),
    "soft_target_as_a_label_rows": Mutant(
        "losses/rows.py", "dz[j] = (rest - t * e) /", "dz[j] = (one - t * e) /", MULTI_LABEL),
    "only_the_last_label_rows": Mutant("losses/rows.py", "        loss += block\n", "        loss = block\n", MULTI_LABEL),
    "soft_target_truncated": Mutant(
        "losses/relax.py", "(y[:, 0] > 0.5).astype(np.int64)", "y[:, 0].astype(np.int64)", MULTI_LABEL),
    "border_of_labels_at_zero": Mutant(
        "losses/answers.py", '0.5 if answers == "half" else 0', "0", "tests/test_losses_answers.py"),
    # --- weights of samples and classes ---
    "weights_in_the_flood": Mutant(
        "losses/flooding.py", "mirrored(losses, self.level), indices, weights)",
        "mirrored(losses * (1 if weights is None else weights), self.level), indices, weights)", COPIES),
    "weights_in_the_flood_cpu": Mutant(
        "nn/cpu/rows.py", "own = losses[n] if each", "own = row_weights[n] * losses[n] if each", WEIGHED),
    "mean_of_weighted_losses": Mutant("losses/base.py", "weights / (weights.sum() or 1)", "weights / len(weights)", COPIES),
    "mean_of_weighted_losses_cpu": Mutant("nn/cpu/rows.py", "total += row_weights[n]", "total += 1.0", WEIGHED),
    "class_weights_of_smoothed_targets": Mutant(
        "losses/cross_entropy.py",
        "np.maximum(y - self.label_smoothing / len(c), 0) / (1 - self.label_smoothing) @ c", "y @ c",
        "tests/test_losses_weights.py::test_class_weights_go_by_the_target_before_smoothing"),
    "weights_by_place_in_the_batch_cpu": Mutant(
        "nn/cpu/training.py", "load_weight(work.row_weights, data.row_weights, n, place)",
        "load_weight(work.row_weights, data.row_weights, n, n)", WEIGHED),
    "momentum_of_a_batch_without_weight": Mutant(
        "nn/reference/training.py", "or _weightless(work, rows):", "or False:", WEIGHTLESS),
    "momentum_of_a_batch_without_weight_cpu": Mutant(
        "nn/cpu/rows.py", "return heaviest == 0.0", "return heaviest < 0.0", WEIGHTLESS),
    "flood_of_the_plain_mean_cpu": Mutant(
        "nn/cpu/rows.py", "J += row_weights[n] * losses[n]", "J += losses[n]", "tests/test_nn_weights.py::test_walk"),
    # --- what is measured ---
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
    # --- what is left out, and how fast ---
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
    # --- what is said, shown and kept ---
    "pickled_views_detached": Mutant(
        "nn/settled.py", 'Views(flat, state["_shapes"])', 'Views(flat.copy(), state["_shapes"])', ATTACHED),
    "answer_that_a_copy_forgets": Mutant("nn/model.py", "twin._answers = self._answers", "pass", ANSWER_KEPT),
    "labels_of_one_output_told_apart_at_0": Mutant(
        "losses/answers.py", '(0.5 if answers == "half" else 0)', "0", ANSWER),
    "trace_without_the_way_through_time": Mutant(
        "nn/tracing.py", '"da": through_time + _unpooled(', '"da": 0 * through_time + _unpooled(', TRACE),
    "empty_sequence_takes_its_neighbours_state": Mutant(
        "nn/reference/recurrent.py", "h[last] if length > 0 else 0", "h[last]", EMPTY),
    "empty_batch_that_decays_weights": Mutant(
        "nn/reference/training.py", "sequences is not None and sequences.steps[0] == 0", "False", EMPTY_MOVES),
    "compiled_kernel": Mutant(
        "nn/cpu/rows.py", "mean, mean, loss.level, loss.flood_parameter) / n_rows",
        "mean, mean, loss.level, loss.flood_parameter)",
        f"{HAND}[numba-float64-1e-14]", jit=True),
    "compiled_scalar": Mutant(
        "nn/shared/scalars.py", "velocity = momentum * velocity + dtheta", "velocity = dtheta - momentum * velocity",
        "tests/test_nn_twins.py::test_same_results[optimizers-sgd_step-float64]", jit=True),
    "zero_error_of_the_next_check": Mutant(
        "nn/fitting/run.py", "if self._watched and self.between_epochs:", "if self._watched and self.update == update:",
        ZERO),
    "a_level_by_the_first_seed": Mutant(
        "experiments/report/levels.py", "np.round(errors.mean(axis=1), 12)", "np.round(errors[:, 0], 12)", CHOICE),
}
# The bugs that everybody plants once; the default run looks for these, --slow (and .ci/run) for all.
EVERYDAY = {
    "transpose", "transpose_cpu", "sign_of_the_step", "sign_of_the_step_cpu", "bias_gradient_without_the_first_sample",
    "bias_off_by_one_place", "no_activation_derivative", "no_activation_derivative_cpu", "sum_instead_of_mean",
    "sum_instead_of_mean_cpu", "stale_activations", "stale_activations_cpu", "update_inside_backward",
    "update_inside_backward_cpu", "no_max_shift", "no_max_shift_rows", "sign_of_momentum", "sign_of_momentum_cpu",
    "shuffled_labels", "shuffled_labels_cpu", "compiled_kernel", "compiled_scalar"}
CLEAN = Mutant("", "", "", " ".join(sorted({mutant.tests for mutant in MUTANTS.values() if not mutant.jit})))


def plant(mutant, folder):
    """Copy the sources into a folder and plant the bug; the text must be there exactly once."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "test_mutations.py"))
    shutil.copy(ROOT / "setup.cfg", folder)
    if mutant.file:
        path = folder / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise LookupError(f"{mutant.file} holds {text.count(mutant.old)} times, not once: {mutant.old!r}")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def outcome(mutant, folder):
    """Return (exit status, output) of pytest in a copy that holds the bug."""
    plant(mutant, folder)
    # PYTHONPATH comes before an installed package, so that the copy is what is tested.
    environment = os.environ | {"NUMBA_DISABLE_JIT": "0" if mutant.jit else "1", "PYTHONPATH": str(folder),
                                "AFTERZERO_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--assert=plain", "-p", "no:cacheprovider",
               *mutant.tests.split()]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    shutil.rmtree(folder)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """Name -> future of every run that was selected, two at a time."""
    chosen = [item.callspec.params["name"] for item in request.session.items
              if item.path == request.path and hasattr(item, "callspec") and not item.get_closest_marker("skip")]
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(outcome, MUTANTS.get(name, CLEAN), tmp_path_factory.mktemp(name)) for name in chosen}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clean"])
def test_the_copy_passes_without_a_bug(outcomes, name):
    status, output = outcomes[name].result()
    assert status == 0, output


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.slow) for name in MUTANTS])
def test_bug_is_found(outcomes, name):
    status, output = outcomes[name].result()
    found = SUMMARY.findall(output)
    # 1: tests ran and some failed. A bug that breaks the import (2), or a selection that is empty (4, 5), proves nothing.
    assert status == 1 and [kind for kind, _ in found] == ["FAILED"], f"{name} survived ({status}):\n{output}"


def test_every_bug_can_be_planted():
    assert set(MUTANTS) >= EVERYDAY
    for name, mutant in MUTANTS.items():
        assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1, f"{name}: {mutant.old!r}"


def test_the_copy_is_what_runs(tmp_path):
    plant(CLEAN, tmp_path)
    command = [sys.executable, "-c", "import nn, losses, sys; print(nn.__file__, losses.__file__)"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / "nn" / "__init__.py"), str(tmp_path / "losses" / "__init__.py")]
