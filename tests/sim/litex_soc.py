"""A system of LiteX around a core, as Verilog with the core's own ports: run as a program of its own.

Arguments: path of the delivered module, path of the Verilog to write, standard of the bus.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from litex.build.generic_platform import GenericPlatform, Pins, Subsignal
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect.axi import AXILiteInterface
from migen import ClockDomain

CHANNELS = {
    "aw": {"valid": 1, "ready": 1, "addr": 12},
    "w": {"valid": 1, "ready": 1, "data": 32, "strb": 4},
    "b": {"valid": 1, "ready": 1, "resp": 2},
    "ar": {"valid": 1, "ready": 1, "addr": 12},
    "r": {"valid": 1, "ready": 1, "data": 32, "resp": 2},
}


def streams(width: int) -> dict[str, dict[str, int]]:
    return {
        "s_axis": {"tdata": width, "tvalid": 1, "tlast": 1, "tready": 1},
        "m_axis": {"tdata": width, "tkeep": width // 8, "tvalid": 1, "tlast": 1, "tuser": 1, "tready": 1},
    }


def load(path: Path) -> Any:
    """The class of the delivered module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (found,) = (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == path.stem)
    return found


class Clock(LiteXModule):  # type: ignore[misc]
    def __init__(self, platform: Any) -> None:
        self.cd_sys = ClockDomain()
        self.comb += [self.cd_sys.clk.eq(platform.request("clk")), self.cd_sys.rst.eq(platform.request("rst"))]


class System(SoCMini):  # type: ignore[misc]
    """A bus with the host of the bench as its master and the core as its slave; the streams go to the border."""

    mem_map = {"csr": 0xF000_0000}  # noqa: RUF012 - as LiteX has it

    def __init__(self, platform: Any, core_class: Any, standard: str) -> None:
        SoCMini.__init__(self, platform, 100_000_000, bus_standard=standard, with_timer=False, with_uart=False)
        self.crg = Clock(platform)
        self.oscillators = core = core_class(platform)
        self.bus.add_slave("core", core.bus, SoCRegion(origin=0, size=core_class.ADDRESS_SPACE, cached=False))
        host, pads = AXILiteInterface(data_width=32, address_width=32), platform.request("s_axil")
        self.bus.add_master("host", host)
        for channel, signals in CHANNELS.items():
            for name in signals:
                inner, outer = getattr(getattr(host, channel), name), getattr(pads, channel + name)
                gives = (channel in ("b", "r")) != (name == "ready")
                self.comb += outer.eq(inner) if gives else inner.eq(outer)
        program, images = platform.request("s_axis"), platform.request("m_axis")
        self.comb += [
            getattr(core.program, name).eq(getattr(program, f"t{name}")) for name in ("data", "valid", "last")
        ]
        names = ("data", "keep", "valid", "last", "user")
        self.comb += [getattr(images, f"t{name}").eq(getattr(core.images, name)) for name in names]
        self.comb += [program.tready.eq(core.program.ready), core.images.ready.eq(images.tready)]
        self.comb += platform.request("irq").eq(core.irq)


def main(module: Path, output: Path, standard: str) -> None:
    core_class = load(module)
    width = len(core_class(GenericPlatform("none", []), with_event_manager=False).program.data)
    io: list[Any] = [(name, 0, Pins(1)) for name in ("clk", "rst", "irq")]
    axil = {channel + name: bits for channel, signals in CHANNELS.items() for name, bits in signals.items()}
    for name, signals in {"s_axil": axil, **streams(width)}.items():
        io.append((name, 0, *(Subsignal(each, Pins(bits)) for each, bits in signals.items())))
    platform = GenericPlatform("none", io)
    system = System(platform, core_class, standard)
    system.finalize()
    # Otherwise blocks of several signals are written that trigger one another for ever in Icarus Verilog.
    output.write_text(str(platform.get_verilog(system, name=f"{module.stem}_system", regular_comb=False)))
    print("\n".join(str(source[0]) for source in platform.sources))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
