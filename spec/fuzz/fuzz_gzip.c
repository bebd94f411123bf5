#include <zlib.h>

#include "base/log.h"
#include "fuzz.h"
#include "http/exchange.h"
#include "http/router.h"

/* Bodies of requests.  Input: what is done, bytes of each piece, where it is cut off, then
 * the body: compressed here, so that it is gzip, or as it stands. */

enum { COMPRESS = 1, TWO_MEMBERS = 2, CUT_OFF = 4, LIMIT = 5000 };

static struct buf compress_bytes(const char *data, size_t len) {
  struct buf out = {0};
  z_stream z = {0};
  FUZZ_CHECK(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  size_t room = deflateBound(&z, len);
  z.next_in = (Bytef *) data;
  z.avail_in = (uInt) len;
  z.next_out = (Bytef *) buf_reserve(&out, room);
  z.avail_out = (uInt) room;
  FUZZ_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.len = room - z.avail_out;
  deflateEnd(&z);
  return out;
}

static struct buf body_of(struct fuzz_input in, unsigned what) {
  struct buf body = {0};
  if (!(what & COMPRESS)) {
    buf_append(&body, in.data, in.len);
    return body;
  }
  size_t first = what & TWO_MEMBERS ? in.len / 2 : in.len;
  body = compress_bytes(in.data, first);
  if (what & TWO_MEMBERS) {
    struct buf second = compress_bytes(in.data + first, in.len - first);
    buf_append(&body, second.data, second.len);
    buf_clear(&second);
  }
  return body;
}

static int read_body(struct exchange *e, const struct buf *body, size_t piece) {
  const char *why;
  int status = 0;
  for (size_t at = 0, n; at < body->len && status == 0; at += n) {
    n = body->len - at < piece ? body->len - at : piece;
    status = body_append(e, body->data + at, n, &why);
    while (status == 0 && e->in.inflating)
      status = body_inflate(e, &why);
  }
  return status != 0 ? status : body_end(e, &why);
}

static void check(const struct fuzz_input *in, unsigned what, const struct exchange *e,
                  int status) {
  FUZZ_CHECK(e->request.body.len <= LIMIT);
  if (!(what & COMPRESS) || what & CUT_OFF)
    return;
  FUZZ_CHECK(status == (in->len > LIMIT ? 413 : 0));
  if (status == 0)
    FUZZ_CHECK(e->request.body.len == in->len &&
               (in->len == 0 || memcmp(e->request.body.data, in->data, in->len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  unsigned what = fuzz_byte(&in);
  size_t piece = 1 + fuzz_byte(&in), cut = fuzz_byte(&in);
  static struct site_options options = {
      .limits = {.body_bytes = LIMIT, .in_flight_bytes = 1 << 20}};
  static struct header header = {{"content-encoding", 16}, {"gzip", 4}};
  struct route route = {0};
  struct server server = {.options = {.nloops = 1}};
  struct connections all = {.server = &server}, *each = &all;
  struct conn conn = {.all = &all};
  struct site site = {.options = &options};
  struct exchange e = {.request = {.conn = &conn, .site = &site, .route = &route,
                                   .headers = &header, .nheaders = 1}};
  server.connections = &each;
  struct buf body = body_of(in, what);
  if (what & CUT_OFF)
    body.len -= cut < body.len ? cut : body.len;
  FUZZ_CHECK(body_begin(&e).status == 0);
  int status = read_body(&e, &body, piece);
  check(&in, what, &e, status);
  body_clear(&e);
  FUZZ_CHECK(atomic_load(&all.in_flight) == 0);
  buf_clear(&body);
  return 0;
}
