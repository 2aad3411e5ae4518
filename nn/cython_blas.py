"""SciPy's BLAS as an extension module, loaded without the package around it."""
import contextlib
import importlib
import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

NAME = "scipy.linalg.cython_blas"


def load():
    """Import scipy.linalg.cython_blas alone: all of scipy.linalg takes a fifth of a second at every start."""
    import scipy
    if NAME in sys.modules:
        return
    spec = PathFinder.find_spec(NAME, [os.path.join(scipy.__path__[0], "linalg")])
    if spec is not None and spec.loader is not None:
        with contextlib.suppress(ImportError):
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules[NAME] = module
    importlib.import_module(NAME)  # found among the loaded modules; if not, imported with its package
