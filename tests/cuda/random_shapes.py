"""Random shapes for the kernels, compared with the definition in float64: thousands on a GPU, a few in the simulator."""
import time

import numpy as np

from losses import AdaFlooding
from nn import MLP
from nn.cuda import _compat, clipping, reductions
from tests.cuda.cases import NETWORK, Case, compare_gradient, losses_and_floods
from tests.cuda.twins import KERNEL, compare
from tests.numerical import relative_error


def size(rng, most):
    """Return a size from 1 to about `most`: small and large ones alike, powers of two and their neighbours among them."""
    n = int(np.exp(rng.uniform(0, np.log(most + 1))))
    return max(2 ** int(np.log2(n)) + int(rng.integers(-1, 2)), 1) if rng.random() < 0.3 else n


def dense(rng, dtype, size):
    """Errors count beside the sums of absolute values: a lone sum of both signs may nearly cancel."""
    B, n_in, n_out = size(1024), size(300), size(300)
    x, W, b, dz = (rng.normal(size=s) for s in ((B, n_in), (n_in, n_out), n_out, (B, n_out)))
    sums = [(x, W)], [(dz, W.T), (x.T, dz), (np.ones((1, B)), dz)]
    errors = (compare("dense", "dense_forward", dtype, [dz * 0], [x, W, b]),
              compare("dense", "dense_backward", dtype, [x * 0, W * 0, b * 0], [dz, x, W]))
    for products, found in zip(sums, errors, strict=True):
        for (left, right), error in zip(products, found, strict=True):
            added = b if right is W else 0
            cancelled = (np.linalg.norm(abs(left) @ abs(right) + abs(added)) / np.linalg.norm(left @ right + added))
            yield KERNEL[dtype] * cancelled, error


def recurrence(rng, dtype, size):
    B, T, H = size(20), size(12), size(150)
    lengths = np.sort(rng.integers(1, T + 1, size=B))[::-1].copy()
    starts = np.append(0, np.cumsum((lengths[:, None] > np.arange(lengths[0])).sum(axis=0)))
    W, u, h = rng.normal(size=(H, H)) / np.sqrt(H) / 2, rng.normal(size=(starts[-1], H)), rng.uniform(-1, 1, (starts[-1], H))
    reverse, kind, truncate = bool(rng.integers(2)), int(rng.integers(1, 3)), int(rng.integers(4))
    errors = compare("recurrent", "recurrence_forward", dtype, [u * 0], [u, W, starts, kind, reverse])
    yield from ((NETWORK[dtype], error) for error in errors)
    errors = compare("recurrent", "recurrence_backward", dtype, [u * 0], [u, h, W, starts, lengths, kind, reverse, truncate])
    yield from ((NETWORK[dtype], error) for error in errors)


def losses(rng, dtype, size):
    B, D = size(300), size(20)
    rows = list(losses_and_floods())
    _, loss, y, outputs = rows[rng.integers(len(rows))]
    if loss.levels.size:  # one for each sample
        loss = AdaFlooding(loss.base, rng.uniform(0, 2, size=B))
    take = np.arange(B) % len(y)
    case = Case(lambda **more: MLP([D, outputs], **more), rng.normal(size=(B, D)), y[take])
    yield from ((NETWORK[dtype], error) for error in compare_gradient(case, dtype, loss))


def sums(rng, dtype, size):
    rows, n = size(3000), size(200)
    a = rng.normal(size=(rows, n)).astype(dtype)
    found = _compat.to_device(np.zeros(n, dtype))
    reductions.column_sums(found, _compat.to_device(a))
    error = np.linalg.norm(found.copy_to_host() - a.sum(axis=0, dtype=float))
    yield KERNEL[dtype], error / np.linalg.norm(abs(a).sum(axis=0))  # of both signs, they might nearly cancel
    gradient = (rng.normal(size=size(100_000)) * 10.0 ** rng.integers(-20, 20)).astype(dtype)
    norm, most = np.linalg.norm(gradient.astype(float)), float(rng.uniform(0.1, 2))
    there = _compat.to_device(gradient)
    clipping.clip_gradient(there, norm * most)
    yield KERNEL[dtype], relative_error(there.copy_to_host().astype(float), gradient * min(1.0, float(most)))


def normalization(rng, dtype, size):
    B, H = size(600) + 1, size(200)
    z, dy, z_hat = rng.normal(size=(3, B, H))
    gamma, beta, var = *rng.normal(size=(2, H)), rng.uniform(0.1, 3, size=H)
    errors = [*compare("normalization", "batch_norm_forward", dtype, [z * 0, z * 0, gamma * 0, gamma * 0],
                       [z + 0.5, gamma, beta, 1e-3]),
              *compare("normalization", "batch_norm_backward", dtype, [z * 0, gamma * 0, gamma * 0],
                       [dy + 0.3, z_hat, var, gamma, 1e-3])]
    yield from ((NETWORK[dtype], error) for error in errors)


KINDS = (dense, recurrence, losses, sums, normalization)


def random_shapes(shapes=10_000, seconds=70.0, seed=0, largest=10**9):
    """Compare as many random shapes as fit into the time, of sizes up to `largest`; return (counts, what failed)."""
    start, counts, failed = time.perf_counter(), dict.fromkeys((kind.__name__ for kind in KINDS), 0), []
    for k in range(shapes):
        if time.perf_counter() - start > seconds:
            break
        kind, dtype = KINDS[k % len(KINDS)], ("float32", "float32", "float64")[k % 3]
        try:
            rng = np.random.default_rng([seed, k])
            for tolerance, error in kind(rng, dtype, lambda most, rng=rng: size(rng, min(most, largest))):
                assert error <= tolerance, f"relative error {error:.1e} > {tolerance}"
        except Exception as error:
            failed.append(f"{kind.__name__}, default_rng([{seed}, {k}]), {dtype}: {type(error).__name__}: {error}")
        counts[kind.__name__] += 1
    return counts, failed
