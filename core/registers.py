"""The register map of a core, declared once.

The address decode of the RTL, docs/registers.md, the C header and the Python driver are all made from it. There are two
maps: that of driven cores has more registers and fields (``driven`` in the declaration), at addresses and bits that the
other leaves free. What else differs between cores is read from constant registers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

from oscc.core.instructions import SCHEDULE_DEPTH

ADDRESS_BITS = 12
"""Width of the AXI4-Lite address: a core takes 4 KiB of address space."""

CORE_ID = 0x4F53_4343
"""Content of register ID: "OSCC" in ASCII."""

MAP_VERSION = 3
"""Content of register VERSION of a core without inputs."""

DRIVEN_MAP_VERSION = 4
"""Content of register VERSION of a driven core."""

Access = Literal["constant", "read", "read-write", "pulse", "write-1-to-clear"]


class MaybeDriven(Protocol):
    """A core, as far as it decides about its registers."""

    @property
    def driven(self) -> bool:
        """Whether it has inputs."""


@dataclass(frozen=True)
class Field:
    """Bits of a register.

    Parameters
    ----------
    name : str
    low : int
        Position of the lowest bit.
    width : int
    description : str
    driven : bool
        Whether only driven cores have it.
    """

    name: str
    low: int
    width: int
    description: str
    driven: bool = False

    @property
    def mask(self) -> int:
        """The field's bits in the register."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True)
class Register:
    """A 32-bit register, or an array of them.

    Parameters
    ----------
    name : str
    address : int
        Byte address, a multiple of 4.
    access : Access
        ``constant``: fixed when the core is generated. ``read``: set by the core. ``read-write``: set by the host.
        ``pulse``: every 1 written acts once, reads give 0. ``write-1-to-clear``: set by the core and sticky.
    description : str
    fields : tuple of Field
        Never overlapping, ascending. Bits outside read as 0 and ignore writes.
    count : int
        Consecutive registers of an array; 1 for a plain register.
    reset : int
        Content after reset.
    driven : bool
        Whether only driven cores have it.
    """

    name: str
    address: int
    access: Access
    description: str
    fields: tuple[Field, ...]
    count: int = 1
    reset: int = 0
    driven: bool = False

    def field(self, name: str) -> Field:
        """Return the field of a name."""
        return next(field for field in self.fields if field.name == name)


ALL_ERROR_CAUSES = (
    Field("unprogrammed", 0, 1, "start or scrub was asked for, but no whole program has been loaded"),
    Field("program_crc", 1, 1, "the CRC-32 of the streamed program differs from PROGRAM_CRC"),
    Field("program_length", 2, 1, "TLAST came before or after the last beat of the program"),
    Field("illegal_instruction", 3, 1, "the schedule holds an illegal instruction; ERROR_INFO has its address"),
    Field("schedule_overrun", 4, 1, "more than four instructions without duration in a row while running"),
    Field("uncorrectable", 5, 1, "a weight word had a double error; the schedule was ended"),
    Field("busy", 6, 1, "a command that the core cannot take in its present state; it was ignored"),
    Field("watchdog", 7, 1, "the array did not answer within WATCHDOG cycles; the schedule was ended"),
    Field("array_lost", 8, 1, "the array was not ready in an init or a run, or when a run was due; the schedule ended"),
    Field("self_test", 9, 1, "the self-test read back something else than it had written"),
    Field("nothing_loaded", 10, 1, "a commit for which nothing had been loaded; the schedule was ended"),
    Field("inputs_late", 11, 1, "a feed got no whole vector within WATCHDOG cycles; the schedule was ended", True),
    Field("input_vector", 12, 1, "an input vector was refused: short, long or with a byte that is no code", True),
    Field("input_parity", 13, 1, "a parity error in input memory, map, table or watch; the schedule was ended", True),
)
"""Every cause of ERROR, also those that only driven cores have."""

ERROR_CAUSES = tuple(cause for cause in ALL_ERROR_CAUSES if not cause.driven)
"""Those of a core without inputs."""

IRQ_CAUSES = (
    Field("sample", 0, 1, "a sample was latched"),
    Field("stopped", 1, 1, "the schedule ended: stop, abort or error"),
    Field("error", 2, 1, "a bit of ERROR was set"),
    Field("programmed", 3, 1, "a program was loaded and its CRC matched"),
    Field("scrubbed", 4, 1, "a scrub ended: it went through all words, unless cut_short is set, too"),
    Field("self_tested", 5, 1, "a self-test ended, with or without failures, unless cut_short is set, too"),
    Field("cut_short", 6, 1, "a program load ended a scrub or a self-test before its end: it has no result"),
)


def _whole(description: str) -> tuple[Field, ...]:
    return (Field("value", 0, 32, description),)


