#include "app.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "check.h"
#include "http/server.h"
#include "hub/streams.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "net/net.h"
#include "notify.h"
#include "pages.h"
#include "process.h"
#include "record/schema.h"
#include "room_options.h"
#include "script/bindings/bindings.h"
#include "script/kv.h"
#include "script/notes.h"
#include "script/reload/generations.h"
#include "script/services.h"
#include "store/upkeep.h"

enum {
  LATER_MS = 5, /* enough for a first response */
  SETTLED_MS = 200,
};

/* The whole program.  Stopping goes loop by loop: streams say goodbye and requests
 * finish, then, when every loop has drained, the store commits what is queued and the
 * loops close. */
struct app {
  struct config *config;
  struct schema *schema;
  struct services services; /* of scripts */
  struct settings_context settings;
  struct server *server;
  struct trusts *trusts;
  struct generations *generations;
  uv_poll_t signals;
  int signal_fd;
  uv_timer_t later, watchdog;
  struct leaving {
    struct message message;
    struct app *app;
    struct loop *loop;
  } *leaving;          /* one per loop */
  unsigned draining;   /* loops that have not drained; loop 0's thread */
  bool working, stopping;
};

static int open_loops(struct services *s, struct buf *errors) {
  s->loops = xcalloc(s->nloops, sizeof *s->loops);
  s->streams = xcalloc(s->nloops, sizeof *s->streams);
  s->nets = xcalloc(s->nloops, sizeof *s->nets);
  for (unsigned i = 0; i < s->nloops; i++) {
    int rc = loop_init(&s->loops[i], i);
    if (rc < 0) {
      buf_printf(errors, "event loop: %s\n", uv_strerror(rc));
      return rc;
    }
  }
  return 0;
}

static void publish(void *hub, const struct batch *b) {
  hub_publish_batch(hub, b);
}

/* What is committed becomes events, and old events are read back. */
static void wire_hub(struct hub *hub, struct storage *storage) {
  hub_set_name(hub, storage_name(storage), storage_last_row(storage));
  hub_set_pages(hub, &(struct hub_pages){storage, page_read, page_cancel});
  storage_on_committed(storage, publish, hub);
}

static int open_store(struct app *app, struct buf *errors) {
  struct services *s = &app->services;
  struct storage_options options = storage_options_of(app->config, s->nloops);
  if (!app->config->has_storage) {
    log_warn("storage.backend is \"none\": nothing is kept, and only status, stream and "
             "metrics answer");
    return 0;
  }
  int rc = storage_open(&s->storage, s->schema, &options, s->metrics, errors);
  if (rc < 0)
    return rc;
  wire_hub(s->hub, s->storage);
  s->upkeep = upkeep_new(options.path, app->config->storage.backups, s->schema);
  return 0;
}

static struct site *current_site(void *arg) {
  struct app *app = arg;
  return generations_current(app->generations);
}

static void on_changed(void *server) {
  server_site_changed(server);
}

static void open_server(struct app *app) {
  struct services *s = &app->services;
  app->server = server_new(&(struct server_options){
    .loops = s->loops,
    .nloops = s->nloops,
    .metrics = s->metrics,
    .max_connections = max_connections_of(app->config, s->nloops),
    .limits = http_limits_of(app->config),
    .site = current_site,
    .arg = app,
  });
  s->changed = on_changed;
  s->changed_arg = app->server;
}

/* Where notes are between two runs; NULL where nothing is stored. */
static char *notes_path(const struct config *c) {
  struct buf path = {0};
  if (!c->has_storage)
    return NULL;
  buf_printf(&path, "%s.notes", c->storage.path);
  buf_putc(&path, '\0');
  return path.data;
}

static void load_notes(struct app *app) {
  char *path = notes_path(app->config);
  app->services.notes = notes_new(path);
  notes_load(app->services.notes);
  free(path);
}

static void save_notes(struct app *app) {
  int rc = notes_save(app->services.notes);
  if (rc < 0)
    log_warn("what senders told of late is forgotten",
             log_str("database", app->config->storage.path), log_str("error", uv_strerror(rc)));
}

static int open_scripts(struct app *app, struct buf *errors) {
  struct services *s = &app->services;
  s->kv = kv_new(KV_BYTES);
  load_notes(app);
  s->bindings = bindings;
  s->read_settings = settings_read;
  s->free_settings = settings_free;
  s->push_settings_env = config_push_env;
  s->settings_arg = &app->settings;
  app->generations = generations_open(s, app->config->file, errors);
  return app->generations != NULL ? 0 : -1;
}

