"""The conversation with one tab: what its page says becomes orders for a session, and frames go back one at a time."""
import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from . import choices
from .choices import Refused
from .session import Session, compiling_text
from .turns import Turns


class Tab:
    """A tab that is open.

    Parameters
    ----------
    socket : WebSocket of the server, prepared
        With `send_str`, `send_bytes`, and messages to iterate over.
    turns : Turns
    most_frames : int
        A second.
    """

    def __init__(self, socket: Any, turns: Turns, most_frames: int) -> None:
        self._socket, self._pause = socket, 1 / most_frames
        self._asked, self._ready = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to be told
                loop.call_soon_threadsafe(self._ready.set)
        self.session = Session(turns, tell)

    async def live(self) -> None:
        """Talk until the tab is closed; the session ends with it."""
        showing = asyncio.create_task(self._show())
        try:
            async for message in self._socket:
                if message.type.name == "TEXT":
                    await self._obey(message.data)
                elif message.type.name == "BINARY":
                    await self._say({"error": "message: got bytes, accepted: JSON"})
        finally:
            self.session.end()
            showing.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await showing

    async def _obey(self, text: str) -> None:
        try:
            try:
                said = json.loads(text)
            except (ValueError, RecursionError):
                raise Refused("message", text, "JSON") from None
            if not isinstance(said, dict) or not isinstance(said.get("do"), str) or said["do"] not in self._orders():
                raise Refused("do", said.get("do") if isinstance(said, dict) else said, ", ".join(self._orders()))
            answer = self._orders()[said["do"]](said)
        except Refused as error:
            answer = {"error": str(error), "name": error.name}
        if answer:
            await self._say(answer)

    def _orders(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]]:
        return {"begin": self._begin, "train": lambda said: self.session.keep_training(),
                "step": lambda said: self.session.keep_training(1), "stop": lambda said: self.session.stop_here(),
                "speed": lambda said: self.session.speed(float(choices.speed("speed", said.get("speed")))),
                "frame": lambda said: self._asked.set()}

    def _begin(self, said: dict[str, Any]) -> dict[str, Any]:
        self.session.begin(choices.read(said.get("choices")))
        return {"accepted": True}

    async def _show(self) -> None:
        """Send a frame whenever the page has asked for one: it asks when it has drawn the last."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            due = time.monotonic() + self._pause
            self.session.ask()
            while not await self._is_ready():
                if said := compiling_text():
                    await self._say({"waiting": said})
            self._ready.clear()
            frame = self.session.take()
            if frame is None:  # another run has begun meanwhile
                self._asked.set()
                continue
            await self._socket.send_bytes(frame)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _is_ready(self) -> bool:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ready.wait(), 0.5)
        return self._ready.is_set()

    async def _say(self, what: dict[str, Any]) -> None:
        await self._socket.send_str(json.dumps(what))
