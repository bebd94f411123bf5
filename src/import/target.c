#include "import/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "import/http_client.h"
#include "metrics/metrics.h"
#include "record/json.h"
#include "record/ndjson.h"
#include "record/schema.h"
#include "room_options.h"
#include "store/storage.h"

enum { BUSY_TRIES = 60 };

/* A database file of our own, as the server opens it. */
struct store {
  struct loop loop;
  struct schema *schema;
  struct metrics *metrics;
  struct storage *storage;
  struct record_limits limits;
};

struct target {
  char *name;
  struct store *store; /* NULL: a server */
  struct http_client client;
};

/* ---- The file ---- */

static void store_close(struct store *s) {
  if (s->storage != NULL)
    storage_close(s->storage);
  if (s->metrics != NULL)
    metrics_free(s->metrics);
  if (s->schema != NULL)
    schema_free(s->schema);
  loop_close(&s->loop);
  uv_run(&s->loop.uv, UV_RUN_DEFAULT);
  loop_clear(&s->loop);
  free(s);
}

static int store_open(struct store **store, const struct config *config, struct buf *error) {
  struct store *s = xcalloc(1, sizeof *s);
  struct storage_options options = storage_options_of(config, 1);
  s->limits =
      (struct record_limits){.record_bytes = config->limits.record_bytes, .depth = config->limits.json_depth};
  int rc = loop_init(&s->loop, 0);
  if (rc == 0 && (s->schema = config_load_schema(config, error)) == NULL)
    rc = UV_EINVAL;
  if (rc == 0) {
    s->metrics = metrics_new(config->metrics.name_space, config->metrics.max_series);
    rc = metrics_declare(s->metrics, s->schema, error) ? 0 : UV_EINVAL;
  }
  if (rc == 0)
    rc = storage_open(&s->storage, s->schema, &options, s->metrics, error);
  if (rc == 0)
    rc = storage_start(s->storage);
  if (rc == 0)
    *store = s;
  else
    store_close(s);
  return rc;
}

struct writing {
  struct submission submission;
  bool done;
};

static void on_written(struct message *m) {
  container_of(m, struct writing, submission.done)->done = true;
}

static int store_send(struct store *s, const char *data, size_t len, struct target_counts *counts,
                      struct buf *error) {
  struct buf body = {0};
  buf_append(&body, data, len);
  struct batch *batch = batch_new(s->schema);
  batch_scan(batch, &body, FORMAT_NDJSON, &s->limits, clock_now_us());
  buf_clear(&body);
  struct writing w = {
      .submission = {.done.receive = on_written, .loop = &s->loop, .batch = batch}};
  int rc = batch->count > 0 ? storage_submit(s->storage, &w.submission) : 0;
  while (rc == 0 && batch->count > 0 && !w.done)
    uv_run(&s->loop.uv, UV_RUN_ONCE);
  if (rc == 0)
    rc = w.submission.status;
  if (rc == 0) {
    counts->accepted += w.submission.accepted;
    counts->merged += w.submission.merged;
    counts->rejected += batch->rejected;
  } else {
    buf_puts(error, w.submission.error[0] != '\0' ? w.submission.error : uv_strerror(rc));
  }
  batch_free(batch);
  return rc;
}

/* ---- The server ---- */

/* The number after "name": in an answer of ours; 0 when it is not there. */
static uint64_t number_in(const struct buf *answer, const char *name) {
  char key[32];
  int n = snprintf(key, sizeof key, "\"%s\":", name);
  const char *at = memmem(answer->data, answer->len, key, (size_t) n);
  return at != NULL ? strtoull(at + n, NULL, 10) : 0;
}

static int server_send(const struct target *t, const char *data, size_t len, struct target_counts *counts,
                       struct buf *error) {
  struct buf answer = {0};
  int status = 503;
  for (int tries = 0; tries < BUSY_TRIES && (status == 503 || status == 429); tries++) {
    if (tries > 0)
      sleep(1);
    status = http_client_post(&t->client, "/logs/ingest", data, len, &answer);
  }
  buf_putc(&answer, '\0');
  answer.len--;
  if (status == 200 || (status == 400 && memmem(answer.data, answer.len, "\"rejected\":", 11) != NULL)) {
    counts->accepted += number_in(&answer, "accepted");
    counts->merged += number_in(&answer, "merged");
    counts->rejected += number_in(&answer, "rejected");
    status = 0;
  } else if (status > 0) {
    buf_printf(error, "%s answered %d: %.300s", t->name, status, answer.data);
    status = UV_EPROTO;
  } else {
    buf_printf(error, "%s: %s", t->name, uv_strerror(status));
  }
  buf_clear(&answer);
  return status;
}

/* ---- Either ---- */

static char *address_of(const struct config *config) {
  struct buf url = {0};
  bool v6 = strchr(config->host, ':') != NULL;
  buf_printf(&url, "http://%s%s%s:%d", v6 ? "[" : "", config->host, v6 ? "]" : "", config->port);
  buf_putc(&url, '\0');
  return url.data;
}

static struct target *open_server(char *url, const char *token, struct buf *error) {
  struct target *t = xcalloc(1, sizeof *t);
  t->name = url;
  if (http_client_init(&t->client, url, token))
    return t;
  buf_printf(error, "%s: expected http://HOST:PORT", url);
  free(t->name);
  free(t);
  return NULL;
}

struct target *target_open(const struct config *config, const char *url, const char *token,
                           struct buf *error) {
  if (url != NULL)
    return open_server(xstrdup(url), token, error);
  if (!config->has_storage) {
    buf_literal(error, "storage.backend is \"none\": give the server with --url");
    return NULL;
  }
  struct store *store = NULL;
  int rc = store_open(&store, config, error);
  if (rc == UV_EAGAIN) { /* a server has the lock */
    error->len = 0;
    return open_server(address_of(config), token, error);
  }
  if (rc < 0)
    return NULL;
  struct target *t = xcalloc(1, sizeof *t);
  t->store = store;
  t->name = xstrdup(config->storage.path);
  return t;
}

int target_send(struct target *t, const char *data, size_t len, struct target_counts *counts,
                struct buf *error) {
  if (len == 0)
    return 0;
  return t->store != NULL ? store_send(t->store, data, len, counts, error)
                          : server_send(t, data, len, counts, error);
}

const char *target_name(const struct target *t) {
  return t->name;
}

void target_close(struct target *t) {
  if (t == NULL)
    return;
  if (t->store != NULL)
    store_close(t->store);
  else
    http_client_clear(&t->client);
  free(t->name);
  free(t);
}
