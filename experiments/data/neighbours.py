"""The nearest row of one table for each row of another, if it is near enough; exact, in bounded memory."""
import numpy as np

TREE_COLUMNS = 16  # from about here on a k-d tree looks at most leaves, and a matrix product is faster
BLOCK = 2**22  # distances at a time: 32 MiB


def nearest_rows(queries: np.ndarray, rows: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Find for each query the nearest row at a Euclidean distance of at most `reach`.

    Parameters
    ----------
    queries : ndarray of float64, shape (M, D)
    rows : ndarray of float64, shape (N, D)
    reach : float

    Returns
    -------
    nearest : ndarray of int64, shape (M,)
        Index of the row; -1 where none is near enough.
    distances : ndarray of float64, shape (M,)
        Infinite where none is.
    """
    search = _by_tree if rows.shape[1] <= TREE_COLUMNS else _by_products
    return search(queries, rows, reach)


def _by_tree(queries: np.ndarray, rows: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial import KDTree  # here, not above: the command line must not wait for SciPy

    # The bound of the tree is exclusive.
    distances, nearest = KDTree(rows).query(queries, distance_upper_bound=np.nextafter(reach, np.inf))
    return np.where(np.isfinite(distances), nearest, -1), distances


def _by_products(queries: np.ndarray, rows: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """|a - b|² = |a|² + |b|² - 2 a·b block by block.

    That cancels where a and b are nearly equal, just the rows wanted. So the products only choose candidates, by a bound on
    their rounding error, and the distances of candidates are computed from differences.
    """
    centre = rows.mean(axis=0)  # norms as small as possible, and so the rounding errors
    queries, rows = queries - centre, rows - centre
    squares = (rows * rows).sum(axis=1)  # (N,)
    rounding = 4 * (rows.shape[1] + 4) * np.finfo(float).eps
    nearest, distances = np.full(len(queries), -1), np.full(len(queries), np.inf)
    step = max(1, BLOCK // len(rows))
    for start in range(0, len(queries), step):
        block = queries[start:start + step]  # (b, D)
        own = (block * block).sum(axis=1)[:, None]  # (b, 1)
        products = block @ rows.T  # (b, N)
        products *= -2
        products += squares
        products += own  # squared distances, up to rounding
        candidates = products <= reach**2 + rounding * (own + squares.max())
        for query in np.flatnonzero(candidates.any(axis=1)):
            near = np.flatnonzero(candidates[query])
            exact = np.linalg.norm(rows[near] - block[query], axis=1)
            best = exact.argmin()
            if exact[best] <= reach:
                nearest[start + query], distances[start + query] = near[best], exact[best]
    return nearest, distances
