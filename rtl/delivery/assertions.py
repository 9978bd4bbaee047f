"""SystemVerilog assertions to bind to an emitted core: the macro's contract, the streams' and the register bus' rules.

The conditions stand in ``assertions.sv``, a wire per rule; labels and messages are made from the declarations in
`oscc.core.array_contract` and `oscc.core.interface_contract`.
"""

from __future__ import annotations

from amaranth.hdl import Shape

from oscc.core.array_contract import CONTRACT, READY_LATENCY
from oscc.core.interface_contract import INTERFACE_CONTRACT, MACRO_SIGNALS
from oscc.core.registers import ADDRESS_BITS
from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import host_members
from oscc.rtl.delivery.source_template import fill_template
from oscc.rtl.delivery.standalone import FOLDER, GENERATED
from oscc.rtl.top import core_module_name, module_prefix
from oscc.rtl.verilog.layout import vector

UNCHECKED = ("spi_", "sram_", "tap_data", "tap_valid")
"""Ports, or beginnings of their names, that no rule is about."""

INSTANCE = "array_macro"
"""The macro's instance within the core."""


def assertions_module_name(core: CoreSpec) -> str:
    """Return the name of the module with a core's assertions: ``ais_56x56_assertions``."""
    return f"{module_prefix(core)}_assertions"


def assertion_files(core: CoreSpec) -> dict[str, str]:
    """Return the file with the assertions, byte-identical from run to run.

    Parameters
    ----------
    core : CoreSpec

    Returns
    -------
    dict of str to str
        Content by path, relative to the folder that holds the core's Verilog.
    """
    return {f"{FOLDER}/{assertions_module_name(core)}.sv": assertions_verilog(core)}


def assertions_verilog(core: CoreSpec) -> str:
    """Return the module with the assertions, and the statement that binds it to the core.

    Parameters
    ----------
    core : CoreSpec
    """
    checked = checked_ports(core)
    ports = [f"  input wire {vector(width)}{name}" for name, width in checked.items()]
    macro = array_signature(core).members
    connections = [f"    .{name}({INSTANCE}.{name})" if name in macro else f"    .{name}({name})" for name in checked]
    interface = {rule.code: (rule.statement, rule.signals, rule.keeper) for rule in INTERFACE_CONTRACT}
    return fill_template(
        "assertions.sv",
        generated=GENERATED,
        name=core.name,
        module=assertions_module_name(core),
        core=core_module_name(core),
        ports=",\n".join(ports),
        connections=",\n".join(connections),
        rows=core.rows,
        ready_latency=READY_LATENCY,
        frame_rows=core.frame_shape[0],
        frame_cols=core.frame_shape[1],
        lanes=core.codes_per_beat,
        row_beats=core.row_beats,
        phase_steps=core.readout.phase_steps,
        stream_width=core.stream_width,
        address_bits=ADDRESS_BITS,
        macro_rules="\n".join(
            _assertion("ASSERT", rule.code, f"!armed || {rule.code.lower()}", rule.statement, MACRO_SIGNALS[rule.code])
            for rule in CONTRACT
        ),
        **{
            name: "\n".join(
                _assertion(
                    "ASSERT" if keeper == "core" else "ASSUME",
                    code,
                    code.lower() if code.lower() in ("x001", "h001") else f"!working || {code.lower()}",
                    statement,
                    signals,
                )
                for code, (statement, signals, keeper) in interface.items()
                if code.startswith(letter)
            )
            for name, letter in (("stream_rules", "X"), ("register_rules", "H"))
        },
    )


def checked_ports(core: CoreSpec) -> dict[str, int]:
    """Return what the module with the assertions looks at: widths by name, the core's ports before the macro's.

    Parameters
    ----------
    core : CoreSpec
    """
    members = {**host_members(core), **array_signature(core).members}
    widths = {name: Shape.cast(member.shape).width for name, member in members.items()}
    return {"clk": 1, "rst": 1, **{name: width for name, width in widths.items() if not name.startswith(UNCHECKED)}}


def _assertion(kind: str, code: str, holds: str, statement: str, signals: tuple[str, ...]) -> str:
    """Return one assertion, with a message that names the rule, the cycle and the signals."""
    shown = ", ".join(f"{name} %h" for name in signals)
    return (
        f"  `OSCC_{kind}({code}, {holds})\n"
        f'    $error("{code}: {statement}; broken in cycle %0d: {shown}", cycle, {", ".join(signals)});'
    )
