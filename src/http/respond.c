#include <time.h>

#include "base/uuid.h"
#include "http/exchange.h"
#include "record/json.h"

static const char *reason(int status) {
  static const struct {
    int status;
    const char *text;
  } reasons[] = {
      {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
      {206, "Partial Content"}, {301, "Moved Permanently"}, {302, "Found"},
      {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"},
      {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
      {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
      {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"},
      {412, "Precondition Failed"}, {413, "Content Too Large"}, {414, "URI Too Long"},
      {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"}, {421, "Misdirected Request"},
      {422, "Unprocessable Content"}, {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
      {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
      {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status)
      return reasons[i].text;
  return "";
}

static void put_status(struct buf *out, int status) {
  if (status == 200) {
    buf_literal(out, "HTTP/1.1 200 OK\r\n");
    return;
  }
  buf_literal(out, "HTTP/1.1 ");
  buf_put_int(out, status);
  buf_putc(out, ' ');
  buf_puts(out, reason(status));
  buf_literal(out, "\r\n");
}

static void put_fixed(struct buf *out, struct connections *all) {
  int64_t now_s = (int64_t) (uv_now(&all->loop->uv) / 1000);
  if (all->fixed.len == 0 || all->fixed_s != now_s) {
    time_t now = time(NULL);
    struct tm utc;
    char date[64];
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &utc));
    all->fixed.len = 0;
    all->fixed_s = now_s;
    buf_puts(&all->fixed, date);
    buf_literal(&all->fixed, "Vary: Origin\r\nX-Content-Type-Options: nosniff\r\n"
                             "Cross-Origin-Resource-Policy: same-origin\r\nX-Request-Id: ");
  }
  buf_append(out, all->fixed.data, all->fixed.len);
}

static void put_cors(struct buf *out, const struct exchange *e) {
  const struct request *r = &e->request;
  struct slice origin = request_header(r, "origin");
  if (r->site == NULL || origin.len == 0 || !guard_allows_origin(r->site->options, r, origin))
    return;
  buf_literal(out, "Access-Control-Allow-Origin: ");
  buf_append(out, origin.data, origin.len);
  buf_literal(out, "\r\nAccess-Control-Allow-Headers: ");
  struct slice wanted = request_header(r, "access-control-request-headers");
  if (wanted.len > 0)
    buf_append(out, wanted.data, wanted.len);
  else
    buf_literal(out, "Cache-Control, Last-Event-ID, Authorization, Content-Type, Content-Encoding");
  buf_literal(out, "\r\nAccess-Control-Expose-Headers: X-Request-Id\r\n");
}

static void put_framing(struct buf *out, enum framing framing, size_t length) {
  if (framing == FRAMING_CHUNKED)
    buf_literal(out, "Transfer-Encoding: chunked\r\n");
  if (framing != FRAMING_LENGTH)
    return;
  buf_literal(out, "Content-Length: ");
  buf_put_int(out, (int64_t) length);
  buf_literal(out, "\r\n");
}

void respond_head(struct exchange *e, struct response *response, enum framing framing,
                  size_t length) {
  struct request *r = &e->request;
  struct connections *all = r->conn->all;
  if (framing == FRAMING_CLOSE || all->draining)
    e->in.keep_alive = false;
  if (r->id[0] == '\0') {
    uuid7(r->id);
    r->id[UUID_LENGTH] = '\0';
  }
  counter_add(&all->requests[response->status / 100 % 6], 1);

  struct buf *out = output_begin(r->conn);
  e->out.has_head = true;
  put_status(out, response->status);
  if (!response->bare) {
    put_fixed(out, all);
    buf_puts(out, r->id);
    buf_literal(out, "\r\n");
    put_cors(out, e);
  }
  buf_append(out, response->headers.data, response->headers.len);
  if (response->type != NULL) {
    buf_literal(out, "Content-Type: ");
    buf_puts(out, response->type);
    buf_literal(out, "\r\n");
  }
  if (response->status != 204 && response->status != 304)
    put_framing(out, framing, length);
  if (!e->in.keep_alive)
    buf_literal(out, "Connection: close\r\n");
  else if (r->http10)
    buf_literal(out, "Connection: keep-alive\r\n");
  buf_literal(out, "\r\n");
  buf_clear(&response->headers);
}

static void clear_response(struct response *response) {
  buf_clear(&response->headers);
  buf_clear(&response->body);
}

void respond_now(struct exchange *e, struct response *response) {
  struct conn *c = e->request.conn;
  e->state = EXCHANGE_RESPONDED;
  if (c->closing) {
    clear_response(response);
    return;
  }
  size_t len = response->body.len;
  respond_head(e, response, FRAMING_LENGTH, len);
  if (e->request.method == METHOD_HEAD || response->status == 204 || response->status == 304)
    len = 0;
  if (len > JOIN_BYTES) {
    output_flush(c, &response->body);
  } else {
    buf_append(output_begin(c), response->body.data, len);
    buf_clear(&response->body);
    output_done(c);
  }
  if (!c->closing)
    exchange_next(e);
}

void http_respond(struct request *r, struct response *response) {
  struct exchange *e = exchange_of(r);
  if (gzip_worthwhile(response)) {
    buf_literal(&response->headers, "Vary: Accept-Encoding\r\n");
    if (gzip_accepted(r) && !r->conn->closing) {
      gzip_respond(e, response);
      return;
    }
  }
  respond_now(e, response);
}

static void put_error(struct buf *body, const struct site *site, int status, const char *message) {
  bool known = status >= ERRORS_FROM && status < ERRORS_FROM + ERRORS;
  const char *text = site->errors[known ? status - ERRORS_FROM : 0];
  for (const char *mark; (mark = strchr(text, ERROR_MESSAGE)) != NULL; text = mark + 1) {
    buf_append(body, text, (size_t) (mark - text));
    json_write_string(body, message, strlen(message));
  }
  buf_puts(body, text);
}

/* A head that could not be read has no site: the one in force has the words. */
void http_respond_error(struct request *r, int status, const char *message, const char *headers) {
  struct response response = {.status = status, .type = "application/json"};
  const struct server_options *server = &r->conn->all->server->options;
  struct site *site = r->site != NULL ? r->site : server->site(server->arg);
  put_error(&response.body, site, status, message);
  if (r->site == NULL)
    site->unref(site);
  if (headers != NULL)
    buf_puts(&response.headers, headers);
  respond_now(exchange_of(r), &response);
}
