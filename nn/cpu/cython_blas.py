"""SciPy's BLAS, loaded without the package around it.

All of scipy.linalg takes a fifth of a second at every start.
"""
import contextlib
import ctypes
import functools
import importlib
import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

NAME = "scipy.linalg.cython_blas"


@functools.cache
def load():
    """Return the module scipy.linalg.cython_blas.

    Unless somebody else has imported it, it is not entered in sys.modules.
    """
    import scipy
    if NAME in sys.modules:
        return sys.modules[NAME]
    spec = PathFinder.find_spec(NAME, [os.path.join(scipy.__path__[0], "linalg")])
    if spec is not None and spec.loader is not None:
        # A SciPy built in another way: as anybody would import it, below.
        with contextlib.suppress(ImportError):
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules.pop(NAME, None)  # entered by Cython; the package would never learn of it
            return module
    return importlib.import_module(NAME)


def address(function):
    """Return the address of a function of BLAS, such as "sgemm"; every argument is a pointer."""
    capsule = load().__pyx_capi__[function]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
