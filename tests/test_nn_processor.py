"""Threads, BLAS and forks."""
import os
import signal
import threading

import pytest

from nn.processor import _blas, one_blas_thread, uninterrupted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_its_parents_threads():
    assert uninterrupted(sum, ([1, 2],)) == 3
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if uninterrupted(sum, ([1, 2],)) == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_every_thread_that_trains_has_one_blas_thread():
    """Also where another thread, still alive, was the first to set the number."""
    with one_blas_thread():
        pass  # this thread has now set it once
    before = [library.get_num_threads() for library in _blas()]
    seen = []

    def look():
        with one_blas_thread():
            seen.extend(library.get_num_threads() for library in _blas())
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1] * len(before)
    assert [library.get_num_threads() for library in _blas()] == before
