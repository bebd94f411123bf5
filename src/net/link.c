#include "net/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/allow.h"
#include "net/resolve.h"
#include "net/room.h"
#include "net/tls.h"
#include "net/trust.h"

enum { KEEPALIVE_S = 60 };

/* One attempt to reach an address, then the socket.  Freed in its close callback. */
struct wire {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  struct buf writing; /* in libuv's hands; empty: nothing is */
  struct link *link;  /* NULL: it is closing */
};

/* Reading CAs: outlives a link that does not wait for it. */
struct trust_wait {
  struct trusting trusting;
  struct link *link; /* NULL: nobody waits */
};

/* What is needed until a link is open. */
struct opening {
  struct resolving resolving;
  struct trust_wait *trust_wait;
  struct addresses addresses;
  size_t tried;
  bool shaking; /* hands, in TLS */
  const struct allow *allow;
  const char *alpn;
  SSL_SESSION *session;
  int64_t until_ms, attempt_until_ms; /* loop time */
  struct net_fault fault;             /* of the last attempt */
  struct link *link;
  struct opening *next, **prev; /* in net->opening */
};

struct link {
  struct net *net;
  const struct link_events *events;
  void *owner;
  char *host;
  uint16_t port;
  struct trust *trust;
  struct opening *opening; /* NULL: it is open */
  struct tls *tls;
  struct wire *wire;
  struct buf queue;    /* what wire->writing does not have yet */
  bool paused, broken; /* broken: nothing can be written any more */
};

static bool try_next(struct link *l);

static void on_wire_closed(uv_handle_t *handle) {
  struct wire *w = container_of((uv_tcp_t *) handle, struct wire, tcp);
  buf_clear(&w->writing);
  free(w);
}

static void drop_wire(struct link *l) {
  struct wire *w = l->wire;
  l->wire = NULL;
  if (w == NULL)
    return;
  w->link = NULL;
  uv_close((uv_handle_t *) &w->tcp, on_wire_closed);
}

static void fail(struct link *l, enum net_reason reason, const char *why) {
  struct net_fault fault;
  net_fault_set(&fault, reason, "%s:%u: %s", l->host, l->port, why);
  l->events->failed(l, &fault);
}

static void on_write(uv_write_t *req, int status);

static void write_queue(struct link *l) {
  struct wire *w = l->wire;
  w->writing = buf_take(&l->queue);
  uv_buf_t bytes = uv_buf_init(w->writing.data, (unsigned) w->writing.len);
  if (uv_write(&w->write, (uv_stream_t *) &w->tcp, &bytes, 1, on_write) < 0) {
    buf_clear(&w->writing); /* refused: on_write will not be called */
    l->broken = true;
  }
}

static void on_write(uv_write_t *req, int status) {
  struct wire *w = container_of(req, struct wire, write);
  struct link *l = w->link;
  buf_clear(&w->writing);
  if (l == NULL)
    return;
  if (status < 0)
    l->broken = true;
  if (l->broken)
    buf_clear(&l->queue);
  if (l->queue.len > 0)
    write_queue(l);
  else if (l->opening == NULL)
    l->events->drained(l);
}

static void send_raw(struct link *l, const char *data, size_t len) {
  struct wire *w = l->wire;
  if (l->broken || len == 0)
    return;
  if (w->writing.len == 0 && l->queue.len == 0) {
    uv_buf_t bytes = uv_buf_init((char *) data, (unsigned) len);
    int rc = uv_try_write((uv_stream_t *) &w->tcp, &bytes, 1);
    l->broken = rc < 0 && rc != UV_EAGAIN;
    if (rc > 0)
      data += rc, len -= (size_t) rc;
  }
  if (l->broken || len == 0)
    return;
  buf_append(&l->queue, data, len);
  if (w->writing.len == 0)
    write_queue(l);
}

