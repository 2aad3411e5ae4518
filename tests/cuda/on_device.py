"""Runs everything that needs a GPU, within 8 minutes, and writes a report to send back: python -m tests.cuda.on_device

What fails is noted, and the rest goes on. Needs the package with its extra `cuda` and a GPU with its driver; no pytest.
"""
import argparse
import functools
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from losses import CrossEntropy
from nn import MLP, SGD, fit
from nn.cuda import _compat
from nn.cuda.dense import dense_forward
from tests.cuda import device_checks
from tests.cuda.cases import TRAININGS, kernels, trained

LIMIT = 460.0  # seconds for all
PACKAGES = ("numpy", "numba", "llvmlite", "numba-cuda", "numba-cuda-mlir", "cuda-bindings", "nvidia-nvvm",
            "nvidia-nvjitlink")
TOOLS = ("memcheck", "racecheck", "synccheck")  # of compute-sanitizer


class Report:
    """Lines that are printed and, as soon as they are known, in a file."""

    def __init__(self, path):
        self.path, self.lines, self.failures, self.start = path, [], 0, time.perf_counter()

    def left(self):
        """Return the seconds that are left."""
        return LIMIT - (time.perf_counter() - self.start)

    def say(self, text=""):
        """Add a line."""
        print(text, flush=True)
        self.lines.append(text)
        self.path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")

    def run(self, name, work):
        """Run a part; note how long it took and what it raised."""
        if self.left() < 5:
            self.say(f"## {name}: NOT RUN, the time is over")
            self.failures += 1
            return
        self.say(f"## {name}")
        start = time.perf_counter()
        try:
            work(self)
        except Exception:
            self.failures += 1
            self.say(f"FAILED {name}\n{traceback.format_exc()}")
        self.say(f"{time.perf_counter() - start:.1f} s\n")


