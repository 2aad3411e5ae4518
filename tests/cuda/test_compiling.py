"""Every kernel compiles for every architecture, without float64 where it is given none, without spills, within its budget.

No kernel on float32 has a stack: all its local arrays are registers.

The budgets stand in budget.csv. Where a kernel may cost more from now on, `python -m tests.cuda.test_compiling` writes it.
"""

import pytest

from tests.cuda import compiling
from tests.cuda.cases import kernels, recorded_launches
from tests.cuda.compiling import ARCHITECTURES, Code, budgets, compile_kernel, over, precision

needs_compiler = pytest.mark.skipif(not compiling.available(), reason=compiling.MISSING)
KERNELS = kernels()


@pytest.fixture(scope="module")
def launches():
    """Return the types that each kernel, by name, is launched with."""
    return recorded_launches()


def cost(name, signatures):
    """Return {precision: [Code of each signature and architecture]} of a kernel."""
    found = {}
    for signature in signatures:
        found.setdefault(precision(signature), []).extend(
            compile_kernel(KERNELS[name].body, signature, architecture) for architecture in ARCHITECTURES)
    return found


def test_every_kernel_is_launched_by_some_case(launches):
    """One that is not would be neither simulated nor compiled by these tests."""
    assert set(launches) == set(KERNELS)


def test_every_kernel_has_a_budget_and_every_budget_a_kernel(launches):
    assert set(budgets()) == {(name, precision(signature)) for name, types in launches.items() for signature in types}


def test_float32_has_no_stack():
    assert [key for key, code in budgets().items() if key[1] != "float64" and code.stack] == []


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", KERNELS)
def test_costs(name, launches):
    for floats, codes in cost(name, launches[name]).items():
        for code in codes:
            assert not over(code, budgets()[name, floats]), f"{name}, {floats}"


# --- the checks themselves


def samples():
    """Return kernels that cost too much, and one that does not."""
    from numba import cuda

    def plain(y, x):
        tile = cuda.shared.array(64, x.dtype)
        tile[cuda.threadIdx.x] = x[cuda.threadIdx.x]
        cuda.syncthreads()
        y[cuda.threadIdx.x] = tile[63 - cuda.threadIdx.x]

    def widened(y, x):
        y[0] = 0.3 * x[0]

    def stacked(y, x):
        values = cuda.local.array(300, x.dtype)
        for k in range(300):
            values[k] = x[k]
        y[0] = values[int(values[5])]

    def crowded(y, x):
        a, b = cuda.local.array(96, x.dtype), cuda.local.array(96, x.dtype)
        for k in range(96):
            a[k] = x[k]
            b[k] = x[96 + k]
        for _ in range(int(x[0])):
            for k in range(96):
                a[k] += b[95 - k] * b[k]
                b[k] -= a[k]
        for k in range(96):
            y[k] = a[k] + b[k]
    return plain, widened, stacked, crowded


@needs_compiler
def test_what_a_kernel_costs():
    types = ("float32[::1]",) * 2
    plain, widened, stacked, crowded = (compile_kernel(body, types, "sm_90") for body in samples())
    assert plain.shared == 256 and 0 < plain.registers <= 32 and plain[2:] == (0, 0, 0)
    assert compile_kernel(samples()[0], ("float64[::1]",) * 2, "sm_80").shared == 512
    assert widened.f64 and not widened.stack and stacked.stack == 1200 and crowded.registers > 128
    limits = plain._replace(registers=64)
    assert over(plain, limits) == ""
    for code, word in (widened, "f64: got"), (stacked, "stack: got 1200, accepted: at most 0"), (crowded, "registers: got"):
        assert word in over(code, limits)


def test_budgets_are_written_and_read(tmp_path):
    path, code = tmp_path / "budget.csv", Code(17, 256, 0, 0, 0)
    compiling.write_budgets({("sum", "float32"): [code, code._replace(registers=9)]}, path)
    assert budgets(path) == {("sum", "float32"): Code(24, 256, 0, 0, 0)}
    assert over(code._replace(spills=4), budgets(path)["sum", "float32"]) == "spills: got 4, accepted: at most 0"
    assert precision(("float32[:, ::1]", "int64")) == "float32" and precision(("int64", "boolean")) == "none"
    assert compiling.most_f64("float32") == compiling.most_f64("float32+float64") == compiling.most_f64("none") == 0
    assert precision(("float64", "float32[::1]")) == "float32+float64"


if __name__ == "__main__":
    compiling.write_budgets({(name, floats): codes for name, types in recorded_launches().items()
                             for floats, codes in cost(name, types).items()})
