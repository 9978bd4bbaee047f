from __future__ import annotations

import asyncio
import dataclasses
import re
import zlib
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.program import Program
from oscc.core.registers import register
from oscc.core.spec import CoreSpec
from oscc.sim.engines.job import CosimJob
from oscc.sim.host.host import CoreBus, DiscardedFrameError, Host, HostError, SelfTestResult

Both = Callable[..., tuple[Any, Any]]

STOP, COMMIT, SAMPLE = (Instruction(operation) for operation in (Operation.STOP, Operation.COMMIT, Operation.SAMPLE))
INIT, RUN = Instruction(Operation.INIT, 20), Instruction(Operation.RUN, 30)
AGAIN = Instruction(Operation.REPEAT, 0)


def load(chunk: int) -> Instruction:
    return Instruction(Operation.LOAD, chunk)


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program, samples=1)


def with_schedule(job: CosimJob, words: Any) -> Program:
    schedule = encode_schedule(words) if isinstance(words[0], Instruction) else np.array(words, dtype=np.uint32)
    return dataclasses.replace(job.program, schedule=schedule)


async def refusal(bus: CoreBus, attempt: Coroutine[Any, Any, Any]) -> tuple[str, int, int]:
    """How an attempt was refused: the message, and registers ERROR and ERROR_INFO (instruction) after it."""
    with pytest.raises(HostError) as caught:
        await attempt
    host = Host(bus, None)  # type: ignore[arg-type]
    return str(caught.value), (await host.registers.read_error()).word, await read_instruction(host)


async def read_instruction(host: Host) -> int:
    return (await host.registers.read_error_info()).instruction


def refused_alike(drive_both: Both, job: CosimJob, flow: Callable[[CoreBus], Any]) -> tuple[str, int, int]:
    """The refusal, which must be the same without RTL and with it."""
    without, with_rtl = drive_both(job, flow)
    message, *registers = with_rtl.answer
    answer: tuple[str, int, int] = (plain(message), *registers)
    assert without.answer == answer
    return answer


def plain(message: str) -> str:
    """A message without the signal and the cycle that RTL adds."""
    return re.sub(r"; \w+, cycle \d+$", "", message)


def test_with_rtl_a_message_says_where_and_when(drive_both: Both, job: CosimJob) -> None:
    without, with_rtl = drive_both(job, lambda bus: refusal(bus, bus.read(0xFFC)))
    assert without.answer[0] == "read of 0xFFC: response 3"
    assert re.fullmatch(r"read of 0xFFC: response 3; s_axil_rresp, cycle [1-9]\d*", with_rtl.answer[0])


# What a core refuses, with RTL and without


def test_another_core_is_refused(drive_both: Both, job: CosimJob, make_core: Callable[..., CoreSpec]) -> None:
    # Another read-out alone gives another hash; another grid would already differ in the length of the program.
    other = make_core(grid=[3, 4], stencil="king", chunks=2, readout={"origin": [0, 0], "step": [1, 2]})
    message, error, _ = refused_alike(drive_both, job, lambda bus: refusal(bus, Host(bus, other).identify()))
    given, expected = int(job.core.hash[:8], 16), int(other.hash[:8], 16)
    assert message == f"register SPEC_HASH is 0x{given:08X}, expected 0x{expected:08X}: another core"
    assert error == 0


def test_the_right_core_identifies_itself(drive: Callable[..., Any], job: CosimJob) -> None:
    assert drive(job, lambda bus: Host(bus, job.core).identify()).answer is None


def test_a_wrong_crc_is_refused(drive_both: Both, job: CosimJob) -> None:
    def flow(bus: CoreBus) -> Any:
        return refusal(bus, Host(bus, job.core).load(job.program, crc=job.program.stream_crc() ^ 1))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == "the CRC-32 of the streamed program differs from PROGRAM_CRC"
    assert error == register("ERROR").field("program_crc").mask


@pytest.mark.parametrize("change", [lambda stream: stream[:-8], lambda stream: stream[:8], lambda stream: stream * 2])
def test_a_stream_of_another_length_is_refused(
    drive_both: Both, job: CosimJob, change: Callable[[bytes], bytes]
) -> None:
    stream = change(job.program.stream())

    def flow(bus: CoreBus) -> Any:
        return refusal(bus, Host(bus, job.core).load(job.program, stream=stream))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == "TLAST came before or after the last beat of the program"
    assert error == register("ERROR").field("program_length").mask


