#include "net/inflate.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#include "base/mem.h"

enum { GZIP_WINDOW = MAX_WBITS + 16, STEP_BYTES = 16 << 10 };

struct inflater {
  z_stream z;
  bool gzip, begun, ended; /* ended: a whole member has been read */
};

struct inflater *inflater_new(const char *coding) {
  bool gzip = strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0;
  if (!gzip && strcasecmp(coding, "deflate") != 0)
    return NULL;
  struct inflater *i = xcalloc(1, sizeof *i);
  i->gzip = gzip;
  if (inflateInit2(&i->z, gzip ? GZIP_WINDOW : MAX_WBITS) != Z_OK)
    abort();
  return i;
}

void inflater_free(struct inflater *i) {
  if (i == NULL)
    return;
  inflateEnd(&i->z);
  free(i);
}

/* "deflate" is zlib's form, but some send the bare one: the first byte tells, whose low bits are 8
 * in zlib's. */
static void look_at_first(struct inflater *i, const char *data) {
  if (!i->begun && !i->gzip && (data[0] & 0x0f) != 8)
    inflateReset2(&i->z, -MAX_WBITS);
  i->begun = true;
}

bool inflater_take(struct inflater *i, const char *data, size_t len, size_t *used, struct buf *out,
                   size_t most) {
  size_t limit = out->len + most;
  int rc = Z_OK;
  *used = 0;
  if (len == 0)
    return true;
  look_at_first(i, data);
  i->z.next_in = (Bytef *) data;
  i->z.avail_in = (uInt) len;
  do {
    if (i->ended && i->gzip && i->z.avail_in > 0)
      inflateReset(&i->z);
    i->z.next_out = (Bytef *) buf_reserve(out, STEP_BYTES);
    i->z.avail_out = STEP_BYTES;
    rc = inflate(&i->z, Z_NO_FLUSH);
    out->len += STEP_BYTES - i->z.avail_out;
    i->ended = rc == Z_STREAM_END;
    *used = len - i->z.avail_in;
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
      return false;
    if (i->ended && !i->gzip)
      return i->z.avail_in == 0;
  } while (out->len < limit && (i->z.avail_in > 0 || i->z.avail_out == 0));
  return true;
}

bool inflater_is_done(const struct inflater *i) {
  return i->ended || !i->begun;
}
