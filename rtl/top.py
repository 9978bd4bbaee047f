"""The whole core: control plane and array macro."""

from __future__ import annotations

from amaranth.hdl import ClockSignal, Instance, Module
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import ControlPlane, check_plain, host_members
from oscc.rtl.signals.port import connect, port_of


def module_prefix(core: CoreSpec) -> str:
    """Return what the names of all modules of a core begin with: ``ais_56x56``."""
    return core.name.replace("-", "_")


def core_module_name(core: CoreSpec) -> str:
    """Return the Verilog name of a core: ``ais_56x56_core``."""
    return f"{module_prefix(core)}_core"


def array_module_name(core: CoreSpec) -> str:
    """Return the Verilog name of a core's array macro: ``ais_56x56_array``."""
    return f"{module_prefix(core)}_array"


class Core(wiring.Component):
    """`ControlPlane` with the array macro as a black box. Latency and throughput are those of `ControlPlane`.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    s_axil_*, s_axis_*, m_axis_*, irq
        See `host_members`.
    """

    def __new__(cls, core: CoreSpec) -> Core:  # noqa: D102
        # Before there is a component: Amaranth warns of one that nobody elaborates, also of one that was refused.
        check_plain(core)
        component: Core = super().__new__(cls, core)
        return component

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(host_members(core))

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.control = control = ControlPlane(self._core)
        host = wiring.Signature(host_members(self._core))
        connect(m, port_of(self, host.flip()), port_of(control, host))
        ports = {
            f"{'i' if member.flow == wiring.Out else 'o'}_{name}": getattr(control.array, name)
            for name, member in array_signature(self._core).members.items()
        }
        m.submodules.array_macro = Instance(array_module_name(self._core), i_clk=ClockSignal(), **ports)
        return m
