#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "net/call.h"

/* Responses to our client.  Input: how it asks, bytes of each piece, then what the server sends.
 * What is received is the same however it is cut. */

enum { BODY_MAX = 4 << 20, HEADERS_MAX = 1 << 20, FOR_EVER_MS = INT32_MAX };

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

/* How the body is taken: as it came, inflated, inflated and whole. */
struct how {
  const char *method;
  bool inflates;
  size_t max_bytes;
};

static void on_change(struct call *call, void *owner) {
  (void) call, (void) owner;
}

static bool has_more_or_ended(const struct call *call) {
  return call_has_piece(call) || call_has_ended(call);
}

static bool wait_for(struct loop *loop, const struct call *call,
                     bool (*done)(const struct call *call)) {
  while (!done(call) && call_fault(call) == NULL)
    uv_run(&loop->uv, UV_RUN_ONCE);
  return done(call);
}

static void check_headers(const struct buf *headers) {
  FUZZ_CHECK(headers->len == 0 || headers->data[headers->len - 1] == '\0');
}

/* false: it is no response, or not all of one. */
static bool receive(struct loop *loop, struct call *call, struct buf *got) {
  if (!wait_for(loop, call, call_has_head))
    return false;
  check_headers(call_headers(call));
  buf_printf(got, "%d\n", call_status(call));
  buf_append(got, call_headers(call)->data, call_headers(call)->len);
  while (!call_has_ended(call)) {
    struct buf piece = {0};
    if (!wait_for(loop, call, has_more_or_ended))
      return false;
    bool taken = call_take(call, &piece);
    buf_append(got, piece.data, piece.len);
    buf_clear(&piece);
    if (!taken)
      return false;
    FUZZ_CHECK(got->len <= BODY_MAX + HEADERS_MAX);
  }
  return true;
}

static struct call *open_call(struct net *net, const struct how *how, struct net_fault *fault) {
  static const struct outside everything = {.ca_file = ""};
  struct url url;
  FUZZ_CHECK(url_parse("http://127.0.0.1:1/", &url) == NULL);
  return call_open(net,
                   &(struct call_options){
                       .outside = &everything,
                       .url = &url,
                       .method = how->method,
                       .headers = "",
                       .kind = CALL_NO_BODY,
                       .connect_ms = FOR_EVER_MS,
                       .first_byte_ms = FOR_EVER_MS,
                       .idle_ms = FOR_EVER_MS,
                       .max_bytes = how->max_bytes,
                       .inflates = how->inflates,
                   },
                   on_change, NULL, fault);
}

static bool ask(const struct how *how, size_t piece, struct buf *got) {
  struct loop loop;
  struct net_fault fault;
  server.piece = piece;
  FUZZ_CHECK(loop_init(&loop, 0) == 0);
  struct trusts *trusts = trusts_new();
  struct net *net = net_new(&loop, trusts);
  struct call *call = open_call(net, how, &fault);
  bool is_whole = call != NULL && receive(&loop, call, got);
  if (call != NULL)
    call_close(call);
  net_close(net);
  loop_close(&loop);
  uv_run(&loop.uv, UV_RUN_DEFAULT);
  net_free(net);
  trusts_free(trusts);
  loop_clear(&loop);
  close(server.peer);
  return is_whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const struct how hows[] = {
    {"GET", false, 0}, {"HEAD", false, 0}, {"GET", true, 0}, {"GET", true, BODY_MAX},
  };
  struct buf whole = {0}, cut = {0};
  struct fuzz_input in = fuzz_input(bytes, size);
  const struct how *how = &hows[fuzz_byte(&in) % 4];
  size_t piece = 1 + fuzz_byte(&in) % 64;
  server.response = in;
  /* the sockets' buffer holds some 270 pieces */
  if (in.len / piece > 200)
    piece = in.len / 200 + 1;
  bool is_whole = ask(how, 32 << 10, &whole);
  FUZZ_CHECK(ask(how, piece, &cut) == is_whole);
  if (is_whole)
    FUZZ_CHECK(whole.len == cut.len && memcmp(whole.data, cut.data, cut.len) == 0);
  buf_clear(&whole);
  buf_clear(&cut);
  return 0;
}