static void send_tls_output(struct link *l) {
  struct buf out = {0};
  tls_take_output(l->tls, &out);
  send_raw(l, out.data, out.len);
  buf_clear(&out);
}

void link_write(struct link *l, const char *data, size_t len) {
  if (l->tls == NULL) {
    send_raw(l, data, len);
    return;
  }
  if (len > 0 && !l->broken)
    l->broken = !tls_write(l->tls, data, len);
  send_tls_output(l);
}

size_t link_queued(const struct link *l) {
  return l->queue.len + (l->wire != NULL ? l->wire->writing.len : 0);
}

static void end_opening(struct link *l) {
  struct opening *o = l->opening;
  if (o == NULL)
    return;
  l->opening = NULL;
  resolve_cancel(&o->resolving);
  if (o->trust_wait != NULL)
    o->trust_wait->link = NULL;
  *o->prev = o->next;
  if (o->next != NULL)
    o->next->prev = o->prev;
  SSL_SESSION_free(o->session);
  free(o);
}

static void become_open(struct link *l) {
  end_opening(l);
  l->events->opened(l);
}

/* An attempt is over.  The last one's fault is the link's. */
static void attempt_failed(struct link *l, enum net_reason reason, const char *why) {
  struct opening *o = l->opening;
  net_fault_set(&o->fault, reason, "%s:%u: %s", l->host, l->port, why);
  if (!try_next(l))
    l->events->failed(l, &o->fault);
}

/* 1: done, 0: it needs more, -1: l may be gone. */
static int shake(struct link *l) {
  int rc = tls_handshake(l->tls);
  send_tls_output(l);
  if (rc < 0)
    fail(l, NET_TLS, tls_error(l->tls));
  return rc;
}

static void start_tls(struct link *l) {
  struct opening *o = l->opening;
  o->shaking = true;
  l->tls = tls_new(trust_context(l->trust), l->host, o->alpn, o->session);
  shake(l);
}

static void take_tls(struct wire *w, const char *data, size_t len) {
  struct link *l = w->link;
  tls_feed(l->tls, data, len);
  if (l->opening != NULL) {
    if (shake(l) < 1)
      return;
    become_open(l);
  }
  if (w->link != l)
    return;
  char *plain = net_plain(l->net);
  size_t got = 0;
  int n;
  while ((n = tls_read(l->tls, plain + got, PLAIN_BYTES - got)) > 0)
    got += (size_t) n;
  send_tls_output(l); /* answers of the protocol's own */
  if (got > 0)
    l->events->received(l, plain, got);
  if (w->link == l && n < 0)
    fail(l, NET_TLS, tls_error(l->tls));
  else if (w->link == l && tls_has_ended(l->tls))
    l->events->received(l, NULL, 0);
}

