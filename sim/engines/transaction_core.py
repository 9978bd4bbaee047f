"""A core without RTL: the control plane's behaviour, transaction by transaction, behind the same registers and streams."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.instructions import Operation, decode_schedule
from oscc.compiler.registers import REGISTERS, register
from oscc.compiler.schedule_timing import Event, diagnose_schedule, trace_schedule
from oscc.compiler.spec import LOADER_LATENCY, CoreSpec
from oscc.rtl.control_plane import register_constants
from oscc.sim.host import HostError
from oscc.sim.macro import ArrayMacro, EdgeInputs
from oscc.sim.phase_readout import decode_taps


class TransactionCore:
    """Implements `oscc.sim.host.CoreBus` on a behavioural macro.

    Samples are computed when an image is asked for, as many beside each other as the macro's array holds. Timing
    comes from `oscc.compiler.schedule_timing`, so the macro sees its strobes in the very cycles in which the RTL sets
    them.

    Parameters
    ----------
    core : CoreSpec
    macro : ArrayMacro
    batch : int
        Samples that the macro's array holds.
    """

    def __init__(self, core: CoreSpec, macro: ArrayMacro, batch: int) -> None:
        self._core = core
        self._macro = macro
        self._batch = batch
        self._words: dict[int, int] = {}
        for (name, field), value in register_constants(core).items():
            address = register(name).address
            self._words[address] = self._words.get(address, 0) | value << register(name).field(field).low
        self._stream = b""
        self._frames: deque[NDArray[np.int64]] = deque()
        self._runs = 0
        self._last_edge = -(2**40)

    async def read(self, address: int) -> int:
        """The word at a byte address."""
        return self._words.get(address, 0)

    async def write(self, address: int, word: int) -> None:
        """Write the word at a byte address, with the side effects that the RTL has."""
        target = next(r for r in REGISTERS if r.address <= address < r.address + 4 * r.count)
        if target.access == "write-1-to-clear":
            self._words[address] = self._words.get(address, 0) & ~word
        elif target.access == "read-write":
            self._words[address] = word
        elif target.name == "CONTROL":
            self._command(word)

    async def send(self, stream: bytes) -> None:
        """Send a program image."""
        self._stream = stream
        self._words[register("PROGRAM_CRC_SEEN").address] = zlib.crc32(stream)
        if len(stream) != self._core.program_bytes:
            self._set("ERROR", "program_length")
        elif zlib.crc32(stream) != self._words.get(register("PROGRAM_CRC").address, 0):
            self._set("ERROR", "program_crc")
        else:
            self._set("STATUS", "programmed")

    async def receive(self, limit: int) -> bytes:
        """The next image."""
        if self._words.get(register("ERROR").address, 0):
            raise HostError("irq was raised while an image was awaited")
        if not self._frames:
            self._run()
        codes = self._frames.popleft()
        samples = register("SAMPLES").address
        self._words[samples] = self._words.get(samples, 0) + 1
        rows, cols = self._core.frame_shape
        frame = np.zeros((rows, self._core.row_beats * self._core.codes_per_beat), dtype=np.uint8)
        frame[:, :cols] = codes
        return frame.tobytes()

    async def wait(self, cycles: int) -> None:
        """Nothing happens by waiting."""

    def _set(self, name: str, field: str) -> None:
        address = register(name).address
        self._words[address] = self._words.get(address, 0) | register(name).field(field).mask

    def _command(self, word: int) -> None:
        control = register("CONTROL")
        if word & control.field("load").mask:
            self._words[register("STATUS").address] = 0
        if not word & control.field("start").mask:
            return
        if not self._words.get(register("STATUS").address, 0) & register("STATUS").field("programmed").mask:
            self._set("ERROR", "unprogrammed")
            return
        length = self._words.get(register("SCHEDULE_LENGTH").address, 0)
        first = register("SCHEDULE").address
        words = np.array([self._words.get(first + 4 * index, 0) for index in range(length)], dtype=np.uint32)
        try:
            self._schedule = decode_schedule(words)
        except ValueError:
            self._set("ERROR", "illegal_instruction")
            return
        if any(finding.code in ("T001", "T002", "T003") for finding in diagnose_schedule(self._schedule, self._core)):
            self._set("ERROR", "illegal_instruction")
            return
        self._runs = 0
        self._frames.clear()
        self._words[register("SAMPLES").address] = 0

    def _run(self) -> None:
        """Let the schedule come to its next sample."""
        trace = trace_schedule(self._schedule, self._core, self._runs + 1)
        if len(trace.samples) <= self._runs:
            raise HostError("the schedule has ended")
        after = trace.samples[self._runs - 1] if self._runs else None
        first = self._words.get(register("FIRST_SAMPLE").address, 0) + self._runs * self._batch
        self._runs += 1
        for edge in self._edges(trace.events, first):
            # What belongs to the sample before this one was seen then.
            if after is None or edge.cycle >= after:
                self._macro.edge(edge)
        codes = decode_taps(self._macro.latched_taps(), self._core)
        self._frames.extend(codes[:, :, sample] for sample in range(self._batch))
        if len(trace.samples) > 1:
            self._words[register("PERIOD").address] = trace.samples[-1] - trace.samples[-2]
        self._words[register("STALLED").address] = trace.stalled

    def _edges(self, events: Iterable[Event], first: int) -> list[EdgeInputs]:
        """The edges at which something happens, in order; edge e ends cycle e, counted from the first init."""
        inputs: dict[int, dict[str, int | bool]] = {}
        levels: list[tuple[int, int, str]] = []
        for event in events:
            # An instruction without duration acts on the last edge before the time at which it takes effect.
            edge = event.cycle - 1
            if event.operation in (Operation.INIT, Operation.RUN):
                levels.append((event.cycle, event.cycle + event.operand, event.operation.name.lower()))
                inputs.setdefault(event.cycle, {})
                inputs.setdefault(event.cycle + event.operand, {})
            elif event.operation in (Operation.COMMIT, Operation.SAMPLE):
                inputs.setdefault(edge, {})[event.operation.name.lower()] = True
            elif event.operation is Operation.LOAD:
                for row in range(self._core.rows):
                    written = inputs.setdefault(edge + LOADER_LATENCY + row, {})
                    written |= {"load_strobe": True, "load_row": row, "load_data": self._row(event.operand, row)}
        end = max((event.cycle for event in events if event.operation is Operation.SAMPLE), default=0)
        for start, stop, name in levels:
            for edge, given in inputs.items():
                if start <= edge < stop:
                    given[name] = True
        seed = self._words.get(register("SEED").address, 0)
        return [
            EdgeInputs(cycle=edge, noise_seed=seed, noise_index=first, **given)  # type: ignore[arg-type]
            for edge, given in sorted(inputs.items())
            if edge < end
        ]

    def _row(self, chunk: int, row: int) -> int:
        """What the loader puts on the row bus."""
        core = self._core
        words = np.frombuffer(self._stream, dtype=np.uint8).reshape(core.cols, core.bank_depth, -1)
        bits = np.unpackbits(words[:, chunk * core.rows + row], axis=-1, bitorder="little")[:, : core.word_bits]
        return int.from_bytes(np.packbits(bits.reshape(-1), bitorder="little").tobytes(), "little")
