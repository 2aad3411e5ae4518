"""``play``: training live in the browser. A local page, one run per tab; experiments/playing/ trains, this file serves.

The one module that opens a port, and the one that imports aiohttp, when the command runs. It listens on 127.0.0.1 alone and
knows three things: its page, its page's WebSocket, and 404 for all the rest. Other users of the machine and other sites in
the browser are kept out by a random token in the address and by what the browser says it is looking at: a foreign Host (a
name rebound to 127.0.0.1) or a foreign Origin (another site's WebSocket) gets the same 404.
"""
import asyncio
import contextlib
import hmac
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from typing import Any

from . import ports
from .running import EXIT_FAILED, EXIT_INTERRUPTED, PROGRAM, leave_at_once
from .ways_out import Parser

HOST = "127.0.0.1"
MOST_TABS = 8
MOST_BYTES = 64 * 1024  # of a message from the page
MOST_FRAMES = 40  # a second
GRACE = 0.4  # seconds that pages and runs are given to end on Ctrl-C; nothing of theirs is lost without
NEEDS = "in a clone, pip install -e '.[play]'"


def play(options: list[str]) -> int:
    """Serve until Ctrl-C; return the exit code."""
    parser = Parser(prog=f"{PROGRAM} play", allow_abbrev=False, description=(
        "Train live in your browser: choose data, network, loss, flood level and optimizer, watch the decision boundary, "
        "margins and stopping rules, and go on past zero training error. The page can be opened on this machine alone, at "
        f"the address that is printed; up to {MOST_TABS} tabs train at a time. Ctrl-C ends it."))
    parser.add_argument("--port", default="0", help="port on 127.0.0.1; 0, the default: any that is free")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    chosen = parser.parse_args(options)
    port = ports.chosen(parser, chosen.port)
    try:
        import aiohttp  # noqa: F401
        import jinja2  # noqa: F401
    except ImportError as error:
        print(f"{PROGRAM}: play needs {error.name}: {NEEDS}", file=sys.stderr)
        return EXIT_FAILED
    server = Server()
    try:
        asyncio.run(server.serve(port, browser=not chosen.no_browser))
    except ports.NoPort as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:  # where the loop takes no signals
        pass
    print(f"\n{PROGRAM}: interrupted; every run has ended", file=sys.stderr)
    if any(not session.join(0) for session in server.sessions):  # inside a compiler, which hears nothing for seconds
        leave_at_once()
    return EXIT_INTERRUPTED


class Server:
    """The page, and a session for each tab that shows it.

    Attributes
    ----------
    token : str
        The first part of every path.
    port : int
        Where it listens; 0 before.
    sessions : set of Session
        Of open tabs, and of closed ones whose thread has not ended yet.
    """

    def __init__(self) -> None:
        from .playing.page import values
        from .playing.turns import Turns
        from .report.web_parts import policy, render

        self.token, self.port = secrets.token_urlsafe(24), 0
        self.sessions: set[Any] = set()
        self._sockets: set[Any] = set()
        self._turns = Turns(max(1, (os.cpu_count() or 1) - 1))  # the browser needs a core, too
        content = values()
        self._page, self._policy = render("play.html", **content), policy(content["scripts"])

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    async def serve(self, port: int, browser: bool) -> None:
        """Listen until Ctrl-C, then end every run."""
        from aiohttp import web

        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        # What others send that is no HTTP is answered with 400, and not worth a traceback in the user's terminal.
        requests = logging.getLogger("afterzero.requests")
        requests.setLevel(logging.CRITICAL)
        runner = web.AppRunner(self.application(), access_log=None, logger=requests, shutdown_timeout=0.2)
        try:
            await runner.setup()
            try:
                await web.TCPSite(runner, HOST, port).start()
            except OSError as error:
                raise ports.refused(port, error) from None
            sys.setswitchinterval(0.001)  # training threads hand Python over sooner to the one that sends frames
            self.port = runner.addresses[0][1]
            if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
                    loop.add_signal_handler(signal.SIGINT, stop.set)
            print(f"{self.address}\nOpen it in a browser on this machine; Ctrl-C ends it.", flush=True)
            if browser:
                threading.Thread(target=_open, args=(self.address,), daemon=True).start()
            await stop.wait()
        finally:
            await self.end()
            await runner.cleanup()

    async def end(self) -> None:
        """End all sessions, and tell their pages."""
        for session in self.sessions:
            session.end()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(socket.close(code=1001) for socket in self._sockets),
                                                  return_exceptions=True), GRACE / 2)
        until = time.monotonic() + GRACE / 2
        while any(not session.join(0) for session in self.sessions) and time.monotonic() < until:
            await asyncio.sleep(0.01)

    def application(self) -> Any:
        """Return the web.Application: two addresses, and the guard before them."""
        from aiohttp import web

        @web.middleware
        async def guard(request: Any, handler: Any) -> Any:
            try:
                if self._welcome(request):
                    return await handler(request)
            except web.HTTPException:
                pass  # no such path, or no such method: as if nothing were here
            except Exception:
                logging.getLogger("afterzero").exception("play")
                raise
            return web.Response(status=404, text="404\n")

        async def headers(request: Any, response: Any) -> None:
            response.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
                                     "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
                                     "Cross-Origin-Opener-Policy": "same-origin"})
            response.headers.pop("Server", None)

        application = web.Application(middlewares=[guard], client_max_size=1024)
        application.on_response_prepare.append(headers)
        application.router.add_get("/{token}/", self._show_page, allow_head=False)
        application.router.add_get("/{token}/live", self._live, allow_head=False)
        return application

    def _welcome(self, request: Any) -> bool:
        """Return whether a request comes from somebody who knows the token, through this address."""
        given = request.path.split("/")[1] if request.path.startswith("/") else ""
        known = hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())  # in constant time
        hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")} | ({HOST, "localhost"} if self.port == 80 else set())
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        return known and host in hosts and origin in (f"http://{host}", None)

    async def _show_page(self, request: Any) -> Any:
        from aiohttp import web

        sources = " ".join(f"ws://{name}:{self.port}" for name in (HOST, "localhost"))
        return web.Response(text=self._page, content_type="text/html", charset="utf-8", headers={
            "Content-Security-Policy": f"{self._policy}; connect-src {sources}; frame-ancestors 'none'"})

    async def _live(self, request: Any) -> Any:
        from aiohttp import web

        from .playing.tab import Tab

        if "Origin" not in request.headers:  # browsers send one with every WebSocket
            raise web.HTTPNotFound
        socket = web.WebSocketResponse(max_msg_size=MOST_BYTES, heartbeat=20, compress=False)
        await socket.prepare(request)
        if not await self._place():
            await socket.send_str(json.dumps({"error": f"tabs: got one more than {MOST_TABS}, accepted: up to {MOST_TABS} "
                                                       "that train at a time; close one and load this page again"}))
            await socket.close()
            return socket
        tab = Tab(socket, self._turns, MOST_FRAMES)
        self.sessions.add(tab.session)
        self._sockets.add(socket)
        try:
            await tab.live()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _place(self) -> bool:
        """Return whether one more session may begin; one that is just ending is waited for, as when a page is reloaded."""
        for _ in range(100):
            self.sessions = {session for session in self.sessions if not session.join(0)}
            if len(self.sessions) < MOST_TABS:
                return True
            await asyncio.sleep(0.01)
        return False


def _open(address: str) -> None:
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)
