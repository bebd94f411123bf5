#include <sched.h>
#include <stdlib.h>
#include <strings.h>

#include "http/exchange.h"

enum {
  GZIP_WINDOW = 15 + 16,
  GZIP_MEMORY = 8,
  GZIP_LEVEL = 4,
  PIECE_BYTES = 64 << 10, /* a longer body is for another thread */
};

/* A long body that another thread compresses, so that the loop's other clients do not wait. */
struct squeeze {
  uv_work_t req;
  struct exchange *exchange; /* NULL when the client is gone */
  struct response response;
  struct buf compressed;
};

/* The weight of coding in an Accept-Encoding header (RFC 9110, 12.5.3), in thousandths; -1 when it is not
 * named. */
static int weight(struct slice header, const char *coding) {
  const char *p = header.data, *end = p + header.len;
  for (const char *item_end; p < end; p = item_end + 1) {
    item_end = memchr(p, ',', (size_t) (end - p));
    if (item_end == NULL)
      item_end = end;
    while (p < item_end && (*p == ' ' || *p == '\t'))
      p++;
    size_t n = strlen(coding);
    if ((size_t) (item_end - p) < n || strncasecmp(p, coding, n) != 0)
      continue;
    const char *q = p + n;
    if (q < item_end && strchr(" \t;", *q) == NULL)
      continue;
    q = memmem(q, (size_t) (item_end - q), "q=", 2);
    if (q == NULL)
      return 1000;
    char number[8] = {0};
    memcpy(number, q + 2, (size_t) (item_end - q - 2) < 6 ? (size_t) (item_end - q - 2) : 6);
    return (int) (strtod(number, NULL) * 1000);
  }
  return -1;
}

bool gzip_accepted(const struct request *r) {
  struct slice header = request_header(r, "accept-encoding");
  if (header.len == 0)
    return false;
  int gzip = weight(header, "gzip");
  return (gzip >= 0 ? gzip : weight(header, "*")) > 0;
}

bool gzip_worthwhile(const struct response *response) {
  return response->compressible && response->body.len >= GZIP_LEAST_BYTES && response->status != 206;
}

static z_stream *deflater_new(void) {
  z_stream *z = xcalloc(1, sizeof *z);
  if (deflateInit2(z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
    abort();
  return z;
}

/* Yields between pieces: a loop on the same core would wait for the end of this thread's slice, some 3 ms. */
static struct buf compress_with(z_stream *z, const struct buf *body) {
  struct buf out = {0};
  size_t bound = deflateBound(z, body->len), left = body->len;
  z->next_in = (Bytef *) body->data;
  z->next_out = (Bytef *) buf_reserve(&out, bound);
  z->avail_out = (uInt) bound;
  for (; left > PIECE_BYTES; left -= PIECE_BYTES) {
    z->avail_in = PIECE_BYTES;
    deflate(z, Z_NO_FLUSH);
    sched_yield();
  }
  z->avail_in = (uInt) left;
  deflate(z, Z_FINISH);
  out.len = bound - z->avail_out;
  return out;
}

static void respond_compressed(struct exchange *e, struct response *response, struct buf compressed) {
  buf_clear(&response->body);
  response->body = compressed;
  buf_literal(&response->headers, "Content-Encoding: gzip\r\n");
  respond_now(e, response);
}

static void on_work(uv_work_t *req) {
  struct squeeze *s = container_of(req, struct squeeze, req);
  z_stream *z = deflater_new();
  s->compressed = compress_with(z, &s->response.body);
  deflateEnd(z);
  free(z);
}

static void on_worked(uv_work_t *req, int status) {
  (void) status;
  struct squeeze *s = container_of(req, struct squeeze, req);
  struct exchange *e = s->exchange;
  if (e != NULL) {
    e->out.squeeze = NULL;
    respond_compressed(e, &s->response, s->compressed);
  } else {
    buf_clear(&s->response.headers);
    buf_clear(&s->response.body);
    buf_clear(&s->compressed);
  }
  free(s);
}

void squeeze_abandon(struct squeeze *s) {
  s->exchange = NULL;
}

static void squeeze(struct exchange *e, struct response *response) {
  struct squeeze *s = xcalloc(1, sizeof *s);
  s->exchange = e;
  s->response = *response;
  e->state = EXCHANGE_ANSWERED;
  e->out.squeeze = s;
  uv_queue_work(&e->request.loop->uv, &s->req, on_work, on_worked);
}

void gzip_respond(struct exchange *e, struct response *response) {
  struct connections *all = connections_of(e->request.conn);
  if (response->body.len > PIECE_BYTES) {
    squeeze(e, response);
    return;
  }
  if (all->deflater == NULL)
    all->deflater = deflater_new();
  else
    deflateReset(all->deflater);
  respond_compressed(e, response, compress_with(all->deflater, &response->body));
}

void gzip_clear(struct connections *all) {
  if (all->deflater == NULL)
    return;
  deflateEnd(all->deflater);
  free(all->deflater);
}
