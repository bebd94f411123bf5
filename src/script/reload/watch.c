#include "script/reload/watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "script/reload/snapshot.h"

enum { FIRST_LOOK_MS = 100, QUIET_MS = 60, LONGEST_MS = 200, POLL_MS = 2000 };

struct folder {
  uv_fs_event_t event;
  struct watch *watch;
  char *path;
  ino_t inode;  /* a folder made anew under its name wants a new watch */
  bool is_root; /* where only config.lua and lua count */
  bool seen;
  struct folder *next;
};

struct watch {
  uv_loop_t *loop;
  char *config_file;
  void (*changed)(void *arg);
  void *arg;
  struct folder *folders;
  uint64_t signature;
  uint64_t first_ms; /* loop time of the first event since the last look; 0: none */
  uv_timer_t quiet, poll;
  unsigned handles;
};

static void watch_release(struct watch *w) {
  if (--w->handles > 0)
    return;
  free(w->config_file);
  free(w);
}

static void on_timer_closed(uv_handle_t *handle) {
  watch_release(handle->data);
}

static void on_folder_closed(uv_handle_t *handle) {
  struct folder *f = container_of((uv_fs_event_t *) handle, struct folder, event);
  struct watch *w = f->watch;
  free(f->path);
  free(f);
  watch_release(w);
}

static void look_at_files(struct watch *w);

static void on_quiet(uv_timer_t *timer) {
  look_at_files(timer->data);
}

static bool is_ours(const struct folder *f, const char *name) {
  const char *slash = strrchr(f->watch->config_file, '/');
  return !f->is_root || name == NULL || strcmp(name, "lua") == 0 || strcmp(name, "..data") == 0 ||
         strcmp(name, slash != NULL ? slash + 1 : f->watch->config_file) == 0;
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status) {
  struct folder *f = container_of(event, struct folder, event);
  struct watch *w = f->watch;
  (void) events;
  if (status < 0 || !is_ours(f, name))
    return;
  uint64_t now = uv_now(w->loop);
  if (w->first_ms == 0)
    w->first_ms = now;
  uint64_t left = w->first_ms + LONGEST_MS > now ? w->first_ms + LONGEST_MS - now : 0;
  uv_timer_start(&w->quiet, on_quiet, left < QUIET_MS ? left : QUIET_MS, 0);
}

/* A folder that cannot be watched (too many watches) is left to the poll. */
static void add_folder(struct watch *w, const char *path, ino_t inode, bool is_root) {
  struct folder *f = xcalloc(1, sizeof *f);
  *f = (struct folder){
      .watch = w, .path = xstrdup(path), .inode = inode, .is_root = is_root, .seen = true};
  f->next = w->folders;
  w->folders = f;
  w->handles++;
  uv_fs_event_init(w->loop, &f->event);
  uv_fs_event_start(&f->event, on_event, path, 0);
}

/* true when it was not watched before. */
static bool watch_folder(struct watch *w, const char *path, bool is_root) {
  struct stat st;
  if (stat(path, &st) < 0)
    return false;
  struct folder *f = w->folders;
  while (f != NULL && (f->inode != st.st_ino || strcmp(f->path, path) != 0))
    f = f->next;
  if (f == NULL)
    add_folder(w, path, st.st_ino, is_root);
  else
    f->seen = true;
  return f == NULL;
}

static void drop_unseen(struct watch *w) {
  for (struct folder **p = &w->folders; *p != NULL;) {
    struct folder *f = *p;
    if (f->seen) {
      f->seen = false;
      p = &f->next;
    } else {
      *p = f->next;
      uv_close((uv_handle_t *) &f->event, on_folder_closed);
    }
  }
}

static bool watch_folders(struct watch *w, const struct snapshot *s) {
  bool added = s->root != NULL && watch_folder(w, s->root, true);
  for (size_t i = 0; i < s->nfolders; i++)
    added |= watch_folder(w, s->folders[i], false);
  drop_unseen(w);
  return added;
}

/* A new folder may have got files between the look and the watch: look again. */
static void look_at_files(struct watch *w) {
  uint64_t before = w->signature;
  bool added = true;
  w->first_ms = 0;
  while (added) {
    struct snapshot *s = snapshot_look(w->config_file);
    w->signature = s->signature;
    added = watch_folders(w, s);
    snapshot_free(s);
  }
  if (before != w->signature)
    w->changed(w->arg);
}

static void init_timer(struct watch *w, uv_timer_t *timer) {
  uv_timer_init(w->loop, timer);
  timer->data = w;
  w->handles++;
}

struct watch *watch_start(uv_loop_t *loop, const char *config_file, uint64_t signature,
                          void (*changed)(void *arg), void *arg) {
  struct watch *w = xcalloc(1, sizeof *w);
  *w = (struct watch){.loop = loop,
                      .config_file = xstrdup(config_file),
                      .signature = signature,
                      .changed = changed,
                      .arg = arg};
  init_timer(w, &w->quiet);
  init_timer(w, &w->poll);
  /* a server that has just started answers first */
  uv_timer_start(&w->quiet, on_quiet, FIRST_LOOK_MS, 0);
  uv_timer_start(&w->poll, on_quiet, POLL_MS, POLL_MS);
  return w;
}

void watch_stop(struct watch *w) {
  for (struct folder *f = w->folders, *next; f != NULL; f = next) {
    next = f->next;
    uv_close((uv_handle_t *) &f->event, on_folder_closed);
  }
  w->folders = NULL;
  uv_close((uv_handle_t *) &w->quiet, on_timer_closed);
  uv_close((uv_handle_t *) &w->poll, on_timer_closed);
}
