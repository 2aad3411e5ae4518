"""Functions compiled as parts of others: called from kernels and from Python, alone and nested."""
import gc

import numba
import numpy as np
import pytest

from nn.cpu.compile import OPTIONS, entry, inner, twin
from nn.cpu.parts import compile_part_and_whole
from nn.shared.pauses import without_garbage_collection

pytestmark = pytest.mark.compiled


def square(x):
    return x * x


def test_parts_of_parts():
    squared = inner(square)

    def norm(x):
        total = 0.0
        for i in range(x.size):
            total += squared(x[i])
        return total

    norm_ = inner(norm)
    kernel = numba.njit(lambda x: norm_(x) + squared(2.0))
    assert kernel(np.arange(4.0)) == 14 + 4
    assert kernel(np.arange(4, dtype=np.float32)) == 14 + 4  # a second specialisation


def test_a_twin_serves_both():
    both = twin(square)
    kernel = numba.njit(lambda x: both(x) + 1)
    assert both(3.0) == 9 and kernel(3.0) == 10 and both(np.float32(2)) == 4
    other_order = compile_part_and_whole(square, OPTIONS)
    assert numba.njit(lambda x: other_order(x) - 1)(3.0) == 8 and other_order(4.0) == 16


def test_errors_of_parts_name_what_is_wrong():
    broken = inner(lambda x: x.no_such_attribute)
    with pytest.raises(numba.TypingError, match="no_such_attribute"):
        numba.njit(lambda x: broken(x))(1.0)


def test_no_machine_code_before_it_is_needed():
    part = inner(square)
    numba.njit(lambda x: part(x))(2.0)
    library = next(iter(part.overloads.values())).library
    assert library.get_pointer_to_function(next(iter(part.overloads.values())).fndesc.llvm_func_name) == 0


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_afterwards_as_it_was(enabled):
    fine, broken = entry(square), entry(lambda x: x.no_such_attribute)
    assert gc.isenabled()
    try:
        if not enabled:
            gc.disable()
        with without_garbage_collection():
            assert not gc.isenabled()
        assert fine(3) == 9 and gc.isenabled() == enabled
        with pytest.raises(numba.TypingError):
            broken(1)
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
