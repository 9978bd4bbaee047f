/*
 * Driver of an oscillator core: freestanding C99, no allocation, no library.
 *
 * The driver reaches a core through a bus that the caller supplies, so that it serves a memory-mapped core, one
 * behind SPI (oscc_spi.h has that bus), and a simulated one. Functions that can fail return an oscc_status; OSCC_OK is 0. A function that waits
 * polls at most as often as its argument `polls` says (at least once), and calls the bus's `pause` between two polls.
 * An oscc_core must have gone through oscc_identify before anything else is called with it.
 *
 * One caller at a time per oscc_core: an interrupt handler that uses the same core must not interrupt a function of
 * this driver. oscc_scrub and oscc_self_test wait for bits of IRQ_STATUS, which a handler must not clear meanwhile.
 *
 * oscc_registers.h is generated from the register map; <core>_core.h, also generated, holds the numbers of one core.
 */
#ifndef OSCC_H
#define OSCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oscc_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a function has to say. oscc_status_text gives each as a sentence. */
typedef enum oscc_status {
    OSCC_OK = 0,
    OSCC_E_ARGUMENT,      /* a pointer is null, a number is out of range, or a callback is missing */
    OSCC_E_BUS,           /* the bus failed without an answer of the core */
    OSCC_E_SLVERR,        /* the core refused an access: read-only, unaligned, or the schedule while it runs */
    OSCC_E_DECERR,        /* the core has no register at an address */
    OSCC_E_ID,            /* register ID: this is not an oscillator core */
    OSCC_E_VERSION,       /* register VERSION: another register map than the one of oscc_registers.h */
    OSCC_E_SPEC_HASH,     /* register SPEC_HASH, or a program file: of another core */
    OSCC_E_PROGRAM_BEATS, /* register PROGRAM_BEATS, or the length of a program: of another core */
    OSCC_E_PROGRAM_FILE,  /* not a program file, or a damaged one */
    OSCC_E_TIMEOUT,       /* what was waited for did not come within the polls */
    OSCC_E_REFUSED,       /* the core did not take a command, and gave no reason */
    OSCC_E_CORE,          /* register ERROR is not 0; oscc_core.causes has it */
    OSCC_E_SELF_TEST,     /* the self-test found words that do not keep what is written */
    OSCC_E_FRAME_INVALID, /* an image was marked as not valid, or is shorter or longer than a frame */
    OSCC_E_CUT_SHORT      /* a program load ended the scrub or the self-test that was waited for */
} oscc_status;

/*
 * How the driver reaches a core. `context` is handed to every callback.
 *
 * A callback returns OSCC_OK, or OSCC_E_SLVERR or OSCC_E_DECERR for the answer of the core, or OSCC_E_BUS when there
 * was none (a broken SPI frame, a DMA error), or OSCC_E_TIMEOUT. The driver passes it on unchanged.
 */
typedef struct oscc_bus {
    void *context;
    /* Read the 32-bit register at a byte address, 0 to 0xFFC, into *word. */
    oscc_status (*read32)(void *context, uint32_t address, uint32_t *word);
    /* Write the 32-bit register at a byte address. */
    oscc_status (*write32)(void *context, uint32_t address, uint32_t word);
    /* Write `count` registers at ascending addresses, where that is cheaper than one by one, as over SPI; the status is
     * that of the first which was refused. Null to write them one by one. */
    oscc_status (*write_words)(void *context, uint32_t address, const uint32_t *words, size_t count);
    /* Send bytes to the program stream, byte 0 in bits 7:0 of the first beat, TLAST with the last beat. Returns when
     * all is accepted. Null when the caller feeds the stream itself; oscc_load is not available then. */
    oscc_status (*send)(void *context, const uint8_t *bytes, size_t length);
    /* Take the next image: all bytes up to TLAST, also those that TKEEP does not mark, at most `capacity` of them,
     * into `bytes`; into *length how many came; into *invalid TUSER of the last beat. Null when the caller takes
     * images itself; oscc_take_image is not available then. */
    oscc_status (*receive)(void *context, uint8_t *bytes, size_t capacity, size_t *length, bool *invalid);
    /* Called between two polls; null to poll without a break. */
    void (*pause)(void *context);
} oscc_bus;

/* Which core is expected. <core>_core.h has an initializer for it. */
typedef struct oscc_identity {
    uint32_t spec_hash;     /* first 32 bits of the SHA-256 of the core specification */
    uint32_t program_beats; /* beats of the program stream */
    uint32_t beat_bytes;    /* bytes of a beat of both streams: 4, 8 or 16 */
} oscc_identity;

/* A core. oscc_identify fills it; the caller only reads it. */
typedef struct oscc_core {
    oscc_bus bus;
    oscc_identity identity;
    uint32_t rows, cols;             /* cells */
    uint32_t frame_rows, frame_cols; /* readable cells: an image has one code for each */
    uint32_t causes;                 /* register ERROR, as it was when a function last returned OSCC_E_CORE */
    uint32_t fault_address;          /* byte address of the last register access that failed; of a burst, the first */
} oscc_core;

