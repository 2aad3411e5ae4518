"""Small blocks and tiles, so that small arrays span several: the simulator is slow, and edges are where bugs live."""
import ast
import contextlib
import functools
import importlib
import inspect
import pkgutil

import nn.cuda

# Sizes that kernels are written with; what is computed of them, or imported from another module, follows.
SMALL = {"THREADS": 8, "COLUMNS": 4, "LANES": 2, "CHUNK": 6, "TILE": 8, "DEPTH": 4, "EACH": 2, "LONG": 10, "SEQUENCES": 2,
         "STEPS": 8, "ROWS": 4, "MOST_BLOCKS": 3}


@functools.cache
def modules():
    """Return the modules of nn.cuda by name."""
    return {found.name: importlib.import_module(f"nn.cuda.{found.name}") for found in pkgutil.iter_modules(nn.cuda.__path__)}


@contextlib.contextmanager
def small_tiles():
    """Let all kernels use the sizes of SMALL."""
    before = {name: dict(vars(module)) for name, module in modules().items()}
    left = set(SMALL)
    try:
        for module in modules().values():
            for names, formula in _sizes(module):
                value = eval(formula, vars(module))
                for name, size in zip(names, value if isinstance(value, tuple) else (value,), strict=True):
                    vars(module)[name] = SMALL.get(name, size)
                    left.discard(name)
        if left:
            raise LookupError(f"nn/cuda has no {', '.join(left)}")
        for module in modules().values():
            for source, name in _imported(module):
                vars(module)[name] = vars(source)[name]
        yield
    finally:
        for name, module in modules().items():
            for size in [key for key, value in before[name].items() if isinstance(value, int)]:
                vars(module)[size] = before[name][size]


@functools.cache
def _sizes(module):
    """Return (names, compiled formula) of each assignment of sizes in a module."""
    found = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.BinOp | ast.Tuple):
            names = [name.id for name in ast.walk(node.targets[0]) if isinstance(name, ast.Name)]
            if all(name.isupper() and isinstance(vars(module)[name], int) for name in names):
                found.append((names, compile(ast.Expression(node.value), module.__name__, "eval")))
    return found


@functools.cache
def _imported(module):
    """Return (module, name) of each number that a module imports from another one of nn.cuda."""
    found = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            source = importlib.import_module(f"nn.cuda.{node.module}")
            found += [(source, alias.name) for alias in node.names
                      if alias.name.isupper() and isinstance(vars(source).get(alias.name), int)]
    return found
