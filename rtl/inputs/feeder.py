"""Feeder: makes a vector the present one, or puts the codes of the last walk into it."""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.instructions import Source
from oscc.core.spec import CoreSpec
from oscc.rtl.inputs.frame_memory import CODE_READ_LATENCY
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.memories.sram import Sram1R1W
from oscc.rtl.signals.shapes import index_shape

MAP_LATENCY = 1
"""Cycles from the number of an input to its place."""

TABLE_LATENCY = 1
"""Cycles from a phase code to the field code of the table."""

SCATTER_LATENCY = MAP_LATENCY + CODE_READ_LATENCY + TABLE_LATENCY
"""Cycles from the number of an input to the write of the code that is fed back to it."""


class _State(Enum):
    """What the feeder does."""

    IDLE = 0
    SCATTER = 1
    DRAIN = 2


class Feeder(wiring.Component):
    """Holds the input map and the feedback tables; brings codes to the cells that they are for.

    Two writers share the map and the input memory. Codes that arrive from the stream go to the buffer that is not the
    present one. A feed from feedback writes into the present one: for each input of the map that is fed back, the code
    of its byte of the last walk, by way of the table of a chunk; the other inputs stay. Meanwhile the ingress is held.

    A feed waits for what it needs: a whole vector (stream), the end of a walk (feedback), and always the end of a load,
    which reads the present buffer. Words of the map and of the tables hold a parity bit: the number of ones is odd.

    Latency: ``fed`` is high in the cycle in which nothing is waited for, or ``count`` + `SCATTER_LATENCY` cycles later
    for feedback. A code of the stream is written `MAP_LATENCY` cycles after ``arrives``. Throughput: a code per
    cycle.

    Parameters
    ----------
    core : CoreSpec
    capacity : int
        Inputs that the map has room for.

    Members
    -------
    feed : In(1)
        Stays high, with the next two unchanged, until ``fed``.
    source : In(Source)
    chunk : In(range(chunks))
        Whose table.
    loading, walking : In(1)
    halt : In(1)
        Forget a feed that is under way; the present vector is then that of nobody.
    fed : Out(1)
        The feed has taken effect: a load may start in this cycle.
    count : In(range(capacity + 1))
        Inputs of a vector.
    whole : In(1)
    take, hold : Out(1)
    arrives : In(1)
    index : In(range(capacity))
    code : In(field bits)
        From and to `VectorIngress`.
    ask : Out(1)
    place : Out
    phase : In(code_bits)
        From and to `FrameMemory`.
    present : Out(1)
        The buffer of the present vector.
    write : Out(1)
    write_buffer, write_row, write_column, write_code : Out
        To `InputMemory`.
    map_write : In(1)
    map_number : In(range(capacity))
    map_row, map_column, map_place : In
    map_fed_back : In(1)
        A word of the map, as the program says.
    table_write : In(1)
    table_number : In(range(chunks x phase steps))
        chunk x phase steps + phase code.
    table_code : In(field bits)
    bad : Out(1)
        High for one cycle: a word that was used has the wrong parity.
    <pin>
        As in `memory_pin_members`: map, then tables.
    """

    def __init__(self, core: CoreSpec, capacity: int) -> None:
        self._core = core
        bits, entries = core.field_dac.bits, core.chunks * core.readout.phase_steps
        row, column = index_shape(core.rows), index_shape(core.cols)
        place = index_shape(core.frame_beats * core.codes_per_beat)
        super().__init__(
            {
                "feed": In(1),
                "source": In(Source),
                "chunk": In(index_shape(core.chunks)),
                "loading": In(1),
                "walking": In(1),
                "halt": In(1),
                "fed": Out(1),
                "count": In(range(capacity + 1)),
                "whole": In(1),
                "take": Out(1),
                "hold": Out(1),
                "arrives": In(1),
                "index": In(index_shape(capacity)),
                "code": In(bits),
                "ask": Out(1),
                "place": Out(place),
                "phase": In(core.code_bits),
                "present": Out(1),
                "write": Out(1),
                "write_buffer": Out(1),
                "write_row": Out(row),
                "write_column": Out(column),
                "write_code": Out(bits),
                "map_write": In(1),
                "map_number": In(index_shape(capacity)),
                "map_row": In(row),
                "map_column": In(column),
                "map_place": In(place),
                "map_fed_back": In(1),
                "table_write": In(1),
                "table_number": In(range(entries)),
                "table_code": In(bits),
                "bad": Out(1),
                **memory_pin_members(core),
            }
        )
        self._cell_bits = row.width + column.width
        self.map_memory = Sram1R1W(max(2, capacity), self._cell_bits + place.width + 2)
        self.table_memory = Sram1R1W(entries, bits + 1)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.map_memory = self.map_memory
        m.submodules.table_memory = self.table_memory
        chain_pins(m, self, (self.map_memory, self.table_memory))
        scatter = Signal()
        number = Signal.like(self.index)
        self._decide(m, scatter, number)
        self._lead(m, scatter, number)
        return m

    def _decide(self, m: Module, scatter: Signal, number: Signal) -> None:
        """Let a feed take effect, or walk the inputs for it first."""
        state = Signal(_State)
        drained = Signal(range(SCATTER_LATENCY + 1))
        asked = Signal()
        m.d.comb += [
            asked.eq(self.feed & ~self.loading & (state == _State.IDLE)),
            scatter.eq(state == _State.SCATTER),
            self.hold.eq(state != _State.IDLE),
        ]
        with m.Switch(self.source):
            with m.Case(Source.STREAM):
                m.d.comb += [self.take.eq(asked & self.whole), self.fed.eq(self.take)]
            with m.Case(Source.FEEDBACK):
                m.d.comb += self.fed.eq((state == _State.DRAIN) & (drained == SCATTER_LATENCY))
                with m.If(asked & ~self.walking):
                    m.d.sync += [state.eq(Mux(self.count == 0, _State.DRAIN, _State.SCATTER)), number.eq(0)]
                    m.d.sync += drained.eq(1)
            with m.Case(Source.AGAIN):
                m.d.comb += self.fed.eq(asked)
        with m.If(self.take):
            m.d.sync += self.present.eq(~self.present)
        with m.If(scatter):
            m.d.sync += number.eq(number + 1)
            with m.If(number + 1 == self.count):
                m.d.sync += state.eq(_State.DRAIN)
        with m.If(state == _State.DRAIN):
            m.d.sync += drained.eq(drained + 1)
            with m.If(drained == SCATTER_LATENCY):
                m.d.sync += state.eq(_State.IDLE)
        with m.If(self.halt):
            m.d.sync += state.eq(_State.IDLE)

    def _lead(self, m: Module, scatter: Signal, number: Signal) -> None:
        """Lead codes to their cells: those that arrive at once, those fed back by way of the walk and the table."""
        core, bits = self._core, self._core.field_dac.bits
        map_memory, table_memory = self.map_memory, self.table_memory
        entry = Cat(self.map_row, self.map_column, self.map_place, self.map_fed_back)
        m.d.comb += [
            map_memory.write_enable.eq(self.map_write),
            map_memory.write_address.eq(self.map_number),
            map_memory.write_data.eq(Cat(entry, ~entry.xor())),
            map_memory.read_enable.eq(self.arrives | scatter),
            map_memory.read_address.eq(Mux(scatter, number, self.index)),
            table_memory.write_enable.eq(self.table_write),
            table_memory.write_address.eq(self.table_number),
            table_memory.write_data.eq(Cat(self.table_code, ~self.table_code.xor())),
        ]
        arrived = Signal()
        arrived_code = Signal.like(self.code)
        arrived_buffer = Signal()
        m.d.sync += [arrived.eq(self.arrives), arrived_code.eq(self.code), arrived_buffer.eq(~self.present)]
        # Stage n is n cycles behind the map's word: the memory of the walk, its register, the table.
        stages = CODE_READ_LATENCY + TABLE_LATENCY
        mapped = Signal()
        feeds_back = Signal()
        cell = Signal(self._cell_bits)
        m.d.sync += mapped.eq(scatter)
        m.d.comb += [
            cell.eq(map_memory.read_data[: self._cell_bits]),
            self.place.eq(map_memory.read_data[self._cell_bits :][: len(self.place)]),
            feeds_back.eq(mapped & map_memory.read_data[-2]),
            self.ask.eq(feeds_back),
        ]
        live = Signal(stages)
        cells = Signal(stages * self._cell_bits)
        m.d.sync += [live.eq(Cat(feeds_back, live)), cells.eq(Cat(cell, cells))]
        table_first = Signal.like(self.table_number)
        with m.Switch(self.chunk):
            for chunk in range(core.chunks):
                with m.Case(chunk):
                    m.d.comb += table_first.eq(chunk * core.readout.phase_steps)
        due = Signal()
        m.d.comb += [
            table_memory.read_enable.eq(live[CODE_READ_LATENCY - 1]),
            table_memory.read_address.eq(table_first + self.phase),
            due.eq(live[-1]),
            self.write.eq(arrived | due),
            self.write_buffer.eq(Mux(arrived, arrived_buffer, self.present)),
            self.write_code.eq(Mux(arrived, arrived_code, table_memory.read_data[:bits])),
            Cat(self.write_row, self.write_column).eq(Mux(arrived, cell, cells[-self._cell_bits :])),
        ]
        m.d.sync += self.bad.eq(
            ((arrived | mapped) & ~map_memory.read_data.xor()) | (due & ~table_memory.read_data.xor())
        )
        with m.If(self.halt):
            m.d.sync += [live.eq(0), mapped.eq(0)]
