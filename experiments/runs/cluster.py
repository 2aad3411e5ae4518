"""Shards of a sweep on the Dask cluster that a scheduler's address leads to.

Dask is imported when a cluster is asked for: everything else works without it. Workers train and send results back; they
never touch the store. When a worker dies, the scheduler gives its shards to another one.
"""
import logging
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ..ways_out import say
from .shards import Finished, Shard, SweepError, run_shard

CONNECT_SECONDS = 5
RETRIES = 2  # of a shard that failed: another machine may have the memory or the disk that this one lacked

# Dask's own settings of what a client shows to a scheduler with TLS, as environment variables.
CREDENTIALS = tuple(f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY"))
PEM = "the path of a file in PEM format, or its text"


class Dask:
    """The workers behind a Dask client, as a `sweep.Pool`."""

    def __init__(self, client: Any, origin: str) -> None:
        self._client, self._origin = client, origin
        self.workers = sum(client.nthreads().values())
        if not self.workers:
            say(f"the scheduler at {origin} has no workers yet; training begins when the first one is there")

    def results(self, shards: Sequence[Shard]) -> Generator[list[Finished], None, None]:
        """As `sweep.Pool.results`.

        A key per shard: a driver that was killed and started again finds what its workers have gone on with.

        Raises
        ------
        SweepError
            When a shard took several workers down, or the scheduler is gone.
        """
        from distributed import as_completed

        # The scheduler prefers high priorities; the order here is that of the sweep, long shards first.
        futures = [self._client.submit(run_shard, shard, key=shard.name, retries=RETRIES, priority=-place, pure=True)
                   for place, shard in enumerate(shards)]
        waiting = as_completed(futures, loop=self._client.loop)
        del futures  # whose results would stay on the cluster otherwise
        for future in waiting:
            yield self._result(future)

    def _result(self, future: Any) -> Any:
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise SweepError(f"shard {future.key} was tried on several workers and all of them died, the last on "
                             f"{error.last_worker.address}: perhaps they have too little memory. Finished runs are kept and "
                             "the same command goes on from there") from error
        except (CancelledError, OSError) as error:
            if self._client.status == "running" and isinstance(error, OSError):
                raise  # the shard's own
            raise SweepError(f"the scheduler at {self._origin} is gone. Finished runs are kept and the same command goes on "
                             "from there") from error


def _distributed() -> Any:
    """Import Dask, and let it keep its tracebacks to itself: what matters is said in errors of our own."""
    try:
        import distributed
    except ImportError:
        raise SweepError("scheduler: got an address without Dask, which is not installed, accepted: with Dask; in the "
                         "folder of the clone: pip install -e '.[cluster]'") from None
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)  # each has a level, so that of the parent is not enough
    return distributed


def _check_credentials(security: Any) -> None:
    """Raise unless Dask finds what a client shows: it would try in vain until its time is up, and leave a traceback.

    Files and texts in PEM format are good for it; the key may stand in the file of the certificate.

    Raises
    ------
    ValueError, OSError
        When something is missing, or has another format.
    """
    needed = (security.tls_ca_file, security.tls_client_cert, security.tls_client_key or security.tls_client_cert)
    for variable, value in zip(CREDENTIALS, needed, strict=True):
        if not value:
            raise ValueError(f"{variable}: got nothing, accepted: {PEM}")
        if "\n" not in value and not os.path.isfile(value):
            raise ValueError(f"{variable}: got {value!r}, which is no file, accepted: {PEM}")
    security.get_connection_args("client")


@contextmanager
def connect(address: str) -> Iterator[Dask]:
    """Use the cluster of a scheduler, for example "tcp://10.0.0.1:8786".

    Raises
    ------
    SweepError
        When Dask is not installed, nothing answers within some seconds, or an address "tls://..." lacks a certificate.
    """
    distributed = _distributed()
    try:
        scheme, place = distributed.comm.parse_address(address)
        # Refuses an unknown "x://" and an address without a port: a client would, too, but leave threads and a traceback.
        distributed.comm.registry.get_backend(scheme).get_address_host(place)
        if scheme == "tls":
            _check_credentials(distributed.Security())
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SweepError(f"scheduler: got {address!r}, where no Dask scheduler answers ({reason}), accepted: the address "
                         "that 'dask scheduler' prints, such as tls://10.0.0.1:8786, for which Dask takes your certificate "
                         f"from {', '.join(CREDENTIALS)}") from error
    with closing(client):
        yield Dask(client, address)
