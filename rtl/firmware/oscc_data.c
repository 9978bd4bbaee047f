/* Driver of an oscillator core: words for people, the CRC-32, and program files. */
#include "oscc.h"

/* Words for people */

const char *oscc_status_text(oscc_status status)
{
    switch (status) {
    case OSCC_OK:
        return "done";
    case OSCC_E_ARGUMENT:
        return "an argument is null or out of range, or the bus lacks a callback";
    case OSCC_E_BUS:
        return "the bus failed";
    case OSCC_E_SLVERR:
        return "the core refused a register access (SLVERR)";
    case OSCC_E_DECERR:
        return "the core has no register at an address (DECERR)";
    case OSCC_E_ID:
        return "register ID: not an oscillator core";
    case OSCC_E_VERSION:
        return "register VERSION: another register map";
    case OSCC_E_SPEC_HASH:
        return "the core or the program is of another core specification";
    case OSCC_E_PROGRAM_BEATS:
        return "the program stream of this core has another length";
    case OSCC_E_PROGRAM_FILE:
        return "not a program file, or a damaged one";
    case OSCC_E_TIMEOUT:
        return "what was waited for did not come";
    case OSCC_E_REFUSED:
        return "the core did not take a command";
    case OSCC_E_CORE:
        return "the core reports an error; register ERROR has the cause";
    case OSCC_E_SELF_TEST:
        return "the self-test found words that do not keep what is written";
    case OSCC_E_FRAME_INVALID:
        return "an image is not valid or not whole";
    case OSCC_E_CUT_SHORT:
        return "a program load ended the scrub or the self-test: give the command again";
    }
    return "unknown status";
}

/* The lowest bit that is set. */
static uint32_t lowest(uint32_t word)
{
    return word & (~word + 1u);
}

#define NAME_OF(mask, name, text) \
    case mask: \
        return name;
#define TEXT_OF(mask, name, text) \
    case mask: \
        return text;

const char *oscc_error_name(uint32_t causes)
{
    switch (lowest(causes)) {
        OSCC_ERROR_CAUSES(NAME_OF)
    default:
        return "";
    }
}

const char *oscc_error_text(uint32_t causes)
{
    switch (lowest(causes)) {
        OSCC_ERROR_CAUSES(TEXT_OF)
    default:
        return "";
    }
}

const char *oscc_irq_name(uint32_t causes)
{
    switch (lowest(causes)) {
        OSCC_IRQ_CAUSES(NAME_OF)
    default:
        return "";
    }
}

/* CRC-32 */

uint32_t oscc_crc32(const uint8_t *bytes, size_t length, uint32_t before)
{
    uint32_t crc = ~before;
    for (size_t index = 0u; index < length; index++) {
        crc ^= bytes[index];
        for (unsigned bit = 0u; bit < 8u; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (~(crc & 1u) + 1u));
        }
    }
    return ~crc;
}

/* Program files; docs/formats.md describes them. */

#define PROGRAM_VERSION 1u
#define SECTIONS 5u
#define TABLE_OFFSET 88u
#define ENTRY_BYTES 32u
#define NAME_BYTES 8u
#define HEAD_BYTES (TABLE_OFFSET + SECTIONS * ENTRY_BYTES + 4u)

static uint32_t little(const uint8_t *bytes, size_t count)
{
    uint32_t value = 0u;
    while (count > 0u) {
        count--;
        value = (value << 8) | bytes[count];
    }
    return value;
}

static bool same(const uint8_t *bytes, const char *text, size_t count)
{
    for (size_t index = 0u; index < count; index++) {
        if (bytes[index] != (uint8_t)text[index]) {
            return false;
        }
    }
    return true;
}

/* Where a section lies; false when its entry or its place is wrong. */
static bool find_section(const uint8_t *file, size_t length, uint32_t index, const char *name, const uint8_t **start,
    size_t *bytes, uint32_t *crc)
{
    const uint8_t *entry = &file[TABLE_OFFSET + ENTRY_BYTES * index];
    uint32_t offset = little(&entry[8], 4u), size = little(&entry[16], 4u);
    /* Both are 64-bit numbers: what does not fit 32 bits is no program for a core. */
    if (!same(entry, name, NAME_BYTES) || little(&entry[12], 4u) != 0u || little(&entry[20], 4u) != 0u) {
        return false;
    }
    if (offset < HEAD_BYTES || offset > length || size > length - offset) {
        return false;
    }
    *start = &file[offset];
    *bytes = size;
    *crc = little(&entry[24], 4u);
    return true;
}

oscc_status oscc_program_open(oscc_program *program, const uint8_t *file, size_t length)
{
    size_t schedule_bytes = 0u;
    uint32_t schedule_crc = 0u;
    if (program == NULL || file == NULL) {
        return OSCC_E_ARGUMENT;
    }
    if (length < HEAD_BYTES || !same(file, "OSCCPROG", 8u) || little(&file[8], 2u) != PROGRAM_VERSION
        || little(&file[10], 2u) != SECTIONS || little(&file[12], 4u) != HEAD_BYTES) {
        return OSCC_E_PROGRAM_FILE;
    }
    if (oscc_crc32(file, HEAD_BYTES - 4u, 0u) != little(&file[HEAD_BYTES - 4u], 4u) || little(&file[20], 4u) != 0u
        || little(&file[16], 4u) != length) {
        return OSCC_E_PROGRAM_FILE;
    }
    if (!find_section(file, length, 1u, "schedule", &program->schedule, &schedule_bytes, &schedule_crc)
        || !find_section(
            file, length, 4u, "weights\0", &program->stream, &program->stream_bytes, &program->stream_crc)) {
        return OSCC_E_PROGRAM_FILE;
    }
    if (schedule_bytes % 4u != 0u || schedule_bytes < 4u || schedule_bytes / 4u > OSCC_SCHEDULE_COUNT
        || oscc_crc32(program->schedule, schedule_bytes, 0u) != schedule_crc) {
        return OSCC_E_PROGRAM_FILE;
    }
    program->schedule_length = (uint32_t)(schedule_bytes / 4u);
    /* The hash stands in the file as bytes, the first of which is the highest of register SPEC_HASH. */
    program->spec_hash = ((uint32_t)file[24] << 24) | ((uint32_t)file[25] << 16) | ((uint32_t)file[26] << 8) | file[27];
    return OSCC_OK;
}
