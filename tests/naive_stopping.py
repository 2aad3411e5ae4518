"""Literal definitions of the stopping criteria that naive.py has no room for, and the early stopping of other libraries.

Every answer is worked out anew from the whole past, in fractions where a ratio is compared; nothing is carried over
between checks. The package never imports this file.
"""
import math
from fractions import Fraction as F

NAN, INF = math.nan, math.inf


def at_every_check(rule, *series):
    return [rule(*(values[:t] for values in series)) for t in range(1, len(series[0]) + 1)]


def best(past):
    """First check with the lowest finite value, and that value."""
    known = [(v, t) for t, v in enumerate(past, 1) if math.isfinite(v)]
    value, step = min(known, default=(None, None))
    return step, value


# --- Prechelt ---

def naive_generalization_loss(past):
    opt, v = best(past)[1], past[-1]
    if opt is None or math.isnan(v):
        return NAN
    if v == INF:
        return INF
    if opt == 0:
        return INF if v > 0 else F(0)
    return 100 * (F(v) / F(opt) - 1)


def naive_progress(strip):
    if any(math.isnan(v) for v in strip) or min(strip) == INF:
        return NAN
    if INF in strip:
        return INF
    if min(strip) == 0:
        return INF if max(strip) > 0 else F(0)
    return 1000 * (sum(map(F, strip)) / (len(strip) * F(min(strip))) - 1)


def naive_gl(values, alpha):
    return at_every_check(lambda past: naive_generalization_loss(past) > alpha, values)


def naive_pq(values, losses, alpha, k):
    def rule(past, past_losses):
        if len(past) % k:
            return False
        g, p = naive_generalization_loss(past), naive_progress(past_losses[-k:])
        if math.isnan(g) or math.isnan(p) or p == INF:
            return False
        return g > 0 if p == 0 else g / p > alpha
    return at_every_check(rule, values, losses)


def naive_up(values, s, k):
    def up(s, t):
        if t % k or t < 2 * k:
            return False
        return values[t - 1] > values[t - k - 1] and (s == 1 or up(s - 1, t - k))
    return [up(s, t) for t in range(1, len(values) + 1)]


def naive_fallback(losses, k, min_progress, max_checks):
    def rule(past):
        slow = min_progress is not None and len(past) % k == 0 and naive_progress(past[-k:]) < min_progress
        return slow or (max_checks is not None and len(past) >= max_checks)
    return at_every_check(rule, losses)


# --- the others ---

def naive_theano(values, patience, increase, threshold, minimum=0, sign=1):
    """The loop of the Theano tutorials, with one check per iteration and iterations from 1."""
    best_value, best_step, answers = INF, None, []
    for iteration, v in enumerate(values, 1):
        v = sign * v
        if math.isfinite(v) and v < best_value:
            margin = (1 - F(threshold)) * abs(F(best_value)) if best_value < INF else 0
            if best_value == INF or F(v) < F(best_value) - margin:
                patience = max(patience, iteration * F(increase), iteration + minimum)
            best_value, best_step = v, iteration
        answers.append((max(patience, minimum) <= iteration, best_step, None if best_step is None else sign * best_value))
    return answers


def naive_plateau(values, tol, checks, relative):
    def lowest(past):
        value = best(past)[1]
        return INF if value is None else F(value)

    def rule(past):
        if len(past) < checks:
            return False
        before, now = lowest(past[:-checks]), lowest(past)
        if before == INF:
            return now == INF
        return before - now <= (F(tol) * before if relative else F(tol))
    return at_every_check(rule, values)


def naive_label_wave(counts, window):
    def averages(past):
        known = [F(v) for v in past if math.isfinite(v)]
        return [sum(known[i - window:i]) / window for i in range(window, len(known) + 1)]

    def rule(past):
        a = averages(past)
        return bool(a) and math.isfinite(past[-1]) and a[-1] > min(a)

    def first_lowest(past):
        a, checks = averages(past), [t for t, v in enumerate(past, 1) if math.isfinite(v)]
        return checks[window - 1 + a.index(min(a))] if a else None
    return [(rule(counts[:t]), first_lowest(counts[:t])) for t in range(1, len(counts) + 1)]


