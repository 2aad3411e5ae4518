"""The maths of one sample as plain scalar loops, for compiled backends.

The NumPy classes of this package are the definitions; a test compares each function here with its class. Nothing is
decorated: `nn/cpu` compiles these functions by assignment. Therefore each one stands alone (a compiled function cannot
call an uncompiled neighbour) and uses `math` only. Outputs come first: `dz` (K,) is filled with the derivative of the
sample's loss, and the loss is returned.

Constants are typed by the argument, `F = type(z[0])`: in Numba a bare 0.5 is float64 and would widen float32
arithmetic.
"""
import math

from numpy.typing import NDArray

# Kinds of weighting, as integers that compiled code can dispatch on. RELAX alternates: FLOODING in even epochs, RELAXED
# in odd ones.
FLOODS = {"none": 0, "flooding": 1, "instance": 2, "soft": 3, "adaptive": 4, "relax": 5, "relaxed": 6}
NO_FLOOD, FLOODING, INSTANCE, SOFT, ADAPTIVE, RELAX, RELAXED = FLOODS.values()

# Sums over many classes go by blocks: rounding then grows with the number of blocks, not with the number of classes.
BLOCK = 32


def cross_entropy(dz: NDArray, z: NDArray, label: int, smoothing: float) -> float:
    """Softmax cross-entropy of logits `z` (K,), target (1 - smoothing)·onehot(label) + smoothing/K."""
    F = type(z[0])
    zero, one = F(0), F(1)
    K = len(z)
    smooth = F(smoothing)
    spread = smooth / F(K)

    top = 0
    for j in range(1, K):
        if z[j] > z[top]:
            top = j

    # s = Σ_{j != top} exp(z_j - z_top), and Σ_j (z_top - z_j) for the smoothing
    s, gaps = zero, zero
    for start in range(0, K, BLOCK):
        s_block, gaps_block = zero, zero
        for j in range(start, min(start + BLOCK, K)):
            gap = z[top] - z[j]
            dz[j] = F(math.exp(-gap))
            if j != top:
                s_block += dz[j]
            gaps_block += gap
        s += s_block
        gaps += gaps_block

    # dz = p - t; at the top, where p may round to 1, as p(1 - t) - t(1 - p) with 1 - p = s/(1 + s)
    finite = dz[top]  # exp(top - top): 1, or NaN for an infinite logit, which must not pass as a loss of 0
    p_top = finite / (one + s)
    for j in range(K):
        dz[j] = dz[j] * p_top - spread
    if label == top:
        dz[top] = p_top * (smooth - spread) - (one - smooth + spread) * (s * p_top)
    else:
        dz[top] = p_top * (one - spread) - spread * (s * p_top)
        dz[label] -= one - smooth

    loss = finite * F(math.log1p(s))
    if smooth > zero:
        loss += spread * gaps
    # A gap of 0 must not be added: compilers that may reassociate turn top - label + loss into top + (loss - label), and
    # all digits of a small loss are gone.
    if label != top:
        loss += (one - smooth) * (z[top] - z[label])
    return loss


def soft_cross_entropy(dz: NDArray, z: NDArray, target: NDArray) -> float:
    """Softmax cross-entropy of logits `z` (K,) for a distribution `target` (K,)."""
    F = type(z[0])
    zero, one = F(0), F(1)
    K = len(z)

    top = 0
    for j in range(1, K):
        if z[j] > z[top]:
            top = j

    s, gaps = zero, zero
    for start in range(0, K, BLOCK):
        s_block, gaps_block = zero, zero
        for j in range(start, min(start + BLOCK, K)):
            gap = z[top] - z[j]
            dz[j] = F(math.exp(-gap))
            if j != top:
                s_block += dz[j]
            if not (F(target[j]) == zero and gap == F(math.inf)):  # 0·∞ = 0; a NaN goes in
                gaps_block += F(target[j]) * gap
        s += s_block
        gaps += gaps_block

    p_top = one / (one + s)
    for j in range(K):
        dz[j] = dz[j] * p_top - F(target[j])
    t_top = F(target[top])
    dz[top] = p_top * (one - t_top) - t_top * (s * p_top)
    return gaps + F(math.log1p(s))


def binary_cross_entropy(dz: NDArray, z: NDArray, target: NDArray) -> float:
    """Sum over the logits `z` (K,) of the logistic losses t softplus(-z) + (1 - t) softplus(z), `target` t in [0, 1]."""
    F = type(z[0])
    zero, one = F(0), F(1)
    K = len(z)
    loss = zero
    for start in range(0, K, BLOCK):
        block = zero
        for j in range(start, min(start + BLOCK, K)):
            t = F(target[j])
            rest = one - t
            e = F(math.exp(-abs(z[j])))
            # dz = p - t as p(1 - t) - t(1 - p): nothing cancels for t = 0 and t = 1
            if z[j] > zero:
                dz[j] = (rest - t * e) / (one + e)
                if rest > zero:  # 0·∞ = 0
                    block += rest * z[j]
            else:
                dz[j] = (rest * e - t) / (one + e)
                if t > zero:
                    block -= t * z[j]
            block += F(math.log1p(e))
        loss += block
    return loss


def squared_error(dz: NDArray, z: NDArray, target: NDArray) -> float:
    """Sum over the outputs `z` (K,) of (z - target)²."""
    F = type(z[0])
    loss = F(0)
    for j in range(len(z)):
        error = z[j] - F(target[j])
        dz[j] = F(2) * error
        loss += error * error
    return loss