/* A program. The bytes stay the caller's and must stay as they are while the program is used. */
typedef struct oscc_program {
    uint32_t spec_hash;        /* of the core that it is for */
    const uint8_t *stream;     /* weights, in the order of the program stream */
    size_t stream_bytes;
    uint32_t stream_crc;       /* CRC-32 of the stream */
    const uint8_t *schedule;   /* instructions, 4 bytes each, lowest byte first */
    uint32_t schedule_length;  /* instructions: 1 to OSCC_SCHEDULE_COUNT */
} oscc_program;

/* Place of a weight word. */
typedef struct oscc_word_place {
    uint32_t address; /* in the bank: chunk x rows + row */
    uint32_t column;  /* bank */
} oscc_word_place;

/* Counters of a core; clock cycles and counts wrap at 2^32. */
typedef struct oscc_counters {
    uint32_t samples;       /* latched since start */
    uint32_t period;        /* clock cycles between the last two samples; 0 before the second */
    uint32_t stalled;       /* clock cycles in which the schedule had to wait, since start */
    uint32_t corrected;     /* weight words in which one bit was corrected, since the load */
    uint32_t uncorrectable; /* weight words with a double error, since the load */
    uint32_t scrubbed;      /* corrected words that were written back, since the load */
    oscc_word_place first_uncorrectable; /* means something when `uncorrectable` is not 0 */
} oscc_counters;

/* Result of a self-test. */
typedef struct oscc_self_test_result {
    uint32_t failures;           /* reads that differed from what was written; saturates */
    oscc_word_place first;       /* of the first of them; means something when `failures` is not 0 */
} oscc_self_test_result;

/* Words for people. Strings are constant; none is ever null. */

/* A status as a sentence. */
const char *oscc_status_text(oscc_status status);
/* Name of the lowest bit that is set in `causes` (register ERROR), such as "program_crc"; "" for 0 or an unknown bit.
 * All of them: for (; causes; causes &= causes - 1u) print(oscc_error_name(causes)). */
const char *oscc_error_name(uint32_t causes);
/* What the lowest bit that is set in `causes` (register ERROR) means. */
const char *oscc_error_text(uint32_t causes);
/* Name of the lowest bit that is set in `causes` (register IRQ_STATUS). */
const char *oscc_irq_name(uint32_t causes);

/* Identification. */

/*
 * Take a core into use: check that the one behind the bus is the one that is expected, and read its shape. Changes
 * nothing in it. Returns OSCC_E_ID, OSCC_E_VERSION, OSCC_E_SPEC_HASH or OSCC_E_PROGRAM_BEATS when it is another one.
 */
oscc_status oscc_identify(oscc_core *core, const oscc_bus *bus, const oscc_identity *expected);

/* Programs. */

/*
 * Find weights and schedule in the bytes of program.bin, without copying them.
 * Returns OSCC_E_PROGRAM_FILE when they are no program file, cut off, or damaged. The weights themselves are not
 * read: the core checks their CRC-32 when they are loaded.
 */
oscc_status oscc_program_open(oscc_program *program, const uint8_t *file, size_t length);

/*
 * Load a program: forget the old one, send the weights by the bus's `send`, wait until the core has checked their
 * CRC-32, write the schedule. Takes at least program_beats clock cycles.
 * Returns OSCC_E_SPEC_HASH or OSCC_E_PROGRAM_BEATS for a program for another core, before anything is touched;
 * OSCC_E_CORE with cause program_crc or program_length for a stream that was damaged on the way, or busy while a
 * schedule runs; OSCC_E_TIMEOUT when the core waits for more beats.
 */
oscc_status oscc_load(oscc_core *core, const oscc_program *program, uint32_t polls);

/* The first part of oscc_load, for callers that feed the stream themselves: clear ERROR, write the CRC-32 that is
 * expected, and open the stream. Returns OSCC_E_CORE with cause busy while a schedule runs. */
oscc_status oscc_load_begin(oscc_core *core, uint32_t stream_crc);

/* The second part: wait until the whole stream has been accepted and checked. */
oscc_status oscc_load_finish(oscc_core *core, uint32_t polls);

/* The third part: write the schedule, `length` instructions of 4 bytes each, lowest byte first. Returns OSCC_E_SLVERR
 * while a schedule runs. The core checks the instructions at start. */
oscc_status oscc_load_schedule(oscc_core *core, const uint8_t *schedule, uint32_t length);

/* Running. */

/*
 * Clear ERROR and start the schedule. `seed` and `first_sample` are key and number of the noise in simulation;
 * hardware draws its own. Returns OSCC_E_CORE with cause unprogrammed or busy. The schedule is checked after that: an
 * illegal instruction shows in oscc_check_errors, oscc_wait_stopped and as a missing image.
 */
