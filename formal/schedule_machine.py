"""The instruction set as a machine that runs beside the sequencer: it knows what must come next, and what came.

It reads the schedule an instruction per cycle, twice as fast as the sequencer, and forms groups as the head of
core/sequencer_model.py specifies. What the array sees is held against the group that is due. All of it is in the
time of the array port: ``sample``, ``commit`` and a load (one cycle after ``load_start``) happen with the edge at the
end of a cycle, ``init`` and ``run`` last from edge to edge.
"""

from __future__ import annotations

from amaranth.hdl import Array, Assert, Module, Mux, Signal

from formal.bench import past
from formal.proofs.schedule_check import COMMIT, INIT, LOAD, LONGEST_ROW, REPEAT, RUN, SAMPLE, STOP
from formal.sequencer_bench import SequencerBench, word_at


class ScheduleMachine:
    """The machine. `asserts` adds what it demands of the sequencer.

    It takes the schedule to be legal: that the sequencer does nothing with any other is another proof's.

    Attributes
    ----------
    known : Signal
        The group that is due has been read.
    sample, commit, load : Signal
        Of that group, what has not happened yet.
    chunk : Signal
    timed, is_init, stop : Signal
        How that group ends.
    cycles : Signal
    crowded : Signal
        Instead of that group comes the fifth instruction in a row without duration.
    fetched : Signal
        Instructions that were read for that group, one that belongs to the next group included.
    left : Signal
        Cycles, this one included, that the timed instruction under way still lasts; 0 when there is none.
    left_is_init : Signal
        What kind it is.
    endless : Signal
        A ``repeat`` for ever has been taken.
    vain : Signal
        A commit has been read for which nothing is loaded.
    loads : Signal
        A load happens.
    done : Signal
        Of the group that is due, only its end is outstanding behind this cycle.
    takes : Signal
        Its ``init`` or ``run`` begins with this cycle.
    groups : Signal
        Groups that are over; stays at the highest.
    """

    def __init__(self, m: Module, bench: SequencerBench, words: list[Signal]) -> None:
        self.known, self.crowded = Signal(name="due_known"), Signal(name="due_crowded")
        self.sample, self.commit, self.load = (Signal(name=f"due_{name}") for name in ("sample", "commit", "load"))
        self.timed, self.is_init, self.stop = (Signal(name=f"due_{name}") for name in ("timed", "is_init", "stop"))
        self.left_is_init, self.endless, self.vain = Signal(), Signal(name="endless"), Signal(name="vain")
        self.loads, self.done, self.takes = Signal(), Signal(), Signal()
        self.chunk, self.cycles, self.left = Signal(8), Signal(24), Signal(24)
        self.fetched, self.groups = Signal(range(LONGEST_ROW + 3)), Signal(4)
        self._bench = bench
        self._follow(m)
        self._read(m, words)

    def _follow(self, m: Module) -> None:
        """What has happened of the group that is due."""
        sequencer = self._bench.sequencer
        m.d.comb += [
            self.loads.eq(past(m, sequencer.load.start, "load_started")),
            self.takes.eq((self.left == 0) & (sequencer.init | sequencer.run)),
            self.done.eq(
                self.known
                & (~self.sample | sequencer.sample)
                & (~self.commit | sequencer.commit)
                & (~self.load | self.loads)
            ),
        ]
        with m.If(self.takes):
            m.d.sync += [self.left.eq(self.cycles - 1), self.left_is_init.eq(self.is_init)]
        with m.Elif(self.left != 0):
            m.d.sync += self.left.eq(self.left - 1)
        m.d.sync += [
            self.sample.eq(self.sample & ~sequencer.sample),
            self.commit.eq(self.commit & ~sequencer.commit),
            self.load.eq(self.load & ~self.loads),
        ]

    def _read(self, m: Module, words: list[Signal]) -> None:
        """What comes next: an instruction per cycle until the group is known."""
        place, row = Signal(range(len(words)), name="due_place"), Signal(range(LONGEST_ROW + 1), name="due_row")
        jumped = Array(Signal(16, name=f"jumped_{number}") for number in range(len(words)))
        word = word_at(m, words, place, "due_word")
        operation, belongs_to_next, stocked = word[28:], Signal(), Signal()
        m.d.comb += belongs_to_next.eq(
            ((operation == COMMIT) & (self.commit | self.load))
            | ((operation == LOAD) & self.load)
            | ((operation == SAMPLE) & self.sample)
        )
        ends = Mux(self.timed, self.takes, self.done & ~self.stop)
        with m.If(self.known & ends):
            m.d.sync += [self.known.eq(0), self.timed.eq(0), self.fetched.eq(0)]
            m.d.sync += self.groups.eq(self.groups + ~self.groups.all())
        with m.Elif(~self.known & ~self.crowded):
            m.d.sync += self.fetched.eq(self.fetched + 1)
            with m.If(belongs_to_next):
                m.d.sync += self.known.eq(1)
            with m.Elif((operation == INIT) | (operation == RUN)):
                m.d.sync += [self.known.eq(1), self.timed.eq(1), self.is_init.eq(operation == INIT)]
                m.d.sync += [self.cycles.eq(word[:24]), row.eq(0), place.eq(place + 1)]
            with m.Elif(operation == STOP):
                m.d.sync += [self.known.eq(1), self.stop.eq(1)]
            with m.Elif(row == LONGEST_ROW):
                m.d.sync += self.crowded.eq(1)
            with m.Else():
                m.d.sync += [row.eq(row + 1), place.eq(place + 1)]
                with m.Switch(operation):
                    with m.Case(LOAD):
                        m.d.sync += [self.load.eq(1), self.chunk.eq(word[:8]), stocked.eq(1)]
                    with m.Case(COMMIT):
                        m.d.sync += [self.commit.eq(1), stocked.eq(0), self.vain.eq(self.vain | ~stocked)]
                    with m.Case(SAMPLE):
                        m.d.sync += self.sample.eq(1)
                    with m.Case(REPEAT):
                        count = word[8:24]
                        m.d.sync += self.endless.eq(self.endless | (count == 0))
                        with m.If((count == 0) | (jumped[place] != count)):
                            m.d.sync += [place.eq(word[:8]), jumped[place].eq(jumped[place] + 1)]
                        with m.Else():
                            m.d.sync += jumped[place].eq(0)
        with m.If(self._bench.begin):
            cleared = (self.known, self.sample, self.commit, self.load, self.timed, self.stop, self.crowded)
            m.d.sync += [signal.eq(0) for signal in (*cleared, self.fetched, self.left, self.groups, place, row)]
            m.d.sync += [self.endless.eq(0), self.vain.eq(0), stocked.eq(0)]
            m.d.sync += [signal.eq(0) for signal in jumped]

    def asserts(self, m: Module) -> None:
        """Everything happens in the order of the schedule, and nothing else does.

        A timed instruction lasts as long as it says, unless the schedule ends.
        """
        sequencer = self._bench.sequencer
        its_chunk = past(m, sequencer.load.chunk, "its_chunk")
        # An end takes two cycles to reach ``init`` and ``run``.
        running_before = past(m, sequencer.running, "ran_before")
        level = sequencer.init | sequencer.run
        m.d.comb += Assert(~(sequencer.init & sequencer.run))
        with m.If(self.takes):
            m.d.comb += Assert(self.known & self.timed & ~self.sample & ~self.commit & ~self.load)
            m.d.comb += Assert(sequencer.init == self.is_init)
        with m.If((self.left != 0) & level):
            m.d.comb += Assert(sequencer.init == self.left_is_init)
        with m.If((self.left != 0) & (sequencer.running | running_before)):
            m.d.comb += Assert(level)
        with m.If(~sequencer.running & ~running_before):
            m.d.comb += Assert(~level)
        with m.If(sequencer.sample | sequencer.commit | self.loads):
            m.d.comb += Assert(running_before & self.known & (self.left <= 1))
            m.d.comb += Assert(~self.takes)
        m.d.comb += [Assert(~sequencer.sample | self.sample), Assert(~sequencer.commit | self.commit)]
        with m.If(self.loads):
            m.d.comb += Assert(self.load & (its_chunk == self.chunk) & (~self.commit | sequencer.commit))
