"""Compiles kernels for GPUs that are not there, and says what they cost: registers, shared memory, spills, float64.

Numba's front end and NVVM make PTX, NVIDIA's linker makes machine code of it; neither needs a GPU or a driver, and pip
installs both (the extra `cuda`).
"""
import contextlib
import csv
import importlib.util
import re
import sys
import types
from pathlib import Path
from typing import NamedTuple

ARCHITECTURES = {"sm_80": (8, 0), "sm_90": (9, 0), "sm_100": (10, 0)}  # A100, H100 and H200, B200
BUDGET = Path(__file__).parent / "budget.csv"
MISSING = 'numba-cuda is not installed: pip install ".[test,cuda]"'


def available():
    """Return whether kernels can be compiled on this machine."""
    return all(importlib.util.find_spec(name) is not None for name in ("numba_cuda", "cuda", "numba")) and (
        importlib.util.find_spec("cuda.bindings.nvjitlink") is not None)


class Code(NamedTuple):
    """What a kernel needs on one architecture."""

    registers: int  # of each thread
    shared: int  # bytes of each block, without what a launch asks for
    stack: int  # bytes of each thread, in slow memory: arrays indexed by variables
    spills: int  # bytes of each thread, in slow memory: what found no register
    f64: int  # instructions with float64


def compile_kernel(body, signature, architecture):
    """Return the Code of a kernel's body for arguments of the types `signature`, as simulator.type_of names them."""
    ptx = to_ptx(body, signature, ARCHITECTURES[architecture])
    log = link(ptx, architecture)
    [registers], [stack] = re.findall(r"used (\d+) registers", log), re.findall(r"(\d+) bytes stack frame", log)
    spills = re.findall(r"(\d+) bytes spill (?:stores|loads)", log)
    shared = re.findall(r"\.shared .*?\.b(\d+) \S+\[(\d+)\]", ptx)
    return Code(int(registers), sum(int(bits) // 8 * int(n) for bits, n in shared), int(stack), sum(map(int, spills)),
                len(re.findall(r"\.f64", ptx)))


def to_ptx(body, signature, capability):
    """Return the PTX of a kernel's body."""
    from numba import cuda
    from numba.cuda import types as numba_types

    arguments = tuple(eval(name, vars(numba_types)) for name in signature)
    with _device(capability):
        ptx, _ = cuda.compile(body, arguments, cc=capability, device=False, abi="numba")
    return ptx


@contextlib.contextmanager
def _device(capability):
    """Stand in for the current device, whose capability Numba asks for when a kernel calls a device function."""
    from numba.cuda import dispatcher

    before = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: types.SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = before


def link(ptx, architecture):
    """Translate PTX to machine code; return what the linker says about it."""
    from cuda.bindings import nvjitlink

    options = [f"-arch={architecture}", "-verbose"]
    linker = nvjitlink.create(len(options), options)
    try:
        text = ptx.encode() + b"\0"
        nvjitlink.add_data(linker, nvjitlink.InputType.PTX, text, len(text), "kernel")
        nvjitlink.complete(linker)
        log = bytearray(nvjitlink.get_info_log_size(linker))
        nvjitlink.get_info_log(linker, log)
    finally:
        nvjitlink.destroy(linker)
    return log.decode().replace("\0", "")


# --- budgets


def precision(signature):
    """Return which floating-point types a kernel is launched with: "float32", "float64", both of them, or "none"."""
    found = sorted({name for text in signature for name in re.findall(r"float\d+", text)})
    return "+".join(found) or "none"


def budgets(path=BUDGET):
    """Return {(kernel, precision): most of the Code's fields}."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(kernel, floats): Code(int(registers), int(shared), int(stack), 0, most_f64(floats))
                for kernel, floats, registers, shared, stack in list(csv.reader(file))[1:]}


def most_f64(floats):
    """Return how many float64 instructions a kernel may have: none, unless all it is launched with is float64."""
    return sys.maxsize if floats == "float64" else 0


def over(code, budget):
    """Return in words what exceeds a budget; "" if nothing does."""
    return ", ".join(f"{name}: got {found}, accepted: at most {most}"
                     for name, found, most in zip(Code._fields, code, budget, strict=True) if found > most)


def write_budgets(found, path=BUDGET):
    """Record the costs {(kernel, precision): [Code of each signature and architecture]} as what they may be from now on."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["kernel", "precision", "registers", "shared", "stack"])
        for (kernel, floats), codes in sorted(found.items()):
            # Other versions of the compiler place a few registers otherwise; they come in units of 8.
            registers = -(-max(code.registers for code in codes) // 8) * 8
            rows.writerow([kernel, floats, registers, max(code.shared for code in codes), max(code.stack for code in codes)])
