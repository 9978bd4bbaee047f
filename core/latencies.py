"""Latencies of the control plane that software counts with, and the degree of its buses."""

from __future__ import annotations

READ_LATENCY = 5
"""Cycles from the address at a weight bank to its word: address register, memory, register, syndrome, correction."""

BUS_FANOUT = 8
"""Registers that one register of the banks' address and write buses drives: the buses are trees of this degree."""

READOUT_ROW_CYCLES = 3
"""Cycles of the read-out per row, besides its beats: select the row, wait for the tap bus, latch it."""

READOUT_LATENCY = 1
"""Cycles from `sample` to the first row being selected."""

FETCH_CYCLES = 2
"""Cycles in which the sequencer fetches and decodes one instruction."""

FETCH_LATENCY = 1
"""Cycles from a group of instructions taking effect to the fetch of the next group."""

LONGEST_FETCH = FETCH_LATENCY + 5 * FETCH_CYCLES
"""Cycles to fetch the longest group that the schedule pass writes: sample, repeat, commit, load, init."""

LEAST_INIT = FETCH_LATENCY + FETCH_CYCLES
"""Cycles to fetch the group that the schedule pass writes after an init: the run."""

LEAST_DRIVEN_INIT = FETCH_LATENCY + 3 * FETCH_CYCLES
"""The same on a driven core, where a feed and a load may stand before that run."""

MERGE_LATENCY = 1
"""Cycles that the merge of inputs adds to the loader of a driven core."""

LOOK_LATENCY = 8
"""Cycles from the end of the walk of a look to the next look: the last beat is decoded, compared and counted."""

LEAST_LOOKS = 3
"""Looks after which a settle can end at the earliest: the first has nothing to be compared with."""

FEEDBACK_LATENCY = 8
"""Cycles of a feed of feedback besides one per input: map, frame memory and table are read one after the other."""

MAP_BITS, TABLE_BITS, WATCH_BITS = 64, 32, 32
"""Bits of an entry of the input map, of a feedback table and of the watch, before it is padded to whole beats."""
