"""Section ingress: from the beats of a program behind its weight words to writes into map, tables and watch."""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.latencies import MAP_BITS
from oscc.core.spec import CoreSpec
from oscc.rtl.signals.shapes import index_shape


class _Section(Enum):
    """Which section the next beat belongs to."""

    MAP = 0
    TABLES = 1
    WATCH = 2


class SectionIngress(wiring.Component):
    """Takes the sections of a driven core's program: input map, feedback tables, watch, each entry in whole beats.

    Latency: an entry is written in the cycle after its last beat. Throughput: a beat per cycle.

    Parameters
    ----------
    core : CoreSpec
        A driven one.

    Members
    -------
    begin : In(1)
        The next beat is the first one of the map.
    beat : In(1)
        A beat of the sections is taken in this cycle.
    data : In(stream_width)
    ends : Out(1)
        The beat at hand is the last one of all sections.
    map_write : Out(1)
    map_number, map_row, map_column, map_place, map_fed_back : Out
        An entry of the map: cell, byte of the frame, whether it is fed back.
    table_write : Out(1)
    table_number, table_code : Out
        chunk x phase steps + phase code, and the field code.
    watch_write : Out(1)
    watch_number, watch_mask : Out
        Beat of the frame, and its lanes that are watched.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        self._counts = {
            _Section.MAP: core.inputs,
            _Section.TABLES: core.chunks * core.readout.phase_steps,
            _Section.WATCH: core.frame_beats,
        }
        super().__init__(
            {
                "begin": In(1),
                "beat": In(1),
                "data": In(core.stream_width),
                "ends": Out(1),
                "map_write": Out(1),
                "map_number": Out(index_shape(core.inputs)),
                "map_row": Out(index_shape(core.rows)),
                "map_column": Out(index_shape(core.cols)),
                "map_place": Out(index_shape(core.frame_beats * core.codes_per_beat)),
                "map_fed_back": Out(1),
                "table_write": Out(1),
                "table_number": Out(index_shape(core.chunks * core.readout.phase_steps)),
                "table_code": Out(core.field_dac.bits),
                "watch_write": Out(1),
                "watch_number": Out(index_shape(core.frame_beats)),
                "watch_mask": Out(core.codes_per_beat),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        width = self._core.stream_width
        section = Signal(_Section)
        number = Signal(index_shape(max(self._counts.values())))
        whole = Signal(init=1)
        """The beat at hand is the last one of its entry."""
        last = Signal()
        """Its entry is the last one of its section."""
        with m.Switch(section):
            for kind, count in self._counts.items():
                with m.Case(kind):
                    m.d.comb += last.eq(number == count - 1)
        entry = Signal(MAP_BITS)
        m.d.comb += [whole.eq(1), entry.eq(self.data[:MAP_BITS]), self.ends.eq(last & (section == _Section.WATCH))]
        if width < MAP_BITS:
            # The two beats of an entry of the map.
            upper = Signal()
            lower_half = Signal(width)
            m.d.comb += [whole.eq((section != _Section.MAP) | upper), entry.eq(Cat(lower_half, self.data))]
            with m.If(self.beat):
                m.d.sync += [lower_half.eq(self.data), upper.eq((section == _Section.MAP) & ~upper)]
            with m.If(self.begin):
                m.d.sync += upper.eq(0)
        with m.If(self.beat & whole):
            m.d.sync += number.eq(number + 1)
            with m.If(last):
                m.d.sync += number.eq(0)
                with m.Switch(section):
                    with m.Case(_Section.MAP):
                        m.d.sync += section.eq(_Section.TABLES)
                    with m.Case(_Section.TABLES):
                        m.d.sync += section.eq(_Section.WATCH)
        with m.If(self.begin):
            m.d.sync += [section.eq(_Section.MAP), number.eq(0)]
        taken = Signal()
        m.d.comb += taken.eq(self.beat & whole & ~self.begin)
        m.d.sync += [
            self.map_write.eq(taken & (section == _Section.MAP)),
            self.table_write.eq(taken & (section == _Section.TABLES)),
            self.watch_write.eq(taken & (section == _Section.WATCH)),
            self.map_number.eq(number[: len(self.map_number)]),
            self.table_number.eq(number[: len(self.table_number)]),
            self.watch_number.eq(number[: len(self.watch_number)]),
            self.map_row.eq(entry[: len(self.map_row)]),
            self.map_column.eq(entry[16:][: len(self.map_column)]),
            self.map_place.eq(entry[32:][: len(self.map_place)]),
            self.map_fed_back.eq(entry[63]),
            self.table_code.eq(self.data[: len(self.table_code)]),
            self.watch_mask.eq(self.data[: len(self.watch_mask)]),
        ]
        return m
