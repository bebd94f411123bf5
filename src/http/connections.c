#include <stdlib.h>

#include "http/exchange.h"

static void on_prepare(uv_prepare_t *prepare) {
  exchanges_wake(prepare->data);
}

struct connections *connections_new(struct server *server, struct loop *loop) {
  struct connections *all = xcalloc(1, sizeof *all);
  all->server = server;
  all->loop = loop;
  all->limits = server->options.limits;
  all->input = xmalloc(READ_BYTES);
  deadlines_init(all);
  outgoing_init(all);
  uv_prepare_init(&loop->uv, &all->prepare);
  all->prepare.data = all;
  uv_prepare_start(&all->prepare, on_prepare);
  uv_unref((uv_handle_t *) &all->prepare);
  uv_idle_init(&loop->uv, &all->no_wait);
  all->no_wait.data = all;
  return all;
}

void connections_free(struct connections *all) {
  exchanges_clear(all);
  gzip_clear(all);
  buf_clear(&all->out);
  buf_clear(&all->fixed);
  free(all->input);
  free(all);
}

size_t connections_count(const struct connections *all) {
  return atomic_load_explicit(&all->count, memory_order_relaxed);
}

void connections_expect(struct connections *all) {
  atomic_fetch_add_explicit(&all->count, 1, memory_order_relaxed);
}

static bool is_stream(const struct conn *c) {
  return c->exchange == NULL && !c->draining;
}

static struct site *site_in_force(const struct connections *all) {
  const struct server_options *server = &all->server->options;
  return server->site(server->arg);
}

static void check_stream(struct conn *c, const struct site *site) {
  if (!guard_still_admits(site->options, c->permit))
    conn_close(c, "its token is not known any more");
}

void connections_check_stream(struct conn *c) {
  struct site *site = site_in_force(c->all);
  check_stream(c, site);
  site->unref(site);
}

void connections_check_streams(struct connections *all) {
  struct site *site = site_in_force(all);
  for (struct conn *c = all->first, *next; c != NULL; c = next) {
    next = c->next;
    if (is_stream(c))
      check_stream(c, site);
  }
  site->unref(site);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct connections *all = handle->data;
  if (--all->handles == 0)
    all->on_drained(all->loop, all->on_drained_arg);
}

static void check_drained(struct connections *all) {
  if (!all->draining || all->handles > 0 || connections_count(all) > 0)
    return;
  all->handles = 3;
  uv_close((uv_handle_t *) &all->timer, on_handle_closed);
  uv_close((uv_handle_t *) &all->prepare, on_handle_closed);
  uv_close((uv_handle_t *) &all->no_wait, on_handle_closed);
}

void connections_closed_one(struct connections *all) {
  atomic_fetch_sub_explicit(&all->count, 1, memory_order_relaxed);
  check_drained(all);
}

void connections_close_all(struct connections *all) {
  for (struct conn *c = all->first, *next; c != NULL; c = next) {
    next = c->next;
    conn_close(c, "the server stops");
  }
}

static bool is_idle(const struct conn *c) {
  return c->exchange != NULL && c->exchange->state == EXCHANGE_HEAD &&
         exchange_has_read_all(c->exchange);
}

void server_drain(struct server *server, struct loop *loop,
                  void (*done)(struct loop *loop, void *arg), void *arg) {
  struct connections *all = server->connections[loop->index];
  all->draining = true;
  all->on_drained = done;
  all->on_drained_arg = arg;
  for (struct conn *c = all->first, *next; c != NULL; c = next) {
    next = c->next;
    if (is_idle(c))
      conn_finish(c);
  }
  deadlines_drain(all, all->limits.shutdown_ms);
  check_drained(all);
}
