/* The least that an SSE broadcaster on libuv and llhttp has to do: GET subscribes, POST
 * publishes its body to all. With --coalesce the events of one loop turn go out in one
 * write. */
#include "base/buf.h"
#include "probe.h"

static llhttp_settings_t settings;
static uv_prepare_t before_poll;
static int coalesce;

struct client {
  uv_tcp_t tcp;
  llhttp_t parser;
  struct buf body;
  struct client *next; /* subscriber */
};

static struct client *subscribers;
static struct buf pending; /* events of this turn */

struct rest {
  uv_write_t req;
  char bytes[];
};

static void on_close(uv_handle_t *handle) {
  struct client *c = (struct client *) handle;
  for (struct client **p = &subscribers; *p; p = &(*p)->next)
    if (*p == c) {
      *p = c->next;
      break;
    }
  buf_clear(&c->body);
  free(c);
}

static void close_client(struct client *c) {
  if (!uv_is_closing((uv_handle_t *) &c->tcp))
    uv_close((uv_handle_t *) &c->tcp, on_close);
}

static void on_written(uv_write_t *req, int status) {
  (void) status;
  free(req);
}

static void send_bytes(struct client *c, const char *data, size_t len) {
  uv_buf_t buf = uv_buf_init((char *) data, len);
  int sent = uv_try_write((uv_stream_t *) &c->tcp, &buf, 1);
  if (sent < 0 && sent != UV_EAGAIN)
    return;
  size_t done = sent > 0 ? sent : 0;
  if (done == len)
    return;
  struct rest *rest = xmalloc(sizeof *rest + len - done);
  memcpy(rest->bytes, data + done, len - done);
  buf = uv_buf_init(rest->bytes, len - done);
  if (uv_write(&rest->req, (uv_stream_t *) &c->tcp, &buf, 1, on_written) < 0)
    free(rest);
}

static void broadcast(void) {
  struct buf chunk = {0};
  buf_printf(&chunk, "%zx\r\n", pending.len);
  buf_append(&chunk, pending.data, pending.len);
  buf_literal(&chunk, "\r\n");
  for (struct client *c = subscribers; c; c = c->next)
    send_bytes(c, chunk.data, chunk.len);
  buf_clear(&chunk);
  pending.len = 0;
}

static void on_prepare(uv_prepare_t *handle) {
  (void) handle;
  if (pending.len > 0)
    broadcast();
}

static void publish(struct client *c) {
  buf_literal(&pending, "data: ");
  buf_append(&pending, c->body.data, c->body.len);
  buf_literal(&pending, "\n\n");
  c->body.len = 0;
  if (!coalesce)
    broadcast();
}

static void subscribe(struct client *c) {
  static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: "
                             "text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  send_bytes(c, head, sizeof head - 1);
  c->next = subscribers;
  subscribers = c;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  buf_append(&((struct client *) parser->data)->body, at, len);
  return 0;
}

static int on_complete(llhttp_t *parser) {
  static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
  struct client *c = parser->data;
  if (parser->method == HTTP_GET) {
    subscribe(c);
  } else {
    publish(c);
    send_bytes(c, answer, sizeof answer - 1);
  }
  return 0;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct client *c = (struct client *) stream;
  if (n < 0 || llhttp_execute(&c->parser, buf->base, n) != HPE_OK)
    close_client(c);
}

static void on_connection(uv_stream_t *listener, int status) {
  (void) status;
  struct client *c = xcalloc(1, sizeof *c);
  llhttp_init(&c->parser, HTTP_REQUEST, &settings);
  c->parser.data = c;
  probe_accept(listener, &c->tcp, on_read);
}

int main(int argc, char **argv) {
  coalesce = argc > 1 && strcmp(argv[1], "--coalesce") == 0;
  llhttp_settings_init(&settings);
  settings.on_body = on_body;
  settings.on_message_complete = on_complete;
  uv_prepare_init(uv_default_loop(), &before_poll);
  uv_prepare_start(&before_poll, on_prepare);
  return probe_serve(on_connection);
}
