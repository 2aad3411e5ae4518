"""A server of one page that runs while a test lasts."""
import contextlib
import threading

from experiments.report.serving import OnePage


@contextlib.contextmanager
def served():
    """Give start(page, handler=None), a server that runs, with a handler of requests of its own where given."""
    servers = []

    def start(page="<p>page</p>", handler=None):
        server = OnePage(0, page)
        server.RequestHandlerClass = handler or server.RequestHandlerClass
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        return server
    try:
        yield start
    finally:
        for server, thread in servers:
            server.shutdown()
            thread.join()
            server.server_close()
