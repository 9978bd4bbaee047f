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
