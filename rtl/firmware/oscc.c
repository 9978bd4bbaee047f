/* Driver of an oscillator core: everything that goes over the bus. oscc.h says what each function promises. */
#include "oscc.h"

#define FIELD(word, field) (((word) & field##_MASK) >> field##_SHIFT)

#define OR_MASK(mask, name, text) | (mask)
#define ALL_ERRORS (0u OSCC_ERROR_CAUSES(OR_MASK))

/* Register access */

static oscc_status read_register(oscc_core *core, uint32_t address, uint32_t *word)
{
    oscc_status status = core->bus.read32(core->bus.context, address, word);
    if (status != OSCC_OK) {
        core->fault_address = address;
    }
    return status;
}

static oscc_status write_register(oscc_core *core, uint32_t address, uint32_t word)
{
    oscc_status status = core->bus.write32(core->bus.context, address, word);
    if (status != OSCC_OK) {
        core->fault_address = address;
    }
    return status;
}

/* Poll a register until the bits of a mask are as they should be. */
static oscc_status poll_register(oscc_core *core, uint32_t address, uint32_t mask, uint32_t wanted, uint32_t polls)
{
    uint32_t word = 0u;
    for (;;) {
        oscc_status status = read_register(core, address, &word);
        if (status != OSCC_OK) {
            return status;
        }
        if ((word & mask) == wanted) {
            return OSCC_OK;
        }
        if (polls <= 1u) {
            return OSCC_E_TIMEOUT;
        }
        polls--;
        if (core->bus.pause != NULL) {
            core->bus.pause(core->bus.context);
        }
    }
}

/* OSCC_E_CORE when one of these causes is set in ERROR. */
static oscc_status check_causes(oscc_core *core, uint32_t causes)
{
    uint32_t word = 0u;
    oscc_status status = read_register(core, OSCC_ERROR_OFFSET, &word);
    if (status == OSCC_OK && (word & causes) != 0u) {
        core->causes = word;
        status = OSCC_E_CORE;
    }
    return status;
}

/* Give a command and see whether the core takes it. Errors of an earlier attempt would be taken for new ones, so that
 * `forget` are cleared before. */
static oscc_status command(oscc_core *core, uint32_t commands, uint32_t forget)
{
    oscc_status status = write_register(core, OSCC_ERROR_OFFSET, forget);
    if (status == OSCC_OK) {
        status = write_register(core, OSCC_CONTROL_OFFSET, commands);
    }
    if (status == OSCC_OK) {
        status = check_causes(core, forget);
    }
    return status;
}

/* Identification */

oscc_status oscc_identify(oscc_core *core, const oscc_bus *bus, const oscc_identity *expected)
{
    static const struct {
        uint32_t address;
        oscc_status otherwise;
    } checks[] = {
        {OSCC_ID_OFFSET, OSCC_E_ID},
        {OSCC_VERSION_OFFSET, OSCC_E_VERSION},
        {OSCC_SPEC_HASH_OFFSET, OSCC_E_SPEC_HASH},
        {OSCC_PROGRAM_BEATS_OFFSET, OSCC_E_PROGRAM_BEATS},
    };
    uint32_t wanted[4];
    uint32_t word = 0u;
    oscc_status status;

    if (core == NULL || bus == NULL || expected == NULL || bus->read32 == NULL || bus->write32 == NULL) {
        return OSCC_E_ARGUMENT;
    }
    if (expected->beat_bytes != 4u && expected->beat_bytes != 8u && expected->beat_bytes != 16u) {
        return OSCC_E_ARGUMENT;
    }
    core->bus = *bus;
    core->identity = *expected;
    core->causes = 0u;
    core->fault_address = 0u;
    wanted[0] = OSCC_CORE_ID;
    wanted[1] = OSCC_MAP_VERSION;
    wanted[2] = expected->spec_hash;
    wanted[3] = expected->program_beats;
    for (size_t index = 0u; index < 4u; index++) {
        status = read_register(core, checks[index].address, &word);
        if (status != OSCC_OK) {
            return status;
        }
        if (word != wanted[index]) {
            return checks[index].otherwise;
        }
    }
    status = read_register(core, OSCC_GRID_OFFSET, &word);
    if (status != OSCC_OK) {
        return status;
    }
    core->rows = FIELD(word, OSCC_GRID_ROWS);
    core->cols = FIELD(word, OSCC_GRID_COLS);
    status = read_register(core, OSCC_FRAME_OFFSET, &word);
    core->frame_rows = FIELD(word, OSCC_FRAME_ROWS);
    core->frame_cols = FIELD(word, OSCC_FRAME_COLS);
    return status;
}

/* Programs */

