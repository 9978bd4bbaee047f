from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import (
    Beat,
    Pause,
    StreamPort,
    StreamWatch,
    frame_beats,
    no_pause,
    put_beats,
    random_pauses,
    simulate,
    wait,
)
from oscc.rtl.weights.program_ingress import ProgramIngress

MakeCore = Callable[..., CoreSpec]
NAMES = (
    "begin",
    "stream.ready",
    "loading",
    "programmed",
    "finished",
    "crc_error",
    "length_error",
    "crc",
    "write.enable",
    "write.address",
    "write.word",
)


@dataclass
class Bench:
    """A program ingress, what drives it, and what was seen."""

    core: CoreSpec

    def __post_init__(self) -> None:
        self.ingress = ProgramIngress(self.core)
        self.port = StreamPort.of(self.ingress.stream)
        self.stream = StreamWatch(self.port)
        self.record = Recorder.of(self.ingress, *NAMES)

    async def begin(self, context: Any, crc: int) -> None:
        context.set(self.ingress.expected_crc, crc)
        context.set(self.ingress.begin, 1)
        await context.tick()
        context.set(self.ingress.begin, 0)

    async def load(self, context: Any, image: list[int], pause: Pause = no_pause, crc: int | None = None) -> None:
        await self.begin(context, crc_of(self.core, image) if crc is None else crc)
        await put_beats(context, self.port, frame_beats(image), pause)
        await wait(context, 4)

    def run(self, bench: Any) -> None:
        simulate(self.ingress, bench, background=[self.record.watch, self.stream.watch])

    def writes(self) -> list[tuple[int, int, int]]:
        """(enables of the banks, address, word) of every write."""
        columns = (self.record.values(name) for name in ("write.enable", "write.address", "write.word"))
        return [entry for entry in zip(*columns, strict=True) if entry[0]]


def image_of(core: CoreSpec, seed: int) -> list[int]:
    """The beats of a random program, padding bits included."""
    generator = random.Random(seed)
    return [generator.getrandbits(core.stream_width) for _ in range(core.program_beats)]


