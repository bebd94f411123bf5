#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "net/http_client.h"

/* Responses to our client.  Input: method, bytes of each piece, then what the server sends.
 * What is received is the same however it is cut. */

enum { BODY_MAX = 1 << 20 };

static struct {
  struct fuzz_input response;
  size_t piece;
  int peer;
} server;

/* The network: a pair of sockets that keeps pieces apart, and a server that has said
 * everything before it is asked. */
int socket(int domain, int type, int protocol) {
  int fds[2];
  (void) domain, (void) protocol;
  int flags = type & (SOCK_CLOEXEC | SOCK_NONBLOCK);
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | flags, 0, fds) == 0);
  server.peer = fds[1];
  return fds[0];
}

int connect(int fd, const struct sockaddr *address, socklen_t len) {
  struct fuzz_input in = server.response;
  (void) fd, (void) address, (void) len;
  for (size_t n; in.len > 0; in.data += n, in.len -= n) {
    n = in.len < server.piece ? in.len : server.piece;
    if (send(server.peer, in.data, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      break;
  }
  shutdown(server.peer, SHUT_WR);
  return 0;
}

static int receive(struct http_client *c, const char *method, struct buf *got) {
  const char *piece;
  size_t len, body = 0;
  int rc;
  if (!http_client_request(c, method, "/", &(struct buf) {0}, "", 0))
    return -1;
  const struct buf *headers = http_client_headers(c);
  FUZZ_CHECK(headers->len == 0 || headers->data[headers->len - 1] == '\0');
  buf_printf(got, "%d\n", http_client_status(c));
  buf_append(got, headers->data, headers->len);
  while ((rc = http_client_read(c, &piece, &len)) > 0) {
    buf_append(got, piece, len);
    body += len;
    FUZZ_CHECK(body <= BODY_MAX);
  }
  return rc;
}

static int ask(const char *method, size_t piece, struct buf *got) {
  server.piece = piece;
  struct http_client *c = http_client_new("http://127.0.0.1:1", 1000);
  int rc = receive(c, method, got);
  http_client_free(c);
  close(server.peer);
  return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const char *const methods[] = {"GET", "HEAD"};
  struct buf whole = {0}, cut = {0};
  struct fuzz_input in = fuzz_input(bytes, size);
  const char *method = methods[fuzz_byte(&in) % 2];
  size_t piece = 1 + fuzz_byte(&in) % 64;
  server.response = in;
  /* the sockets' buffer holds some 270 pieces */
  if (in.len / piece > 200)
    piece = in.len / 200 + 1;
  int rc = ask(method, 32 << 10, &whole);
  FUZZ_CHECK(ask(method, piece, &cut) == rc);
  if (rc == 0)
    FUZZ_CHECK(whole.len == cut.len && memcmp(whole.data, cut.data, cut.len) == 0);
  buf_clear(&whole);
  buf_clear(&cut);
  return 0;
}