def versions(report):
    """Say what this runs on."""
    report.say(f"Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} processors")
    for name in PACKAGES:
        try:
            report.say(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            report.say(f"{name}: not installed")
    device = _compat.cuda.get_current_device()
    name = device.name.decode() if isinstance(device.name, bytes) else device.name
    report.say(f"{name}, compute capability {device.compute_capability}, most shared memory of a block "
               f"{_compat.machine.most_shared}")
    query = ["nvidia-smi", "--query-gpu=driver_version,memory.total,clocks.sm", "--format=csv,noheader"]
    if shutil.which("nvidia-smi"):
        done = subprocess.run(query, capture_output=True, text=True, timeout=30)
        report.say(f"driver, memory, clock: {done.stdout.strip()}")


def part(checks):
    """Return the work of a part of device_checks."""
    def work(report):
        passed, failed = 0, []
        for name, check in checks():
            if report.left() < 5:
                failed.append(f"{name} and what comes after it: NOT RUN, the time is over")
                break
            try:
                said = check()
                passed += 1
                if said:
                    report.say(said)
            except Exception as error:
                where = "".join(traceback.format_exception(error)[-3:])
                failed.append(f"{name}: {type(error).__name__}: {str(error)[:1500]}\n{where[-1500:]}")
        report.say(f"{passed} passed, {len(failed)} failed")
        report.failures += len(failed)
        for failure in failed[:20]:
            report.say(f"FAILED {failure}")
    return work


def kernels_compiled(report):
    """Say which kernels were launched: those that were not have no machine code."""
    missing = [name for name, kernel in kernels().items() if not kernel.compiled.overloads]
    report.say(f"{len(kernels()) - len(missing)} of {len(kernels())} kernels were compiled")
    if missing:
        raise AssertionError(f"never launched: {', '.join(missing)}")


def sanitizer(report):
    """Let compute-sanitizer watch every access of a tiny fit."""
    tool = shutil.which("compute-sanitizer")
    if tool is None:
        report.say("NOT RUN: compute-sanitizer is not on the PATH (it comes with the CUDA toolkit)")
        return
    for name in TOOLS:
        command = [tool, "--tool", name, "--error-exitcode", "9", "--print-limit", "5", sys.executable, "-m",
                   "tests.cuda.on_device", "--tiny"]
        start, limit = time.perf_counter(), min(100.0, report.left() - 10)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            report.say(f"{name}: NOT FINISHED within {limit:.0f} s")
            continue
        output = done.stdout + done.stderr
        if "Device not supported" in output:
            report.say(f"{name}: NOT RUN, the tool does not support this device here")
            continue
        summary = [line for line in output.splitlines() if "SUMMARY" in line]
        report.say(f"{name}: exit status {done.returncode}, {' '.join(summary)}, {time.perf_counter() - start:.0f} s")
        if done.returncode:
            report.failures += 1
            report.say("FAILED " + name + "\n" + output[-4000:])


def speed(report):
    """Say how long some kernels and trainings take."""
    rng = np.random.default_rng(0)
    for n in 256, 1024, 4096:
        a, b, c = (_compat.to_device(rng.normal(size=(n, n)).astype(np.float32)) for _ in range(3))
        multiply = functools.partial(dense_forward, c, a, b, _compat.to_device(np.zeros(n, np.float32)))
        report.say(f"product {n} x {n} x {n}, float32: {2e-12 * n**3 / seconds_of(multiply, c):.2f} TFLOP/s")
    for sizes, batch in ([20, 64, 64, 2], 32), ([784, 512, 512, 10], 256), ([784, 2048, 2048, 10], 1024):
        x, y = rng.normal(size=(20 * batch, sizes[0])).astype(np.float32), rng.integers(sizes[-1], size=20 * batch)
        train = functools.partial(fit, MLP(sizes, backend="cuda"), x, y, loss=CrossEntropy(), batch_size=batch,
                                  optimizer=SGD(0.01, momentum=0.9), check_every=0, progress=False)
        train(epochs=1)
        start = time.perf_counter()
        train(epochs=20)
        report.say(f"MLP {sizes}, batch {batch}: {(time.perf_counter() - start) / 400 * 1e6:.0f} µs an update")


def seconds_of(call, result, times=20):
    """Return the seconds of a call that leaves its work to the device, in the mean of some."""
    for repeats in 1, times:
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        result[:1].copy_to_host()  # which waits
    return (time.perf_counter() - start) / times


def main():
    """Run all parts; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("cuda_report.txt"), help="file to write")
    parser.add_argument("--tiny", action="store_true", help="only launch some kernels, for compute-sanitizer")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # Numba's advice on small grids
    if why := _compat.machine.unavailable():
        print(f"no GPU: {why}")
        return 2
    if chosen.tiny:
        device_checks.tiny_fit()
        return 0
    report = Report(chosen.report)
    # The processors train meanwhile what the GPU is compared with: most of that time is compilation.
    with ProcessPoolExecutor(max(min(os.cpu_count() or 1, 9) - 1, 1), mp_context=get_context("spawn")) as pool:
        expected = {(name, dtype): pool.submit(trained, name, dtype, "numba", device_checks.EPOCHS)
                    for dtype in ("float64", "float32") for name in TRAININGS}

        def fit_checks():
            return device_checks.fit_checks(lambda name, dtype: expected[name, dtype].result(timeout=max(report.left(), 1)))

        report.run("versions", versions)
        report.run("kernels against float64", part(device_checks.kernel_checks))
        report.run("fit against numba over 21 updates", part(fit_checks))
        report.run("same seed, same bits", part(device_checks.repeat_checks))
        report.run("random shapes", part(device_checks.shape_checks))
        report.run("every kernel has run", kernels_compiled)
        report.run("speed", speed)
        report.run("compute-sanitizer", sanitizer)
        for future in expected.values():
            future.cancel()
    report.say(f"{'FAILED: ' + str(report.failures) if report.failures else 'all passed'}, "
               f"{time.perf_counter() - report.start:.0f} s in all; report: {report.path}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
