#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/call.h"

static const int64_t for_ever_ms = INT64_MAX / 4;

struct http_client {
  struct loop loop; /* runs only while something is waited for */
  struct net *net;
  struct trusts *trusts;
  struct url url;
  int64_t timeout_ms;
  struct call *call; /* NULL: none */
  struct net_fault fault;
  struct buf piece;
};

struct http_client *http_client_new(const char *text, unsigned timeout_ms) {
  struct url url;
  if (url_parse(text, &url) != NULL || (url.target_len > 0 && strcmp(url.target, "/") != 0))
    return NULL;
  struct http_client *c = xcalloc(1, sizeof *c);
  if (loop_init(&c->loop, 0) < 0)
    abort();
  c->trusts = trusts_new();
  c->net = net_new(&c->loop, c->trusts);
  c->url = url;
  c->timeout_ms = timeout_ms > 0 ? timeout_ms : for_ever_ms;
  return c;
}

void http_client_free(struct http_client *c) {
  if (c == NULL)
    return;
  if (c->call != NULL)
    call_close(c->call);
  net_close(c->net);
  loop_close(&c->loop);
  uv_run(&c->loop.uv, UV_RUN_DEFAULT);
  net_free(c->net);
  trusts_free(c->trusts);
  loop_clear(&c->loop);
  buf_clear(&c->piece);
  free(c);
}

static void on_change(struct call *call, void *owner) {
  (void) call, (void) owner;
}

/* false when the call has failed and gives no more. */
static bool wait_for(struct http_client *c, bool (*done)(const struct call *call)) {
  while (!done(c->call) && call_fault(c->call) == NULL)
    uv_run(&c->loop.uv, UV_RUN_ONCE);
  if (done(c->call))
    return true;
  c->fault = *call_fault(c->call);
  return false;
}

bool http_client_request(struct http_client *c, const char *method, const char *target,
                         const struct buf *headers, const char *body, size_t len) {
  static const struct outside everything = {.ca_file = ""};
  struct url url = c->url;
  url.target = target;
  url.target_len = strlen(target);
  if (c->call != NULL)
    call_close(c->call);
  uv_update_time(&c->loop.uv); /* it stood still since the last request */
  c->call = call_open(c->net,
                      &(struct call_options){
                          .outside = &everything,
                          .url = &url,
                          .method = method,
                          .headers = headers->data,
                          .headers_len = headers->len,
                          .kind = CALL_WHOLE,
                          .body = body,
                          .body_len = len,
                          .connect_ms = c->timeout_ms,
                          .first_byte_ms = c->timeout_ms,
                          .idle_ms = c->timeout_ms,
                      },
                      on_change, c, &c->fault);
  return c->call != NULL && wait_for(c, call_has_head);
}

int http_client_status(const struct http_client *c) {
  return call_status(c->call);
}

const struct buf *http_client_headers(const struct http_client *c) {
  return call_headers(c->call);
}

static bool has_more_or_ended(const struct call *call) {
  return call_has_piece(call) || call_has_ended(call);
}

int http_client_read(struct http_client *c, const char **piece, size_t *len) {
  if (c->call == NULL) {
    net_fault_set(&c->fault, NET_CLOSED, "%s: nothing has been asked", c->url.host);
    return -1;
  }
  buf_clear(&c->piece);
  if (!wait_for(c, has_more_or_ended))
    return -1;
  call_take(c->call, &c->piece); /* as it came: nothing is inflated */
  *piece = c->piece.data;
  *len = c->piece.len;
  return c->piece.len > 0;
}

const char *http_client_error(const struct http_client *c) {
  return c->fault.text;
}
