#include "net/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/room.h"

enum { TRY_MS = 2000, TRIES = 3 };

/* A name that is being looked up.  Its channel is made anew each time, so that a changed
 * resolv.conf or hosts counts at once. */
struct lookup {
  struct net *net;
  char *host;
  ares_channel channel;
  uv_timer_t timer;
  struct ares_poll *polls;
  unsigned handles; /* that are not yet closed */
  struct resolving *waiting;
  struct addresses found;
  int status;
  bool answered;
  struct lookup *next, **prev;
};

struct ares_poll {
  uv_poll_t poll;
  struct lookup *lookup;
  ares_socket_t socket;
  struct ares_poll *next;
};

static bool add_numeric(struct addresses *found, const char *host) {
  struct sockaddr_in6 *a = &found->all[found->count];
  if (uv_ip4_addr(host, 0, (struct sockaddr_in *) a) < 0 && uv_ip6_addr(host, 0, a) < 0)
    return false;
  found->count++;
  return true;
}

static bool is_localhost(const char *host) {
  size_t len = strlen(host);
  return strcmp(host, "localhost") == 0 || (len > 10 && strcmp(host + len - 10, ".localhost") == 0);
}

static void on_closed(struct lookup *l) {
  if (--l->handles > 0)
    return;
  free(l->host);
  free(l);
}

static void on_timer_closed(uv_handle_t *handle) {
  on_closed(container_of((uv_timer_t *) handle, struct lookup, timer));
}

static void on_poll_closed(uv_handle_t *handle) {
  struct ares_poll *p = container_of((uv_poll_t *) handle, struct ares_poll, poll);
  on_closed(p->lookup);
  free(p);
}

static void end_lookup(struct lookup *l) {
  *l->prev = l->next;
  if (l->next != NULL)
    l->next->prev = l->prev;
  ares_destroy(l->channel); /* closes its sockets: on_socket() */
  uv_close((uv_handle_t *) &l->timer, on_timer_closed);
}

/* Not inside of a callback of c-ares, because those who waited may do anything: who asks again
 * is not answered by this lookup, which has ended but for its memory. */
static void tell_answer(struct lookup *l) {
  const char *error = l->status != ARES_SUCCESS ? ares_strerror(l->status) : NULL;
  if (error == NULL && l->found.count == 0)
    error = "it has no address";
  end_lookup(l);
  while (l->waiting != NULL) {
    struct resolving *r = l->waiting;
    l->waiting = r->next;
    r->lookup = NULL;
    r->resolved(r, &l->found, error);
  }
}

static void on_timeout(uv_timer_t *timer);

static void go_on(struct lookup *l) {
  struct timeval left;
  if (l->answered) {
    tell_answer(l);
    return;
  }
  struct timeval *wait = ares_timeout(l->channel, NULL, &left);
  int64_t ms = wait != NULL ? wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1 : TRY_MS;
  uv_timer_start(&l->timer, on_timeout, (uint64_t) ms, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct ares_poll *p = container_of(poll, struct ares_poll, poll);
  struct lookup *l = p->lookup;
  bool readable = status < 0 || events & UV_READABLE, writable = status < 0 || events & UV_WRITABLE;
  ares_process_fd(l->channel, readable ? p->socket : ARES_SOCKET_BAD,
                  writable ? p->socket : ARES_SOCKET_BAD);
  go_on(l);
}

static void on_timeout(uv_timer_t *timer) {
  struct lookup *l = container_of(timer, struct lookup, timer);
  ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  go_on(l);
}

static void close_poll(struct lookup *l, ares_socket_t socket) {
  for (struct ares_poll **p = &l->polls; *p != NULL; p = &(*p)->next)
    if ((*p)->socket == socket) {
      struct ares_poll *closing = *p;
      *p = closing->next;
      uv_close((uv_handle_t *) &closing->poll, on_poll_closed);
      return;
    }
}

static struct ares_poll *poll_of(struct lookup *l, ares_socket_t socket) {
  for (struct ares_poll *p = l->polls; p != NULL; p = p->next)
    if (p->socket == socket)
      return p;
  struct ares_poll *p = xcalloc(1, sizeof *p);
  if (uv_poll_init_socket(&l->net->loop->uv, &p->poll, socket) < 0) {
    free(p);
    return NULL;
  }
  p->lookup = l;
  p->socket = socket;
  p->next = l->polls;
  l->polls = p;
  l->handles++;
  return p;
}

static void on_socket(void *arg, ares_socket_t socket, int readable, int writable) {
  struct lookup *l = arg;
  if (!readable && !writable) {
    close_poll(l, socket);
    return;
  }
  struct ares_poll *p = poll_of(l, socket);
  if (p != NULL) /* else it times out */
    uv_poll_start(&p->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_ready);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info) {
  struct lookup *l = arg;
  (void) timeouts;
  if (status == ARES_EDESTRUCTION)
    return;
  l->status = status;
  l->answered = true;
  for (struct ares_addrinfo_node *n = info != NULL ? info->nodes : NULL; n != NULL; n = n->ai_next)
    if (l->found.count < ADDRESSES_MAX && n->ai_addrlen <= sizeof l->found.all[0])
      memcpy(&l->found.all[l->found.count++], n->ai_addr, n->ai_addrlen);
  ares_freeaddrinfo(info);
}

static struct lookup *find_lookup(struct net *net, const char *host) {
  struct lookup *l = net->lookups;
  while (l != NULL && strcmp(l->host, host) != 0)
    l = l->next;
  return l;
}

/* NULL: c-ares has no memory. */
static struct lookup *start_lookup(struct net *net, const char *host) {
  static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                                   .ai_socktype = SOCK_STREAM};
  struct lookup *l = xcalloc(1, sizeof *l);
  struct ares_options options = {
      .timeout = TRY_MS, .tries = TRIES, .sock_state_cb = on_socket, .sock_state_cb_data = l};
  int rc = ares_init_options(&l->channel, &options,
                             ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (rc != ARES_SUCCESS) {
    free(l);
    return NULL;
  }
  l->net = net;
  l->host = xstrdup(host);
  l->handles = 1;
  l->next = net->lookups;
  l->prev = &net->lookups;
  if (l->next != NULL)
    l->next->prev = &l->next;
  net->lookups = l;
  uv_timer_init(&net->loop->uv, &l->timer);
  /* What is answered at once is told in the next turn of the loop: not in this one, in which
   * libuv would still run a timer of 0 ms that another timer has started. */
  uv_timer_start(&l->timer, on_timeout, 1, 0);
  ares_getaddrinfo(l->channel, host, NULL, &hints, on_answer, l);
  if (!l->answered)
    go_on(l);
  return l;
}

bool resolve(struct net *net, const char *host, struct addresses *found, struct resolving *r) {
  *found = (struct addresses){0};
  if (is_localhost(host))
    return add_numeric(found, "127.0.0.1"), add_numeric(found, "::1");
  if (add_numeric(found, host))
    return true;
  struct lookup *l = find_lookup(net, host);
  if (l == NULL)
    l = start_lookup(net, host);
  if (l == NULL)
    return true; /* without an address */
  r->lookup = l;
  r->next = l->waiting;
  l->waiting = r;
  return false;
}

/* A lookup that nobody waits for any more goes on: its answer is dropped. */
void resolve_cancel(struct resolving *r) {
  if (r->lookup == NULL)
    return;
  struct resolving **p = &r->lookup->waiting;
  while (*p != r)
    p = &(*p)->next;
  *p = r->next;
  r->lookup = NULL;
}

void lookups_close(struct net *net) {
  while (net->lookups != NULL)
    end_lookup(net->lookups);
}
