"""Register block: storage and decode of the register map, made from its declaration.

That of a driven core is made from `oscc.core.registers.DRIVEN_REGISTERS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import ADDRESS_BITS, REGISTERS, Register
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.rtl.host.register_bus import register_bus_signature

GROUP = 8
"""Registers of which one is selected before the register of the read data; the groups are told apart behind it. All of
them before it would be the longest path of a core."""


def member_name(register: Register, field: str) -> str:
    """Return the member that carries a field: ``status_running``; just the register's name for field ``value``."""
    return register.name.lower() if field == "value" else f"{register.name.lower()}_{field}"


class RegisterBlock(wiring.Component):
    """All registers of `oscc.core.registers.REGISTERS` behind a register bus.

    Latency: a write takes effect on the next edge; read data come one cycle after the strobe. Throughput: one access
    per cycle. Unknown addresses are answered with DECERR, writes to read-only registers with SLVERR, and so are
    writes to a register array (the schedule memory, which lies outside) while ``locked``.

    Parameters
    ----------
    constants : mapping of (str, str) to int
        Content of each field of the constant registers, by register and field name.

    Members
    -------
    write_strobe, write_address, write_data, write_mask, write_response
        Writes, as `AxiLiteFrontEnd` makes them.
    read_strobe, read_address, read_data, read_response
        Reads, as `AxiLiteFrontEnd` makes them.
    <register>_<field> : In for ``read`` registers, Out for ``read-write`` and ``pulse`` ones
        One member per field; a ``write-1-to-clear`` field is an Out and has a ``<...>_set`` In that sets it (setting
        wins).
    array_write : Out(1)
        ``write_data`` under ``write_mask`` goes to word ``array_address`` of the schedule memory.
    array_address : Out(6)
        Of a write.
    array_read_address : Out(6)
    array_read_data : In(32)
        One cycle after the address.
    locked : In(1)
    """

    def __init__(self, constants: Mapping[tuple[str, str], int], registers: tuple[Register, ...] = REGISTERS) -> None:
        # Not told in the docstring, which goes into the Verilog of plain cores, too.
        self._registers = registers
        self._constants = dict(constants)
        (self._array,) = (register for register in registers if register.count > 1)
        index_bits = (self._array.count - 1).bit_length()
        members: dict[str, object] = {
            **register_bus_signature().flip().members,
            "array_write": Out(1),
            "array_address": Out(index_bits),
            "array_read_address": Out(index_bits),
            "array_read_data": In(32),
            "locked": In(1),
        }
        for register in registers:
            if register.count > 1 or register.access == "constant":
                continue
            for field in register.fields:
                name = member_name(register, field.name)
                reset = (register.reset & field.mask) >> field.low
                members[name] = In(field.width) if register.access == "read" else Out(field.width, init=reset)
                if register.access == "write-1-to-clear":
                    members[f"{name}_set"] = In(field.width)
        super().__init__(members)

    def _content(self, register: Register) -> Value:
        """Return the 32 bits that a read of a register gives."""
        parts: list[Value] = []
        low = 0
        for field in register.fields:
            parts.append(Const(0, field.low - low))
            if register.access == "constant":
                parts.append(Const(self._constants[register.name, field.name], field.width))
            elif register.access == "pulse":
                parts.append(Const(0, field.width))
            else:
                parts.append(getattr(self, member_name(register, field.name)))
            low = field.low + field.width
        return Cat(*parts)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        plain = [register for register in self._registers if register.count == 1]
        first_word = self._array.address // 4
        if first_word % self._array.count:
            raise AssertionError("the register array must be aligned to its size")
        if first_word + self._array.count > 2 ** (ADDRESS_BITS - 2):
            raise AssertionError("the register array lies outside the address space")
        self._store(m, plain)
        self._answer_writes(m, plain)
        self._answer_reads(m, plain)
        return m

    def _in_array(self, address: Value) -> Value:
        """Return whether a word address is that of a register of the array."""
        count = self._array.count
        return address >> (count - 1).bit_length() == self._array.address // 4 // count

    def _store(self, m: Module, plain: list[Register]) -> None:
        """Keep what is written to each register."""
        written = self.write_data & self.write_mask
        for register in plain:
            hit = self.write_strobe & (self.write_address == register.address // 4)
            for field in register.fields:
                bits = slice(field.low, field.low + field.width)
                name = member_name(register, field.name)
                if register.access == "read-write":
                    member = getattr(self, name)
                    with m.If(hit):
                        m.d.sync += member.eq((member & ~self.write_mask[bits]) | written[bits])
                elif register.access == "pulse":
                    m.d.sync += getattr(self, name).eq(Mux(hit, written[bits], 0))
                elif register.access == "write-1-to-clear":
                    member, setter = getattr(self, name), getattr(self, f"{name}_set")
                    m.d.sync += member.eq((member & ~Mux(hit, written[bits], 0)) | setter)

    def _answer_writes(self, m: Module, plain: list[Register]) -> None:
        """Answer a write, and pass on one to the register array."""
        m.d.comb += self.write_response.eq(DECERR)
        with m.Switch(self.write_address):
            for register in plain:
                writable = register.access not in ("constant", "read")
                with m.Case(register.address // 4):
                    m.d.comb += self.write_response.eq(OKAY if writable else SLVERR)
        with m.If(self._in_array(self.write_address)):
            m.d.comb += self.write_response.eq(Mux(self.locked, SLVERR, OKAY))
            m.d.comb += self.array_write.eq(self.write_strobe & ~self.locked)
        m.d.comb += [
            self.array_address.eq(self.write_address[: len(self.array_address)]),
            self.array_read_address.eq(self.read_address[: len(self.array_address)]),
        ]

    def _answer_reads(self, m: Module, plain: list[Register]) -> None:
        """Answer a read, one cycle after its strobe: one register of each group before the edge, a group behind it."""
        groups: dict[int, list[Register]] = {}
        for register in plain:
            groups.setdefault(register.address // 4 // GROUP, []).append(register)
        candidates = [Signal(32, name=f"candidate_{number}") for number in groups]
        # 0 for none; group g of the list as g + 1.
        chosen = Signal(range(len(groups) + 1))
        value = Signal(32)
        response = Signal(2)
        from_array = Signal()
        low_bits = (GROUP - 1).bit_length()
        with m.If(self.read_strobe):
            m.d.sync += [chosen.eq(0), response.eq(DECERR), from_array.eq(0)]
            for candidate, members in zip(candidates, groups.values(), strict=True):
                m.d.sync += candidate.eq(0)
                with m.Switch(self.read_address[:low_bits]):
                    for register in members:
                        with m.Case(register.address // 4 % GROUP):
                            m.d.sync += candidate.eq(self._content(register))
            with m.Switch(self.read_address[low_bits:]):
                for index, number in enumerate(groups):
                    with m.Case(number):
                        m.d.sync += chosen.eq(index + 1)
            with m.Switch(self.read_address):
                for register in plain:
                    with m.Case(register.address // 4):
                        m.d.sync += response.eq(OKAY)
            with m.If(self._in_array(self.read_address)):
                m.d.sync += [from_array.eq(1), response.eq(OKAY)]
        with m.Switch(chosen):
            for index, candidate in enumerate(candidates):
                with m.Case(index + 1):
                    m.d.comb += value.eq(candidate)
        m.d.comb += [self.read_data.eq(Mux(from_array, self.array_read_data, value)), self.read_response.eq(response)]
