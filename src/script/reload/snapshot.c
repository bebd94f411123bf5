#include "script/reload/snapshot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assets.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

enum { MAX_FILES = 4096, MAX_FILE = 8 << 20, MAX_DEPTH = 16, TRIES = 20, TRY_PAUSE_US = 10000 };

struct walk {
  struct snapshot *s;
  struct buf *errors; /* NULL: nobody asks */
  struct buf stats;   /* what the signature is made of */
  struct buf text;    /* of one file after the other */
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

/* false: it may not be used, and that is said.  What is no link is where its folder is,
 * checked before. */
static bool check_access(struct walk *w, const char *path, const char *name,
                         const struct entry *e) {
  bool inside = !e->is_link || is_inside(w->s->root, path);
  if (!inside)
    complain(
        w, name,
        "leads out of the folder of config.lua: put the file itself there, not a link");
  else if (e->st.st_mode & S_IWOTH)
    complain(w, name, "anyone on this machine may write to it: chmod o-w");
  return inside && !(e->st.st_mode & S_IWOTH);
}

static void note(struct walk *w, const char *name, const struct stat *st) {
  const int64_t facts[] = {st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                           (int64_t) st->st_ino, (int64_t) st->st_mode};
  buf_append(&w->stats, name, strlen(name) + 1);
  buf_append(&w->stats, facts, sizeof facts);
}

static void append_file(struct snapshot *s, const struct snapshot_file *file) {
  s->files = xrealloc(s->files, (s->nfiles + 1) * sizeof *s->files);
  s->files[s->nfiles] = *file;
  s->files[s->nfiles++].hash = hash_for_files(file->text, file->len);
}

/* One that is as shipped takes no memory. */
static void append_own(struct snapshot *s, const char *name, const struct buf *text) {
  bool as_shipped = assets_have(name, text->data, text->len);
  char *shared = as_shipped ? (char *) assets_find(name)->data : xmemdup(text->data, text->len);
  append_file(s, &(struct snapshot_file){.name = xstrdup(name), .text = shared, .len = text->len,
                                         .own = true, .as_shipped = as_shipped});
  s->nown++;
  s->edited |= !as_shipped && strcmp(name, "config.lua") != 0;
}

static void add_file(struct walk *w, const char *path, const char *name, const struct entry *e) {
  note(w, name, &e->st);
  if (!w->reading || !check_access(w, path, name, e))
    return;
  w->text.len = 0;
  const char *why = file_read_all(path, (size_t) e->st.st_size, MAX_FILE, &w->text);
  if (why == NULL)
    append_own(w->s, name, &w->text);
  else
    complain(w, name, w->text.len > MAX_FILE ? "is longer than 8 MiB" : why);
}

/* Swap files, backups and what editors probe with begin with a dot or a hash or do not
 * end in .lua. */
static bool is_script(const char *name) {
  size_t len = strlen(name);
  return len > 4 && strcmp(name + len - 4, ".lua") == 0 && *name != '.' && *name != '#';
}

static int visible(const struct dirent *entry) {
  return *entry->d_name != '.';
}

static void walk_folder(struct walk *w, const char *path, const char *name, const struct entry *e);

static void visit_entry(struct walk *w, const char *folder, const char *folder_name,
                        const char *entry) {
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
    visit_entry(w, path, name, entries[i]->d_name);
    free(entries[i]);
  }
  w->depth--;
  free(entries);
}

static void walk_root(struct walk *w) {
  struct snapshot *s = w->s;
  struct entry e = {0};
  if (look_at(s->config_file, &e))
    add_file(w, s->config_file, "config.lua", &e);
  else if (e.is_link)
    complain(w, "config.lua", "is a link to nothing");
  char *lua = join(s->root, "lua");
  e = (struct entry){0};
  if (look_at(lua, &e))
    walk_folder(w, lua, "lua", &e);
  else if (e.is_link)
    complain(w, "lua", "is a link to nothing");
  free(lua);
}

static struct snapshot *walk_all(struct walk *w, const char *config_file) {
  struct snapshot *s = xcalloc(1, sizeof *s);
  w->s = s;
  s->config_file = file_path(config_file);
  if (s->config_file == NULL) {
    if (w->errors != NULL)
      buf_printf(w->errors, "%s: %s; --config names another file\n", config_file, strerror(errno));
    return s;
  }
  s->root = xstrdup(s->config_file);
  *strrchr(s->root, '/') = '\0';
  walk_root(w);
  s->signature = hash_for_files(w->stats.data, w->stats.len);
  return s;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const struct snapshot_file *) a)->name, ((const struct snapshot_file *) b)->name);
}

static void sort_files(struct snapshot *s) {
  if (s->nfiles > 0)
    qsort(s->files, s->nfiles, sizeof *s->files, compare_names);
}

/* Those whose place no file of the user's has taken. */
static void add_assets(struct snapshot *s) {
  size_t count, nown = s->nfiles;
  const struct asset *all = assets_all(&count);
  sort_files(s);
  for (size_t i = 0; i < count; i++) {
    struct snapshot_file file = {(char *) all[i].name, (char *) all[i].data, all[i].len,
                                 .as_shipped = true};
    bool taken = nown > 0 && bsearch(&file, s->files, nown, sizeof file, compare_names) != NULL;
    if (!taken && is_script(strrchr(file.name, '/') != NULL ? strrchr(file.name, '/') + 1
                                                            : file.name))
      append_file(s, &file);
  }
  sort_files(s);
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
    buf_clear(&w.text);
    bool steady = is_steady(s, config_file);
    if (steady && errors->len == before) {
      add_assets(s);
      hash_contents(s);
      return s;
    }
    snapshot_free(s);
    if (errors->len > before && (steady || try == TRIES))
      return NULL;
    if (try == TRIES) {
      buf_literal(
          errors,
          "config.lua:1: the files below lua/ change all the time: nothing is loaded\n");
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
    if (s->files[i].own) {
      free(s->files[i].name);
      if (!s->files[i].as_shipped)
        free(s->files[i].text);
    }
  for (size_t i = 0; i < s->nfolders; i++)
    free(s->folders[i]);
  free(s->files);
  free(s->folders);
  free(s->config_file);
  free(s->root);
  free(s);
}

const struct snapshot_file *snapshot_find(const struct snapshot *s, const char *name) {
  struct snapshot_file wanted = {.name = (char *) name};
  return bsearch(&wanted, s->files, s->nfiles, sizeof wanted, compare_names);
}

static bool is_in_word(const char *p, const struct snapshot_file *file) {
  return p >= file->text && p < file->text + file->len &&
         (isalnum((unsigned char) *p) || *p == '_');
}

static bool is_in_comment(const char *p, const struct snapshot_file *file) {
  for (; p > file->text && p[-1] != '\n'; p--)
    if (p[0] == '-' && p[-1] == '-')
      return true;
  return false;
}

const char *snapshot_find_word(const struct snapshot_file *file, const char *from,
                               const char *word, size_t len) {
  const char *end = file->text + file->len;
  for (const char *p = from; len > 0; p++) {
    p = memmem(p, (size_t) (end - p), word, len);
    if (p == NULL)
      return NULL;
    bool begins = !is_in_word(p, file) || !is_in_word(p - 1, file);
    bool ends = !is_in_word(p + len - 1, file) || !is_in_word(p + len, file);
    if (begins && ends && !is_in_comment(p, file))
      return p;
  }
  return NULL;
}

int snapshot_line(const struct snapshot_file *file, const char *at) {
  int line = 1;
  for (const char *p = file->text; p < at; p++)
    line += *p == '\n';
  return line;
}
