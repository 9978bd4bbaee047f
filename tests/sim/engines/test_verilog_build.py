from __future__ import annotations

import dataclasses

from oscc.sim.engines.simulator_runner import MAKE_ALL_PUBLIC, runner_of
from oscc.sim.engines.verilog_build import VerilogBuild, dumper, public_configuration

BUILD = VerilogBuild("verilator", "core", {"core.v": "module core; endmodule\n"}, public={"core": ("clk", "rst")})


def test_a_build_has_a_hash_of_all_that_it_is_made_of() -> None:
    changed = [
        {"top": "other"},
        {"sources": {"core.v": "module core; endmodule \n"}},
        {"sources": {"other.v": "module core; endmodule\n"}},
        {"arguments": ("-DX",)},
        {"optimize": "-O0"},
        {"public": {"core": ("clk",)}},
        {"public": None},
        {"waves": True},
        {"simulator": "icarus"},
    ]
    others = [dataclasses.replace(BUILD, **change).identity for change in changed]  # type: ignore[arg-type]
    assert BUILD.identity == dataclasses.replace(BUILD).identity
    assert len({BUILD.identity, *others}) == 1 + len(changed)


def test_icarus_has_no_optimisation_and_no_public_signals() -> None:
    icarus = dataclasses.replace(BUILD, simulator="icarus")
    assert icarus.identity == dataclasses.replace(icarus, optimize="-O0").identity
    assert list(icarus.files) == ["core.v"]


def test_only_what_is_asked_for_is_public() -> None:
    text = public_configuration({"core": ("clk", "rst"), "array": ("frame",)})
    assert text.splitlines() == [
        "`verilator_config",
        'public_flat_rw -module "core" -var "clk"',
        'public_flat_rw -module "core" -var "rst"',
        'public_flat_rw -module "array" -var "frame"',
    ]
    # Before the Verilog that it is about.
    assert list(BUILD.files) == ["public.vlt", "core.v"]
    assert list(dataclasses.replace(BUILD, public=None).files) == ["core.v"]


def test_waves_are_of_the_upper_levels() -> None:
    assert "$dumpvars(4, core);" in dumper("core")
    icarus = dataclasses.replace(BUILD, simulator="icarus", waves=True)
    assert list(icarus.files) == ["core.v", "oscc_dumper.v"]
    assert icarus.options[-2:] == ("-s", "oscc_dumper")
    assert "--trace-depth" in dataclasses.replace(BUILD, waves=True).options


def test_the_runner_makes_public_what_it_is_told(monkeypatch: object) -> None:
    import cocotb_tools.runner

    command = [["verilator", "--vpi", MAKE_ALL_PUBLIC, "x.v"], ["make"]]
    patch = monkeypatch
    patch.setattr(cocotb_tools.runner.Verilator, "_build_command", lambda self: command)  # type: ignore[attr-defined]
    assert runner_of("verilator", all_public=True)._build_command() == command
    assert runner_of("verilator", all_public=False)._build_command() == [["verilator", "--vpi", "x.v"], ["make"]]
