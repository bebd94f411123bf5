#include <stdlib.h>

#include "http/exchange.h"
#include "http/router.h"

/* INFLATE_PIECES: what is made of a body before others have their turn, some 100 us. */
enum { INFLATE_BYTES = 64 << 10, INFLATE_PIECES = 4, RESERVE_BYTES = 2 << 20, GZIP_WINDOW = 15 + 16,
       SCANNER_BYTES = 64 }; /* what a scanner puts behind a body: no reason to double it */

static const struct verdict
    too_large = {413, "the body is too large", NULL},
    no_memory = {503, "there is no memory for the body, try again", "Retry-After: 1\r\n"},
    too_many = {503, "too many bodies are on their way, try again", "Retry-After: 1\r\n"};

/* Of all loops: a bound on memory, so about right is enough. */
static size_t bytes_in_flight(const struct server *server) {
  size_t sum = 0;
  for (unsigned i = 0; i < server->options.nloops; i++)
    sum += atomic_load_explicit(&server->connections[i]->in_flight, memory_order_relaxed);
  return sum;
}

static bool has_room(const struct exchange *e, uint64_t n) {
  const struct server *server = e->request.conn->all->server;
  return n + bytes_in_flight(server) <= e->request.site->options->limits.in_flight_bytes;
}

static void start_inflater(struct exchange *e) {
  e->in.inflater = xcalloc(1, sizeof *e->in.inflater);
  if (inflateInit2(e->in.inflater, GZIP_WINDOW) != Z_OK)
    abort();
}

static size_t first_bytes(uint64_t announced) {
  return (size_t) (announced < RESERVE_BYTES ? announced : RESERVE_BYTES) + SCANNER_BYTES;
}

struct verdict body_begin(struct exchange *e) {
  struct request *r = &e->request;
  if (r->route->raw) {
    e->in.streamed = true;
    e->in.body_limit = SIZE_MAX;
    return (struct verdict){0};
  }
  bool chunked = e->parser.flags & F_CHUNKED;
  uint64_t announced = chunked ? 0 : e->parser.content_length;
  struct slice coding = request_header(r, "content-encoding");
  bool gzip = slice_is_nocase(coding, "gzip") || slice_is_nocase(coding, "x-gzip");
  e->in.body_limit = r->route->max_body != 0 ? r->route->max_body
                                             : r->site->options->limits.body_bytes;

  if (coding.len > 0 && !gzip && !slice_is_nocase(coding, "identity"))
    return (struct verdict){415, "the only Content-Encoding that is taken is gzip",
                            "Accept-Encoding: gzip\r\n"};
  if (announced > e->in.body_limit)
    return too_large;
  if (!has_room(e, announced))
    return too_many;
  if (gzip)
    start_inflater(e);
  else if (announced > 0 && buf_try_reserve(&r->body, first_bytes(announced)) == NULL)
    return no_memory;
  return (struct verdict){0};
}

int body_announce(struct exchange *e, uint64_t chunk, const char **why) {
  size_t have = e->in.inflater == NULL ? e->request.body.len : 0;
  if (e->in.refused || chunk <= e->in.body_limit - have)
    return 0;
  *why = too_large.message;
  return too_large.status;
}

static int refuse_body(const struct verdict *verdict, const char **why) {
  *why = verdict->message;
  return verdict->status;
}

/* Before len more bytes are kept. */
static int admit_bytes(struct exchange *e, size_t len, const char **why) {
  if (e->request.body.len + len > e->in.body_limit)
    return refuse_body(&too_large, why);
  if (!has_room(e, len))
    return refuse_body(&too_many, why);
  e->in.in_flight += len;
  atomic_fetch_add_explicit(&e->request.conn->all->in_flight, len, memory_order_relaxed);
  return 0;
}

/* One call of inflate: its status, or that to refuse the body with. */
static int inflate_piece(struct exchange *e, const char **why) {
  z_stream *z = e->in.inflater;
  struct buf *body = &e->request.body;
  if (e->in.inflated) /* another member: gzip files may be joined (RFC 1952, 2.2) */
    inflateReset(z);
  z->next_out = (Bytef *) buf_try_reserve(body, INFLATE_BYTES);
  if (z->next_out == NULL)
    return refuse_body(&no_memory, why);
  z->avail_out = INFLATE_BYTES;
  int rc = inflate(z, Z_NO_FLUSH);
  if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
    *why = "the body is not what gzip makes";
    return 400;
  }
  e->in.inflated = rc == Z_STREAM_END;
  size_t made = INFLATE_BYTES - z->avail_out;
  int status = admit_bytes(e, made, why);
  if (status == 0)
    body->len += made;
  return status;
}

int body_inflate(struct exchange *e, const char **why) {
  z_stream *z = e->in.inflater;
  if (z == NULL || !e->in.inflating)
    return 0;
  for (size_t i = 0; i < INFLATE_PIECES; i++) {
    int status = inflate_piece(e, why);
    if (status != 0)
      return status;
    if (z->avail_in == 0 && (z->avail_out > 0 || e->in.inflated)) {
      e->in.inflating = false;
      e->in.packed.len = 0;
      return 0;
    }
  }
  return 0;
}

/* What comes while nothing waits is inflated by the next body_inflate. */
static int keep_packed(struct exchange *e, const char *data, size_t len, const char **why) {
  struct buf *packed = &e->in.packed;
  size_t done = e->in.inflating ? (size_t) (e->in.inflater->next_in - (Bytef *) packed->data) : 0;
  char *end = buf_try_reserve(packed, len);
  if (end == NULL)
    return refuse_body(&no_memory, why);
  memcpy(end, data, len);
  packed->len += len;
  e->in.inflating = true;
  e->in.inflater->next_in = (Bytef *) packed->data + done;
  e->in.inflater->avail_in = (uInt) (packed->len - done);
  return 0;
}

char *body_room(const struct exchange *e, size_t *len) {
  const struct buf *body = &e->request.body;
  bool plain = e->state == EXCHANGE_BODY && e->in.inflater == NULL && !e->in.streamed &&
               !e->in.refused && !(e->parser.flags & F_CHUNKED);
  uint64_t left = e->parser.content_length;
  if (!plain || left < READ_BYTES || body->cap == body->len)
    return NULL;
  *len = body->cap - body->len;
  if (*len > left)
    *len = (size_t) left;
  if (*len > SLICE_BYTES)
    *len = SLICE_BYTES;
  return body->data + body->len;
}

int body_append(struct exchange *e, const char *data, size_t len, const char **why) {
  if (e->in.refused)
    return 0;
  if (e->in.inflater != NULL)
    return keep_packed(e, data, len, why);
  char *end = buf_try_reserve(&e->request.body, len);
  if (end == NULL)
    return refuse_body(&no_memory, why);
  int status = e->in.streamed ? 0 : admit_bytes(e, len, why);
  if (status != 0)
    return status;
  if (data != end)
    memcpy(end, data, len);
  e->request.body.len += len;
  return 0;
}

int body_end(struct exchange *e, const char **why) {
  if (e->in.inflater == NULL || e->in.inflated)
    return 0;
  *why = "the gzip body ends early";
  return 400;
}

void body_clear(struct exchange *e) {
  buf_clear(&e->request.body);
  buf_clear(&e->in.packed);
  if (e->in.inflater != NULL) {
    inflateEnd(e->in.inflater);
    free(e->in.inflater);
    e->in.inflater = NULL;
  }
  atomic_fetch_sub_explicit(&e->request.conn->all->in_flight, e->in.in_flight,
                            memory_order_relaxed);
  e->in.in_flight = 0;
}
