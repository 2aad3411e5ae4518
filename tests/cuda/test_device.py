"""The CUDA backend on a real GPU; skipped where there is none. All of it, with a report: python -m tests.cuda.on_device."""
import pytest

from nn.cuda import _compat
from tests.cuda import device_checks

WHY = _compat.machine.unavailable()
pytestmark = pytest.mark.skipif(WHY is not None, reason=f"{WHY}. On a machine with a GPU: python -m tests.cuda.on_device")
CHECKS = [(part, name, check) for part, checks in device_checks.PARTS.items() for name, check in checks()]


@pytest.mark.parametrize("check", [pytest.param(check, id=f"{part}: {name}") for part, name, check in CHECKS])
@pytest.mark.filterwarnings("ignore:.*Grid size:Warning")  # Numba's advice on speed: these are small on purpose
def test_on_the_device(check):
    check()