ALL_REGISTERS = (
    Register("ID", 0x000, "constant", "What this is.", _whole('0x4F534343, "OSCC"')),
    Register("VERSION", 0x004, "constant", "Version of this register map.", _whole(str(MAP_VERSION))),
    Register(
        "GRID",
        0x008,
        "constant",
        "Cells of the array.",
        (Field("rows", 0, 16, "rows"), Field("cols", 16, 16, "columns, one weight bank each")),
    ),
    Register(
        "WORD",
        0x00C,
        "constant",
        "Layout of a weight word.",
        (
            Field("bits", 0, 16, "bits of a word, without padding and check bits"),
            Field("slots", 16, 8, "coupling units per cell"),
            Field("chunks", 24, 8, "chunks that a bank holds"),
        ),
    ),
    Register(
        "FRAME",
        0x010,
        "constant",
        "Readable cells.",
        (Field("rows", 0, 16, "readable rows"), Field("cols", 16, 16, "readable columns")),
    ),
    Register(
        "SPEC_HASH",
        0x014,
        "constant",
        "Which core this is; a program for another core must not be loaded.",
        _whole("first 32 bits of the SHA-256 of the core specification"),
    ),
    Register(
        "PROGRAM_BEATS", 0x018, "constant", "Length of the program stream.", _whole("beats, TLAST with the last one")
    ),
    Register(
        "CONTROL",
        0x020,
        "pulse",
        "Commands.",
        (
            Field("start", 0, 1, "check the schedule and run it"),
            Field("abort", 1, 1, "end after the present sample, the second time at once; with start, after the first"),
            Field("load", 2, 1, "forget the program and accept a new one; ends a load, scrub or self-test under way"),
            Field("scrub", 3, 1, "read every weight word once, write corrected ones back; also while a schedule runs"),
            Field("self_test", 4, 1, "forget the program and test every bank (March C-)"),
            Field("flush", 5, 1, "forget all input vectors and swallow the rest of one under way", True),
        ),
    ),
    Register(
        "STATUS",
        0x024,
        "read",
        "What the core is doing.",
        (
            Field("programmed", 0, 1, "a whole program with the right CRC is in the banks"),
            Field("loading", 1, 1, "the program stream is being accepted"),
            Field("running", 2, 1, "a schedule is being checked or executed"),
            Field("frame", 3, 1, "image beats wait in the output FIFO or in the latches"),
            Field("stalled", 4, 1, "the schedule waits: for a load, latches, room, the array or its next instruction"),
            Field("scrubbing", 5, 1, "a scrub is under way"),
            Field("self_testing", 6, 1, "a self-test is under way"),
            Field("array_ready", 7, 1, "the array says that it can work"),
            Field("input_ready", 8, 1, "a whole input vector waits for its feed", True),
            Field("feeding", 9, 1, "a feed waits or is under way", True),
        ),
    ),
    Register("ERROR", 0x028, "write-1-to-clear", "Error causes, sticky.", ALL_ERROR_CAUSES),
    Register(
        "ERROR_INFO",
        0x02C,
        "read",
        "Where the schedule was refused.",
        (Field("instruction", 0, 8, "address of the illegal instruction"),),
    ),
    Register("IRQ_STATUS", 0x030, "write-1-to-clear", "Interrupt causes, sticky.", IRQ_CAUSES),
    Register(
        "IRQ_ENABLE",
        0x034,
        "read-write",
        "Causes that raise irq.",
        tuple(Field(cause.name, cause.low, 1, f"irq on {cause.name}") for cause in IRQ_CAUSES),
    ),
    Register("PROGRAM_CRC", 0x038, "read-write", "Expected CRC-32 of the program stream.", _whole("zlib's CRC-32")),
    Register("PROGRAM_CRC_SEEN", 0x03C, "read", "CRC-32 of the beats accepted so far.", _whole("zlib's CRC-32")),
    Register(
        "SCHEDULE_LENGTH",
        0x040,
        "read-write",
        "Instructions of the schedule.",
        (Field("value", 0, 7, f"1 to {SCHEDULE_DEPTH}"),),
    ),
    Register(
        "SEED", 0x044, "read-write", "Key of the initial noise (simulation only); taken at start.", _whole("Philox key")
    ),
    Register("FIRST_SAMPLE", 0x048, "read-write", "Number of the first sample after start.", _whole("sample number")),
    Register("SAMPLES", 0x04C, "read", "Samples latched since start.", _whole("count")),
    Register(
        "PERIOD", 0x050, "read", "Clock cycles between the last two samples.", _whole("cycles; 0 before the second")
    ),
    Register(
        "STALLED",
        0x054,
        "read",
        "Clock cycles since the first init or run in which the schedule had to wait.",
        _whole("cycles"),
    ),
    Register(
        "CORRECTED",
        0x058,
        "read",
        "Weight words in which one bit was corrected since the program load, on the way to the array or by a scrub.",
        _whole("count; a flip that stays in a bank counts at every read"),
    ),
    Register(
        "UNCORRECTABLE", 0x05C, "read", "Weight words with a double error since the program load.", _whole("count")
    ),
    Register("SCRUBBED", 0x060, "read", "Corrected weight words written back since the program load.", _whole("count")),
    Register(
        "FAULT_WORD",
        0x064,
        "read",
        "The first weight word with a double error since the program load; valid when UNCORRECTABLE is not 0.",
        (
            Field("address", 0, 16, "chunk x rows + row"),
            Field("column", 16, 16, "lowest such column of that row"),
        ),
    ),
    Register(
        "SELF_TEST_FAILURES",
        0x068,
        "read",
        "Reads of the last self-test that differed from what was written.",
        _whole("count, saturating"),
    ),
    Register(
        "SELF_TEST_WORD",
        0x06C,
        "read",
        "The first word at which the last self-test failed; valid when SELF_TEST_FAILURES is not 0.",
        (
            Field("address", 0, 16, "address in the bank"),
            Field("column", 16, 16, "lowest such column of that row"),
        ),
    ),
    Register(
        "WATCHDOG",
        0x070,
        "read-write",
        "How long the core waits for the array: for ready before an init, and for every row of taps.",
        (Field("limit", 0, 24, "clock cycles; 0 waits for ever"),),
        reset=0xFFFF,
    ),
    Register(
        "INPUTS",
        0x080,
        "constant",
        "Capacity of the input memory.",
        (Field("capacity", 0, 16, "input codes of a vector, at most"),),
        driven=True,
    ),
    Register(
        "INPUT_COUNT",
        0x084,
        "read-write",
        "Inputs of the program: codes of a vector, and entries of the input map that are used.",
        (Field("value", 0, 16, "0 to INPUTS"),),
        driven=True,
    ),
    Register(
        "INPUT_VECTORS",
        0x088,
        "read",
        "Whole input vectors taken since the program load or the last flush.",
        _whole("count"),
        driven=True,
    ),
    Register(
        "INPUT_REFUSED",
        0x08C,
        "read",
        "Input vectors refused since the program load or the last flush.",
        _whole("count"),
        driven=True,
    ),
    Register(
        "INPUT_WAIT",
        0x090,
        "read",
        "Clock cycles since start in which a feed waited for a vector.",
        _whole("cycles"),
        driven=True,
    ),
    Register(
        "SETTLE",
        0x094,
        "read-write",
        "When an array counts as at rest.",
        (
            Field("tolerance", 0, 8, "read-out steps by which a watched cell may differ and not have moved"),
            Field("allowed", 16, 16, "watched cells that may have moved between two looks"),
        ),
        driven=True,
    ),
    Register(
        "SETTLE_ROWS",
        0x098,
        "read-write",
        "Rows of the frame that a look reads.",
        (Field("first", 0, 16, "first row"), Field("last", 16, 16, "last row")),
        driven=True,
    ),
    Register(
        "UNSETTLED",
        0x09C,
        "read",
        "Settles since start that ran out of cycles.",
        _whole("count"),
        driven=True,
    ),
    Register("SETTLE_CYCLES", 0x0A0, "read", "Length of the last settle.", _whole("clock cycles"), driven=True),
    Register(
        "SCHEDULE",
        0x400,
        "read-write",
        "The schedule memory; docs/formats.md describes the instructions. Writes while running are refused.",
        _whole("instruction"),
        count=SCHEDULE_DEPTH,
    ),
)
"""Every register with all its fields, ascending by address; only driven cores have all of them."""


