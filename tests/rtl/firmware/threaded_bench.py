"""The C driver in a thread, on buses that a coroutine of the simulator serves, for the tests of several files."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from queue import Queue
from typing import Any

from oscc.rtl.bench.spi_simulation import SpiHost
from oscc.sim.engines.pysim import PysimBus
from tests.rtl.firmware.firmware_bench import Bus, Pause, Read, Receive, Send, Spi, Transfer, Write, WriteWords


class Threaded:
    """C callbacks, called in a thread: ``bus`` has registers by AXI4-Lite, ``spi`` has them by frames."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._asked: Queue[tuple[Any, ...]] = Queue()
        self._answers: Queue[Any] = Queue()
        self.answer: Any = None
        self.frames = 0
        streams = (
            Send(lambda _, data, length: self._ask("send", bytes(data[:length]))),
            Receive(lambda _, data, capacity, length, invalid: self._ask("receive", data, length, invalid)),
            Pause(lambda _: self._ask("pause")),
        )
        self.bus = Bus(
            None,
            Read(lambda _, address, word: self._ask("read", address, word)),
            Write(lambda _, address, word: self._ask("write", address, word)),
            WriteWords(),
            *streams,
        )
        transfer = Transfer(lambda _, sent, received, length: self._ask("transfer", bytes(sent[:length]), received))
        self.spi = Spi(None, transfer, *streams)

        def run() -> None:
            self.answer = work()
            self._asked.put(("end",))

        self._thread = threading.Thread(target=run)

    def _ask(self, *request: Any) -> int:
        self._asked.put(request)
        return int(self._answers.get())

    async def serve(self, bus: PysimBus, pins: SpiHost | None = None) -> None:
        """Do what the thread asks for, until it ends. The simulation stands still while C code runs."""
        self._thread.start()
        while (request := self._asked.get())[0] != "end":
            match request:
                case "read", address, word:
                    word[0] = await bus.read(address)
                case "write", address, word:
                    await bus.write(address, word)
                case "send", stream:
                    await bus.send(stream)
                case "receive", data, length, invalid:
                    frame = await bus.receive(4000)
                    ctypes.memmove(data, frame, len(frame))
                    length[0], invalid[0] = len(frame), False
                case "transfer", sent, received:
                    assert pins is not None
                    self.frames += 1
                    # Where nobody drives MISO, a pull-up does.
                    answer = [0xFF if byte is None else byte for byte in await pins.transfer(sent)]
                    ctypes.memmove(received, bytes(answer), len(answer))
                case _:
                    await bus.wait(16)
            self._answers.put(0)
        self._thread.join()