static int open_rooms(struct app *app, struct buf *errors) {
  struct services *s = &app->services;
  const struct config *c = app->config;
  struct hub_options hub = hub_options_of(c);

  s->schema = app->schema;
  s->nloops = workers_of(c);
  s->metrics = metrics_new(c->metrics.name_space, c->metrics.max_series);
  metrics_set_max_age(s->metrics, c->metrics.max_age);
  s->hub = hub_new(s->schema, &hub);
  if (!metrics_declare(s->metrics, s->schema, errors))
    return -1;
  hub_metrics(s->hub, s->metrics);
  if (open_store(app, errors) < 0 || open_loops(s, errors) < 0)
    return -1;
  open_server(app);
  app->trusts = trusts_new();
  for (unsigned i = 0; i < s->nloops; i++) {
    s->streams[i] = streams_new(&s->loops[i], s->hub);
    s->nets[i] = net_new(&s->loops[i], app->trusts);
  }
  return open_scripts(app, errors);
}

/* The threads that write and reload. */
static void start_work(struct app *app) {
  struct services *s = &app->services;
  if (app->working)
    return;
  app->working = true;
  int rc = s->storage != NULL ? storage_start(s->storage) : 0;
  if (rc == 0 && s->storage != NULL)
    rc = storage_seal(s->storage);
  if (rc == 0)
    rc = generations_start(app->generations);
  if (rc < 0) {
    log_error("a thread or the files of the store could not be had; stop what uses them up",
              log_str("error", uv_strerror(rc)));
    _exit(1);
  }
}

static void on_settled(uv_timer_t *timer) {
  malloc_trim(0); /* what starting took and no longer needs */
  uv_close((uv_handle_t *) timer, NULL);
}

static void on_later(uv_timer_t *timer) {
  start_work(container_of(timer, struct app, later));
  uv_timer_start(timer, on_settled, SETTLED_MS, 0);
}

static void work_later(struct app *app) {
  uv_timer_init(&app->services.loops[0].uv, &app->later);
  uv_timer_start(&app->later, on_later, LATER_MS, 0);
}

static void on_alive(uv_timer_t *timer) {
  (void) timer;
  notify("WATCHDOG=1");
}

/* It is told by the loop that accepts: one that hangs is silent. */
static void tell_ready(struct app *app) {
  uint64_t every_ms = notify_watchdog_ms();
  uv_timer_init(&app->services.loops[0].uv, &app->watchdog);
  if (every_ms > 0)
    uv_timer_start(&app->watchdog, on_alive, every_ms, every_ms);
  notify("READY=1");
}

static void close_handles(struct app *app) {
  if (!uv_is_closing((uv_handle_t *) &app->later))
    uv_close((uv_handle_t *) &app->later, NULL);
  uv_close((uv_handle_t *) &app->watchdog, NULL);
  uv_close((uv_handle_t *) &app->signals, NULL);
  close(app->signal_fd);
}

static void on_leave(struct message *m) {
  struct leaving *leaving = container_of(m, struct leaving, message);
  loop_close(leaving->loop);
}

static void on_drained(struct message *m) {
  struct app *app = container_of(m, struct leaving, message)->app;
  struct services *s = &app->services;
  if (--app->draining > 0)
    return;

  generations_join(app->generations);
  upkeep_free(s->upkeep);
  s->upkeep = NULL;
  if (s->storage != NULL)
    storage_close(s->storage);
  s->storage = NULL;
  close_handles(app);
  for (unsigned i = 0; i < s->nloops; i++) {
    app->leaving[i].message.receive = on_leave;
    loop_post(&s->loops[i], &app->leaving[i].message);
  }
}

static void on_loop_drained(struct loop *loop, void *arg) {
  struct app *app = arg;
  struct leaving *leaving = &app->leaving[loop->index];
  generations_stop(app->generations, loop);
  net_close(app->services.nets[loop->index]);
  leaving->message.receive = on_drained;
  loop_post(&app->services.loops[0], &leaving->message);
}

static void on_drain(struct message *m) {
  struct leaving *leaving = container_of(m, struct leaving, message);
  struct app *app = leaving->app;
  struct streams **streams = &app->services.streams[leaving->loop->index];
  streams_close(*streams);
  *streams = NULL;
  server_drain(app->server, leaving->loop, on_loop_drained, app);
}

static void stop_serving(struct app *app) {
  struct services *s = &app->services;
  if (app->stopping)
    return;
  app->stopping = true;
  notify("STOPPING=1");
  start_work(app); /* which finishes what waits for it */
  app->draining = s->nloops;
  server_close(app->server);
  for (unsigned i = 0; i < s->nloops; i++) {
    app->leaving[i] = (struct leaving){
        .message.receive = on_drain, .app = app, .loop = &s->loops[i]};
    loop_post(&s->loops[i], &app->leaving[i].message);
  }
}

