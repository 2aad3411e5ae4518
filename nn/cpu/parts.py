"""Functions compiled only as parts of others: kernels then compile in two thirds of the time.

Numba optimises each function and turns it into machine code before it does so again for every
caller, where it ends up inlined; most of a kernel's compile time went there. Functions compiled by
this module stop at LLVM's intermediate code; the optimiser sees it in earnest once, in the kernel.
Numba has a hook for its pipeline but none for this, hence the private names of its code library,
all of them in this file.
"""
import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder


class _WithoutEnvironment:
    """A code generator that leaves the address of a function's Python environment alone.

    There is no machine code yet.
    """

    def __init__(self, codegen):
        self._codegen = codegen

    def __getattr__(self, name):
        return getattr(self._codegen, name)

    def set_env(self, name, environment):
        """Do nothing."""


class _PartLibrary(JITCodeLibrary):
    """Intermediate code that waits to be linked into a kernel's."""

    @property
    def codegen(self):
        return _WithoutEnvironment(self._codegen)

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name):
        """Return 0, for no address."""
        self._ensure_finalized()
        return 0


class _ApartLibrary(_PartLibrary):
    """The same, of a function that stays one of its own in the kernel."""

    attributes: tuple[str, ...] = ("noinline",)

    def add_ir_module(self, ir_module):
        """Take the function's code in, marked (in text: llvmlite 0.44 marks a parsed one amiss)."""
        for function in ir_module.functions:
            if function.blocks:
                for attribute in self.attributes:
                    function.attributes.add(attribute)
        super().add_ir_module(ir_module)


class _PlainLibrary(_ApartLibrary):
    """The same, whose loops are compiled as they are written: neither vectors nor unrolling."""

    attributes = ("noinline", "optsize")


class PartCompiler(CompilerBase):
    """Numba's own pipeline, into a library of the first kind."""

    library = _PartLibrary

    def define_pipelines(self):
        """Return the pipeline."""
        self.state.library = self.library(self.state.targetctx.codegen(), "part")
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


class ApartCompiler(PartCompiler):
    """Numba's own pipeline, into a library of the second kind."""

    library = _ApartLibrary


class PlainCompiler(PartCompiler):
    """Numba's own pipeline, into a library of the third kind."""

    library = _PlainLibrary


def compile_part(function, options):
    """Compile a function for compiled callers alone; calling it from Python would crash."""
    # Inlined by force: a call would pass every element of a tuple of arrays on the stack.
    return numba.njit(pipeline_class=PartCompiler, forceinline=True, no_cpython_wrapper=True,
                      no_cfunc_wrapper=True, **options)(function)


def compile_apart(function, options, compiler=ApartCompiler):
    """Compile a function for compiled callers, which call it instead of taking it in.

    For large functions that are called once per batch: what LLVM does to a function (its loops'
    strength reduction, its registers) takes more than twice as long for one twice as large.
    """
    # Not left out: a function inherits from the one that calls it what it does not say itself.
    return numba.njit(pipeline_class=compiler, forceinline=False, no_cpython_wrapper=True,
                      no_cfunc_wrapper=True, **options)(function)


def compile_part_and_whole(function, options, compile_inner=compile_part):
    """Compile a function for compiled callers, and by itself if Python calls it."""
    part, whole = compile_inner(function, options), numba.njit(**options)(function)
    whole.get_call_template, whole.get_overload = part.get_call_template, part.get_overload
    return whole