def naive_correlation_driven(losses, values, window, threshold, patience):
    def below(t):
        a, b = losses[max(0, t - window):t], values[max(0, t - window):t]
        if t < window or not all(map(math.isfinite, [*a, *b])):
            return False
        a, b = [F(v) - sum(map(F, a)) / window for v in a], [F(v) - sum(map(F, b)) / window for v in b]
        ab, aa, bb = (sum(x * y for x, y in zip(*pair, strict=True)) for pair in ((a, b), (a, a), (b, b)))
        signed = ab * abs(ab)  # r |r| = signed / (aa bb), and r -> r |r| grows with r
        return aa * bb > 0 and signed < F(threshold) * abs(F(threshold)) * aa * bb
    return [t >= patience and all(below(s) for s in range(t - patience + 1, t + 1)) for t in range(1, len(values) + 1)]


def naive_evidence(gradients):
    """1 - (M/D) sum_j g_j^2 / s_j^2 from the gradients of all samples."""
    terms, samples = [], len(gradients)
    for column in zip(*gradients, strict=True):
        mean = sum(map(F, column)) / samples
        variance = sum((F(g) - mean) ** 2 for g in column) / (samples - 1)
        if variance > 0:
            terms.append(samples * mean ** 2 / variance)
    return float(1 - sum(terms) / len(terms)) if terms else NAN


def naive_running_average(values, decay):
    b = F(decay)
    return [float(sum((1 - b) * b ** (t - i) * F(values[i - 1]) for i in range(1, t + 1)) / (1 - b ** t))
            for t in range(1, len(values) + 1)]


# --- other libraries: (first check that stops, best check), checks from 1 ---

def keras_early_stopping(values, patience=0, min_delta=0, mode="min", baseline=None, start_from_epoch=0):
    """keras 3.15.1, early_stopping.py and monitor_callback.py."""
    def improves(value, reference):
        if reference is None:
            return True
        return value + min_delta < reference if mode == "min" else value - min_delta > reference
    best_value, best_epoch, wait = None, None, 0
    for epoch, current in enumerate(values):  # from 0
        if epoch < start_from_epoch:
            continue
        wait += 1
        if improves(current, best_value):
            best_value, best_epoch = current, epoch + 1
            if baseline is None or improves(current, baseline):
                wait = 0
            continue
        if wait >= patience and epoch > 0:
            return epoch + 1, best_epoch
    return None, best_epoch


def sklearn_mlp(losses, tol=1e-4, n_iter_no_change=10):
    """The training loss is watched (early_stopping=False)."""
    best_loss, count = INF, 0
    for epoch, loss in enumerate(losses, 1):
        count = count + 1 if loss > best_loss - tol else 0
        best_loss = min(best_loss, loss)
        if count > n_iter_no_change:
            return epoch
    return None


def sklearn_mlp_validation(scores, tol=1e-4, n_iter_no_change=10):
    """The score of a held-out part is watched, higher is better (early_stopping=True)."""
    best_score, best_epoch, count = -INF, None, 0
    for epoch, score in enumerate(scores, 1):
        count = count + 1 if score < best_score + tol else 0
        if score > best_score:
            best_score, best_epoch = score, epoch
        if count > n_iter_no_change:
            return epoch, best_epoch
    return None, best_epoch


def ignite_early_stopping(scores, patience, min_delta=0.0, cumulative_delta=False):
    best_score, counter = None, 0
    for event, score in enumerate(scores, 1):
        if best_score is None:
            best_score = score
        elif score <= best_score + min_delta:
            if not cumulative_delta and score > best_score:
                best_score = score
            counter += 1
            if counter >= patience:
                return event
        else:
            best_score, counter = score, 0
    return None


