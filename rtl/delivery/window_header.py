"""The stream window for firmware: its registers, and functions that send a program and receive an image through it."""

from __future__ import annotations

from oscc.rtl.delivery.register_exports import GENERATED
from oscc.rtl.wrappers.window_map import WINDOW_REGISTERS

HEADER = "oscc_window.h"

_FUNCTIONS = """\
/* Send bytes to the program stream: what an oscc_bus's `send` does. `length` is a multiple of the bytes of a beat. The
 * core accepts words as fast as they are written; it refuses them (OSCC_E_SLVERR) when it accepts no program. */
static inline oscc_status oscc_window_send(const oscc_bus *bus, const uint8_t *bytes, size_t length) {
    if (length == 0 || length % 4 != 0) return OSCC_E_ARGUMENT;
    oscc_status status = bus->write32(bus->context, OSCC_STREAM_RESTART_OFFSET, OSCC_STREAM_RESTART_PROGRAM_MASK);
    for (size_t at = 0; at < length && status == OSCC_OK; at += 4) {
        uint32_t word = (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
                        (uint32_t)bytes[at + 3] << 24;
        status = bus->write32(bus->context, at + 4 == length ? OSCC_PROGRAM_LAST_OFFSET : OSCC_PROGRAM_DATA_OFFSET,
                              word);
    }
    return status;
}

/* Receive the next image: what an oscc_bus's `receive` does. `beat_bytes` is that of the core's oscc_identity. Waits
 * for each beat for at most `polls` polls (OSCC_E_TIMEOUT). */
static inline oscc_status oscc_window_receive(const oscc_bus *bus, uint32_t beat_bytes, uint32_t polls, uint8_t *bytes,
                                              size_t capacity, size_t *length, bool *invalid) {
    uint32_t state = 0;
    oscc_status status =
        bus->write32(bus->context, OSCC_STREAM_RESTART_OFFSET, OSCC_STREAM_RESTART_IMAGE_MASK);
    *length = 0;
    while (status == OSCC_OK) {
        for (uint32_t poll = 0;; poll++) {
            status = bus->read32(bus->context, OSCC_STREAM_STATUS_OFFSET, &state);
            if (status != OSCC_OK) return status;
            if (state & OSCC_STREAM_STATUS_IMAGE_VALID_MASK) break;
            if (poll + 1 >= polls) return OSCC_E_TIMEOUT;
            if (bus->pause) bus->pause(bus->context);
        }
        for (uint32_t low = 0; low < beat_bytes && status == OSCC_OK; low += 4) {
            uint32_t word = 0;
            status = bus->read32(bus->context, OSCC_IMAGE_DATA_OFFSET, &word);
            for (uint32_t byte = 0; byte < 4 && status == OSCC_OK; byte++, ++*length)
                if (*length < capacity) bytes[*length] = (uint8_t)(word >> 8 * byte);
        }
        if (status == OSCC_OK && (state & OSCC_STREAM_STATUS_IMAGE_LAST_MASK)) {
            *invalid = (state & OSCC_STREAM_STATUS_IMAGE_INVALID_MASK) != 0;
            return OSCC_OK;
        }
    }
    return status;
}
"""


def window_header() -> str:
    """Return oscc_window.h: offsets and masks of the window, and what an ``oscc_bus`` needs to send and receive.

    It is for wrappers ``apb`` and ``wishbone``, includes the driver's ``oscc.h``, and is the same for every core.
    """
    lines = [
        f"/* {GENERATED} */",
        "/* The stream window of a core behind APB or Wishbone; docs/integration.md describes it. */",
        "#ifndef OSCC_WINDOW_H",
        "#define OSCC_WINDOW_H",
        "",
        '#include "oscc.h"',
        "",
    ]
    for register in WINDOW_REGISTERS:
        prefix = f"OSCC_{register.name}"
        lines += [f"/* {register.description} */", f"#define {prefix}_OFFSET 0x{register.address:04X}u"]
        for field in register.fields:
            if field.name != "value":
                lines.append(
                    f"#define {prefix}_{field.name.upper()}_MASK 0x{field.mask:08X}u /* {field.description} */"
                )
        lines.append("")
    return "\n".join([*lines, _FUNCTIONS, "#endif"]) + "\n"
