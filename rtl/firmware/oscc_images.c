/* Driver of an oscillator core: frames, with and without the bus. oscc.h says what each function promises. */
#include "oscc.h"

/* Frames */

/* Bytes of a row: its codes, padded to whole beats. */
static size_t row_bytes(const oscc_core *core)
{
    size_t beat = core->identity.beat_bytes;
    return (core->frame_cols + beat - 1u) / beat * beat;
}

size_t oscc_frame_bytes(const oscc_core *core)
{
    return core->frame_rows * row_bytes(core);
}

size_t oscc_image_codes(const oscc_core *core)
{
    return (size_t)core->frame_rows * core->frame_cols;
}

oscc_status oscc_unpack_frame(const oscc_core *core, const uint8_t *frame, size_t length, bool invalid, uint8_t *codes)
{
    size_t stride;
    if (core == NULL || frame == NULL || codes == NULL) {
        return OSCC_E_ARGUMENT;
    }
    if (invalid || length != oscc_frame_bytes(core)) {
        return OSCC_E_FRAME_INVALID;
    }
    stride = row_bytes(core);
    /* Upwards: where `codes` is `frame`, what is written was read before. */
    for (size_t row = 0u; row < core->frame_rows; row++) {
        for (size_t col = 0u; col < core->frame_cols; col++) {
            codes[row * core->frame_cols + col] = frame[row * stride + col];
        }
    }
    return OSCC_OK;
}

/* Images over the bus */

oscc_status oscc_take_image(oscc_core *core, uint8_t *buffer, size_t capacity)
{
    size_t length = 0u;
    bool invalid = false;
    oscc_status status, checked;
    if (buffer == NULL || core->bus.receive == NULL || capacity < oscc_frame_bytes(core)) {
        return OSCC_E_ARGUMENT;
    }
    status = core->bus.receive(core->bus.context, buffer, capacity, &length, &invalid);
    if (status == OSCC_OK) {
        status = oscc_unpack_frame(core, buffer, length, invalid, buffer);
    }
    if (status == OSCC_OK) {
        return OSCC_OK;
    }
    checked = oscc_check_errors(core);
    return checked == OSCC_E_CORE ? checked : status;
}

oscc_status oscc_discard_images(oscc_core *core, uint8_t *buffer, size_t capacity, uint32_t images)
{
    size_t length = 0u;
    bool invalid = false, waiting = false;
    if (buffer == NULL || core->bus.receive == NULL || capacity < oscc_frame_bytes(core)) {
        return OSCC_E_ARGUMENT;
    }
    for (;;) {
        oscc_status status = oscc_has_image(core, &waiting);
        if (status != OSCC_OK || !waiting) {
            return status;
        }
        if (images == 0u) {
            return OSCC_E_TIMEOUT;
        }
        images--;
        status = core->bus.receive(core->bus.context, buffer, capacity, &length, &invalid);
        if (status != OSCC_OK) {
            return status;
        }
    }
}