/* A TLS stream that ends without saying so may have been cut by anybody. */
static void take_end(struct link *l) {
  if (l->tls != NULL && l->opening != NULL)
    fail(l, NET_TLS, "the connection was closed during the TLS handshake");
  else if (l->tls != NULL && !tls_has_ended(l->tls))
    fail(l, NET_CLOSED, "the connection was cut: it ended without the end of TLS");
  else
    l->events->received(l, NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes) {
  struct wire *w = container_of((uv_tcp_t *) stream, struct wire, tcp);
  struct link *l = w->link;
  if (l == NULL || n == 0)
    return;
  if (n == UV_EOF)
    take_end(l);
  else if (n < 0)
    fail(l, NET_CLOSED, uv_strerror((int) n));
  else if (l->tls != NULL)
    take_tls(w, bytes->base, (size_t) n);
  else
    l->events->received(l, bytes->base, (size_t) n);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *bytes) {
  struct wire *w = container_of((uv_tcp_t *) handle, struct wire, tcp);
  (void) suggested;
  *bytes =
      w->link != NULL ? uv_buf_init(net_input(w->link->net), INPUT_BYTES) : uv_buf_init(NULL, 0);
}

static void on_connect(uv_connect_t *req, int status) {
  struct wire *w = container_of(req, struct wire, connect);
  struct link *l = w->link;
  if (l == NULL)
    return;
  if (status == 0)
    status = uv_read_start((uv_stream_t *) &w->tcp, on_alloc, on_read);
  if (status < 0) {
    attempt_failed(l, NET_CONNECT, uv_strerror(status));
    return;
  }
  uv_tcp_nodelay(&w->tcp, 1);
  uv_tcp_keepalive(&w->tcp, 1, KEEPALIVE_S);
  if (l->trust != NULL)
    start_tls(l);
  else
    become_open(l);
}

static int connect_to(struct link *l, const struct sockaddr *address) {
  struct wire *w = xcalloc(1, sizeof *w);
  int rc = uv_tcp_init(&l->net->loop->uv, &w->tcp);
  if (rc < 0) {
    free(w);
    return rc;
  }
  w->link = l;
  l->wire = w;
  return uv_tcp_connect(&w->connect, &w->tcp, address, on_connect);
}

/* The next address that may be called; an equal share of what is left of the time.  false: there
 * is none, and opening->fault says why. */
static bool try_next(struct link *l) {
  struct opening *o = l->opening;
  while (o->tried < o->addresses.count) {
    struct sockaddr_in6 *to = &o->addresses.all[o->tried];
    int64_t left_ms = o->until_ms - net_now_ms(l->net);
    int64_t share_ms = left_ms / (int64_t) (o->addresses.count - o->tried++);
    drop_wire(l);
    to->sin6_port = htons(l->port); /* where sockaddr_in has it too */
    if (o->allow != NULL && !allow_address(o->allow, l->host, (struct sockaddr *) to)) {
      char text[INET6_ADDRSTRLEN];
      uv_ip_name((struct sockaddr *) to, text, sizeof text);
      net_fault_set(&o->fault, NET_REFUSED,
                    "%s:%u: %s is a private address: outside.allow of config.lua must name it or "
                    "its network",
                    l->host, l->port, text);
      continue;
    }
    o->attempt_until_ms = net_now_ms(l->net) + share_ms;
    int rc = connect_to(l, (struct sockaddr *) to);
    if (rc == 0)
      return true;
    net_fault_set(&o->fault, NET_CONNECT, "%s:%u: %s", l->host, l->port, uv_strerror(rc));
  }
  return false;
}

static void on_resolved(struct resolving *r, const struct addresses *found, const char *error) {
  struct opening *o = container_of(r, struct opening, resolving);
  if (error != NULL) {
    fail(o->link, NET_RESOLVE, error);
    return;
  }
  o->addresses = *found;
  if (!try_next(o->link))
    o->link->events->failed(o->link, &o->fault);
}

/* false: it failed at once, and opening->fault says why. */
static bool find_host(struct link *l) {
  struct opening *o = l->opening;
  if (!resolve(l->net, l->host, &o->addresses, &o->resolving))
    return true;
  net_fault_set(&o->fault, NET_RESOLVE, "%s:%u: it has no address", l->host, l->port);
  return try_next(l);
}

static void on_trust(struct message *m) {
  struct trust_wait *wait = container_of(m, struct trust_wait, trusting.done);
  struct link *l = wait->link;
  free(wait);
  if (l == NULL)
    return;
  struct opening *o = l->opening;
  o->trust_wait = NULL;
  if (trust_context(l->trust) == NULL) {
    char why[FAULT_TEXT / 2];
    trust_error(l->trust, why, sizeof why);
    fail(l, NET_TLS, why);
  } else if (!find_host(l)) {
    l->events->failed(l, &o->fault);
  }
}

static void read_trust(struct link *l) {
  struct trust_wait *wait = xcalloc(1, sizeof *wait);
  wait->trusting.loop = l->net->loop;
  wait->trusting.done.receive = on_trust;
  wait->link = l;
  l->opening->trust_wait = wait;
  trust_read(l->trust, &wait->trusting);
}

static void begin_opening(struct link *l, const struct link_target *to) {
  struct net *net = l->net;
  struct opening *o = l->opening = xcalloc(1, sizeof *o);
  *o = (struct opening){.resolving.resolved = on_resolved,
                        .allow = to->allow,
                        .alpn = to->alpn,
                        .session = to->session,
                        .until_ms = net_now_ms(net) + to->open_ms,
                        .attempt_until_ms = INT64_MAX,
                        .link = l,
                        .next = net->opening,
                        .prev = &net->opening};
  if (o->session != NULL)
    SSL_SESSION_up_ref(o->session);
  if (o->next != NULL)
    o->next->prev = &o->next;
  net->opening = o;
  net_tick_on(net);
}

struct link *link_open(struct net *net, const struct link_target *to,
                       const struct link_events *events, void *owner, struct net_fault *fault) {
  if (to->allow != NULL && !allow_host(to->allow, to->host, to->port)) {
    net_fault_set(fault, NET_REFUSED,
                  "%s:%u: scripts may call only the hosts in outside.allow of config.lua", to->host,
                  to->port);
    return NULL;
  }
  struct link *l = xcalloc(1, sizeof *l);
  *l = (struct link){.net = net,
                     .events = events,
                     .owner = owner,
                     .host = xstrdup(to->host),
                     .port = to->port,
                     .trust = to->trust};
  begin_opening(l, to);
  if (l->trust != NULL && trust_context(l->trust) == NULL) {
    read_trust(l);
  } else if (!find_host(l)) {
    *fault = l->opening->fault;
    link_close(l);
    return NULL;
  }
  return l;
}

static void expire(struct link *l, int64_t now_ms) {
  struct opening *o = l->opening;
  if (now_ms < o->until_ms && !o->shaking)
    attempt_failed(l, NET_TIMEOUT, "no connection in its share of connect_ms");
  else
    fail(l, NET_TIMEOUT,
         o->shaking ? "no TLS connection within connect_ms" : "no connection within connect_ms");
}

static bool has_expired(const struct opening *o, int64_t now_ms) {
  return now_ms >= o->until_ms || (now_ms >= o->attempt_until_ms && !o->shaking);
}

/* From the start after each, because its owner may close others. */
bool links_tick(struct net *net, int64_t now_ms) {
  for (struct opening *o = net->opening; o != NULL;) {
    if (has_expired(o, now_ms)) {
      expire(o->link, now_ms);
      o = net->opening;
    } else {
      o = o->next;
    }
  }
  return net->opening != NULL;
}

void link_close(struct link *l) {
  if (l->tls != NULL && l->opening == NULL && l->wire->writing.len == 0 && !l->broken) {
    tls_say_end(l->tls);
    send_tls_output(l);
  }
  end_opening(l);
  drop_wire(l);
  tls_free(l->tls);
  buf_clear(&l->queue);
  free(l->host);
  free(l);
}

void *link_owner(const struct link *l) {
  return l->owner;
}

void link_pass(struct link *l, const struct link_events *events, void *owner) {
  l->events = events;
  l->owner = owner;
}

void link_pause(struct link *l) {
  if (!l->paused)
    uv_read_stop((uv_stream_t *) &l->wire->tcp);
  l->paused = true;
}

void link_resume(struct link *l) {
  if (l->paused && uv_read_start((uv_stream_t *) &l->wire->tcp, on_alloc, on_read) < 0)
    l->broken = true;
  l->paused = false;
}

bool link_is_quiet(const struct link *l) {
  uv_os_fd_t fd;
  char byte;
  return uv_fileno((uv_handle_t *) &l->wire->tcp, &fd) == 0 &&
         recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

SSL_SESSION *link_take_session(struct link *l) {
  return l->tls != NULL ? tls_take_session(l->tls) : NULL;
}
