"""The C driver, built once, on a model of the registers of a small core with a program."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.program import Program
from oscc.core.program_file import encode_program
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.register_exports import c_header
from oscc.rtl.firmware.firmware_files import firmware_files
from tests.rtl.firmware.firmware_bench import WARNINGS, Core, CProgram, Registers, identity_of, opened


@pytest.fixture(scope="session")
def sources(small_core: CoreSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver as it is delivered, with the generated headers."""
    folder = tmp_path_factory.mktemp("firmware")
    for name, text in firmware_files(small_core).items():
        (folder / Path(name).name).write_text(text)
    (folder / "oscc_registers.h").write_text(c_header())
    return folder


@pytest.fixture(scope="session")
def driver(sources: Path) -> ctypes.CDLL:
    """The driver as a shared library; linked without any library, so that it can need none."""
    files = sorted(str(path) for path in sources.glob("*.c"))
    flags = ["-std=c99", "-ffreestanding", "-O1", "-fPIC", "-shared", "-nostdlib", "-Wl,-z,defs", "-Werror", *WARNINGS]
    subprocess.run(["gcc", *flags, *files, "-o", "driver.so"], cwd=sources, check=True, capture_output=True)
    library = ctypes.CDLL(str(sources / "driver.so"))
    for name in ("oscc_status_text", "oscc_error_name", "oscc_error_text", "oscc_irq_name"):
        getattr(library, name).restype = ctypes.c_char_p
    for name in ("oscc_frame_bytes", "oscc_image_codes"):
        getattr(library, name).restype = ctypes.c_size_t
    library.oscc_crc32.restype = ctypes.c_uint32
    library.oscc_crc32.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32)
    return library


@pytest.fixture(scope="session")
def small_core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """A core of 3 x 5 cells, every one readable, whose rows of 5 codes are padded to beats of 4 bytes."""
    return make_core(
        name="small",
        grid=[3, 5],
        stencil="king",
        chunks=2,
        stream_width=32,
        init={"cycles": 20},
        readout={"origin": [0, 0], "step": [1, 1]},
    )


@pytest.fixture(scope="session")
def program(
    small_core: CoreSpec, make_graph: Callable[..., CouplingGraph], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A synthetic model, compiled."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_checkpoint(path, make_graph(small_core, duration=0.6))
    result = compile_model(read_checkpoint(path), small_core)
    assert result.program is not None
    return result.program


@pytest.fixture
def model(small_core: CoreSpec) -> Registers:
    return Registers(small_core)


@pytest.fixture
def core(driver: ctypes.CDLL, model: Registers, small_core: CoreSpec) -> Core:
    """The small core, identified, with nothing on record."""
    core = Core()
    assert driver.oscc_identify(ctypes.byref(core), ctypes.byref(model.bus), ctypes.byref(identity_of(small_core))) == 0
    model.traffic.clear()
    model.accesses = 0
    return core


@pytest.fixture
def image(driver: ctypes.CDLL, program: Program) -> tuple[CProgram, ctypes.Array[ctypes.c_uint8]]:
    """The program, found in its file."""
    return opened(driver, encode_program(program))[1:]
