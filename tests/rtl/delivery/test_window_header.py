from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.delivery.register_exports import c_header
from oscc.rtl.delivery.window_header import window_header
from oscc.rtl.firmware.firmware_files import firmware_files
from oscc.rtl.wrappers.window_map import WINDOW_REGISTERS

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")

PROGRAM = r"""
#include "oscc_window.h"
#include <stdio.h>
/* A window in software: what is written is printed, and frames of 2 beats of 8 bytes are read. */
static uint32_t reads, statuses, limit = 1000;
static oscc_status read32(void *context, uint32_t address, uint32_t *word) {
    (void)context;
    if (address == OSCC_STREAM_STATUS_OFFSET) {
        /* A beat is there at every third look; the second one ends the frame. */
        int there = ++statuses % 3 == 0, last = reads >= 2;
        *word = (there ? OSCC_STREAM_STATUS_IMAGE_VALID_MASK : 0) | (there && last ? OSCC_STREAM_STATUS_IMAGE_LAST_MASK
              | OSCC_STREAM_STATUS_IMAGE_INVALID_MASK : 0);
        return OSCC_OK;
    }
    if (address != OSCC_IMAGE_DATA_OFFSET) return OSCC_E_DECERR;
    *word = 0x03020100u + 0x04040404u * reads++;
    return OSCC_OK;
}
static oscc_status write32(void *context, uint32_t address, uint32_t word) {
    (void)context;
    printf("%04x %08x\n", (unsigned)address, (unsigned)word);
    return limit-- ? OSCC_OK : OSCC_E_SLVERR;
}
static uint32_t pauses;
static void pause(void *context) { (void)context; pauses++; }
int main(void) {
    oscc_bus bus = {.read32 = read32, .write32 = write32, .pause = pause};
    static const uint8_t program[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    uint8_t image[12];
    size_t length = 99;
    bool invalid = false;
    printf("send %d\n", oscc_window_send(&bus, program, 8));
    printf("odd %d %d\n", oscc_window_send(&bus, program, 6), oscc_window_send(&bus, program, 0));
    limit = 1;
    printf("refused %d\n", oscc_window_send(&bus, program, 8));
    limit = 1000;
    printf("receive %d", oscc_window_receive(&bus, 8, 3, image, sizeof image, &length, &invalid));
    printf(" length %u invalid %d pauses %u image", (unsigned)length, invalid, (unsigned)pauses);
    for (int i = 0; i < 12; i++) printf(" %02x", image[i]);
    reads = 0;
    printf("\n");
    printf("late %d\n", oscc_window_receive(&bus, 8, 2, image, sizeof image, &length, &invalid));
    return 0;
}
"""


def test_it_has_every_register_and_field_of_the_window() -> None:
    text = window_header()
    for register in WINDOW_REGISTERS:
        assert f"#define OSCC_{register.name}_OFFSET 0x{register.address:04X}u\n" in text
        for field in register.fields:
            if field.name != "value":
                assert f"OSCC_{register.name}_{field.name.upper()}_MASK 0x{field.mask:08X}u " in text
    # No name of it is one of the core's registers.
    defined = set(re.findall(r"#define (\w+)", text))
    assert not defined & set(re.findall(r"#define (\w+)", c_header()))


@needs_gcc
def test_programs_are_sent_and_images_received(tmp_path: Path) -> None:
    files = {Path(name).name: text for name, text in firmware_files(load_core("tiny-8x8")).items()}
    files |= {"oscc_registers.h": c_header(), "oscc_window.h": window_header(), "main.c": PROGRAM}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic"]
    subprocess.run(["gcc", *flags, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    argument, slverr, timeout = 1, 3, 10
    assert done.stdout.splitlines() == [
        "1004 00000001",
        "1008 44332211",
        "100c 88776655",
        "send 0",
        f"odd {argument} {argument}",
        "1004 00000001",
        "1008 44332211",
        f"refused {slverr}",
        "1004 00000002",
        # Longer than the room for it: counted, not kept.
        "receive 0 length 16 invalid 1 pauses 4 image " + " ".join(f"{byte:02x}" for byte in range(12)),
        "1004 00000002",
        f"late {timeout}",
    ]
