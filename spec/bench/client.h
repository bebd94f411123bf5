#ifndef MOONLEDGER_BENCH_CLIENT_H
#define MOONLEDGER_BENCH_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

/* What the load clients share.  They end with a message when anything is not as they expect. */

#define die(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

/* The word after name on the command line. */
static inline const char *option(char **argv, const char *name, const char *fallback) {
  for (; *argv; argv++)
    if (strcmp(*argv, name) == 0 && argv[1])
      return argv[1];
  return fallback;
}

static inline int64_t option_int(char **argv, const char *name, int64_t fallback) {
  const char *text = option(argv, name, NULL);
  return text ? strtoll(text, NULL, 10) : fallback;
}

/* Not blocking. */
static inline int client_connect(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
    die("connect: %s", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/* Reads what is there to the end of in.  False when nothing was. */
static inline bool client_read(int fd, struct buf *in) {
  ssize_t n = read(fd, buf_reserve(in, 65536), 65536);
  if (n > 0)
    in->len += n;
  else if (n == 0 || errno != EAGAIN)
    die("the server closed a connection");
  return n > 0;
}

/* Sends out from *sent on.  True once all of it has gone. */
static inline bool client_write(int fd, const struct buf *out, size_t *sent) {
  ssize_t n = write(fd, out->data + *sent, out->len - *sent);
  if (n < 0 && errno != EAGAIN)
    die("write: %s", strerror(errno));
  *sent += n > 0 ? n : 0;
  return *sent == out->len;
}

/* Length of the complete response (with Content-Length) at the start of in; 0 while it is
 * not complete. */
static inline size_t response_length(const struct buf *in, int *status) {
  char *end = in->len ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;
  if (!end)
    return 0;
  *end = '\0';
  char *length = strcasestr(in->data, "\r\ncontent-length:");
  if (!length)
    die("a response without Content-Length: %s", in->data);
  size_t total = end + 4 - in->data + strtoul(length + 17, NULL, 10);
  *status = atoi(in->data + 9);
  *end = '\r';
  return total <= in->len ? total : 0;
}

/* Latencies. */
struct samples {
  struct buf ns; /* int64_t each */
};

static inline void samples_add(struct samples *s, int64_t ns) {
  buf_append(&s->ns, &ns, sizeof ns);
}

static inline int samples_order(const void *a, const void *b) {
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
  return (x > y) - (x < y);
}

/* The quantile in microseconds. */
static inline double samples_quantile(struct samples *s, double q) {
  size_t count = s->ns.len / sizeof(int64_t);
  if (count == 0)
    return 0;
  int64_t *ns = (int64_t *) s->ns.data;
  qsort(ns, count, sizeof *ns, samples_order);
  return ns[(size_t) (q * (count - 1))] / 1e3;
}

#endif
