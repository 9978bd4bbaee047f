/*
 * A bus over SPI for the driver of an oscillator core: registers by the core's SPI pins.
 *
 * The caller supplies one function that transfers a frame. Program and image streams are not reached by SPI: `send` and
 * `receive` stay the caller's, as in oscc_bus.
 *
 *     static oscc_spi spi = {.transfer = my_transfer, .send = my_send, .receive = my_receive};
 *     status = oscc_spi_bus(&spi, &bus);
 *     if (status == OSCC_OK) status = oscc_identify(&core, &bus, &expected);
 *
 * Mode 0 (sclk idles low, data are sampled on its rising edge), 8 bits, most significant bit first. sclk may be at most
 * an eighth of the core's clock; cs_n must be high for 2 clock cycles of the core between two frames.
 */
#ifndef OSCC_SPI_H
#define OSCC_SPI_H

#include "oscc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Registers that one frame of the driver reaches. */
#define OSCC_SPI_BURST 8u

/* Bytes of the longest frame that the driver makes: command and address, then 6 bytes for each register. */
#define OSCC_SPI_FRAME_BYTES (3u + 6u * OSCC_SPI_BURST)

/* An SPI host with a core behind it. It must stay where it is while a bus that is made of it is used. */
typedef struct oscc_spi {
    /* Handed to every function below. */
    void *context;
    /* One frame: pull cs_n low, send `length` bytes of `sent` while as many come into `received`, let cs_n go high.
     * The two are different buffers; `length` is at most OSCC_SPI_FRAME_BYTES. Returns OSCC_OK, or OSCC_E_BUS or
     * OSCC_E_TIMEOUT when the host's own hardware failed. */
    oscc_status (*transfer)(void *context, const uint8_t *sent, uint8_t *received, size_t length);
    /* As in oscc_bus; null where the caller feeds the streams itself, or polls without a break. */
    oscc_status (*send)(void *context, const uint8_t *bytes, size_t length);
    oscc_status (*receive)(void *context, uint8_t *bytes, size_t capacity, size_t *length, bool *invalid);
    void (*pause)(void *context);
    /* Written by the driver: the last byte that came in place of a status byte. 0xA0, 0xA2 and 0xA3 are answers of the
     * core; anything else made an access fail with OSCC_E_BUS. */
    uint8_t answered;
} oscc_spi;

/* Make the bus of the driver of an SPI host. Returns OSCC_E_ARGUMENT when a pointer or `transfer` is null. */
oscc_status oscc_spi_bus(oscc_spi *spi, oscc_bus *bus);

/* Read `count` registers at ascending addresses, at most OSCC_SPI_BURST of them in a frame. `address` is that of the
 * first, in bytes, below 0x10000. Ends with the first that was refused; those before it are in `words`.
 * Returns OSCC_E_SLVERR or OSCC_E_DECERR as the core answered, OSCC_E_BUS when a status byte is none. */
oscc_status oscc_spi_read(oscc_spi *spi, uint32_t address, uint32_t *words, size_t count);

/* Write `count` registers at ascending addresses, likewise. Ends with the frame in which one was refused: the core has
 * made the other accesses of that frame. */
oscc_status oscc_spi_write(oscc_spi *spi, uint32_t address, const uint32_t *words, size_t count);

/* What the byte in `answered` says about the wires, as a sentence, when an access failed with OSCC_E_BUS. */
const char *oscc_spi_answer_text(const oscc_spi *spi);

#ifdef __cplusplus
}
#endif

#endif
