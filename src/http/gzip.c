#include <sched.h>
#include <stdlib.h>
#include <strings.h>

#include "http/exchange.h"

enum {
  GZIP_WINDOW = 15 + 16,
  GZIP_MEMORY = 8,
  GZIP_LEVEL = 4,
  PIECE_BYTES = 64 << 10, /* what is longer is for another thread */
};

static const char no_memory[] = "there is no memory to compress its response";

/* The weight of coding in an Accept-Encoding header (RFC 9110, 12.5.3), in thousandths;
 * -1 when it is not named. */
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
  return response->compressible && response->body.len >= GZIP_LEAST_BYTES &&
         response->status != 206;
}

static z_stream *deflater_new(void) {
  z_stream *z = xcalloc(1, sizeof *z);
  if (deflateInit2(z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
    abort();
  return z;
}

static void compress_piece(z_stream *z, struct buf *out, const char *data, size_t len, int flush) {
  z->next_in = (Bytef *) data;
  z->avail_in = (uInt) len;
  do {
    size_t room = deflateBound(z, z->avail_in);
    z->next_out = (Bytef *) buf_reserve(out, room);
    z->avail_out = (uInt) room;
    deflate(z, flush);
    out->len += room - z->avail_out;
  } while (z->avail_out == 0);
}

/* Yields between pieces: a loop on the same core would wait for the end of this thread's
 * slice, some 3 ms. */
static void compress_all(z_stream *z, struct buf *out, const char *data, size_t len, int flush) {
  for (; len > PIECE_BYTES; data += PIECE_BYTES, len -= PIECE_BYTES) {
    compress_piece(z, out, data, PIECE_BYTES, Z_NO_FLUSH);
    sched_yield();
  }
  compress_piece(z, out, data, len, flush);
}

static void respond_compressed(struct exchange *e, struct response *response,
                               struct buf compressed) {
  buf_clear(&response->body);
  response->body = compressed;
  buf_literal(&response->headers, "Content-Encoding: gzip\r\n");
  respond_now(e, response);
}

/* Short pieces are compressed at once, long ones by another thread, so that the loop's
 * other clients do not wait, one at a time.  Pieces of a stream are flushed, so that the
 * client has each whole. */
struct packer {
  uv_work_t req;
  struct exchange *exchange; /* NULL when the client is gone */
  struct connections *connections;
  z_stream *z;
  struct buf piece;          /* long, in the other thread's hands */
  struct buf packed;
  bool no_room;              /* for packed: piece is as it was */
  struct response response;  /* where the piece is its body, with status; else status is 0 */
};

static struct packer *packer_new(struct exchange *e) {
  struct packer *p = xcalloc(1, sizeof *p);
  p->exchange = e;
  p->connections = e->request.conn->all;
  e->out.packer = p;
  return p;
}

static void packer_free(struct packer *p) {
  if (p->z != NULL) {
    deflateEnd(p->z);
    free(p->z);
  }
  buf_clear(&p->piece);
  buf_clear(&p->packed);
  buf_clear(&p->response.headers);
  free(p);
}

static bool is_whole(const struct packer *p) {
  return p->response.status != 0;
}

static bool send_packed(struct packer *p) {
  bool room = stream_put(p->exchange, p->packed.data, p->packed.len);
  p->packed.len = 0;
  return room;
}

static void on_pack(uv_work_t *req) {
  struct packer *p = container_of(req, struct packer, req);
  if (p->z == NULL)
    p->z = deflater_new();
  p->no_room = buf_try_reserve(&p->packed, deflateBound(p->z, p->piece.len)) == NULL;
  if (p->no_room)
    return;
  compress_all(p->z, &p->packed, p->piece.data, p->piece.len,
               is_whole(p) ? Z_FINISH : Z_SYNC_FLUSH);
}

static void finish_whole(struct packer *p) {
  struct exchange *e = p->exchange;
  struct response response = p->response;
  struct buf packed = buf_take(&p->packed), piece = buf_take(&p->piece);
  bool no_room = p->no_room;
  p->response.headers = (struct buf){0};
  e->out.packer = NULL;
  packer_free(p);
  response.body = piece;
  if (no_room)
    respond_now(e, &response);
  else
    respond_compressed(e, &response, packed);
}

static void on_packed(uv_work_t *req, int status) {
  (void) status;
  struct packer *p = container_of(req, struct packer, req);
  struct exchange *e = p->exchange;
  outgoing_give(p->connections, p->piece.cap);
  if (e != NULL && is_whole(p)) {
    finish_whole(p);
    return;
  }
  buf_clear(&p->piece);
  if (e == NULL)
    packer_free(p);
  else if (p->no_room)
    conn_close(e->request.conn, no_memory);
  else if (send_packed(p))
    exchange_drained(e);
}

static void pack_elsewhere(struct packer *p) {
  uv_queue_work(&p->exchange->request.loop->uv, &p->req, on_pack, on_packed);
}

void gzip_abandon(struct packer *p) {
  p->exchange->out.packer = NULL;
  p->exchange = NULL;
  if (p->piece.len == 0)
    packer_free(p);
}

static struct buf compress_now(struct connections *all, const struct buf *body) {
  struct buf out = {0};
  if (all->deflater == NULL)
    all->deflater = deflater_new();
  else
    deflateReset(all->deflater);
  compress_piece(all->deflater, &out, body->data, body->len, Z_FINISH);
  return out;
}

void gzip_respond(struct exchange *e, struct response *response) {
  struct connections *all = e->request.conn->all;
  if (response->body.len <= PIECE_BYTES) {
    respond_compressed(e, response, compress_now(all, &response->body));
    return;
  }
  if (!outgoing_take(all, response->body.cap)) { /* the socket may take it as it is */
    respond_now(e, response);
    return;
  }
  struct packer *p = packer_new(e);
  p->piece = buf_take(&response->body);
  p->response = *response;
  e->state = EXCHANGE_RESPONDED;
  pack_elsewhere(p);
}

void gzip_stream_start(struct exchange *e, struct response *response) {
  buf_literal(&response->headers, "Vary: Accept-Encoding\r\n");
  if (!gzip_accepted(&e->request))
    return;
  buf_literal(&response->headers, "Content-Encoding: gzip\r\n");
  packer_new(e)->z = deflater_new();
}

bool gzip_stream_write(struct packer *p, const char *data, size_t len) {
  if (len > PIECE_BYTES) {
    struct conn *conn = p->exchange->request.conn;
    if (!outgoing_take(p->connections, len)) {
      outgoing_refuse(conn);
    } else if (buf_try_reserve(&p->piece, len) == NULL) {
      outgoing_give(p->connections, len);
      conn_close(conn, no_memory);
    } else {
      buf_append(&p->piece, data, len);
      pack_elsewhere(p);
    }
    return false;
  }
  compress_piece(p->z, &p->packed, data, len, Z_SYNC_FLUSH);
  return send_packed(p);
}

bool gzip_stream_is_busy(const struct packer *p) {
  return p->piece.len > 0;
}

void gzip_stream_end(struct packer *p) {
  compress_piece(p->z, &p->packed, NULL, 0, Z_FINISH);
  send_packed(p);
  p->exchange->out.packer = NULL;
  packer_free(p);
}

void gzip_clear(struct connections *all) {
  if (all->deflater == NULL)
    return;
  deflateEnd(all->deflater);
  free(all->deflater);
}
