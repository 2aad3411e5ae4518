"""Edits of a module's source that mean nothing, and such that do."""
import ast
import re


def reworded(source):
    """The same with other comments, docstrings and formatting."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body[0].value = ast.Constant("Other words.")
            elif not (isinstance(node, ast.Module) and node.body and isinstance(node.body[0], ast.ImportFrom)):
                node.body.insert(0, ast.Expr(ast.Constant("Words where there were none.")))
    lines = [f"{line}  # said again" if line.endswith(")") else line
             for line in ast.unparse(ast.fix_missing_locations(tree)).splitlines()]
    return "\n".join(["# One line of thirty."] * 30 + lines).encode()


def changed(source):
    """Sources with another number, and with another operator, as far as there are some; else with one constant more."""
    starts, found = [0], []
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def spliced(lo, hi, text):
        return source[:lo] + text + source[hi:]

    def span(node):
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
    nodes = [node for node in ast.walk(ast.parse(source)) if not _in_string(node, source, starts)]
    if numbers := [node for node in nodes if isinstance(node, ast.Constant) and type(node.value) in (int, float)]:
        found.append(spliced(*span(numbers[-1]), repr(numbers[-1].value + 1).encode()))
    if sums := [node for node in nodes if isinstance(node, ast.BinOp)]:
        lo, hi = span(sums[-1].left)[1], span(sums[-1].right)[0]
        operator = re.search(rb"[^\s()]+", source[lo:hi])
        found.append(spliced(lo + operator.start(), lo + operator.end(), b"+" if operator[0] == b"-" else b"-"))
    return found or [source + b"\nADDED = 0.5\n"]


def _in_string(node, source, starts):
    """Whether a node's place is unknown, or within an f-string: older versions of Python say wrongly where."""
    if not hasattr(node, "lineno"):
        return True
    line = source[starts[node.lineno - 1]:starts[node.lineno]]
    return b'"' in line or b"'" in line
