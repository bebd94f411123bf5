#include "hub/frames.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/uuid.h"

static size_t frames_len(const struct frames *frames) {
  size_t len = 0;
  for (size_t i = 0; i < frames->count; i++)
    len += frames->events[i]->frame_len;
  return len;
}

static void open_chunk(struct buf *out, size_t len, bool chunked) {
  buf_reserve(out, len + NUMBER_MAX);
  if (chunked)
    buf_printf(out, "%zx\r\n", len);
}

static struct payload *close_chunk(struct buf *out, bool chunked) {
  if (chunked)
    buf_literal(out, "\r\n");
  return payload_from_buf(out);
}

struct payload *frames_payload(struct frames *frames, bool chunked) {
  if (frames->made[chunked] != NULL)
    return frames->made[chunked];
  struct buf out = {0};
  open_chunk(&out, frames_len(frames), chunked);
  for (size_t i = 0; i < frames->count; i++)
    buf_append(&out, frames->events[i]->frame, frames->events[i]->frame_len);
  return frames->made[chunked] = close_chunk(&out, chunked);
}

void frames_clear(struct frames *frames) {
  payload_unref(frames->made[0]);
  payload_unref(frames->made[1]);
}

struct payload *payload_of_text(struct buf *text, bool chunked) {
  if (!chunked)
    return payload_from_buf(text);
  struct buf out = {0};
  open_chunk(&out, text->len, chunked);
  buf_append(&out, text->data, text->len);
  buf_clear(text);
  return close_chunk(&out, chunked);
}

void write_own_event(struct buf *out, const char *json, uint64_t dropped,
                     const char *connection_id) {
  buf_literal(out, "data: ");
  for (; *json != '\0'; json++) {
    switch (*json) {
    case STREAM_DROPPED:
      buf_put_int(out, (int64_t) dropped);
      break;
    case STREAM_CONNECTION_ID:
      buf_printf(out, "\"%.*s\"", UUID_LENGTH, connection_id);
      break;
    case STREAM_TIMESTAMP:
      buf_put_double(out, (double) clock_now_us() / 1e6);
      break;
    default:
      buf_putc(out, *json);
    }
  }
  buf_literal(out, "\n\n");
}