def hinge(dz: NDArray, z: NDArray, label: int, margin: float, squared: bool) -> float:
    """max(0, margin - q) or its square, with q = z_label - max_{j != label} z_j; for one output q = ±z."""
    F = type(z[0])
    zero, one = F(0), F(1)
    K = len(z)

    other = 0  # the first runner-up; a NaN is kept once found
    for j in range(K):
        dz[j] = zero
        if j != label and (other == label or (not z[j] <= z[other] and z[other] == z[other])):
            other = j
    if K == 1:
        q = z[0] if label == 1 else -z[0]
    else:
        q = z[label] - z[other]

    missing = F(margin) - q
    if missing <= zero:
        return zero
    slope = one
    if squared:
        slope = F(2) * missing
    if K == 1:
        dz[0] = -slope if label == 1 else slope
    else:
        dz[label] = -slope
        dz[other] = slope
    return missing * missing if squared else missing


def add_confidence_penalty(dz: NDArray, z: NDArray, strength: float) -> float:
    """Return -strength·H for the entropy H of softmax(z) (one output: of the sigmoid), and add its derivative to dz."""
    F = type(z[0])
    zero, one = F(0), F(1)
    K = len(z)
    c = F(strength)
    if K == 1:
        u = abs(z[0])
        e = F(math.exp(-u))
        p = e / (one + e)
        if u == F(math.inf):  # no uncertainty is left
            return zero
        dz[0] += c * z[0] * p * (one / (one + e))
        return -c * (p * u + F(math.log1p(e)))

    top = 0
    for j in range(1, K):
        if z[j] > z[top]:
            top = j

    # s as in cross_entropy, and E = Σ_j p_j (z_top - z_j): H = E + log1p(s), dH/dz_j = p_j (z_top - z_j - E)
    s, weighted = zero, zero
    for j in range(K):
        if j != top:
            gap = z[top] - z[j]
            e = F(math.exp(-gap))
            s += e
            if not (e == zero and gap == F(math.inf)):
                weighted += e * gap
    p_top = one / (one + s)
    E = weighted * p_top
    for j in range(K):
        gap = z[top] - z[j]
        if gap != F(math.inf):
            dz[j] -= c * (F(math.exp(-gap)) * p_top * (gap - E))
    return -c * (E + F(math.log1p(s)))


def add_posterior_flattening(dz: NDArray, z: NDArray, label: int, upper: float, weight: float) -> float:
    """If z puts another class first, add weight·dF/dz to dz and return F, the cross-entropy to a flattened posterior.

    F = -Σ_j t_j log p_j with t_label = min(p_label, upper) and the rest of the target spread evenly over the other
    classes; t moves with p, except where it is cut off at `upper`.
    """
    F = type(z[0])
    zero, one = F(0), F(1)
    K = len(z)
    w = F(weight)
    if K == 1:  # the two logits 0 and z
        if (z[0] > zero) == (label == 1):
            return zero
        gap = abs(z[0])
        e = F(math.exp(-gap))
        p = e / (one + e)
        if gap == F(math.inf):  # F falls to 0 with p
            return zero
        t = p if p < F(upper) else F(upper)
        slope = p - t
        if p < F(upper):
            slope += p * (one - p) * gap
        dz[0] += w * (slope if label == 1 else -slope)
        return t * gap + F(math.log1p(e))

    top = 0
    for j in range(1, K):
        if z[j] > z[top]:
            top = j
    if top == label:
        return zero

    s, gaps = zero, zero  # gaps: Σ_{j != label} (z_top - z_j)
    for j in range(K):
        gap = z[top] - z[j]
        if j != top:
            s += F(math.exp(-gap))
        if j != label:
            gaps += gap
    p_top = one / (one + s)
    gap_label, mean_gap = z[top] - z[label], gaps / F(K - 1)
    p_label = F(math.exp(-gap_label)) * p_top
    if gap_label == F(math.inf):
        gap_label = zero  # only ever multiplied by p_label, which is 0
    t = p_label if p_label < F(upper) else F(upper)
    spread = (one - t) / F(K - 1)
    # dF/dz_j = p_j - t_j + dF/dt · dt/dz_j, with dF/dt = gap_label - mean_gap and dt/dz_j = p_label ([j = label] - p_j)
    pull = p_label * (gap_label - mean_gap) if p_label < F(upper) else zero
    for j in range(K):
        p = F(math.exp(z[j] - z[top])) * p_top
        if j == label:
            dz[j] += w * (p - t + pull * (one - p))
        else:
            dz[j] += w * (p - spread - pull * p)
    return t * gap_label + (one - t) * mean_gap + F(math.log1p(s))


def flood_weight(kind: int, loss: float, mean_loss: float, level: float, scale: float) -> float:
    """Weight of one sample's gradient times N: the whole flooding family. A level of 0 is plain training.

    `loss` is the sample's own loss, `mean_loss` its batch's; `scale` is that of SOFT.
    """
    F = type(loss)
    zero, one = F(0), F(1)
    if kind == NO_FLOOD or level <= zero:
        return one
    distance = loss - F(level)
    if kind in (FLOODING, RELAX, RELAXED):  # one sign for the whole batch
        distance = F(mean_loss) - F(level)
    if kind == SOFT:
        root = F(math.sqrt(F(scale) * F(scale) + distance * distance))
        if root == F(math.inf):  # ∞/∞
            return one if distance > zero else -one
        return distance / root
    if distance > zero:
        return one
    if distance < zero or (kind == RELAXED and distance == zero):
        return -one
    return distance  # 0 at equality; NaN stays NaN, so that a diverged network is noticed