oscc_status oscc_start(oscc_core *core, uint32_t seed, uint32_t first_sample);

/* End after the present sample; given twice, at once. Before the first sample has begun, it lets that one come.
 * Harmless when nothing runs. */
oscc_status oscc_abort(oscc_core *core);

/* Wait until no schedule runs. Returns OSCC_E_CORE when it ended, or never began, because of an error. */
oscc_status oscc_wait_stopped(oscc_core *core, uint32_t polls);

/* Whether a schedule is being checked or executed, into *running. */
oscc_status oscc_is_running(oscc_core *core, bool *running);

/* The counters as they stand. */
oscc_status oscc_read_counters(oscc_core *core, oscc_counters *counters);

/* Errors and interrupts. */

/* Register ERROR: one bit per cause, sticky. */
oscc_status oscc_read_errors(oscc_core *core, uint32_t *causes);
/* Returns OSCC_E_CORE, with the bits in core->causes, when register ERROR is not 0. */
oscc_status oscc_check_errors(oscc_core *core);
/* Clear bits of ERROR. A cause that still holds sets its bit again. */
oscc_status oscc_clear_errors(oscc_core *core, uint32_t causes);
/* Address in the schedule of the instruction that ERROR cause illegal_instruction is about. */
oscc_status oscc_illegal_instruction(oscc_core *core, uint32_t *address);

/* Let these causes, and no others, raise irq: OSCC_IRQ_STATUS_*_MASK; 0 for none. */
oscc_status oscc_enable_irq(oscc_core *core, uint32_t causes);
/* Register IRQ_STATUS: one bit per cause, sticky, whether it is enabled or not. */
oscc_status oscc_read_irq(oscc_core *core, uint32_t *causes);
/* Clear bits of IRQ_STATUS. */
oscc_status oscc_clear_irq(oscc_core *core, uint32_t causes);

/* Care. */

/* How long the core waits for the array before it gives up with ERROR cause watchdog: clock cycles, up to 2^24 - 1;
 * 0 waits for ever. */
oscc_status oscc_set_watchdog(oscc_core *core, uint32_t cycles);

/*
 * Read every weight word once, write corrected ones back, and wait for the end; also while a schedule runs.
 * Returns OSCC_E_CORE with cause busy or unprogrammed when the core cannot now, or uncorrectable when a word has a
 * double error; OSCC_E_CUT_SHORT when another master began a load meanwhile. The counters tell how many words were
 * corrected.
 */
oscc_status oscc_scrub(oscc_core *core, uint32_t polls);

/*
 * Test every weight bank (March C-) and wait for the end. The program is lost. Takes at least 10 clock cycles per
 * address. Returns OSCC_E_SELF_TEST when a word failed, with the place in *result, OSCC_E_CORE with cause busy, or
 * OSCC_E_CUT_SHORT, and leaves *result alone, when another master began a load meanwhile.
 */
oscc_status oscc_self_test(oscc_core *core, uint32_t polls, oscc_self_test_result *result);

/* Images. */

/* Bytes of a frame as it comes from the image stream: rows padded to whole beats. */
size_t oscc_frame_bytes(const oscc_core *core);
/* Codes of an image: one byte for each readable cell. */
size_t oscc_image_codes(const oscc_core *core);

/*
 * Take the padding out of a frame. `invalid` is TUSER of its last beat. `codes` gets oscc_image_codes(core) bytes,
 * row by row: floor(phase / 2 pi x phase steps); it may be `frame` itself.
 * Returns OSCC_E_FRAME_INVALID, and writes nothing, for a frame that is marked or has not oscc_frame_bytes(core)
 * bytes.
 */
oscc_status oscc_unpack_frame(const oscc_core *core, const uint8_t *frame, size_t length, bool invalid, uint8_t *codes);

/*
 * Take the next image by the bus's `receive`. `buffer`, of `capacity` bytes, at least oscc_frame_bytes(core), then
 * begins with the codes. Returns OSCC_E_CORE, with core->causes, when the image is not valid or did not come because
 * of an error; OSCC_E_FRAME_INVALID when it is not valid and ERROR names no cause; or what `receive` returned.
 */
oscc_status oscc_take_image(oscc_core *core, uint8_t *buffer, size_t capacity);

/* Whether beats of an image wait in the core, into *waiting. */
oscc_status oscc_has_image(oscc_core *core, bool *waiting);

/*
 * Take and throw away what a schedule that ended with an error left in the output, by the bus's `receive`: before the
 * next start, lest it be taken for the first image. Nothing may run. Returns OSCC_E_TIMEOUT when more than `images`
 * come.
 */
oscc_status oscc_discard_images(oscc_core *core, uint8_t *buffer, size_t capacity, uint32_t images);

/* CRC-32 (zlib) of bytes. `before` is that of the bytes before them, 0 at the beginning. */
uint32_t oscc_crc32(const uint8_t *bytes, size_t length, uint32_t before);

#ifdef __cplusplus
}
#endif

#endif
