#include "net/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/room.h"

struct net *net_new(struct loop *loop, struct trusts *trusts) {
  struct net *net = xcalloc(1, sizeof *net);
  net->loop = loop;
  net->trusts = trusts;
  return net;
}

void net_close(struct net *net) {
  pool_close(net);
  lookups_close(net);
  if (net->has_tick)
    uv_close((uv_handle_t *) &net->tick, NULL);
}

void net_free(struct net *net) {
  if (net == NULL)
    return;
  free(net->input);
  free(net->plain);
  free(net);
}

int64_t net_now_ms(const struct net *net) {
  return (int64_t) uv_now(&net->loop->uv);
}

static void on_tick(uv_timer_t *tick) {
  struct net *net = container_of(tick, struct net, tick);
  int64_t now_ms = net_now_ms(net);
  bool opening = links_tick(net, now_ms), calling = calls_tick(net, now_ms);
  bool keeping = pool_tick(net, now_ms);
  net->ticking = opening || calling;
  if (net->ticking || keeping)
    uv_timer_start(tick, on_tick, net->ticking ? TICK_MS : KEPT_TICK_MS, 0);
}

void net_tick_on(struct net *net) {
  if (net->ticking)
    return;
  if (!net->has_tick)
    uv_timer_init(&net->loop->uv, &net->tick);
  net->has_tick = net->ticking = true;
  uv_timer_start(&net->tick, on_tick, TICK_MS, 0);
}

char *net_input(struct net *net) {
  if (net->input == NULL)
    net->input = xmalloc(INPUT_BYTES);
  return net->input;
}

char *net_plain(struct net *net) {
  if (net->plain == NULL)
    net->plain = xmalloc(PLAIN_BYTES);
  return net->plain;
}

void net_fault_set(struct net_fault *fault, enum net_reason reason, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fault->reason = reason;
  vsnprintf(fault->text, sizeof fault->text, format, args);
  va_end(args);
}

const char *net_reason_name(enum net_reason reason) {
  static const char *const names[] = {
      [NET_FINE] = "",
      [NET_REFUSED] = "refused",
      [NET_RESOLVE] = "resolve",
      [NET_CONNECT] = "connect",
      [NET_TLS] = "tls",
      [NET_TIMEOUT] = "timeout",
      [NET_TOO_LARGE] = "too_large",
      [NET_PROTOCOL] = "protocol",
      [NET_CLOSED] = "closed",
  };
  return names[reason];
}
