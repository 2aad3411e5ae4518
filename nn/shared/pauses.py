"""Work that makes many objects and no garbage, without the search for garbage that Python would do meanwhile."""
import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Keep Python from searching live objects for garbage, again and again as their number grows.

    Another thread that switches it off meanwhile finds it on again.
    """
    enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()
