from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.delivery.core_modules import core_modules
from oscc.rtl.delivery.emit import array_stub
from oscc.rtl.top import core_module_name
from oscc.rtl.weights.stored_bit import StoredBit, flip_bit, stored_bit
from oscc.rtl.weights.weight_store import WeightStore

IVERILOG = shutil.which("iverilog")
needs_icarus = pytest.mark.skipif(IVERILOG is None, reason="needs Icarus Verilog: package iverilog")


def test_data_and_check_bits_of_a_word(tiny_core: CoreSpec) -> None:
    path = ("control", "store", "memory", "group_0", "bank_4")
    assert stored_bit(tiny_core, 5, 17, 107) == StoredBit((*path, "memory_1", "words"), 17, 107)
    # The check memory holds four columns, each in nine bits.
    assert stored_bit(tiny_core, 5, 17, 108) == StoredBit((*path, "check_memory", "words"), 17, 9)
    assert stored_bit(tiny_core, 7, 0, 115) == StoredBit((*path, "check_memory", "words"), 0, 27 + 7)
    assert stored_bit(tiny_core, 5, 17, 0).verilog == "control.store.memory.group_0.bank_4.memory_1.words[17]"


@pytest.mark.parametrize(
    ("cols", "column", "groups"),
    [
        (8, 7, ("group_0",)),
        (9, 8, ("group_0", "group_8")),
        (56, 55, ("group_0", "group_48")),
        (64, 9, ("group_0", "group_8")),
        (65, 64, ("group_0", "group_64", "group_0")),
        (300, 77, ("group_0", "group_64", "group_8")),
    ],
)
def test_the_groups_on_the_way(
    make_core: Callable[..., CoreSpec], cols: int, column: int, groups: tuple[str, ...]
) -> None:
    path = stored_bit(make_core(grid=[2, cols]), column, 0, 0).path
    assert path[3:-3] == groups
    assert path[-3] == f"bank_{column % 8 // 4 * 4}"


@pytest.mark.parametrize(
    ("column", "address", "bit", "message"),
    [
        (8, 0, 0, "column 8: tiny-8x8 has 0 to 7"),
        (-1, 0, 0, "column -1: tiny-8x8 has 0 to 7"),
        (0, 32, 0, "address 32: tiny-8x8 has 0 to 31"),
        (0, 0, 116, "bit 116: tiny-8x8 has 0 to 115"),
    ],
)
def test_a_bit_that_does_not_exist(tiny_core: CoreSpec, column: int, address: int, bit: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stored_bit(tiny_core, column, address, bit)


def test_without_protection_there_are_no_check_bits(make_core: Callable[..., CoreSpec]) -> None:
    with pytest.raises(ValueError, match=r"^bit 108: tiny-8x8 has 0 to 107$"):
        stored_bit(make_core(protection="none"), 0, 0, 108)


@pytest.mark.parametrize(("column", "address", "bit"), [(0, 0, 0), (9, 5, 13), (9, 5, 14), (6, 3, 19)])
def test_a_flipped_bit_is_what_a_load_corrects_there(
    make_core: Callable[..., CoreSpec], column: int, address: int, bit: int
) -> None:
    core = make_core(grid=[3, 10], chunks=2, stencil=[[0, 1]], coupling_dac={"bits": 2})
    store = WeightStore(core)
    seen: list[int] = []

    async def load(context: Any) -> None:
        context.set(store.load.chunk, address // 3)
        context.set(store.load.start, 1)
        await context.tick()
        context.set(store.load.start, 0)
        await wait(context, core.load_cycles + 5)
        seen.append(context.get(store.corrected_words))

    async def bench(context: Any) -> None:
        # Zeros are words of the code.
        flip_bit(context, store, core, column, address, bit)
        await load(context)
        flip_bit(context, store, core, column, address, bit)
        await load(context)
        flip_bit(context, store, core, column, address, bit)
        flip_bit(context, store, core, column, address, (bit + 1) % 20)
        await load(context)
        assert context.get(store.fault_column) == column
        assert context.get(store.fault_address) == address

    simulate(store, bench)
    assert seen == [1, 1, 1]


@needs_icarus
@pytest.mark.parametrize("cols", [10, 67])
def test_icarus_finds_every_memory_under_its_name(
    make_core: Callable[..., CoreSpec], tmp_path: Path, cols: int
) -> None:
    core = make_core(grid=[2, cols], chunks=1, stencil=[[0, 1]], coupling_dac={"bits": 2})
    text = "\n".join([*core_modules(core).values(), array_stub(core)])
    lines = []
    for column in (0, 5, cols - 1):
        for bit in (0, core.word_bits - 1, core.word_bits, core.word_bits + core.check_bits - 1):
            where = stored_bit(core, column, 1, bit)
            lines += [
                f"    dut.{where.verilog} = 0;",
                f"    dut.{where.verilog} = dut.{where.verilog} ^ (64'd1 << {where.bit});",
                f'    $display("%0d", dut.{where.verilog});',
            ]
    bench = "\n".join(
        [
            "module bench;",
            f"  {core_module_name(core)} dut();",
            "  initial begin",
            "    #1;",
            *lines,
            "  end",
            "endmodule",
            "",
        ]
    )
    (tmp_path / "core.v").write_text(text)
    (tmp_path / "bench.v").write_text(bench)
    assert IVERILOG is not None
    subprocess.run(
        [IVERILOG, "-g2005", "-s", "bench", "-o", "bench.vvp", "core.v", "bench.v"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    run = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True)
    expected = []
    for column in (0, 5, cols - 1):
        # 14 bits of data; 6 check bits, in lanes of nine.
        expected += [1, 1 << 13, 1 << (9 * (column % 4)), 1 << (9 * (column % 4) + 5)]
    assert run.stdout.split() == [str(value) for value in expected]
