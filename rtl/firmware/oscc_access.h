/*
 * Within the driver of an oscillator core: single accesses and commands, which its other files are made of. Firmware
 * includes oscc.h and not this file.
 */
#ifndef OSCC_ACCESS_H
#define OSCC_ACCESS_H

#include "oscc.h"

/* A field of a word that was read. */
#define FIELD(word, field) (((word) & field##_MASK) >> field##_SHIFT)

/* All causes of register ERROR. */
#define OR_MASK(mask, name, text) | (mask)
#define ALL_ERRORS (0u OSCC_ERROR_CAUSES(OR_MASK))

/* Read or write a register; core->fault_address tells which one, when the bus fails or the core refuses. */
oscc_status oscc_access_read(oscc_core *core, uint32_t address, uint32_t *word);
oscc_status oscc_access_write(oscc_core *core, uint32_t address, uint32_t word);

/* Write registers at ascending addresses, in one burst where the bus has them. */
oscc_status oscc_access_write_words(oscc_core *core, uint32_t address, const uint32_t *words, uint32_t count);

/* Poll a register until the bits of a mask are as they should be. */
oscc_status oscc_access_poll(oscc_core *core, uint32_t address, uint32_t mask, uint32_t wanted, uint32_t polls);

/* Returns OSCC_E_CORE when one of these causes is set in ERROR. */
oscc_status oscc_access_check(oscc_core *core, uint32_t causes);

/* Give a command and see whether the core takes it. Errors of an earlier attempt would be taken for new ones, so that
 * `forget` are cleared before. */
oscc_status oscc_access_command(oscc_core *core, uint32_t commands, uint32_t forget);

#endif
