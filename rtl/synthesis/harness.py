"""Synthesis harness: a core's thousands of pins, folded into a package's few."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import ControlPlane, host_members
from oscc.rtl.delivery.core_modules import module_files
from oscc.rtl.top import module_prefix

FOLD_INPUTS = 4
"""Registers whose parity goes into one register of the next stage: what one 4-input table takes."""

CORE_INSTANCE = "core"
"""Name of the control plane's instance in the harness."""


def harness_module_name(core: CoreSpec) -> str:
    """Return the Verilog name of a core's harness: ``ais_56x56_synthesis_harness``."""
    return f"{module_prefix(core)}_synthesis_harness"


def control_plane_module_name(core: CoreSpec) -> str:
    """Return the Verilog name of the control plane inside the harness: ``ais_56x56_control_plane``."""
    return f"{module_prefix(core)}_control_plane"


def boundary_ports(core: CoreSpec) -> dict[str, wiring.Member]:
    """Return every port of the control plane but clock and reset, the host's and the macro's, by Verilog name."""
    macro = {f"array_{name}": member for name, member in array_signature(core).members.items()}
    return {**host_members(core), **macro}


def fold_stages(width: int) -> tuple[int, ...]:
    """Return the registers in each stage of `Fold`, those that capture first, the folded bit last.

    Parameters
    ----------
    width : int
        Bits to fold, at least 1.
    """
    stages = [-(-width // FOLD_INPUTS)]
    while stages[-1] > 1:
        stages.append(-(-stages[-1] // FOLD_INPUTS))
    return tuple(stages)


class Fold(wiring.Component):
    """Folds all bits into one by a pipelined tree of parities, `FOLD_INPUTS` at a time.

    Parity lets every bit through: flipping any single one flips the result. Latency: ``len(fold_stages(width))``
    cycles. Throughput: a word per cycle. No stage is deeper than one 4-input table, so the critical path stays in
    what is folded. The first table stands before the first register: a register for each of a core's thousands of bits
    would take as many wires again as the bits themselves.

    Parameters
    ----------
    width : int

    Members
    -------
    bits : In(width)
    folded : Out(1)
    """

    def __init__(self, width: int) -> None:
        super().__init__({"bits": In(width), "folded": Out(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        stages = [
            Signal(size, name=f"fold_{number}", reset_less=True)
            for number, size in enumerate(fold_stages(len(self.bits)))
        ]
        for before, after in pairwise([self.bits, *stages]):
            m.d.sync += after.eq(Cat(before[at : at + FOLD_INPUTS].xor() for at in range(0, len(before), FOLD_INPUTS)))
        m.d.comb += self.folded.eq(stages[-1])
        return m


class SynthesisHarness(wiring.Component):
    """The control plane with registers around it and four pins: clock, reset, ``shift_in`` and ``folded``.

    Every input of the control plane, from the host and from the macro, comes from one bit of a shift register; every
    output goes into `Fold`. So each path over the boundary starts in a register and ends in one behind a single table,
    and no logic of the core can be removed for want of a pin.

    Latency: a bit reaches input n of the control plane, counted from bit 0 of the first one, n + 1 cycles after
    ``shift_in``; outputs reach ``folded`` after the latency of `Fold`. Throughput: a bit per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    shift_in : In(1)
    folded : Out(1)
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__({"shift_in": In(1), "folded": Out(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        inputs, outputs, ports = [], [], {}
        for name, member in boundary_ports(self._core).items():
            signal = Signal(member.shape, name=name)
            if member.flow == wiring.In:
                ports[f"i_{name}"] = signal
                inputs.append(signal)
            else:
                ports[f"o_{name}"] = signal
                outputs.append(signal)
        m.submodules[CORE_INSTANCE] = Instance(
            control_plane_module_name(self._core), i_clk=ClockSignal(), i_rst=ResetSignal(), **ports
        )
        driven = Signal(len(Cat(inputs)), name="driven", reset_less=True)
        m.d.sync += driven.eq(Cat(self.shift_in, driven))
        m.d.comb += Cat(inputs).eq(driven)
        m.submodules.fold = fold = Fold(len(Cat(outputs)))
        m.d.comb += [fold.bits.eq(Cat(outputs)), self.folded.eq(fold.folded)]
        return m


def harness_verilog(core: CoreSpec) -> str:
    """Return the harness as Verilog; the control plane is an instance of `control_plane_module_name`."""
    return _verilog(core, SynthesisHarness(core), harness_module_name(core))


def control_plane_verilog(core: CoreSpec) -> str:
    """Return the control plane as Verilog, the macro's ports brought out: what is synthesised."""
    return _verilog(core, ControlPlane(core), control_plane_module_name(core))


def _verilog(core: CoreSpec, component: wiring.Component, name: str) -> str:
    """Return a component and all that it uses as one text."""
    # An FPGA begins with the content that its configuration gives it.
    return "\n".join(module_files(core, component, name, initial=True).values())
