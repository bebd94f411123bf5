#include "net/http_client.h"

#include <errno.h>
#include <llhttp.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"

enum { PIECE = 64 * 1024, MAX_HEADERS = 64 * 1024 };

struct http_client {
  char *host, *port;
  unsigned timeout_ms;
  int fd; /* -1: not connected */
  llhttp_t parser;
  bool head_only; /* the response to HEAD has no body */
  bool head_parsed, ended;
  bool kept; /* the server leaves the connection open after the response */
  int status;
  struct buf headers, body;
  size_t given; /* of body, by the last http_client_read */
};

/* ---- llhttp's callbacks: they note what they see ---- */

static struct http_client *owner(llhttp_t *parser) {
  return parser->data;
}

static int add_to_headers(llhttp_t *parser, const char *at, size_t len) {
  struct buf *headers = &owner(parser)->headers;
  if (headers->len + len > MAX_HEADERS)
    return -1;
  buf_append(headers, at, len);
  return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len) {
  struct http_client *c = owner(parser);
  if (c->head_parsed) /* a trailer */
    return 0;
  size_t start = c->headers.len;
  if (add_to_headers(parser, at, len) < 0)
    return -1;
  for (size_t i = start; i < c->headers.len; i++)
    if (c->headers.data[i] >= 'A' && c->headers.data[i] <= 'Z')
      c->headers.data[i] |= 0x20;
  return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len) {
  return owner(parser)->head_parsed ? 0 : add_to_headers(parser, at, len);
}

static int end_header_part(llhttp_t *parser) {
  if (!owner(parser)->head_parsed)
    buf_putc(&owner(parser)->headers, '\0');
  return 0;
}

static int on_headers_complete(llhttp_t *parser) {
  struct http_client *c = owner(parser);
  bool interim = parser->status_code < 200;
  c->status = parser->status_code;
  c->head_parsed = !interim;
  if (interim)
    c->headers.len = 0;
  return c->head_only ? 1 : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  buf_append(&owner(parser)->body, at, len);
  return 0;
}

static int on_message_complete(llhttp_t *parser) {
  struct http_client *c = owner(parser);
  c->ended = c->head_parsed; /* an interim response goes before the one that counts */
  c->kept = c->ended && llhttp_should_keep_alive(parser);
  return c->ended ? HPE_PAUSED : 0;
}

static const llhttp_settings_t parser_settings = {
    .on_header_field = on_header_field,
    .on_header_field_complete = end_header_part,
    .on_header_value = on_header_value,
    .on_header_value_complete = end_header_part,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- The connection ---- */

static void disconnect(struct http_client *c) {
  if (c->fd >= 0)
    close(c->fd);
  c->fd = -1;
}

static int connect_to(struct http_client *c, int family, const struct sockaddr *address,
                      socklen_t len) {
  struct timeval limit = {.tv_sec = c->timeout_ms / 1000, .tv_usec = c->timeout_ms % 1000 * 1000};
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, address, len) != 0) {
    int rc = errno == EINPROGRESS ? UV_ETIMEDOUT : -errno;
    close(fd);
    return rc;
  }
  c->fd = fd;
  return 0;
}

static int connect_numeric(struct http_client *c, const char *host) {
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  int port = atoi(c->port);
  if (uv_ip4_addr(host, port, &v4) == 0)
    return connect_to(c, AF_INET, (struct sockaddr *) &v4, sizeof v4);
  if (uv_ip6_addr(host, port, &v6) == 0)
    return connect_to(c, AF_INET6, (struct sockaddr *) &v6, sizeof v6);
  return UV_EINVAL;
}

static int connect_named(struct http_client *c) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  int rc = UV_ECONNREFUSED;
  if (getaddrinfo(c->host, c->port, &hints, &found) != 0)
    return UV_EAI_NONAME;
  for (struct addrinfo *a = found; a != NULL && c->fd < 0; a = a->ai_next)
    rc = connect_to(c, a->ai_family, a->ai_addr, a->ai_addrlen);
  freeaddrinfo(found);
  return rc;
}

/* getaddrinfo of a program that is linked statically wants glibc's own libraries: addresses and
 * localhost do without it. */
static int connect_anew(struct http_client *c) {
  disconnect(c);
  if (strcmp(c->host, "localhost") == 0)
    return connect_numeric(c, "127.0.0.1") == 0 ? 0 : connect_numeric(c, "::1");
  int rc = connect_numeric(c, c->host);
  return rc == UV_EINVAL ? connect_named(c) : rc;
}

/* A kept connection that has something to read before it was asked was closed by the server. */
static bool is_usable(const struct http_client *c) {
  struct pollfd p = {.fd = c->fd, .events = POLLIN};
  return c->fd >= 0 && c->kept && poll(&p, 1, 0) == 0;
}

static int send_all(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      return errno == EAGAIN ? UV_ETIMEDOUT : -errno;
    if (n > 0) {
      data += n;
      len -= (size_t) n;
    }
  }
  return 0;
}

