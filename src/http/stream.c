#include <stdio.h>

#include "http/exchange.h"

/* Responses of unknown length, and responses that become an event stream. */

void http_stream_start(struct request *r, struct response *response,
                       void (*on_drain)(struct request *r)) {
  struct exchange *e = exchange_of(r);
  e->state = EXCHANGE_STREAMING;
  e->out.on_drain = on_drain;
  e->out.chunked = !r->http10 && !response->has_length;
  e->out.bodiless = r->method == METHOD_HEAD || response->status == 204 || response->status == 304;
  e->out.bounded = response->has_length && !e->out.bodiless;
  e->out.left = response->length;
  buf_clear(&response->body);
  if (r->conn->closing) {
    buf_clear(&response->headers);
    return;
  }
  if (response->compressible && !e->out.bodiless)
    gzip_stream_start(e, response);
  enum framing framing = response->has_length ? FRAMING_LENGTH
                         : r->http10          ? FRAMING_CLOSE
                                              : FRAMING_CHUNKED;
  respond_head(e, response, framing, response->length);
  output_done(r->conn);
}

enum { CHUNK_BYTES = 32 }; /* its size, and line ends */

bool stream_put(struct exchange *e, const char *data, size_t len) {
  struct conn *c = e->request.conn;
  if (c->closing)
    return false;
  struct buf *out = output_begin(c);
  if (buf_try_reserve(out, len + CHUNK_BYTES) == NULL) {
    conn_close(c, "there is no memory for a piece of its response");
    return false;
  }
  if (e->out.chunked)
    buf_printf(out, "%zx\r\n", len);
  buf_append(out, data, len);
  if (e->out.chunked)
    buf_literal(out, "\r\n");
  output_flush(c, NULL);
  return !c->closing && c->queued_bytes <= STREAM_QUEUE_BYTES;
}

bool http_stream_write(struct request *r, const char *data, size_t len) {
  struct exchange *e = exchange_of(r);
  if (r->conn->closing)
    return false;
  if (e->out.bodiless || len == 0)
    return true;
  if (e->out.bounded && len > e->out.left) {
    conn_close(r->conn, "the response is longer than its head says");
    return false;
  }
  e->out.left -= e->out.bounded ? len : 0;
  return e->out.packer != NULL ? gzip_stream_write(e->out.packer, data, len)
                               : stream_put(e, data, len);
}

void http_stream_end(struct request *r) {
  struct exchange *e = exchange_of(r);
  struct conn *c = r->conn;
  if (e->out.packer != NULL)
    gzip_stream_end(e->out.packer);
  e->state = EXCHANGE_RESPONDED;
  if (e->out.bounded && e->out.left > 0)
    conn_close(c, "the response is shorter than its head says");
  if (c->closing)
    return;
  if (e->out.chunked && !e->out.bodiless)
    buf_literal(output_begin(c), "0\r\n\r\n");
  output_done(c);
  if (!c->closing)
    exchange_next(e);
}

void http_stream_abort(struct request *r) {
  exchange_of(r)->state = EXCHANGE_RESPONDED;
  conn_close(r->conn, "the response could not be finished");
}

struct conn *http_become_stream(struct request *r, struct response *response) {
  struct exchange *e = exchange_of(r);
  struct conn *c = r->conn;
  if (r->method == METHOD_HEAD || c->closing) {
    http_stream_start(r, response, NULL);
    http_stream_end(r);
    return NULL;
  }
  buf_clear(&response->body);
  if (!r->http10)
    buf_literal(&response->headers, "Connection: keep-alive\r\n");
  respond_head(e, response, r->http10 ? FRAMING_CLOSE : FRAMING_CHUNKED, 0);
  e->state = EXCHANGE_RESPONDED;
  output_flush(c, NULL);
  if (c->closing)
    return NULL;
  bool stopped = !e->reading;
  c->permit = guard_permit(r);
  c->exchange = NULL;
  exchange_free(e);
  deadline_set(c, DEADLINE_NONE);
  if (c->ended || (stopped && conn_start_reading(c) < 0)) {
    conn_close(c, "the client left before its stream began");
    return NULL;
  }
  connections_check_stream(c);
  return c->closing ? NULL : c;
}
