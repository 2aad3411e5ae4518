"""What was done with every column, as rows of a table for people."""
from .encoding import MOST, flagged, slots
from .errors import counted, plainly
from .problem import CATEGORY, DATE, Problem
from .telling import GIVEN, least

HEADS = ("column", "kind", "missing", "what was done")


def described(problem: Problem) -> list[tuple[str, str, str, str]]:
    """Return one row for each column: name, kind, share of missing cells and what was done, under `HEADS`.

    The label first, then the group, the inputs in the file's order, and what was left out.
    """
    if problem.classes:
        label = f"{counted(len(problem.classes), 'class', 'classes')} to tell apart"
    else:
        label = "a number to predict, standardised by its mean and deviation in training"
    rows = [(plainly(problem.label), "label", "", label)]
    if problem.groups is not None:
        groups = counted(int(problem.groups.max()) + 1, "group")
        rows.append((plainly(problem.group), "group", "", f"no input; none of {groups} is put into two parts"))
    for column in problem.columns:
        missing = float(column.missing.mean())
        if column.categories == (GIVEN,):
            what = "an input says where there is any"
        elif column.kind == CATEGORY:
            what = f"{counted(len(column.categories), 'category', 'categories')}, an input for each"
            if slots(column, len(problem))[1]:
                what += f" of the frequent ones (in {least(len(problem))} rows, at most {MOST}), one for all others"
        else:
            what = f"{'days since 1970, ' if column.kind == DATE else ''}standardised by mean and deviation in training"
        if missing and column.kind != CATEGORY:
            what += "; missing at the mean"
        if flagged(column, len(problem)):
            what += "; an input says what is missing"
        share = f"{100 * missing:.1f} %" if missing else ""
        rows.append((plainly(column.name), column.kind, share, "; ".join(filter(None, [what, column.note]))))
    rows += [(plainly(name), "left out", "", reason) for name, reason in problem.dropped]
    return rows

