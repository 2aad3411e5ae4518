"""One page on this machine: nothing else is served, to nobody else."""
import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
HEADERS = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
           "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "frame-ancestors 'none'",
           "Cross-Origin-Resource-Policy": "same-origin"}


class OnePage(ThreadingHTTPServer):
    """A server of one page at http://127.0.0.1:PORT/.

    The port is its own from the beginning; who asks before `serve_forever` runs is answered then.

    Parameters
    ----------
    port : int
        0 for any that is free; see `address`.
    page : str
        Can be given later, see `show`.

    Raises
    ------
    OSError
        When the port cannot be had.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let two programs share a port

    def __init__(self, port: int, page: str = "") -> None:
        self.show(page)
        super().__init__((HOST, port), _Handler)

    def show(self, page: str) -> None:
        """Serve this page from now on."""
        self.page = page.encode()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names by which a browser may ask: a name of somebody else that leads here (DNS rebinding) is none."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle, or reloads, is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: OnePage
    server_version, sys_version, timeout = "afterzero", "", 30

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            self.send_error(HTTPStatus.FORBIDDEN, "Ask by the address that afterzero printed")
        elif self.path.partition("?")[0] != "/":
            self.send_error(HTTPStatus.NOT_FOUND, "There is one page here, at /")
        else:
            self.send_response(HTTPStatus.OK)
            for name, value in {**HEADERS, "Content-Length": str(len(self.server.page))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(self.server.page)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
