"""The processor's floating-point state, and exp and tanh that the compiler can vectorise.

Late in training p - onehot becomes denormal, and arithmetic on denormals is 2 to 5 times slower:
training kernels flush them to zero and put the processor's state back when they leave.
"""
import math
import platform

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from .compile import JIT, OPTIONS

X86 = platform.machine().lower() in ("x86_64", "amd64")
FLUSH_DENORMALS = 0x8040  # MXCSR bits: flush results to zero, read denormal operands as zero


def _control_register(name, builder, slot):
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()]),
        f"llvm.x86.sse.{name}")
    builder.call(function, [builder.bitcast(slot, ir.IntType(8).as_pointer())])


@intrinsic
def float_state(typing):
    """Return the control register of the floating-point unit (0 where there is no such control)."""
    def generate(context, builder, sig, args):
        slot = cgutils.alloca_once_value(builder, ir.Constant(ir.IntType(32), 0))
        if X86:
            _control_register("stmxcsr", builder, slot)
        return builder.load(slot)
    return types.uint32(), generate


@intrinsic
def set_float_state(typing, state):
    """Set the control register to what `float_state` returned, perhaps with FLUSH_DENORMALS."""
    def generate(context, builder, sig, args):
        if X86:
            slot = cgutils.alloca_once_value(builder, args[0])
            _control_register("ldmxcsr", builder, slot)
        return context.get_dummy_value()
    return types.void(types.uint32), generate


def exp(x):
    """Return e^x; compiled in float32, a polynomial that the compiler can vectorise.

    Its relative error is below 3e-7 from e^-87.3, the smallest normal number, to e^88.3; beyond, it
    is 0 and inf.
    """
    return math.exp(x)


def tanh(x):
    """Return tanh x; compiled in float32, a rational function with relative error below 3e-7."""
    return math.tanh(x)


@intrinsic
def _two_to_the(typing, n):
    """Return 2^n as float32 by writing n into the exponent's bits; n int32 in [-126, 127]."""
    def generate(context, builder, sig, args):
        biased = builder.add(args[0], ir.Constant(ir.IntType(32), 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(ir.IntType(32), 23)), ir.FloatType())
    return types.float32(types.int32), generate


def _exp_float32(x):
    # x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts keeps r exact (Cody & Waite). Polynomial:
    # Cephes' expf.
    f = np.float32
    # ln of the smallest normal number; above, n would be 128, and 2^128 is inf.
    low, high = f(-87.33654), f(88.37626)
    inside = low if x < low else x  # comparisons, not min and max: NaN must stay NaN
    inside = high if inside > high else inside
    n = np.floor(inside * f(1.44269504) + f(0.5))
    r = inside - n * f(0.693359375) + n * f(2.12194440e-4)
    p = f(1.9875691500e-4)
    p = p * r + f(1.3981999507e-3)
    p = p * r + f(8.3334519073e-3)
    p = p * r + f(4.1665795894e-2)
    p = p * r + f(1.6666665459e-1)
    p = p * r + f(5.0000001201e-1)
    p = p * (r * r) + r + f(1)
    value = f(0) if x < low else p * _two_to_the(np.int32(n))
    return f(np.inf) if x > high else value


def _tanh_float32(x):
    # Rational minimax approximation (the coefficients are those in Eigen's ptanh); beyond ±8 tanh
    # is ±1 in float32.
    f = np.float32
    inside = f(-7.99881172180175781) if x < f(-7.99881172180175781) else x
    inside = f(7.99881172180175781) if inside > f(7.99881172180175781) else inside
    s = inside * inside
    p = f(-2.76076847742355e-16)
    p = p * s + f(2.00018790482477e-13)
    p = p * s + f(-8.60467152213735e-11)
    p = p * s + f(5.12229709037114e-08)
    p = p * s + f(1.48572235717979e-05)
    p = p * s + f(6.37261928875436e-04)
    p = p * s + f(4.89352455891786e-03)
    q = f(1.19825839466702e-06)
    q = q * s + f(1.18534705686654e-04)
    q = q * s + f(2.26843463243900e-03)
    q = q * s + f(4.89352518554385e-03)
    # tanh x = x to 5e-8 here; and inside · p would be denormal where x nearly is.
    return x if abs(x) < f(4e-4) else inside * p / q


@overload(exp, jit_options=OPTIONS)
def _compiled_exp(x):
    return _exp_float32 if x == types.float32 else lambda x: math.exp(x)


@overload(tanh, jit_options=OPTIONS)
def _compiled_tanh(x):
    return _tanh_float32 if x == types.float32 else lambda x: math.tanh(x)


if not JIT:  # plain Python cannot reach the register; it runs without flushing
    def float_state():
        """Return 0: there is no control."""
        return 0

    def set_float_state(state):
        """Do nothing."""