static void on_signal(struct app *app, int signum) {
  if (app->stopping)
    return;
  if (signum == SIGHUP) {
    generations_reload(app->generations, NULL);
  } else {
    log_info("stopping", log_str("signal", strsignal(signum)));
    stop_serving(app);
  }
}

static void on_signals(uv_poll_t *poll, int status, int events) {
  (void) status, (void) events;
  struct app *app = container_of(poll, struct app, signals);
  struct signalfd_siginfo info;
  while (read(app->signal_fd, &info, sizeof info) == sizeof info)
    on_signal(app, (int) info.ssi_signo);
}

static void listen_to_signals(struct app *app) {
  uv_poll_init(&app->services.loops[0].uv, &app->signals, app->signal_fd);
  uv_poll_start(&app->signals, UV_READABLE, on_signals);
}

static int start_serving(struct app *app) {
  const struct config *c = app->config;
  struct services *s = &app->services;
  uint16_t port;
  int rc = server_listen(app->server, c->host, c->port, &port);
  if (rc < 0) {
    fprintf(stderr,
            "moonledger: cannot listen on %s:%d: %s; --listen or listen in %s names "
            "another address\n",
            c->host, c->port, uv_strerror(rc), c->file);
    return rc;
  }
  app->leaving = xcalloc(s->nloops, sizeof *app->leaving);
  listen_to_signals(app);
  work_later(app);
  for (unsigned i = 1; i < s->nloops && rc == 0; i++)
    rc = loop_start(&s->loops[i]);
  if (rc < 0) {
    fprintf(stderr,
            "moonledger: a thread could not be started: %s; fewer workers need fewer\n",
            uv_strerror(rc));
    return rc;
  }
  printf(strchr(c->host, ':') != NULL ? "listening on http://[%s]:%d\n"
                                      : "listening on http://%s:%d\n",
         c->host, port);
  fflush(stdout);
  tell_ready(app);
  log_info("listening", log_str("host", c->host), log_int("port", port),
           log_int("workers", s->nloops), log_str("version", MOONLEDGER_VERSION));
  return 0;
}

static int finish_serving(struct app *app) {
  struct services *s = &app->services;
  int code = 0;
  for (unsigned i = 1; i < s->nloops; i++)
    loop_join(&s->loops[i]);
  generations_close(app->generations);
  server_free(app->server);
  for (unsigned i = 0; i < s->nloops; i++) {
    net_free(s->nets[i]);
    if (loop_clear(&s->loops[i]) < 0) {
      log_error("a handle was still open at the end", log_int("loop", i));
      code = 3;
    }
  }
  save_notes(app);
  return code;
}

static void free_rooms(struct app *app) {
  struct services *s = &app->services;
  kv_free(s->kv);
  notes_free(s->notes);
  hub_free(s->hub);
  metrics_free(s->metrics);
  schema_free(app->schema);
  config_free(app->config);
  trusts_free(app->trusts);
  free(s->loops);
  free(s->nets);
  free(s->streams);
  free(app->leaving);
}

/* other: a database that was there before ours. */
static void log_place(const struct config *c, const struct config_place *place,
                      const char *other) {
  log_info("settings", log_str("config", c->file), log_str("found", place->how),
           log_str("database", c->has_storage ? c->storage.path : "none"));
  if (other != NULL)
    log_warn("a new database is begun, and there is another one: --database names it",
             log_str("other", other));
}

int app_serve(const struct options *options, const struct config_place *place) {
  struct app app = {.settings.overrides = &options->overrides};
  struct buf errors = {0};
  char *other = NULL;
  int code = 1;

  process_set_up();
  app.config = config_load(options->config, &options->overrides, &errors);
  app.schema = app.config != NULL ? config_load_schema(app.config, &errors) : NULL;
  if (app.schema == NULL) {
    errors.len = 0;
    check_files(options, &errors); /* the same mistakes, with lines, and more */
    goto refuse;
  }
  log_configure(app.config->log_level, app.config->log_format);
  other = app.config->has_storage ? config_place_other_database(app.config->storage.path) : NULL;
  app.settings.running = app.config;
  app.signal_fd = process_take_signals();
  if (open_rooms(&app, &errors) < 0 || start_serving(&app) < 0)
    goto refuse;
  log_place(app.config, place, other);
  free(other);

  uv_run(&app.services.loops[0].uv, UV_RUN_DEFAULT);
  code = finish_serving(&app);
  free_rooms(&app);
  return code;

refuse:
  buf_complain(&errors);
  if (app.services.storage != NULL)
    storage_close(app.services.storage);
  _exit(code);
}