oscc_status oscc_load_begin(oscc_core *core, uint32_t stream_crc)
{
    uint32_t word = 0u;
    oscc_status status = write_register(core, OSCC_PROGRAM_CRC_OFFSET, stream_crc);
    if (status == OSCC_OK) {
        status = command(core, OSCC_CONTROL_LOAD_MASK, ALL_ERRORS);
    }
    if (status == OSCC_OK) {
        status = read_register(core, OSCC_STATUS_OFFSET, &word);
    }
    if (status == OSCC_OK && FIELD(word, OSCC_STATUS_LOADING) == 0u) {
        status = OSCC_E_REFUSED;
    }
    return status;
}

oscc_status oscc_load_finish(oscc_core *core, uint32_t polls)
{
    uint32_t word = 0u;
    oscc_status status = poll_register(core, OSCC_STATUS_OFFSET, OSCC_STATUS_LOADING_MASK, 0u, polls);
    if (status == OSCC_OK) {
        status = oscc_check_errors(core);
    }
    /* The CRC is compared in the cycles after the last beat: `programmed` counts in a read that comes later. */
    if (status == OSCC_OK) {
        status = read_register(core, OSCC_STATUS_OFFSET, &word);
    }
    if (status == OSCC_OK && FIELD(word, OSCC_STATUS_PROGRAMMED) == 0u) {
        status = OSCC_E_REFUSED;
    }
    return status;
}