def _map_of(driven: bool) -> tuple[Register, ...]:
    """Return the registers of a driven core, or of one without inputs."""
    if driven:
        version = _whole(str(DRIVEN_MAP_VERSION))
        return tuple(replace(entry, fields=version) if entry.name == "VERSION" else entry for entry in ALL_REGISTERS)
    return tuple(
        replace(entry, fields=tuple(field for field in entry.fields if not field.driven))
        for entry in ALL_REGISTERS
        if not entry.driven
    )


REGISTERS = _map_of(driven=False)
"""The registers of a core without inputs, ascending by address."""

DRIVEN_REGISTERS = _map_of(driven=True)
"""The registers of a driven core, ascending by address."""


def registers_of(core: MaybeDriven) -> tuple[Register, ...]:
    """Return the registers that a core has, ascending by address.

    Parameters
    ----------
    core : CoreSpec
    """
    return DRIVEN_REGISTERS if core.driven else REGISTERS


def error_causes_of(core: MaybeDriven) -> tuple[Field, ...]:
    """Return the causes of register ERROR that a core has.

    Parameters
    ----------
    core : CoreSpec
    """
    return ALL_ERROR_CAUSES if core.driven else ERROR_CAUSES


def map_version_of(core: MaybeDriven) -> int:
    """Return the content of register VERSION of a core.

    Parameters
    ----------
    core : CoreSpec
    """
    return DRIVEN_MAP_VERSION if core.driven else MAP_VERSION


def register(name: str) -> Register:
    """Return the register of a name, with all its fields.

    Raises
    ------
    KeyError
        When there is none.
    """
    for candidate in ALL_REGISTERS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)