def crc_of(core: CoreSpec, image: list[int]) -> int:
    return zlib.crc32(b"".join(beat.to_bytes(core.stream_width // 8, "little") for beat in image))


def writes_of(core: CoreSpec, image: list[int]) -> list[tuple[int, int, int]]:
    """Bank after bank, address after address; the first beat of a word is its lowest part."""
    per_word = -(-core.word_bits // core.stream_width)
    words = []
    for start in range(0, len(image) - per_word + 1, per_word):
        beats = image[start : start + per_word]
        data = sum(beat << (core.stream_width * index) for index, beat in enumerate(beats)) % 2**core.word_bits
        words.append(protect(core, data))
    depth = core.chunks * core.rows
    return [(1 << (index // depth), index % depth, word) for index, word in enumerate(words)]


def protect(core: CoreSpec, data: int) -> int:
    """A word with its check bits above: the xor of the positions of the set bits, and the parity of the whole."""
    if core.protection == "none":
        return data
    position, xor, taken = 1, 0, 0
    while taken < core.word_bits:
        if position.bit_count() != 1:
            xor ^= position if (data >> taken) & 1 else 0
            taken += 1
        position += 1
    word = data | xor << core.word_bits
    return word | (word.bit_count() & 1) << (core.word_bits + (position - 1).bit_length())


@pytest.fixture
def small(make_core: MakeCore) -> CoreSpec:
    """Two banks of six words of two beats: 24 beats."""
    return make_core(grid=[3, 2], chunks=2)


@pytest.mark.parametrize("width", [32, 64, 128])
@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize("seed", range(2))
def test_every_word_goes_to_its_bank_and_address(make_core: MakeCore, width: int, protection: str, seed: int) -> None:
    core = make_core(grid=[3, 3], chunks=2, stream_width=width, protection=protection)
    image = image_of(core, seed)
    bench = Bench(core)

    async def host(context: Any) -> None:
        await wait(context, 3)
        await bench.load(context, image, random_pauses(seed))

    bench.run(host)
    assert bench.writes() == writes_of(core, image)
    assert len(bench.writes()) == 3 * 3 * 2
    assert bench.record.values("crc")[-1] == crc_of(core, image)
    assert len(bench.record.cycles("finished")) == 1
    assert bench.record.cycles("crc_error") == bench.record.cycles("length_error") == []
    # One cycle after its last beat the CRC is known; then the program is.
    programmed = bench.stream.cycles[-1] + 2
    assert bench.record.cycles("finished") == [programmed]
    assert bench.record.cycles("programmed") == list(range(programmed, len(bench.record)))


@pytest.mark.parametrize(("width", "bits", "per_word"), [(32, 4, 4), (64, 4, 2), (128, 4, 1), (32, 8, 7), (64, 2, 1)])
def test_a_beat_per_cycle_and_a_word_two_cycles_after_its_last_beat(
    make_core: MakeCore, width: int, bits: int, per_word: int
) -> None:
    core = make_core(grid=[2, 2], chunks=1, stream_width=width, coupling_dac={"bits": bits})
    bench = Bench(core)
    image = image_of(core, 1)

    async def host(context: Any) -> None:
        await bench.load(context, image)

    bench.run(host)
    beats = bench.stream.cycles
    assert beats == list(range(1, 1 + 4 * per_word))
    assert bench.record.cycles("write.enable") == [cycle + 2 for cycle in beats[per_word - 1 :: per_word]]
    assert bench.record.cycles("loading") == beats
    assert bench.writes() == writes_of(core, image)


@pytest.mark.parametrize("grid", [[1, 1], [1, 3], [3, 1]])
def test_the_smallest_grids(make_core: MakeCore, grid: list[int]) -> None:
    core = make_core(grid=grid, chunks=1, readout={"step": [1, 1]})
    image = image_of(core, 3)
    bench = Bench(core)

    async def host(context: Any) -> None:
        await bench.load(context, image, random_pauses(1))

    bench.run(host)
    assert bench.writes() == writes_of(core, image)
    assert bench.record.cycles("programmed")


def test_the_stream_is_taken_only_between_begin_and_the_end(small: CoreSpec) -> None:
    bench = Bench(small)
    image = image_of(small, 1)

    async def source(context: Any) -> None:
        # The first beat waits for the begin, the one behind the program for ever.
        await put_beats(context, bench.port, [*frame_beats(image), Beat(5)])

    async def host(context: Any) -> None:
        await wait(context, 6)
        await bench.begin(context, crc_of(small, image))
        await wait(context, small.program_beats + 20)

    simulate(bench.ingress, host, background=[bench.record.watch, bench.stream.watch, source])
    begin = bench.record.cycles("begin")[0]
    assert bench.record.cycles("stream.ready") == list(range(begin + 1, begin + 1 + small.program_beats))
    assert [beat.data for beat in bench.stream.beats] == image
    assert bench.record.values("programmed")[-1] == 1
    assert bench.record.values("crc")[-1] == crc_of(small, image)


@pytest.mark.parametrize("spoiled", [0, 7, 23])
def test_another_crc_is_refused(small: CoreSpec, spoiled: int) -> None:
    bench = Bench(small)
    image = image_of(small, 1)
    expected = crc_of(small, image)
    image[spoiled] ^= 1 << 40

    async def host(context: Any) -> None:
        await bench.load(context, image, random_pauses(spoiled), crc=expected)

    bench.run(host)
    assert bench.record.cycles("crc_error") == [bench.stream.cycles[-1] + 2]
    assert bench.record.cycles("programmed") == bench.record.cycles("finished") == []
    assert bench.record.cycles("length_error") == []
    assert bench.record.values("crc")[-1] == crc_of(small, image) != expected


@pytest.mark.parametrize("beats", [1, 2, 3, 12, 23])
def test_a_stream_that_ends_early_is_refused(small: CoreSpec, beats: int) -> None:
    bench = Bench(small)
    image, short = image_of(small, 1), image_of(small, 2)[:beats]

    async def host(context: Any) -> None:
        await bench.load(context, short, random_pauses(beats))
        assert not context.get(bench.port.ready)
        # A new attempt starts from the first word.
        await bench.load(context, image, random_pauses(beats))

    bench.run(host)
    assert bench.record.cycles("length_error") == [bench.stream.cycles[beats - 1] + 1]
    assert len(bench.stream.beats) == beats + small.program_beats
    assert bench.writes() == writes_of(small, short) + writes_of(small, image)
    assert bench.record.cycles("crc_error") == []
    assert len(bench.record.cycles("finished")) == 1


@pytest.mark.parametrize("excess", [1, 2, 9, 24])
def test_a_stream_that_ends_late_is_swallowed_and_refused(small: CoreSpec, excess: int) -> None:
    bench = Bench(small)
    image = image_of(small, 1)
    long = image + [99] * excess

    async def host(context: Any) -> None:
        # The CRC of what a program should have been does not make it good.
        await bench.load(context, long, random_pauses(excess), crc=crc_of(small, image))
        assert not context.get(bench.port.ready)

    bench.run(host)
    last_of_program = bench.stream.cycles[small.program_beats - 1]
    assert [beat.data for beat in bench.stream.beats] == long
    assert bench.record.cycles("length_error") == [last_of_program + 1]
    assert bench.record.cycles("loading")[-1] == last_of_program
    assert bench.record.cycles("programmed") == bench.record.cycles("crc_error") == []
    # What is swallowed reaches neither the banks nor the CRC.
    assert bench.writes() == writes_of(small, image)
    assert bench.record.values("crc")[-1] == crc_of(small, image)


def test_begin_forgets_the_program_at_once(small: CoreSpec) -> None:
    bench = Bench(small)

    async def host(context: Any) -> None:
        await bench.load(context, image_of(small, 1))
        await bench.begin(context, 0)
        await wait(context, 5)

    bench.run(host)
    first, second = bench.record.cycles("begin")
    assert first < bench.record.cycles("programmed")[0]
    assert bench.record.cycles("programmed")[-1] == second
    assert bench.record.cycles("loading")[-1] == len(bench.record) - 1
    assert bench.record.values("crc")[-1] == zlib.crc32(b"")


@pytest.mark.parametrize("taken", [1, 2, 5, 11, 12, 13, 23, 24])
@pytest.mark.parametrize("gap", [0, 1, 2])
def test_begin_restarts_a_load_that_is_under_way(small: CoreSpec, taken: int, gap: int) -> None:
    bench = Bench(small)
    first, image = image_of(small, 1), image_of(small, 2)

    async def host(context: Any) -> None:
        await bench.begin(context, crc_of(small, first))
        await put_beats(context, bench.port, [Beat(word) for word in first[:taken]])
        await wait(context, gap)
        await bench.load(context, image, random_pauses(taken))

    bench.run(host)
    assert bench.writes()[-12:] == writes_of(small, image)
    assert all(write in writes_of(small, first) for write in bench.writes()[:-12])
    assert bench.record.cycles("crc_error") == []
    # A whole program without TLAST is an error as soon as it was taken; anything less was just given up.
    assert len(bench.record.cycles("length_error")) == (taken == 24)
    assert len(bench.record.cycles("finished")) == 1
    assert bench.record.values("programmed")[-1] == 1
    assert bench.record.values("crc")[-1] == crc_of(small, image)


@pytest.mark.parametrize("beats", [3, 24])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("late", [0, 1])
def test_begin_forgets_what_is_taken_or_checked_in_its_cycle(
    small: CoreSpec, beats: int, last: bool, late: int
) -> None:
    bench = Bench(small)
    first, image = image_of(small, 1)[:beats], image_of(small, 2)

    async def host(context: Any) -> None:
        await bench.begin(context, crc_of(small, first))
        await put_beats(context, bench.port, [Beat(word) for word in first[:-1]])
        context.set(bench.port.data, first[-1])
        context.set(bench.port.last, last)
        context.set(bench.port.valid, 1)
        if late:
            await context.tick()
            context.set(bench.port.valid, 0)
        context.set(bench.ingress.begin, 1)
        await context.tick()
        context.set(bench.ingress.begin, 0)
        context.set(bench.port.valid, 0)
        context.set(bench.port.last, 0)
        await wait(context, 5)
        assert context.get(bench.ingress.loading)
        assert context.get(bench.ingress.crc) == zlib.crc32(b"")
        context.set(bench.ingress.expected_crc, crc_of(small, image))
        await put_beats(context, bench.port, frame_beats(image))
        await wait(context, 5)

    bench.run(host)
    begin = bench.record.cycles("begin")[1]
    assert bench.writes()[-12:] == writes_of(small, image)
    reports = [
        (cycle > begin, name)
        for name in ("finished", "crc_error", "length_error")
        for cycle in bench.record.cycles(name)
    ]
    # A wrong length is known one cycle after the last beat: that is the cycle of a late begin.
    wrong_length = late and last != (beats == small.program_beats)
    assert reports == [(True, "finished"), *([(False, "length_error")] if wrong_length else [])]


def test_begin_ends_the_swallowing(small: CoreSpec) -> None:
    bench = Bench(small)
    image = image_of(small, 2)

    async def host(context: Any) -> None:
        await bench.begin(context, 0)
        await put_beats(context, bench.port, [Beat(1)] * (small.program_beats + 5))
        await bench.load(context, image)

    bench.run(host)
    assert bench.record.values("programmed")[-1] == 1
    assert bench.record.values("stream.ready")[-1] == 0
    assert bench.writes()[-12:] == writes_of(small, image)


@pytest.mark.parametrize("seed", range(5))
def test_many_loads_one_after_another(small: CoreSpec, seed: int) -> None:
    bench = Bench(small)
    generator = random.Random(seed)
    expected: list[str] = []

    async def host(context: Any) -> None:
        for number in range(12):
            length = generator.choice([small.program_beats, small.program_beats, generator.randint(1, 40)])
            image = (image_of(small, number) * 2)[:length]
            good = generator.random() < 0.7
            crc = crc_of(small, image) ^ (0 if good else 1 << generator.randrange(32))
            await bench.load(context, image, random_pauses(number), crc=crc)
            whole = length == small.program_beats
            expected.append("length_error" if not whole else "finished" if good else "crc_error")

    bench.run(host)
    names = ("length_error", "finished", "crc_error")
    seen = sorted((cycle, name) for name in names for cycle in bench.record.cycles(name))
    assert [name for _, name in seen] == expected
    assert len(set(expected)) > 1
    assert bench.record.values("programmed")[-1] == (expected[-1] == "finished")
