/* Driver of an oscillator core: registers by SPI frames. oscc_spi.h says what each function promises. */
#include "oscc_spi.h"

#define COMMAND_WRITE 0x02u
#define COMMAND_READ 0x03u

/* The status byte, without the response of the core in its lowest two bits. */
#define STATUS_BYTE 0xA0u
#define RESPONSE_MASK 0x03u
#define RESPONSE_OKAY 0u
#define RESPONSE_SLVERR 2u
#define RESPONSE_DECERR 3u

#define HEADER_BYTES 3u   /* command, address */
#define ACCESS_BYTES 6u   /* turnaround, status and data, in the order of the direction */
#define READ_STATUS 1u    /* behind the turnaround */
#define READ_DATA 2u
#define WRITE_STATUS 5u   /* behind data and turnaround */

/* Frames */

/* What a status byte says; remembers it. */
static oscc_status judge(oscc_spi *spi, uint8_t answered)
{
    spi->answered = answered;
    if ((answered & ~RESPONSE_MASK & 0xFFu) != STATUS_BYTE) {
        return OSCC_E_BUS;
    }
    switch (answered & RESPONSE_MASK) {
    case RESPONSE_OKAY:
        return OSCC_OK;
    case RESPONSE_SLVERR:
        return OSCC_E_SLVERR;
    case RESPONSE_DECERR:
        return OSCC_E_DECERR;
    default:
        return OSCC_E_BUS;
    }
}

/* Begin a frame: command and byte address; the rest is zero. */
static void begin_frame(uint8_t *sent, uint8_t command, uint32_t address)
{
    for (size_t index = 0u; index < OSCC_SPI_FRAME_BYTES; index++) {
        sent[index] = 0u;
    }
    sent[0] = command;
    sent[1] = (uint8_t)(address >> 8);
    sent[2] = (uint8_t)address;
}

/* Whether an access can be asked for at all. */
static bool is_possible(const oscc_spi *spi, uint32_t address, const uint32_t *words, size_t count)
{
    return spi != NULL && spi->transfer != NULL && words != NULL && address <= 0xFFFFu
        && count <= (0x10000u - address + 3u) / 4u;
}

/* Registers of the next frame. */
static size_t burst_of(size_t left)
{
    return left < OSCC_SPI_BURST ? left : OSCC_SPI_BURST;
}

oscc_status oscc_spi_read(oscc_spi *spi, uint32_t address, uint32_t *words, size_t count)
{
    uint8_t sent[OSCC_SPI_FRAME_BYTES], received[OSCC_SPI_FRAME_BYTES];
    if (!is_possible(spi, address, words, count)) {
        return OSCC_E_ARGUMENT;
    }
    for (size_t done = 0u; done < count;) {
        size_t burst = burst_of(count - done);
        oscc_status status;
        begin_frame(sent, COMMAND_READ, address + 4u * (uint32_t)done);
        status = spi->transfer(spi->context, sent, received, HEADER_BYTES + ACCESS_BYTES * burst);
        for (size_t index = 0u; index < burst; index++) {
            const uint8_t *access = &received[HEADER_BYTES + ACCESS_BYTES * index];
            const uint8_t *data = &access[READ_DATA];
            if (status == OSCC_OK) {
                status = judge(spi, access[READ_STATUS]);
            }
            if (status != OSCC_OK) {
                return status;
            }
            words[done + index] = ((uint32_t)data[0] << 24) | ((uint32_t)data[1] << 16) | ((uint32_t)data[2] << 8)
                | (uint32_t)data[3];
        }
        done += burst;
    }
    return OSCC_OK;
}

oscc_status oscc_spi_write(oscc_spi *spi, uint32_t address, const uint32_t *words, size_t count)
{
    uint8_t sent[OSCC_SPI_FRAME_BYTES], received[OSCC_SPI_FRAME_BYTES];
    if (!is_possible(spi, address, words, count)) {
        return OSCC_E_ARGUMENT;
    }
    for (size_t done = 0u; done < count;) {
        size_t burst = burst_of(count - done);
        oscc_status status;
        begin_frame(sent, COMMAND_WRITE, address + 4u * (uint32_t)done);
        for (size_t index = 0u; index < burst; index++) {
            uint8_t *data = &sent[HEADER_BYTES + ACCESS_BYTES * index];
            uint32_t word = words[done + index];
            data[0] = (uint8_t)(word >> 24);
            data[1] = (uint8_t)(word >> 16);
            data[2] = (uint8_t)(word >> 8);
            data[3] = (uint8_t)word;
        }
        status = spi->transfer(spi->context, sent, received, HEADER_BYTES + ACCESS_BYTES * burst);
        for (size_t index = 0u; status == OSCC_OK && index < burst; index++) {
            status = judge(spi, received[HEADER_BYTES + ACCESS_BYTES * index + WRITE_STATUS]);
        }
        if (status != OSCC_OK) {
            return status;
        }
        done += burst;
    }
    return OSCC_OK;
}

/* The bus */

static oscc_status read_one(void *context, uint32_t address, uint32_t *word)
{
    return oscc_spi_read((oscc_spi *)context, address, word, 1u);
}

static oscc_status write_one(void *context, uint32_t address, uint32_t word)
{
    return oscc_spi_write((oscc_spi *)context, address, &word, 1u);
}

static oscc_status write_several(void *context, uint32_t address, const uint32_t *words, size_t count)
{
    return oscc_spi_write((oscc_spi *)context, address, words, count);
}

static oscc_status pass_send(void *context, const uint8_t *bytes, size_t length)
{
    const oscc_spi *spi = (const oscc_spi *)context;
    return spi->send(spi->context, bytes, length);
}

static oscc_status pass_receive(void *context, uint8_t *bytes, size_t capacity, size_t *length, bool *invalid)
{
    const oscc_spi *spi = (const oscc_spi *)context;
    return spi->receive(spi->context, bytes, capacity, length, invalid);
}

static void pass_pause(void *context)
{
    const oscc_spi *spi = (const oscc_spi *)context;
    spi->pause(spi->context);
}

oscc_status oscc_spi_bus(oscc_spi *spi, oscc_bus *bus)
{
    if (spi == NULL || bus == NULL || spi->transfer == NULL) {
        return OSCC_E_ARGUMENT;
    }
    spi->answered = 0u;
    bus->context = spi;
    bus->read32 = read_one;
    bus->write32 = write_one;
    bus->write_words = write_several;
    bus->send = spi->send == NULL ? NULL : pass_send;
    bus->receive = spi->receive == NULL ? NULL : pass_receive;
    bus->pause = spi->pause == NULL ? NULL : pass_pause;
    return OSCC_OK;
}

/* Words for people */

const char *oscc_spi_answer_text(const oscc_spi *spi)
{
    if (spi == NULL) {
        return "no SPI host";
    }
    switch (spi->answered) {
    case 0x00u:
        return "MISO stays low: the core has no power or clock, is in reset, or was reset within the frame";
    case 0xFFu:
        return "MISO stays high: nobody drives it; is cs_n, or MISO, connected?";
    case STATUS_BYTE | RESPONSE_OKAY:
        return "the core accepted the access";
    case STATUS_BYTE | RESPONSE_SLVERR:
        return "the core refused the access (SLVERR)";
    case STATUS_BYTE | RESPONSE_DECERR:
        return "the core has no register at the address (DECERR)";
    default:
        return "bits are shifted or damaged: is it mode 0, and sclk at most an eighth of the core's clock?";
    }
}
