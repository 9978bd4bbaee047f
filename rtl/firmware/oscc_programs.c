/* Driver of an oscillator core: loading programs. oscc.h says what each function promises. */
#include "oscc_access.h"

oscc_status oscc_load_begin(oscc_core *core, uint32_t stream_crc)
{
    uint32_t word = 0u;
    oscc_status status = oscc_access_write(core, OSCC_PROGRAM_CRC_OFFSET, stream_crc);
    if (status == OSCC_OK) {
        status = oscc_access_command(core, OSCC_CONTROL_LOAD_MASK, ALL_ERRORS);
    }
    if (status == OSCC_OK) {
        status = oscc_access_read(core, OSCC_STATUS_OFFSET, &word);
    }
    if (status == OSCC_OK && FIELD(word, OSCC_STATUS_LOADING) == 0u) {
        status = OSCC_E_REFUSED;
    }
    return status;
}

oscc_status oscc_load_finish(oscc_core *core, uint32_t polls)
{
    uint32_t word = 0u;
    oscc_status status = oscc_access_poll(core, OSCC_STATUS_OFFSET, OSCC_STATUS_LOADING_MASK, 0u, polls);
    if (status == OSCC_OK) {
        status = oscc_check_errors(core);
    }
    /* The CRC is compared in the cycles after the last beat: `programmed` counts in a read that comes later. */
    if (status == OSCC_OK) {
        status = oscc_access_read(core, OSCC_STATUS_OFFSET, &word);
    }
    if (status == OSCC_OK && FIELD(word, OSCC_STATUS_PROGRAMMED) == 0u) {
        status = OSCC_E_REFUSED;
    }
    return status;
}

/* An instruction of a schedule. */
static uint32_t instruction_at(const uint8_t *schedule, uint32_t index)
{
    const uint8_t *bytes = &schedule[4u * index];
    return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

oscc_status oscc_load_schedule(oscc_core *core, const uint8_t *schedule, uint32_t length)
{
    uint32_t words[8];
    if (schedule == NULL || length < 1u || length > OSCC_SCHEDULE_COUNT) {
        return OSCC_E_ARGUMENT;
    }
    for (uint32_t first = 0u; first < length; first += 8u) {
        uint32_t count = length - first < 8u ? length - first : 8u;
        oscc_status status;
        for (uint32_t index = 0u; index < count; index++) {
            words[index] = instruction_at(schedule, first + index);
        }
        status = oscc_access_write_words(core, OSCC_SCHEDULE_OFFSET + 4u * first, words, count);
        if (status != OSCC_OK) {
            return status;
        }
    }
    return oscc_access_write(core, OSCC_SCHEDULE_LENGTH_OFFSET, length << OSCC_SCHEDULE_LENGTH_VALUE_SHIFT);
}

oscc_status oscc_load(oscc_core *core, const oscc_program *program, uint32_t polls)
{
    oscc_status status, checked;
    if (program == NULL || program->stream == NULL || program->schedule == NULL || core->bus.send == NULL) {
        return OSCC_E_ARGUMENT;
    }
    if (program->spec_hash != core->identity.spec_hash) {
        return OSCC_E_SPEC_HASH;
    }
    if (program->stream_bytes / core->identity.beat_bytes != core->identity.program_beats
        || program->stream_bytes % core->identity.beat_bytes != 0u) {
        return OSCC_E_PROGRAM_BEATS;
    }
    status = oscc_load_begin(core, program->stream_crc);
    if (status != OSCC_OK) {
        return status;
    }
    status = core->bus.send(core->bus.context, program->stream, program->stream_bytes);
    if (status != OSCC_OK) {
        /* A core that found an error stops accepting: it says more than the bus. */
        checked = oscc_check_errors(core);
        return checked == OSCC_E_CORE ? checked : status;
    }
    status = oscc_load_finish(core, polls);
    if (status == OSCC_OK) {
        status = oscc_load_schedule(core, program->schedule, program->schedule_length);
    }
    return status;
}
