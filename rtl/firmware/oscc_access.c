/* Driver of an oscillator core: single accesses and commands. oscc_access.h says what each function promises. */
#include "oscc_access.h"

oscc_status oscc_access_read(oscc_core *core, uint32_t address, uint32_t *word)
{
    oscc_status status = core->bus.read32(core->bus.context, address, word);
    if (status != OSCC_OK) {
        core->fault_address = address;
    }
    return status;
}

oscc_status oscc_access_write(oscc_core *core, uint32_t address, uint32_t word)
{
    oscc_status status = core->bus.write32(core->bus.context, address, word);
    if (status != OSCC_OK) {
        core->fault_address = address;
    }
    return status;
}

oscc_status oscc_access_poll(oscc_core *core, uint32_t address, uint32_t mask, uint32_t wanted, uint32_t polls)
{
    uint32_t word = 0u;
    for (;;) {
        oscc_status status = oscc_access_read(core, address, &word);
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

oscc_status oscc_access_check(oscc_core *core, uint32_t causes)
{
    uint32_t word = 0u;
    oscc_status status = oscc_access_read(core, OSCC_ERROR_OFFSET, &word);
    if (status == OSCC_OK && (word & causes) != 0u) {
        core->causes = word;
        status = OSCC_E_CORE;
    }
    return status;
}

oscc_status oscc_access_command(oscc_core *core, uint32_t commands, uint32_t forget)
{
    oscc_status status = oscc_access_write(core, OSCC_ERROR_OFFSET, forget);
    if (status == OSCC_OK) {
        status = oscc_access_write(core, OSCC_CONTROL_OFFSET, commands);
    }
    if (status == OSCC_OK) {
        status = oscc_access_check(core, forget);
    }
    return status;
}

oscc_status oscc_access_write_words(oscc_core *core, uint32_t address, const uint32_t *words, uint32_t count)
{
    oscc_status status = OSCC_OK;
    if (core->bus.write_words != NULL) {
        status = core->bus.write_words(core->bus.context, address, words, count);
        if (status != OSCC_OK) {
            core->fault_address = address;
        }
        return status;
    }
    for (uint32_t index = 0u; status == OSCC_OK && index < count; index++) {
        status = oscc_access_write(core, address + 4u * index, words[index]);
    }
    return status;
}
