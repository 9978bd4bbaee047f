"""A core without RTL: the control plane's behaviour behind the same registers and streams, sample by sample."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oscc.core.instructions import MAX_UNTIMED, SCHEDULE_DEPTH, Instruction, Operation
from oscc.core.registers import Register, register, registers_of
from oscc.core.schedule_findings import COMMIT_WITHOUT_LOAD, CROWDED_INSTRUCTIONS
from oscc.core.sequencer_model import SequencerModel, Step
from oscc.core.spec import CoreSpec
from oscc.rtl.control_plane import register_constants
from oscc.rtl.host.axi_lite import DECERR, SLVERR
from oscc.sim.array.macro import ArrayMacro, EdgeInputs
from oscc.sim.array.phase_readout import decode_taps
from oscc.sim.host.host import HostError


class TransactionCore:
    """Implements `oscc.sim.host.host.CoreBus` on a behavioural macro.

    Samples are computed when an image is asked for, as many beside each other as the macro's array holds. Timing
    comes from `oscc.core.sequencer_model`, so the macro sees its strobes in the very cycles in which the RTL sets
    them. Programs, schedules and addresses that the RTL refuses are refused here, with the same bits of register
    ERROR or the same bus responses. What depends on time is not modelled: a schedule runs only while an image is
    awaited, so that ``abort`` and accesses to a running core have no effect, and a sample counts when its image is
    taken.
    Of IRQ_STATUS, only the ends of a scrub and a self-test are told; both end at once and find nothing.

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
        for entry in registers_of(core):
            if entry.reset:
                self._words[entry.address] = entry.reset
        self._set_status()
        self._stream = b""
        self._frames: deque[NDArray[np.int64]] = deque()
        self._next_cycle = 0
        self._begin(())

    def _begin(self, schedule: Sequence[Instruction]) -> None:
        """Start a schedule; for the macro it lies behind the one before, which ended with its last sample."""
        self._sequencer = SequencerModel(schedule, self._core)
        if self._next_cycle:
            self._macro.edge(EdgeInputs(cycle=self._next_cycle))
            self._next_cycle += 1
        self._origin = self._next_cycle
        self._edges: dict[int, dict[str, int | bool]] = {}
        self._levels: list[tuple[range, str]] = []
        self._runs = 0
        self._sampled = 0
        self._index, self._in_init = 0, False
        self._frames.clear()

    async def read(self, address: int) -> int:
        """Return the word at a byte address."""
        if _target(address, self._core) is None:
            raise HostError(f"read of 0x{address:03X}: response {DECERR}")
        return self._words.get(address, 0)

    async def write(self, address: int, word: int) -> None:
        """Write the word at a byte address, with the side effects that the RTL has."""
        target = _target(address, self._core)
        if target is None or target.access in ("constant", "read"):
            response = DECERR if target is None else SLVERR
            raise HostError(f"write of 0x{address:03X}: response {response}")
        word &= sum(field.mask for field in target.fields)
        if target.access == "write-1-to-clear":
            self._words[address] = self._words.get(address, 0) & ~word
        elif target.access == "read-write":
            self._words[address] = word
        else:
            self._command(word)

    async def send(self, stream: bytes) -> None:
        """Send a program image."""
        if not self._get("STATUS", "loading"):
            raise HostError("beat 0 of the program: no answer")
        self._set_status()
        self._stream = stream[: self._core.program_bytes]
        seen = zlib.crc32(self._stream)
        self._words[register("PROGRAM_CRC_SEEN").address] = seen
        if len(stream) != self._core.program_bytes:
            self._set("ERROR", "program_length")
        elif seen != self._get("PROGRAM_CRC"):
            self._set("ERROR", "program_crc")
        else:
            self._set("STATUS", "programmed")

    async def receive(self, limit: int) -> bytes:
        """Return the next image."""
        if not self._frames and not self._get("ERROR"):
            self._run(limit)
        if self._get("ERROR"):
            raise HostError("irq was raised while an image was awaited")
        codes = self._frames.popleft()
        self._words[register("SAMPLES").address] = self._get("SAMPLES") + 1
        rows, cols = self._core.frame_shape
        frame = np.zeros((rows, self._core.row_beats * self._core.codes_per_beat), dtype=np.uint8)
        frame[:, :cols] = codes
        return frame.tobytes()

    async def wait(self, cycles: int) -> None:
        """Do nothing: here nothing happens by waiting."""

    def _get(self, name: str, field: str = "") -> int:
        """Return a register, or those bits of it that a field has."""
        word = self._words.get(register(name).address, 0)
        return word & register(name).field(field).mask if field else word

    def _set(self, name: str, field: str) -> None:
        self._words[register(name).address] = self._get(name) | register(name).field(field).mask

    def _set_status(self, *names: str) -> None:
        """Set what STATUS says; the behavioural array is always ready."""
        status = register("STATUS")
        self._words[status.address] = sum(status.field(name).mask for name in ("array_ready", *names))

    def _command(self, word: int) -> None:
        commands = {field.name for field in register("CONTROL").fields if word & field.mask}
        if "load" in commands:
            self._set_status("loading")
            for name in ("CORRECTED", "UNCORRECTABLE", "SCRUBBED"):
                self._words[register(name).address] = 0
        asked = commands & {"start", "scrub", "self_test"}
        if not asked:
            return
        if self._get("STATUS", "loading"):
            self._set("ERROR", "busy")
        elif "self_test" in asked:
            # The banks of this core are faultless, but a test destroys what they hold; other commands find them busy.
            self._set_status()
            self._set("IRQ_STATUS", "self_tested")
            if len(asked) > 1:
                self._set("ERROR", "busy")
        elif not self._get("STATUS", "programmed"):
            self._set("ERROR", "unprogrammed")
        else:
            if "scrub" in asked:
                self._set("IRQ_STATUS", "scrubbed")
            if "start" in asked:
                self._start()

    def _start(self) -> None:
        """Check the schedule and begin it."""
        length, first = self._get("SCHEDULE_LENGTH"), register("SCHEDULE").address
        words = [self._words.get(first + 4 * index, 0) for index in range(length)]
        refused = illegal_instruction(words, self._core)
        if refused is not None:
            self._set("ERROR", "illegal_instruction")
            self._words[register("ERROR_INFO").address] = refused
            return
        self._begin(tuple(map(Instruction.decode, words)))
        for name in ("SAMPLES", "PERIOD", "STALLED"):
            self._words[register(name).address] = 0

    def _run(self, limit: int) -> None:
        """Let the schedule come to its next sample, or find that none comes within the limit."""
        steps: list[Step] = []
        sampled: int | None = None
        while sampled is None:
            step = self._sequencer.step()
            for fault, cause in ((CROWDED_INSTRUCTIONS, "schedule_overrun"), (COMMIT_WITHOUT_LOAD, "nothing_loaded")):
                if step is None and any(kind is fault for kind, _ in self._sequencer.faults):
                    self._set("ERROR", cause)
                    return
            if step is None or (step.sample_cycle() or step.cycle) - self._sampled > limit:
                raise HostError(f"no image within {limit} cycles")
            steps.append(step)
            sampled = step.sample_cycle()
        for step in steps:
            self._plan(step)
        self._feed(sampled)
        codes = decode_taps(self._macro.latched_taps(), self._core)
        self._frames.extend(codes[:, :, sample] for sample in range(self._batch))
        if self._runs:
            self._words[register("PERIOD").address] = sampled - self._sampled
        stalled = sum(step.waited for step in steps)
        self._words[register("STALLED").address] = self._get("STALLED") + stalled
        self._sampled = sampled
        self._runs += 1

    def _plan(self, step: Step) -> None:
        """Note what a group of instructions does to the macro; edge e ends cycle e, counted from the start."""
        for (_, instruction), cycle in zip(step.group.members, step.cycles, strict=True):
            name = instruction.operation.name.lower()
            if instruction.is_timed:
                self._levels.append((range(cycle, cycle + instruction.operand), name))
                self._edges.setdefault(cycle, {})
                self._edges.setdefault(cycle + instruction.operand, {})
            elif instruction.operation in (Operation.COMMIT, Operation.SAMPLE):
                # An instruction without duration acts on the last edge before the time at which it takes effect.
                self._edges.setdefault(cycle - 1, {})[name] = True
            elif instruction.operation is Operation.LOAD:
                for row in range(self._core.rows):
                    written = self._edges.setdefault(cycle - 1 + self._core.loader_latency + row, {})
                    written |= {"load_strobe": True, "load_row": row, "load_data": self._row(instruction.operand, row)}

    def _feed(self, end: int) -> None:
        """Give the macro its edges up to a cycle; later ones wait for the next sample."""
        seed = self._get("SEED")
        due = self._get("FIRST_SAMPLE") + self._runs * self._batch
        for edge in sorted(edge for edge in self._edges if edge < end):
            given = self._edges.pop(edge) | {name: True for level, name in self._levels if edge in level}
            # The index waits for the end of an init: two with only a sample between them are one to the array.
            if not (given.get("init") and self._in_init):
                self._index = due
            self._in_init = bool(given.get("init"))
            cycle = self._origin + edge
            self._macro.edge(EdgeInputs(cycle=cycle, noise_seed=seed, noise_index=self._index, **given))  # type: ignore[arg-type]
            self._next_cycle = cycle + 1
        self._levels = [(level, name) for level, name in self._levels if level.stop > end]

    def _row(self, chunk: int, row: int) -> int:
        """Return what the loader puts on the row bus."""
        core = self._core
        words = np.frombuffer(self._stream, dtype=np.uint8).reshape(core.cols, core.bank_depth, -1)
        bits = np.unpackbits(words[:, chunk * core.rows + row], axis=-1, bitorder="little")[:, : core.word_bits]
        return int.from_bytes(np.packbits(bits.reshape(-1), bitorder="little").tobytes(), "little")


def illegal_instruction(words: Sequence[int], core: CoreSpec) -> int | None:
    """Return the address of the first instruction that the hardware refuses before a start; None without any.

    Parameters
    ----------
    words : sequence of int
        Encoded instructions.
    core : CoreSpec
    """
    if not 1 <= len(words) <= SCHEDULE_DEPTH:
        return 0
    limits = {Operation.LOAD: core.chunks, Operation.REPEAT: len(words)}
    untimed = 0
    for address, word in enumerate(words):
        try:
            step = Instruction.decode(word)
        except ValueError:
            return address
        untimed = 0 if step.is_timed or step.operation is Operation.STOP else untimed + 1
        if untimed > MAX_UNTIMED or step.operand >= limits.get(step.operation, step.operand + 1):
            return address
    ends = step.operation is Operation.STOP or (step.operation is Operation.REPEAT and step.count == 0)
    return None if ends else len(words) - 1


def _target(address: int, core: CoreSpec) -> Register | None:
    """Return the register of a core at a byte address."""
    return next((r for r in registers_of(core) if r.address <= address < r.address + 4 * r.count), None)