oscc_status oscc_load_schedule(oscc_core *core, const uint8_t *schedule, uint32_t length)
{
    if (schedule == NULL || length < 1u || length > OSCC_SCHEDULE_COUNT) {
        return OSCC_E_ARGUMENT;
    }
    for (uint32_t index = 0u; index < length; index++) {
        const uint8_t *bytes = &schedule[4u * index];
        uint32_t word = (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16)
            | ((uint32_t)bytes[3] << 24);
        oscc_status status = write_register(core, OSCC_SCHEDULE_OFFSET + 4u * index, word);
        if (status != OSCC_OK) {
            return status;
        }
    }
    return write_register(core, OSCC_SCHEDULE_LENGTH_OFFSET, length << OSCC_SCHEDULE_LENGTH_VALUE_SHIFT);
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

/* Running */

oscc_status oscc_start(oscc_core *core, uint32_t seed, uint32_t first_sample)
{
    oscc_status status = write_register(core, OSCC_SEED_OFFSET, seed);
    if (status == OSCC_OK) {
        status = write_register(core, OSCC_FIRST_SAMPLE_OFFSET, first_sample);
    }
    if (status == OSCC_OK) {
        status = command(core, OSCC_CONTROL_START_MASK, ALL_ERRORS);
    }
    return status;
}

oscc_status oscc_abort(oscc_core *core)
{
    return write_register(core, OSCC_CONTROL_OFFSET, OSCC_CONTROL_ABORT_MASK);
}

oscc_status oscc_wait_stopped(oscc_core *core, uint32_t polls)
{
    oscc_status status = poll_register(core, OSCC_STATUS_OFFSET, OSCC_STATUS_RUNNING_MASK, 0u, polls);
    return status == OSCC_OK ? oscc_check_errors(core) : status;
}

/* A bit of STATUS. */
static oscc_status read_flag(oscc_core *core, uint32_t mask, bool *flag)
{
    uint32_t word = 0u;
    oscc_status status;
    if (flag == NULL) {
        return OSCC_E_ARGUMENT;
    }
    status = read_register(core, OSCC_STATUS_OFFSET, &word);
    if (status == OSCC_OK) {
        *flag = (word & mask) != 0u;
    }
    return status;
}

oscc_status oscc_is_running(oscc_core *core, bool *running)
{
    return read_flag(core, OSCC_STATUS_RUNNING_MASK, running);
}

oscc_status oscc_has_image(oscc_core *core, bool *waiting)
{
    return read_flag(core, OSCC_STATUS_FRAME_MASK, waiting);
}

oscc_status oscc_read_counters(oscc_core *core, oscc_counters *counters)
{
    static const uint32_t addresses[7] = {
        OSCC_SAMPLES_OFFSET, OSCC_PERIOD_OFFSET, OSCC_STALLED_OFFSET, OSCC_CORRECTED_OFFSET,
        OSCC_UNCORRECTABLE_OFFSET, OSCC_SCRUBBED_OFFSET, OSCC_FAULT_WORD_OFFSET,
    };
    uint32_t words[7] = {0u, 0u, 0u, 0u, 0u, 0u, 0u};
    if (counters == NULL) {
        return OSCC_E_ARGUMENT;
    }
    for (size_t index = 0u; index < 7u; index++) {
        oscc_status status = read_register(core, addresses[index], &words[index]);
        if (status != OSCC_OK) {
            return status;
        }
    }
    counters->samples = words[0];
    counters->period = words[1];
    counters->stalled = words[2];
    counters->corrected = words[3];
    counters->uncorrectable = words[4];
    counters->scrubbed = words[5];
    counters->first_uncorrectable.address = FIELD(words[6], OSCC_FAULT_WORD_ADDRESS);
    counters->first_uncorrectable.column = FIELD(words[6], OSCC_FAULT_WORD_COLUMN);
    return OSCC_OK;
}

/* Errors and interrupts */

oscc_status oscc_read_errors(oscc_core *core, uint32_t *causes)
{
    return causes == NULL ? OSCC_E_ARGUMENT : read_register(core, OSCC_ERROR_OFFSET, causes);
}

oscc_status oscc_check_errors(oscc_core *core)
{
    return check_causes(core, ALL_ERRORS);
}

oscc_status oscc_clear_errors(oscc_core *core, uint32_t causes)
{
    return write_register(core, OSCC_ERROR_OFFSET, causes);
}

oscc_status oscc_illegal_instruction(oscc_core *core, uint32_t *address)
{
    uint32_t word = 0u;
    oscc_status status;
    if (address == NULL) {
        return OSCC_E_ARGUMENT;
    }
    status = read_register(core, OSCC_ERROR_INFO_OFFSET, &word);
    if (status == OSCC_OK) {
        *address = FIELD(word, OSCC_ERROR_INFO_INSTRUCTION);
    }
    return status;
}

oscc_status oscc_enable_irq(oscc_core *core, uint32_t causes)
{
    return write_register(core, OSCC_IRQ_ENABLE_OFFSET, causes);
}

oscc_status oscc_read_irq(oscc_core *core, uint32_t *causes)
{
    return causes == NULL ? OSCC_E_ARGUMENT : read_register(core, OSCC_IRQ_STATUS_OFFSET, causes);
}

oscc_status oscc_clear_irq(oscc_core *core, uint32_t causes)
{
    return write_register(core, OSCC_IRQ_STATUS_OFFSET, causes);
}

/* Care */

oscc_status oscc_set_watchdog(oscc_core *core, uint32_t cycles)
{
    if (cycles > OSCC_WATCHDOG_LIMIT_MASK >> OSCC_WATCHDOG_LIMIT_SHIFT) {
        return OSCC_E_ARGUMENT;
    }
    return write_register(core, OSCC_WATCHDOG_OFFSET, cycles << OSCC_WATCHDOG_LIMIT_SHIFT);
}

/* Give a command whose end a bit of IRQ_STATUS tells, and wait for it. STATUS would not do: it may not yet say that
 * the work has begun. */
static oscc_status command_and_wait(oscc_core *core, uint32_t commands, uint32_t forget, uint32_t done, uint32_t polls)
{
    oscc_status status = oscc_clear_irq(core, done);
    if (status == OSCC_OK) {
        status = command(core, commands, forget);
    }
    if (status == OSCC_OK) {
        status = poll_register(core, OSCC_IRQ_STATUS_OFFSET, done, done, polls);
    }
    return status;
}

oscc_status oscc_scrub(oscc_core *core, uint32_t polls)
{
    /* A schedule may be running: its errors must stay. */
    oscc_status status = command_and_wait(core, OSCC_CONTROL_SCRUB_MASK,
        OSCC_ERROR_BUSY_MASK | OSCC_ERROR_UNPROGRAMMED_MASK, OSCC_IRQ_STATUS_SCRUBBED_MASK, polls);
    return status == OSCC_OK ? check_causes(core, OSCC_ERROR_UNCORRECTABLE_MASK) : status;
}

oscc_status oscc_self_test(oscc_core *core, uint32_t polls, oscc_self_test_result *result)
{
    uint32_t place = 0u;
    oscc_status status;
    if (result == NULL) {
        return OSCC_E_ARGUMENT;
    }
    status = command_and_wait(
        core, OSCC_CONTROL_SELF_TEST_MASK, OSCC_ERROR_BUSY_MASK, OSCC_IRQ_STATUS_SELF_TESTED_MASK, polls);
    if (status == OSCC_OK) {
        status = read_register(core, OSCC_SELF_TEST_FAILURES_OFFSET, &result->failures);
    }
    if (status == OSCC_OK) {
        status = read_register(core, OSCC_SELF_TEST_WORD_OFFSET, &place);
    }
    if (status != OSCC_OK) {
        return status;
    }
    result->first.address = FIELD(place, OSCC_SELF_TEST_WORD_ADDRESS);
    result->first.column = FIELD(place, OSCC_SELF_TEST_WORD_COLUMN);
    return result->failures == 0u ? OSCC_OK : OSCC_E_SELF_TEST;
}
