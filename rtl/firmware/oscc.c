/* Driver of an oscillator core: identity, running, errors and care. oscc.h says what each function promises. */
#include "oscc_access.h"

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
        status = oscc_access_read(core, checks[index].address, &word);
        if (status != OSCC_OK) {
            return status;
        }
        if (word != wanted[index]) {
            return checks[index].otherwise;
        }
    }
    status = oscc_access_read(core, OSCC_GRID_OFFSET, &word);
    if (status != OSCC_OK) {
        return status;
    }
    core->rows = FIELD(word, OSCC_GRID_ROWS);
    core->cols = FIELD(word, OSCC_GRID_COLS);
    status = oscc_access_read(core, OSCC_FRAME_OFFSET, &word);
    core->frame_rows = FIELD(word, OSCC_FRAME_ROWS);
    core->frame_cols = FIELD(word, OSCC_FRAME_COLS);
    return status;
}

/* Running */

oscc_status oscc_start(oscc_core *core, uint32_t seed, uint32_t first_sample)
{
    oscc_status status = oscc_access_write(core, OSCC_SEED_OFFSET, seed);
    if (status == OSCC_OK) {
        status = oscc_access_write(core, OSCC_FIRST_SAMPLE_OFFSET, first_sample);
    }
    if (status == OSCC_OK) {
        status = oscc_access_command(core, OSCC_CONTROL_START_MASK, ALL_ERRORS);
    }
    return status;
}

oscc_status oscc_abort(oscc_core *core)
{
    return oscc_access_write(core, OSCC_CONTROL_OFFSET, OSCC_CONTROL_ABORT_MASK);
}

oscc_status oscc_wait_stopped(oscc_core *core, uint32_t polls)
{
    oscc_status status = oscc_access_poll(core, OSCC_STATUS_OFFSET, OSCC_STATUS_RUNNING_MASK, 0u, polls);
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
    status = oscc_access_read(core, OSCC_STATUS_OFFSET, &word);
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
        oscc_status status = oscc_access_read(core, addresses[index], &words[index]);
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
    return causes == NULL ? OSCC_E_ARGUMENT : oscc_access_read(core, OSCC_ERROR_OFFSET, causes);
}

oscc_status oscc_check_errors(oscc_core *core)
{
    return oscc_access_check(core, ALL_ERRORS);
}

oscc_status oscc_clear_errors(oscc_core *core, uint32_t causes)
{
    return oscc_access_write(core, OSCC_ERROR_OFFSET, causes);
}

oscc_status oscc_illegal_instruction(oscc_core *core, uint32_t *address)
{
    uint32_t word = 0u;
    oscc_status status;
    if (address == NULL) {
        return OSCC_E_ARGUMENT;
    }
    status = oscc_access_read(core, OSCC_ERROR_INFO_OFFSET, &word);
    if (status == OSCC_OK) {
        *address = FIELD(word, OSCC_ERROR_INFO_INSTRUCTION);
    }
    return status;
}

oscc_status oscc_enable_irq(oscc_core *core, uint32_t causes)
{
    return oscc_access_write(core, OSCC_IRQ_ENABLE_OFFSET, causes);
}

oscc_status oscc_read_irq(oscc_core *core, uint32_t *causes)
{
    return causes == NULL ? OSCC_E_ARGUMENT : oscc_access_read(core, OSCC_IRQ_STATUS_OFFSET, causes);
}

oscc_status oscc_clear_irq(oscc_core *core, uint32_t causes)
{
    return oscc_access_write(core, OSCC_IRQ_STATUS_OFFSET, causes);
}

/* Care */

oscc_status oscc_set_watchdog(oscc_core *core, uint32_t cycles)
{
    if (cycles > OSCC_WATCHDOG_LIMIT_MASK >> OSCC_WATCHDOG_LIMIT_SHIFT) {
        return OSCC_E_ARGUMENT;
    }
    return oscc_access_write(core, OSCC_WATCHDOG_OFFSET, cycles << OSCC_WATCHDOG_LIMIT_SHIFT);
}

/* Give a command whose end a bit of IRQ_STATUS tells, and wait for it. STATUS would not do: it may not yet say that
 * the work has begun. A load that ends the work sets that bit, too, and beside it cut_short. */
static oscc_status command_and_wait(oscc_core *core, uint32_t commands, uint32_t forget, uint32_t done, uint32_t polls)
{
    uint32_t word = 0u;
    oscc_status status = oscc_clear_irq(core, done | OSCC_IRQ_STATUS_CUT_SHORT_MASK);
    if (status == OSCC_OK) {
        status = oscc_access_command(core, commands, forget);
    }
    if (status == OSCC_OK) {
        status = oscc_access_poll(core, OSCC_IRQ_STATUS_OFFSET, done, done, polls);
    }
    /* Set together with the bit that was waited for, so that a read that comes later has it. */
    if (status == OSCC_OK) {
        status = oscc_read_irq(core, &word);
    }
    if (status == OSCC_OK && (word & OSCC_IRQ_STATUS_CUT_SHORT_MASK) != 0u) {
        status = OSCC_E_CUT_SHORT;
    }
    return status;
}

oscc_status oscc_scrub(oscc_core *core, uint32_t polls)
{
    /* A schedule may be running: its errors must stay. */
    oscc_status status = command_and_wait(core, OSCC_CONTROL_SCRUB_MASK,
        OSCC_ERROR_BUSY_MASK | OSCC_ERROR_UNPROGRAMMED_MASK, OSCC_IRQ_STATUS_SCRUBBED_MASK, polls);
    return status == OSCC_OK ? oscc_access_check(core, OSCC_ERROR_UNCORRECTABLE_MASK) : status;
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
        status = oscc_access_read(core, OSCC_SELF_TEST_FAILURES_OFFSET, &result->failures);
    }
    if (status == OSCC_OK) {
        status = oscc_access_read(core, OSCC_SELF_TEST_WORD_OFFSET, &place);
    }
    if (status != OSCC_OK) {
        return status;
    }
    result->first.address = FIELD(place, OSCC_SELF_TEST_WORD_ADDRESS);
    result->first.column = FIELD(place, OSCC_SELF_TEST_WORD_COLUMN);
    return result->failures == 0u ? OSCC_OK : OSCC_E_SELF_TEST;
}
