/* The least that an HTTP server on libuv and llhttp has to do: every request gets the
 * same answer. */
#include "probe.h"

static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: "
                             "0193a5b0-0000-7000-8000-000000000000\r\ncontent-length: 26\r\n\r\n"
                             "{\"message\":\"hello\",\"n\":42}";
static llhttp_settings_t settings;

struct client {
  uv_tcp_t tcp;
  llhttp_t parser;
  unsigned complete; /* requests of this read */
};

static void on_close(uv_handle_t *handle) {
  free(handle);
}

static int on_complete(llhttp_t *parser) {
  ((struct client *) parser->data)->complete++;
  return 0;
}

static int answer_all(struct client *c) {
  static char out[1024 * sizeof answer];
  size_t len = 0;
  for (; c->complete > 0 && len + sizeof answer < sizeof out;
       c->complete--, len += sizeof answer - 1)
    memcpy(out + len, answer, sizeof answer - 1);
  uv_buf_t buf = uv_buf_init(out, len);
  return len == 0 || uv_try_write((uv_stream_t *) &c->tcp, &buf, 1) == (int) len;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct client *c = (struct client *) stream;
  if (n < 0 || llhttp_execute(&c->parser, buf->base, n) != HPE_OK || !answer_all(c))
    uv_close((uv_handle_t *) stream, on_close);
}

static void on_connection(uv_stream_t *listener, int status) {
  (void) status;
  struct client *c = xcalloc(1, sizeof *c);
  llhttp_init(&c->parser, HTTP_REQUEST, &settings);
  c->parser.data = c;
  probe_accept(listener, &c->tcp, on_read);
}

int main(void) {
  llhttp_settings_init(&settings);
  settings.on_message_complete = on_complete;
  return probe_serve(on_connection);
}
