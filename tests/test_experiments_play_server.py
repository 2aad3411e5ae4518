"""`play`: who is let in, that tabs have runs of their own, which end with them, and the command."""
import asyncio
import contextlib
import json
import signal
import socket
import sys
import time

import pytest

from experiments import command
from experiments.playing import frames
from experiments.playing.choices import Choices
from tests.programs import environment, posix, start

TINY = Choices(samples=10, hidden=(4,), batch=None)


# --- the server ---

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("jinja2")


@contextlib.asynccontextmanager
async def serving():
    """A server on a free port and a client; at the end every thread has ended."""
    from aiohttp import web

    from experiments.play import HOST, Server

    server = Server()
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    server.port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as client:
        try:
            yield server, client
        finally:
            await server.end()
            await runner.cleanup()
    assert all(session.join(20) for session in server.sessions)


def live(server, client, **headers):
    """Open a tab's WebSocket."""
    return client.ws_connect(f"{server.address}live", headers={"Origin": f"http://127.0.0.1:{server.port}"} | headers)


async def answer(tab):
    """The next message that is no frame."""
    while (message := await tab.receive(30)).type == aiohttp.WSMsgType.BINARY:
        pass
    return json.loads(message.data) if message.type == aiohttp.WSMsgType.TEXT else message


async def shown(tab):
    """The next frame."""
    await tab.send_json({"do": "frame"})
    while (message := await tab.receive(30)).type != aiohttp.WSMsgType.BINARY:
        pass
    return frames.unpacked(message.data)[0]


async def begun(tab, chosen=TINY):
    await tab.send_json({"do": "begin", "choices": chosen.as_sent()})
    assert await answer(tab) == {"accepted": True}
    await tab.send_json({"do": "speed", "speed": "0"})
    await tab.send_json({"do": "train"})


def test_who_is_let_in():
    async def ask():
        async with serving() as (server, client):
            root = f"http://127.0.0.1:{server.port}"
            async with client.get(server.address) as page:
                text = await page.text()
                assert page.status == 200 and "Keep training" in text and server.token not in text
                policy = page.headers["Content-Security-Policy"]
                for part in ("default-src 'none'", "script-src 'sha256-", "frame-ancestors 'none'"):
                    assert part in policy
                assert (page.headers["Cache-Control"], page.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
                assert page.headers["Referrer-Policy"] == "no-referrer" and "Server" not in page.headers
            refused = [(method, address, {}) for method, address in (
                ("GET", f"{root}/"), ("GET", f"{root}/{server.token[:-1]}/"), ("GET", f"{root}/{server.token}x/"),
                ("GET", f"{root}/favicon.ico"), ("GET", f"{root}/%ff/"), ("GET", f"{server.address}play.js"),
                ("GET", f"{server.address}../setup.cfg"), ("GET", f"{server.address}live"), ("POST", server.address),
                ("HEAD", server.address))]
            refused += [("GET", server.address, headers) for headers in (
                {"Host": f"evil.example:{server.port}"}, {"Host": "127.0.0.1:1"}, {"Host": ""},
                {"Origin": "http://evil.example"})]
            bodies = set()
            for method, address, headers in refused:
                async with client.request(method, address, headers=headers) as said:
                    assert said.status == 404, (method, address, headers)
                    bodies |= {await said.text()} if method != "HEAD" else set()
                    assert "Server" not in said.headers
            assert bodies == {"404\n"}
            for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"{root}x"},
                            {"Host": f"evil.example:{server.port}", "Origin": f"http://evil.example:{server.port}"}):
                with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                    await live(server, client, **headers)
                assert error.value.status == 404
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.ws_connect(f"{server.address}live")  # no Origin: no browser
            assert server.sessions == set()
    asyncio.run(ask())


def test_bad_messages_are_refused_and_the_tab_goes_on():
    async def ask():
        async with serving() as (server, client), live(server, client) as tab:
            bad = json.dumps({"do": "begin", "choices": TINY.as_sent() | {"rate": "1e99"}})
            for sent, name in (("{", "message"), ("[" * 30_000, "message"), ("[]", "do"), ("{}", "do"), (bad, "rate"),
                               ('{"do": ["train"]}', "do"), ('{"do": "exec"}', "do"), ('{"do": "begin"}', "choices"),
                               ('{"do": "speed"}', "speed")):
                await tab.send_str(sent)
                said = await answer(tab)
                assert said["name"] == name and said["error"].startswith(f"{name}: got ") and "accepted: " in said["error"]
            await tab.send_bytes(b"\x00")
            assert (await answer(tab))["error"] == "message: got bytes, accepted: JSON"
            await begun(tab)
            assert "data" in await shown(tab)
            await tab.send_str(" " * 65_600)
            assert (await answer(tab)).data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    asyncio.run(ask())


