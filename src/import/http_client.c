#include "import/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"

enum { TIMEOUT_S = 60, LONGEST_ANSWER = 16 * 1024 * 1024 };

static char *copy(const char *s, size_t len) {
  char *text = xmalloc(len + 1);
  memcpy(text, s, len);
  text[len] = '\0';
  return text;
}

bool http_client_init(struct http_client *client, const char *url, const char *token) {
  if (strncmp(url, "http://", 7) != 0)
    return false;
  const char *host = url + 7, *end = host + strcspn(host, "/?#");
  if (end == host || strcmp(end, "/") > 0)
    return false;
  const char *colon = memrchr(host, ':', (size_t) (end - host));
  if (colon != NULL && memchr(colon, ']', (size_t) (end - colon)) != NULL)
    colon = NULL; /* inside of [::1] */
  const char *host_end = colon != NULL ? colon : end;
  bool bracketed = *host == '[' && host_end[-1] == ']';
  client->host = copy(host + bracketed, (size_t) (host_end - host) - 2 * bracketed);
  client->port = colon != NULL ? copy(colon + 1, (size_t) (end - colon - 1)) : xstrdup("80");
  client->token = token;
  return true;
}

void http_client_clear(struct http_client *client) {
  free(client->host);
  free(client->port);
}

static int connect_to(const struct http_client *client) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(client->host, client->port, &hints, &found) != 0)
    return UV_EAI_NONAME;
  int fd = UV_ECONNREFUSED;
  for (struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) {
    fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
      int error = errno;
      close(fd);
      fd = -error;
    }
  }
  freeaddrinfo(found);
  struct timeval limit = {.tv_sec = TIMEOUT_S};
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  return fd;
}

static int send_all(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      return -errno;
    if (n > 0) {
      data += n;
      len -= (size_t) n;
    }
  }
  return 0;
}

/* We asked for the connection to be closed: the answer ends with it. */
static int receive_all(int fd, struct buf *bytes) {
  for (;;) {
    ssize_t n = recv(fd, buf_reserve(bytes, 65536), 65536, 0);
    if (n == 0)
      return 0;
    if (n < 0 && errno != EINTR)
      return -errno;
    if (n > 0)
      bytes->len += (size_t) n;
    if (bytes->len > LONGEST_ANSWER)
      return UV_EFBIG;
  }
}

static void write_head(struct buf *out, const struct http_client *client, const char *target, size_t len) {
  bool v6 = strchr(client->host, ':') != NULL;
  buf_printf(
      out,
      "POST %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n",
      target, v6 ? "[" : "", client->host, v6 ? "]" : "", client->port);
  if (client->token != NULL)
    buf_printf(out, "Authorization: Bearer %s\r\n", client->token);
  buf_printf(out, "Content-Length: %zu\r\n\r\n", len);
}

/* The status of the answer in bytes, whose head is then dropped. */
static int take_head(struct buf *bytes) {
  const char *end = memmem(bytes->data, bytes->len, "\r\n\r\n", 4);
  if (end == NULL || bytes->len < 12 || memcmp(bytes->data, "HTTP/1.1 ", 9) != 0)
    return UV_EPROTO;
  int status = atoi(bytes->data + 9);
  buf_consume(bytes, (size_t) (end + 4 - bytes->data));
  return status;
}

int http_client_post(const struct http_client *client, const char *target, const char *body, size_t len,
                     struct buf *answer) {
  int fd = connect_to(client);
  if (fd < 0)
    return fd;
  struct buf head = {0};
  write_head(&head, client, target, len);
  int rc = send_all(fd, head.data, head.len);
  if (rc == 0)
    rc = send_all(fd, body, len);
  /* A refusal may come before the whole body is sent: it is worth reading. */
  answer->len = 0;
  int read = receive_all(fd, answer);
  if (answer->len > 0)
    rc = take_head(answer);
  else if (rc == 0)
    rc = read < 0 ? read : UV_ECONNRESET;
  buf_clear(&head);
  close(fd);
  return rc;
}
