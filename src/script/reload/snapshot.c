#include "script/reload/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

enum { MAX_FILES = 4096, MAX_FILE = 8 << 20, MAX_DEPTH = 16, TRIES = 20, TRY_PAUSE_US = 10000 };

struct walk {
  struct snapshot *s;
  struct buf *errors; /* NULL: nobody asks */
  struct buf stats;   /* what the signature is made of */
  bool reading;
  int depth;
};

/* A file or folder. */
struct entry {
  struct stat st; /* of what a link leads to */
  bool is_link;
};

static bool look_at(const char *path, struct entry *e) {
  if (lstat(path, &e->st) < 0)
    return false;
  e->is_link = S_ISLNK(e->st.st_mode);
  return !e->is_link || stat(path, &e->st) == 0;
}

static void complain(struct walk *w, const char *name, const char *what) {
  if (w->errors != NULL)
    buf_printf(w->errors, "%s:1: %s\n", name, what);
}

static char *join(const char *folder, const char *name) {
  struct buf path = {0};
  buf_puts(&path, folder);
  buf_putc(&path, '/');
  buf_puts(&path, name);
  buf_putc(&path, '\0');
  return path.data;
}

/* Whether a link leads to something below root. */
static bool is_inside(const char *root, const char *path) {
  char *real = realpath(path, NULL);
  size_t root_len = strlen(root);
  bool inside = real != NULL && strncmp(real, root, root_len) == 0 && real[root_len] == '/';
  free(real);
  return inside;
}

/* false: it may not be used, and that is said.  What is no link is where its folder is, checked before. */
static bool check_access(struct walk *w, const char *path, const char *name, const struct entry *e) {
  bool inside = !e->is_link || is_inside(w->s->root, path);
  if (!inside)
    complain(w, name, "leads out of the folder of config.lua: put the file itself there, not a link");
  else if (e->st.st_mode & S_IWOTH)
    complain(w, name, "anyone on this machine may write to it: chmod o-w");
  return inside && !(e->st.st_mode & S_IWOTH);
}

static void note(struct walk *w, const char *name, const struct stat *st) {
  const int64_t facts[] = {st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (int64_t) st->st_ino,
                           (int64_t) st->st_mode};
  buf_append(&w->stats, name, strlen(name) + 1);
  buf_append(&w->stats, facts, sizeof facts);
}

const char *snapshot_read_file(struct snapshot_file *file, const char *path, const char *name, size_t size) {
  struct buf text = {0};
  const char *why = file_read_all(path, size, MAX_FILE, &text);
  if (why != NULL) {
    bool too_long = text.len > MAX_FILE;
    buf_clear(&text);
    return too_long ? "is longer than 8 MiB" : why;
  }
  *file = (struct snapshot_file){xstrdup(name), text, hash_for_files(text.data, text.len)};
  return NULL;
}

void snapshot_clear_file(struct snapshot_file *file) {
  free(file->name);
  buf_clear(&file->text);
}

static void add_file(struct walk *w, const char *path, const char *name, const struct entry *e) {
  struct snapshot *s = w->s;
  note(w, name, &e->st);
  if (!w->reading || !check_access(w, path, name, e))
    return;
  s->files = xrealloc(s->files, (s->nfiles + 1) * sizeof *s->files);
  const char *why = snapshot_read_file(&s->files[s->nfiles], path, name, (size_t) e->st.st_size);
  if (why == NULL)
    s->nfiles++;
  else
    complain(w, name, why);
}

/* Swap files, backups and what editors probe with begin with a dot or a hash or do not end in .lua. */
static bool is_script(const char *name) {
  size_t len = strlen(name);
  return len > 4 && strcmp(name + len - 4, ".lua") == 0 && *name != '.' && *name != '#';
}

static int visible(const struct dirent *entry) {
  return *entry->d_name != '.';
}

static void walk_folder(struct walk *w, const char *path, const char *name, const struct entry *e);

static void visit(struct walk *w, const char *folder, const char *folder_name, const char *entry) {
  char *path = join(folder, entry), *name = join(folder_name, entry);
  struct entry e;
  if (look_at(path, &e)) {
    if (S_ISDIR(e.st.st_mode) && w->depth < MAX_DEPTH)
      walk_folder(w, path, name, &e);
    else if (S_ISREG(e.st.st_mode) && is_script(entry) && w->s->nfiles < MAX_FILES)
      add_file(w, path, name, &e);
  }
  free(path);
  free(name);
}