def test_tabs_train_side_by_side_and_end_when_they_are_closed(monkeypatch):
    monkeypatch.setattr("experiments.play.MOST_TABS", 2)

    async def ask():
        async with serving() as (server, client):
            first, second = await live(server, client), await live(server, client)
            for tab in (first, second):
                await begun(tab)
            for tab in (first, second):
                while (await shown(tab))["epoch"] < 5:
                    pass
            async with live(server, client) as third:
                assert "tabs: got one more than 2, accepted" in (await answer(third))["error"]
            assert len(server.sessions) == 2
            await first.close()
            began = time.monotonic()
            while not any(session.join(0) for session in server.sessions):
                await asyncio.sleep(0.01)
                assert time.monotonic() - began < 10
            assert sum(session.join(0) for session in server.sessions) == 1  # the other one goes on
            epoch = (await shown(second))["epoch"]
            while (await shown(second))["epoch"] <= epoch:
                pass
            async with live(server, client) as third:  # there is a place again
                await begun(third)
                assert (await shown(third))["run"] == 1
            await second.close()
    asyncio.run(ask())


def test_nothing_is_sent_that_was_not_asked_for():
    async def ask():
        async with serving() as (server, client), live(server, client) as tab:
            await begun(tab)
            await shown(tab)
            session, = server.sessions
            before = len(session._record.rows)
            while len(session._record.rows) < before + 20:  # it trains on behind a page that is hidden
                await asyncio.sleep(0.01)
            with pytest.raises(asyncio.TimeoutError):
                await tab.receive(0.05)
            assert (await shown(tab))["epoch"] >= before + 20
    asyncio.run(ask())


# --- the command ---

def test_a_port_in_use_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert command.main(["play", "--no-browser", "--port", str(port)]) == 1
    said = capsys.readouterr()
    assert said.err == (f"afterzero: --port: got {port}, which another program uses, accepted: another one, or 0 for any "
                        "that is free\n")
    assert said.out == ""


def test_a_bad_port_and_a_missing_package_are_said(capsys, monkeypatch):
    for port in ("70000", "abc", "-1", "8e3"):
        said = []
        for options in (["play"], ["report", "--serve"]):  # which say the same
            with pytest.raises(SystemExit) as stopped:
                command.main([*options, f"--port={port}"])
            assert stopped.value.code == 2
            said.append(capsys.readouterr().err.rpartition(" error: ")[2])
        assert said == 2 * [f"--port: got '{port}', accepted: a whole number from 0, any that is free, to 65535\n"]
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert command.main(["play"]) == 1
    said = capsys.readouterr().err
    assert "play needs aiohttp: in a clone, pip install -e '.[play]'" in said and len(said.splitlines()) == 1


@contextlib.asynccontextmanager
async def tab_of(address):
    """A tab's WebSocket at a server that is a process of its own, and what its page's address begins with."""
    origin = address.rpartition("/")[0].rpartition("/")[0]
    async with aiohttp.ClientSession() as client, client.ws_connect(f"{address}live", headers={"Origin": origin}) as tab:
        yield tab, origin


@posix
def test_ctrl_c_ends_all_runs_with_one_line():
    process = start("-m", "experiments", "play", "--no-browser")
    try:
        address, said = (process.stdout.readline().strip() for _ in range(2))

        async def train():
            async with tab_of(address) as (tab, origin):
                await begun(tab)
                while (await shown(tab))["epoch"] < 3:
                    pass
                reader, writer = await asyncio.open_connection(*origin.removeprefix("http://").split(":"))
                writer.write(b"GET / HTTP/1.1\r\n\r\n")  # no HTTP: it lacks a Host
                assert (await reader.read()).startswith(b"HTTP/1.0 400")
                writer.close()
                doors = open_at(process.pid)
                process.send_signal(signal.SIGINT)
                while (message := await tab.receive(30)).type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    pass
                return doors, message.data
        doors, code = asyncio.run(train())
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, code) == (130, aiohttp.WSCloseCode.GOING_AWAY)
    assert err == "\nafterzero: interrupted; every run has ended\n" and "Ctrl-C" in said and out == ""
    if sys.platform == "linux":
        [door] = doors
        assert "tcp 0100007F:" in door  # 127.0.0.1, and no other


@posix
@pytest.mark.slow
@pytest.mark.compiled
def test_ctrl_c_while_kernels_are_compiled(tmp_path):
    process = start("-m", "experiments", "play", "--no-browser", env=environment(AFTERZERO_CACHE_DIR=str(tmp_path)))
    try:
        address, _ = (process.stdout.readline().strip() for _ in range(2))

        async def train():
            async with tab_of(address) as (tab, _):
                await begun(tab)
                await tab.send_json({"do": "frame"})
                while "compiling" not in (await answer(tab)).get("waiting", ""):
                    pass
                process.send_signal(signal.SIGINT)
        asyncio.run(train())
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (130, "\nafterzero: interrupted; every run has ended\n")


def open_at(pid):
    from tests.sockets import open_doors

    return open_doors(pid) if sys.platform == "linux" else []