def lightning_early_stopping(values, patience=3, min_delta=0.0, stopping_threshold=None, divergence_threshold=None):
    best_score, wait = INF, 0
    for check, current in enumerate(values, 1):
        if not math.isfinite(current):
            return check
        if stopping_threshold is not None and current < stopping_threshold:
            return check
        if divergence_threshold is not None and current > divergence_threshold:
            return check
        if current + min_delta < best_score:
            best_score, wait = current, 0
        else:
            wait += 1
            if wait >= patience:
                return check
    return None


def skorch_early_stopping(scores, patience=5, threshold=1e-4, relative=True, lower=True):
    """skorch 1.4.0, callbacks/training.py: (epoch, best_epoch_)."""
    bar, best, misses = INF if lower else -INF, None, 0
    for epoch, score in enumerate(scores, 1):
        if score < bar if lower else score > bar:
            delta = threshold * score if relative else threshold
            bar, best, misses = score - delta if lower else score + delta, epoch, 0
        else:
            misses += 1
        if misses == patience:
            return epoch, best
    return None, best


def xgboost_early_stopping(scores, rounds, min_delta=0.0, maximize=False):
    """xgboost-cpu 3.2.0, callback.py: (round that stops, best_iteration + 1, the part that save_best keeps)."""
    best, best_round, waited = None, None, 0
    for number, score in enumerate(scores, 1):
        if number == 1 or (score - min_delta > best if maximize else best - min_delta > score):
            best, best_round, waited = score, number, 0
        else:
            waited += 1
        if waited >= rounds:
            return number, best_round
    return None, best_round


def lightgbm_early_stopping(columns, stopping_rounds, min_delta=0.0, higher=False):
    """LightGBM 4.7.0, callback.py: all metrics of all validation sets are asked in turn; (round, best round, whose)."""
    best, best_round = [None] * len(columns), [None] * len(columns)
    for number, scores in enumerate(zip(*columns, strict=True), 1):
        for j, score in enumerate(scores):
            if number == 1 or (score > best[j] + min_delta if higher else score < best[j] - min_delta):
                best[j], best_round[j] = score, number
            if number - best_round[j] >= stopping_rounds:
                return number, best_round[j], j
            if number == len(columns[0]):  # the last round asks no further
                return None, best_round[j], j
    raise AssertionError


def hist_gradient_boosting(scores, tol=1e-7, n_iter_no_change=10):
    """scikit-learn 1.9.1, gradient_boosting.py: higher is better, the first score is before the first tree."""
    for t in range(n_iter_no_change + 1, len(scores) + 1):
        reference = scores[t - n_iter_no_change - 1] + tol
        if not any(score > reference for score in scores[t - n_iter_no_change:t]):
            return t
    return None


def transformers_early_stopping(values, patience=1, threshold=0.0, greater=False):
    """transformers 5.24.0, trainer_callback.py asks before trainer.py takes a new best: (evaluation, best evaluation)."""
    best, best_at, counter = None, None, 0
    for number, value in enumerate(values, 1):
        improved = best is None or ((value > best if greater else value < best) and abs(value - best) > threshold)
        counter = 0 if improved else counter + 1
        best = (-INF if greater else INF) if best is None else best
        if value > best if greater else value < best:
            best, best_at = value, number
        if counter >= patience:
            return number, best_at
    return None, best_at


def ultralytics_early_stopping(fitness, patience=100, ties=False):
    """ultralytics 8.4.190, torch_utils.py and trainer.py; `ties` as in 8.3.0: (epoch, its best epoch, that of best.pt)."""
    best, best_epoch, saved = 0.0, 0, None
    for epoch, value in enumerate(fitness, 1):
        if value == max(fitness[:epoch]):
            saved = epoch
        if value >= best if ties else (value > best or best == 0):
            best, best_epoch = value, epoch
        if epoch - best_epoch >= (patience or INF):
            return epoch, best_epoch, saved
    return None, best_epoch, saved