static void walk_folder(struct walk *w, const char *path, const char *name, const struct entry *e) {
  struct snapshot *s = w->s;
  struct dirent **entries;
  int n = scandir(path, &entries, visible, alphasort);
  if (n < 0) {
    complain(w, name, strerror(errno));
    return;
  }
  if (w->reading)
    check_access(w, path, name, e);
  s->folders = xrealloc(s->folders, (s->nfolders + 1) * sizeof *s->folders);
  s->folders[s->nfolders++] = xstrdup(path);
  w->depth++;
  for (int i = 0; i < n; i++) {
    visit(w, path, name, entries[i]->d_name);
    free(entries[i]);
  }
  w->depth--;
  free(entries);
}

static struct snapshot *walk_all(struct walk *w, const char *config_file) {
  struct entry e;
  struct snapshot *s = xcalloc(1, sizeof *s);
  w->s = s;
  s->config_file = realpath(config_file, NULL);
  if (s->config_file == NULL || !look_at(s->config_file, &e)) {
    if (w->errors != NULL)
      buf_printf(w->errors, "%s: %s; --config names another file\n", config_file, strerror(errno));
    return s;
  }
  s->root = xstrdup(s->config_file);
  *strrchr(s->root, '/') = '\0';
  add_file(w, s->config_file, "config.lua", &e);
  char *lua = join(s->root, "lua");
  if (look_at(lua, &e))
    walk_folder(w, lua, "lua", &e);
  else
    complain(w, "lua", strerror(errno));
  free(lua);
  s->signature = hash_for_files(w->stats.data, w->stats.len);
  return s;
}

struct snapshot *snapshot_look(const char *config_file) {
  struct walk w = {0};
  struct snapshot *s = walk_all(&w, config_file);
  buf_clear(&w.stats);
  return s;
}

static bool is_steady(const struct snapshot *s, const char *config_file) {
  struct snapshot *now = snapshot_look(config_file);
  bool steady = s->signature == now->signature;
  snapshot_free(now);
  return steady;
}

static void hash_contents(struct snapshot *s) {
  struct buf all = {0};
  for (size_t i = 0; i < s->nfiles; i++)
    buf_printf(&all, "%s %llx\n", s->files[i].name, (unsigned long long) s->files[i].hash);
  s->hash = hash_for_files(all.data, all.len);
  buf_clear(&all);
}

struct snapshot *snapshot_read(const char *config_file, struct buf *errors) {
  size_t before = errors->len;
  for (int try = 1;; try++) {
    struct walk w = {.reading = true, .errors = errors};
    struct snapshot *s = walk_all(&w, config_file);
    buf_clear(&w.stats);
    bool steady = is_steady(s, config_file);
    if (steady && errors->len == before) {
      hash_contents(s);
      return s;
    }
    snapshot_free(s);
    if (errors->len > before && (steady || try == TRIES))
      return NULL;
    if (try == TRIES) {
      buf_literal(errors, "config.lua:1: the files below lua/ change all the time: nothing is loaded\n");
      return NULL;
    }
    errors->len = before;
    usleep(TRY_PAUSE_US);
  }
}

void snapshot_free(struct snapshot *s) {
  if (s == NULL)
    return;
  for (size_t i = 0; i < s->nfiles; i++)
    snapshot_clear_file(&s->files[i]);
  for (size_t i = 0; i < s->nfolders; i++)
    free(s->folders[i]);
  free(s->files);
  free(s->folders);
  free(s->config_file);
  free(s->root);
  free(s);
}

const struct snapshot_file *snapshot_find(const struct snapshot *s, const char *name) {
  for (size_t i = 0; i < s->nfiles; i++)
    if (strcmp(s->files[i].name, name) == 0)
      return &s->files[i];
  return NULL;
}

int snapshot_line(const struct snapshot *s, const char *name, const char *needle) {
  const struct snapshot_file *file = snapshot_find(s, name);
  const char *start = file != NULL ? file->text.data : NULL;
  const char *found = start != NULL ? memmem(start, file->text.len, needle, strlen(needle)) : NULL;
  int line = 1;
  for (const char *p = start; p < found; p++)
    line += *p == '\n';
  return line;
}