def test_a_stream_that_nobody_asked_for_is_not_taken(drive: Callable[..., Any], job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> str:
        with pytest.raises(HostError) as caught:
            await bus.send(job.program.stream())
        return str(caught.value)

    assert drive(job, flow).answer.startswith("beat 0 of the program: no answer")


def test_a_core_without_a_program_does_not_start(drive_both: Both, job: CosimJob) -> None:
    def flow(bus: CoreBus) -> Any:
        return refusal(bus, Host(bus, job.core).take_samples(1, seed=0, first=0, limit=job.sample_limit))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == "start or scrub was asked for, but no whole program has been loaded"
    assert error == register("ERROR").field("unprogrammed").mask


def test_an_interrupt_ends_the_wait_for_an_image(drive: Callable[..., Any], job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> str:
        host = Host(bus, job.core)
        await host.registers.write_irq_enable(error=1)
        await host.registers.write_control(start=1)
        with pytest.raises(HostError) as caught:
            await bus.receive(5000)
        return str(caught.value)

    assert plain(drive(job, flow).answer) == "irq was raised while an image was awaited"


def test_a_refused_program_is_no_program(drive_both: Both, job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> Any:
        host = Host(bus, job.core)
        await host.load(job.program)
        with pytest.raises(HostError, match="CRC-32"):
            await host.load(job.program, crc=0)
        await host.registers.write_error(program_crc=1)
        return await refusal(bus, host.take_samples(1, seed=0, first=0, limit=job.sample_limit))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == "start or scrub was asked for, but no whole program has been loaded"
    assert error == 1


@pytest.mark.parametrize(
    ("schedule", "address"),
    [
        ([0], 0),
        ([load(0), COMMIT, INIT, RUN, SAMPLE, load(2), STOP], 5),
        ([load(0), COMMIT, INIT, RUN, SAMPLE, Instruction(Operation.REPEAT, 6)], 5),
        ([load(0), COMMIT, INIT, RUN, SAMPLE], 4),
        ([load(0), COMMIT, INIT, RUN, SAMPLE, Instruction(Operation.REPEAT, 0, count=3)], 5),
        ([load(0), COMMIT, load(1), COMMIT, load(0), INIT, RUN, SAMPLE, STOP], 4),
        ([STOP.encode() | 1, STOP.encode()], 0),
        ([load(0).encode(), RUN.encode() & 0xF000_0000, STOP.encode()], 1),
    ],
    ids=["zero", "chunk", "target", "no end", "finite end", "crowded", "reserved bits", "no duration"],
)
def test_an_illegal_schedule_is_refused(drive_both: Both, job: CosimJob, schedule: Any, address: int) -> None:
    program = with_schedule(job, schedule)

    async def flow(bus: CoreBus) -> Any:
        host = Host(bus, job.core)
        await host.load(program)
        return await refusal(bus, host.take_samples(1, seed=0, first=0, limit=job.sample_limit))

    message, error, instruction = refused_alike(drive_both, job, flow)
    assert message == "the schedule holds an illegal instruction; ERROR_INFO has its address"
    assert error == register("ERROR").field("illegal_instruction").mask
    assert instruction == address


def test_a_schedule_that_crowds_while_it_runs_is_stopped(drive_both: Both, job: CosimJob) -> None:
    # In the order of the memory never more than four stand together; over the jump there are five.
    steps = [load(0), COMMIT, INIT, RUN, load(1), COMMIT, Instruction(Operation.REPEAT, 0, count=1), RUN, SAMPLE, STOP]
    program = with_schedule(job, steps)

    async def flow(bus: CoreBus) -> Any:
        host = Host(bus, job.core)
        await host.load(program)
        return await refusal(bus, host.take_samples(1, seed=0, first=0, limit=job.sample_limit))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == "more than four instructions without duration in a row while running"
    assert error == register("ERROR").field("schedule_overrun").mask


def test_a_commit_without_a_load_is_told(drive_both: Both, job: CosimJob) -> None:
    program = with_schedule(job, [COMMIT, INIT, RUN, SAMPLE, STOP])

    async def flow(bus: CoreBus) -> Any:
        host = Host(bus, job.core)
        await host.load(program)
        return await refusal(bus, host.take_samples(1, seed=0, first=0, limit=300))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == "a commit for which nothing had been loaded; the schedule was ended"
    assert error == register("ERROR").field("nothing_loaded").mask


@pytest.mark.parametrize(
    ("schedule", "limit"),
    [
        ([load(0), COMMIT, INIT, RUN, STOP], 300),
        ([load(0), COMMIT, INIT, Instruction(Operation.RUN, 400), SAMPLE, AGAIN], 150),
    ],
    ids=["no sample", "too slow"],
)
def test_an_image_that_does_not_come_is_given_up(
    drive_both: Both, job: CosimJob, schedule: list[Instruction], limit: int
) -> None:
    program = with_schedule(job, schedule)

    async def flow(bus: CoreBus) -> Any:
        host = Host(bus, job.core)
        await host.load(program)
        return await refusal(bus, host.take_samples(1, seed=0, first=0, limit=limit))

    message, error, _ = refused_alike(drive_both, job, flow)
    assert message == f"no image within {limit} cycles"
    assert error == 0


@pytest.mark.parametrize(("address", "response"), [(0xFFC, 3), (0x01C, 3)])
def test_addresses_without_a_register_are_refused(drive_both: Both, job: CosimJob, address: int, response: int) -> None:
    for kind in ("read", "write"):

        def flow(bus: CoreBus, kind: str = kind) -> Any:
            return refusal(bus, bus.read(address) if kind == "read" else bus.write(address, 1))

        assert refused_alike(drive_both, job, flow)[0] == f"{kind} of 0x{address:03X}: response {response}"


@pytest.mark.parametrize("name", ["ID", "STATUS", "PERIOD"])
def test_what_the_core_sets_cannot_be_written(drive_both: Both, job: CosimJob, name: str) -> None:
    address = register(name).address
    answer = refused_alike(drive_both, job, lambda bus: refusal(bus, bus.write(address, 1)))
    assert answer[0] == f"write of 0x{address:03X}: response 2"


def test_what_is_written_reads_back_in_its_fields(drive_both: Both, job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> list[int]:
        addresses = [register(name).address for name in ("SCHEDULE_LENGTH", "IRQ_ENABLE", "SEED", "SCHEDULE")]
        for address in addresses:
            await bus.write(address, 0xFFFF_FFFF)
        await bus.write(register("CONTROL").address, 0)
        return [await bus.read(address) for address in (*addresses, register("CONTROL").address)]

    without, with_rtl = drive_both(job, flow)
    assert without.answer == with_rtl.answer == [0x7F, 0x7F, 0xFFFF_FFFF, 0xFFFF_FFFF, 0]


def test_start_while_a_program_loads_is_refused(drive_both: Both, job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> int:
        host = Host(bus, job.core)
        await host.registers.write_control(load=1)
        await host.registers.write_control(start=1)
        await bus.wait(2)
        return (await host.registers.read_error()).word

    without, with_rtl = drive_both(job, flow)
    assert without.answer == with_rtl.answer == register("ERROR").field("busy").mask


def test_a_core_can_be_used_again(drive_both: Both, job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> Any:
        host = Host(bus, job.core)
        await host.load(job.program)
        takes = [await host.take_samples(2, seed=1, first=number, limit=job.sample_limit) for number in (0, 1, 0)]
        return [take.tolist() for take in takes], await host.counters()

    without, with_rtl = drive_both(job, flow)
    assert without.answer == with_rtl.answer
    (first, shifted, again), counters = with_rtl.answer
    assert first == again
    assert first[1] == shifted[0] != shifted[1]
    assert counters.samples == 2
    assert counters.program_crc == zlib.crc32(job.program.stream())
    assert (counters.stalled, counters.corrected, counters.uncorrectable) == (0, 0, 0)


# What the host itself does, on a bus that only records


class RecordingBus:
    """Answers every read with what was arranged, and keeps what was done."""

    def __init__(self, core: CoreSpec, *frames: bytes, **words: int) -> None:
        right = {
            "ID": 0x4F534343,
            "VERSION": 3,
            "SPEC_HASH": int(core.hash[:8], 16),
            "PROGRAM_BEATS": core.program_beats,
            "STATUS": 1,
        }
        self.words = {register(name).address: word for name, word in (right | words).items()}
        self.frames = list(frames)
        self.done: list[tuple[str, Any]] = []

    async def read(self, address: int) -> int:
        return self.words.get(address, 0)

    async def write(self, address: int, word: int) -> None:
        self.done.append((f"0x{address:03X}", word))

    async def send(self, stream: bytes) -> None:
        self.done.append(("send", stream))

    async def receive(self, limit: int) -> bytes:
        self.done.append(("receive", limit))
        if not self.frames:
            raise HostError("nothing comes")
        return self.frames.pop(0)

    async def wait(self, cycles: int) -> None:
        self.done.append(("wait", cycles))


@pytest.mark.parametrize(
    ("name", "expected"), [("ID", "0x4F534343"), ("VERSION", "0x00000003"), ("PROGRAM_BEATS", "0x00000018")]
)
def test_every_identity_is_checked(job: CosimJob, name: str, expected: str) -> None:
    assert job.core.program_beats == 0x18
    bus = RecordingBus(job.core, **{name: 0xBAD})
    with pytest.raises(HostError, match=rf"^register {name} is 0x00000BAD, expected {expected}: another core$"):
        asyncio.run(Host(bus, job.core).identify())


def test_a_program_is_loaded_in_order(job: CosimJob) -> None:
    bus = RecordingBus(job.core)
    asyncio.run(Host(bus, job.core).load(job.program))
    schedule = [(f"0x{0x400 + 4 * index:03X}", word) for index, word in enumerate(job.program.schedule.tolist())]
    assert [entry for entry in bus.done if entry[0] != "wait"] == [
        ("0x028", 0x7FF),
        ("0x030", 0x7F),
        ("0x038", zlib.crc32(job.program.words.tobytes())),
        ("0x020", 4),
        ("send", job.program.words.tobytes()),
        *schedule,
        ("0x040", len(schedule)),
    ]


def test_a_program_that_is_not_complete_is_noticed(job: CosimJob) -> None:
    bus = RecordingBus(job.core, STATUS=2)
    with pytest.raises(HostError, match=r"^the core did not accept the program: it waits for more beats$"):
        asyncio.run(Host(bus, job.core).load(job.program))


def test_images_are_taken_and_the_last_one_is_announced(job: CosimJob) -> None:
    frames = [bytes(range(number, number + 24)) for number in (0, 10, 20)]
    bus = RecordingBus(job.core, *frames)
    codes = asyncio.run(Host(bus, job.core).take_samples(3, seed=7, first=40, limit=99))
    # Three rows of eight bytes, of which four are codes.
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[[n + 8 * row + col for col in range(4)] for row in range(3)] for n in (0, 10, 20)]
    assert bus.done == [
        ("0x028", 0x7FF),
        ("0x030", 0x7F),
        ("0x034", 0),
        ("0x044", 7),
        ("0x048", 40),
        ("0x034", 4),
        ("0x020", 1),
        ("receive", 99),
        ("receive", 99),
        ("0x020", 2),
        ("receive", 99),
    ]


def test_a_frame_of_another_size_is_refused(job: CosimJob) -> None:
    bus = RecordingBus(job.core, bytes(16))
    with pytest.raises(HostError, match=r"^a frame of 16 bytes arrived, expected 24$"):
        asyncio.run(Host(bus, job.core).take_samples(1, seed=0, first=0, limit=9))


def test_the_cause_in_the_register_is_told_before_the_symptom(job: CosimJob) -> None:
    with pytest.raises(HostError, match=r"^nothing comes$"):
        asyncio.run(Host(RecordingBus(job.core), job.core).take_samples(1, seed=0, first=0, limit=9))
    both = register("ERROR").field("uncorrectable").mask | register("ERROR").field("busy").mask
    with pytest.raises(HostError, match=r"^a weight word had a double error; the schedule was ended; a command "):
        asyncio.run(Host(RecordingBus(job.core, ERROR=both), job.core).take_samples(1, seed=0, first=0, limit=9))


def test_a_schedule_that_does_not_end_is_noticed(job: CosimJob) -> None:
    running = register("STATUS").field("running").mask
    bus = RecordingBus(job.core, bytes(24), STATUS=running)
    with pytest.raises(HostError, match=r"^the schedule has not ended within 64 cycles$"):
        asyncio.run(Host(bus, job.core).take_samples(1, seed=0, first=0, limit=64))
    assert sum(cycles for kind, cycles in bus.done if kind == "wait") == 64


def test_counters_are_read_from_their_registers(job: CosimJob) -> None:
    names = ("SAMPLES", "PERIOD", "STALLED", "CORRECTED", "UNCORRECTABLE", "PROGRAM_CRC_SEEN", "SCRUBBED")
    bus = RecordingBus(job.core, **{name: 100 + place for place, name in enumerate(names)})
    counters = asyncio.run(Host(bus, job.core).counters())
    assert dataclasses.astuple(counters) == (100, 101, 102, 103, 104, 105, 106)


def test_an_invalid_frame_of_an_earlier_attempt_is_thrown_away(job: CosimJob) -> None:
    class LeftOver(RecordingBus):
        """A frame that is marked, and one that is not, wait in the output."""

        left = 2

        async def read(self, address: int) -> int:
            if address == register("STATUS").address:
                return register("STATUS").field("frame").mask if self.left else 0
            return await super().read(address)

        async def receive(self, limit: int) -> bytes:
            if self.left:
                self.left -= 1
                if self.left:
                    raise DiscardedFrameError("no image")
                return bytes(8)
            return await super().receive(limit)

    bus = LeftOver(job.core, bytes(range(24)))
    codes = asyncio.run(Host(bus, job.core).take_samples(1, seed=0, first=0, limit=9))
    assert codes[0].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]]


def test_a_scrub_and_a_self_test_of_good_banks(drive_both: Both, job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> tuple[object, ...]:
        host = Host(bus, job.core)
        await host.load(job.program)
        await host.scrub(1000)
        status = await host.registers.read_status()
        result = await host.self_test(20_000)
        return status, result, await host.registers.read_status(), (await host.counters()).scrubbed

    without, with_rtl = drive_both(job, flow)
    assert without.answer == with_rtl.answer
    before, result, after, scrubbed = with_rtl.answer
    assert (before.programmed, after.programmed, scrubbed) == (1, 0, 0)
    assert result == SelfTestResult(failures=0, address=0, column=0)


def test_a_scrub_without_a_program_is_refused(drive_both: Both, job: CosimJob) -> None:
    async def flow(bus: CoreBus) -> str:
        with pytest.raises(HostError) as caught:
            await Host(bus, job.core).scrub(100)
        return str(caught.value)

    without, with_rtl = drive_both(job, flow)
    assert without.answer == with_rtl.answer == "start or scrub was asked for, but no whole program has been loaded"


def test_a_failing_self_test_is_a_result_and_names_its_word(job: CosimJob) -> None:
    word = register("SELF_TEST_WORD")
    failed = register("ERROR").field("self_test").mask

    class Failing(RecordingBus):
        error = 0

        async def write(self, address: int, word: int) -> None:
            if address == register("ERROR").address:
                self.error = 0 if self.error else failed
            await super().write(address, word)

        async def read(self, address: int) -> int:
            return self.error if address == register("ERROR").address else await super().read(address)

    bus = Failing(job.core, SELF_TEST_FAILURES=7, SELF_TEST_WORD=5 | 3 << word.field("column").low)
    assert asyncio.run(Host(bus, job.core).self_test(100)) == SelfTestResult(failures=7, address=5, column=3)


@pytest.mark.parametrize(("command", "name"), [("scrub", "scrub"), ("self_test", "self-test")])
def test_what_a_program_load_ended_has_no_result(job: CosimJob, command: str, name: str) -> None:
    # A self-test that was cut short may have found something, which is no result either.
    bus = RecordingBus(job.core, IRQ_STATUS=register("IRQ_STATUS").field("cut_short").mask, SELF_TEST_FAILURES=3)
    with pytest.raises(HostError, match=f"^a program load ended the {name} before its end: give the command again$"):
        asyncio.run(getattr(Host(bus, job.core), command)(100))


def test_a_self_test_that_does_not_end_is_noticed(job: CosimJob) -> None:
    bus = RecordingBus(job.core, STATUS=register("STATUS").field("self_testing").mask)
    with pytest.raises(HostError, match=r"^the self-test has not ended within 32 cycles$"):
        asyncio.run(Host(bus, job.core).self_test(32))
