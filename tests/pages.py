"""Pages whose panels are drawn, but not laid out: that takes a second, and test_experiments_figures.py looks at it."""
import itertools


def bare(path, rows, *, title, heads=(), y=(), **how):
    """Draw a page as `plots.page` does, without its layout, and write nothing."""
    from matplotlib.figure import Figure

    axes = Figure().subplots(len(rows), max(map(len, rows)), squeeze=False)
    for panels, line, titles in itertools.zip_longest(rows, axes, heads[:len(rows)], fillvalue=()):
        for panel, axis, head in itertools.zip_longest(panels, line, titles[:len(panels)], fillvalue=""):
            if panel:
                panel(axis)
                assert axis.has_data() and (axis.get_title() or axis.get_ylabel() or axis.get_xlabel() or head or y), path
    assert title
    return [path]