/* Receives and parses once.  0, or a negative UV_E..: the connection is of no more use. */
static int receive(struct http_client *c) {
  char bytes[PIECE];
  ssize_t n;
  do
    n = recv(c->fd, bytes, sizeof bytes, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN ? UV_ETIMEDOUT : -errno;
  llhttp_errno_t rc =
      n > 0 ? llhttp_execute(&c->parser, bytes, (size_t) n) : llhttp_finish(&c->parser);
  if (rc != HPE_OK && !(rc == HPE_PAUSED && c->ended))
    return n == 0 ? UV_ECONNRESET : UV_EPROTO;
  return n > 0 || c->ended ? 0 : UV_ECONNRESET;
}

/* ---- Requests ---- */

static void write_head(struct buf *out, const struct http_client *c, const char *method,
                       const char *target, const struct buf *headers, size_t len) {
  bool v6 = strchr(c->host, ':') != NULL;
  buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s%s%s:%s\r\n", method, target, v6 ? "[" : "", c->host,
             v6 ? "]" : "", c->port);
  buf_append(out, headers->data, headers->len);
  buf_printf(out, "Content-Length: %zu\r\n\r\n", len);
}

static void begin_response(struct http_client *c, const char *method) {
  llhttp_init(&c->parser, HTTP_RESPONSE, &parser_settings);
  c->parser.data = c;
  c->head_only = strcmp(method, "HEAD") == 0;
  c->head_parsed = c->ended = c->kept = false;
  c->status = 0;
  c->headers.len = c->body.len = c->given = 0;
}

int http_client_request(struct http_client *c, const char *method, const char *target,
                        const struct buf *headers, const char *body, size_t len) {
  struct buf head = {0};
  int rc = is_usable(c) ? 0 : connect_anew(c);
  if (rc < 0)
    return rc;
  begin_response(c, method);
  write_head(&head, c, method, target, headers, len);
  int sent = send_all(c->fd, head.data, head.len);
  if (sent == 0)
    sent = send_all(c->fd, body, len);
  buf_clear(&head);
  /* A refusal may come before the whole body is sent: it is worth reading. */
  while (rc == 0 && !c->head_parsed)
    rc = receive(c);
  if (sent < 0)
    c->kept = false;
  if (rc < 0)
    disconnect(c);
  return rc < 0 && sent < 0 ? sent : rc;
}

int http_client_status(const struct http_client *c) {
  return c->status;
}

const struct buf *http_client_headers(const struct http_client *c) {
  return &c->headers;
}

int http_client_read(struct http_client *c, const char **piece, size_t *len) {
  if (c->given > 0)
    buf_consume(&c->body, c->given);
  c->given = 0;
  while (c->body.len == 0 && !c->ended) {
    int rc = c->fd >= 0 ? receive(c) : UV_ENOTCONN;
    if (rc < 0) {
      disconnect(c);
      return rc;
    }
  }
  c->given = c->body.len;
  *piece = c->body.data;
  *len = c->given;
  return c->given > 0;
}

/* ---- Lifetime ---- */

static char *copy(const char *s, size_t len) {
  char *text = xmalloc(len + 1);
  memcpy(text, s, len);
  text[len] = '\0';
  return text;
}

static bool is_port(const char *port) {
  size_t len = strspn(port, "0123456789");
  return len > 0 && len <= 5 && port[len] == '\0' && atoi(port) <= 65535;
}

struct http_client *http_client_new(const char *url, unsigned timeout_ms) {
  if (strncmp(url, "http://", 7) != 0)
    return NULL;
  const char *host = url + 7, *end = host + strcspn(host, "/?#");
  if (end == host || strcmp(end, "/") > 0 || strpbrk(host, " \t\r\n@") != NULL)
    return NULL;
  const char *colon = memrchr(host, ':', (size_t) (end - host));
  if (colon != NULL && memchr(colon, ']', (size_t) (end - colon)) != NULL)
    colon = NULL; /* inside of [::1] */
  const char *host_end = colon != NULL ? colon : end;
  bool bracketed = *host == '[' && host_end > host + 1 && host_end[-1] == ']';
  size_t host_len = (size_t) (host_end - host) - 2 * bracketed;
  struct http_client *c = xcalloc(1, sizeof *c);
  c->fd = -1;
  c->timeout_ms = timeout_ms;
  c->host = copy(host + bracketed, host_len);
  c->port = colon != NULL ? copy(colon + 1, (size_t) (end - colon - 1)) : xstrdup("80");
  if (host_len > 0 && is_port(c->port))
    return c;
  http_client_free(c);
  return NULL;
}

void http_client_free(struct http_client *c) {
  if (c == NULL)
    return;
  disconnect(c);
  buf_clear(&c->headers);
  buf_clear(&c->body);
  free(c->host);
  free(c->port);
  free(c);
}
