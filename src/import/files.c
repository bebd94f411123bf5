#include "import/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include <zlib.h>

#include "base/mem.h"

enum { PIECE = 1024 * 1024, LONGEST_LINE = 256 * 1024 * 1024, MAX_DEPTH = 32 };

static void add(struct files *files, const char *path, uint64_t bytes) {
  files->items = xrealloc(files->items, (files->count + 1) * sizeof *files->items);
  files->items[files->count++] = (struct import_file){.path = xstrdup(path), .bytes = bytes};
  files->bytes += bytes;
}

static bool ends_with(const char *name, size_t len, const char *suffix) {
  size_t n = strlen(suffix);
  return len > n && memcmp(name + len - n, suffix, n) == 0;
}

static bool is_log(const char *name) {
  static const char *const suffixes[] = {".jsonl", ".ndjson", ".json", ".log"};
  size_t len = strlen(name);
  if (ends_with(name, len, ".gz"))
    len -= 3;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    if (ends_with(name, len, suffixes[i]))
      return true;
  return false;
}

static int visible(const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int find(struct files *files, const char *path, unsigned depth, struct buf *error);

static int find_below(struct files *files, const char *path, unsigned depth, struct buf *error) {
  struct dirent **entries;
  int n = scandir(path, &entries, visible, alphasort), rc = 0;
  if (n < 0) {
    buf_printf(error, "%s: %s", path, strerror(errno));
    return -errno;
  }
  for (int i = 0; i < n; i++) {
    struct buf child = {0};
    buf_printf(&child, "%s/%s", path, entries[i]->d_name);
    buf_putc(&child, '\0');
    if (rc == 0 && depth < MAX_DEPTH)
      rc = find(files, child.data, depth + 1, error);
    buf_clear(&child);
    free(entries[i]);
  }
  free(entries);
  return rc;
}

static int find(struct files *files, const char *path, unsigned depth, struct buf *error) {
  struct stat st;
  bool named = depth == 0;
  if ((named ? stat : lstat)(path, &st) != 0) {
    buf_printf(error, "%s: %s", path, strerror(errno));
    return -errno;
  }
  if (S_ISDIR(st.st_mode))
    return find_below(files, path, depth, error);
  if (named || (S_ISREG(st.st_mode) && is_log(path)))
    add(files, path, (uint64_t) st.st_size);
  return 0;
}

int files_find(struct files *files, char **names, int count, struct buf *error) {
  int rc = 0;
  for (int i = 0; i < count && rc == 0; i++) {
    if (strcmp(names[i], "-") == 0)
      add(files, "-", 0);
    else
      rc = find(files, names[i], 0, error);
  }
  return rc;
}

void files_clear(struct files *files) {
  for (size_t i = 0; i < files->count; i++)
    free(files->items[i].path);
  free(files->items);
  *files = (struct files){0};
}

/* ---- Reading ---- */

struct file_reader {
  gzFile gz; /* reads plain files as they are */
  struct buf bytes;
  size_t given; /* of bytes, by the last call */
  bool ended;
};

struct file_reader *file_open(const struct import_file *file, struct buf *error) {
  bool is_stdin = strcmp(file->path, "-") == 0;
  gzFile gz = is_stdin ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(file->path, "rbe");
  if (gz == NULL) {
    buf_printf(error, "%s: %s", file->path, strerror(errno));
    return NULL;
  }
  gzbuffer(gz, 128 * 1024);
  struct file_reader *r = xcalloc(1, sizeof *r);
  r->gz = gz;
  return r;
}

static size_t whole_lines(const struct buf *b) {
  const char *end = memrchr(b->data, '\n', b->len);
  return end != NULL ? (size_t) (end - b->data) + 1 : 0;
}

int file_read(struct file_reader *r, const char **piece, size_t *len) {
  if (r->given > 0)
    buf_consume(&r->bytes, r->given);
  r->given = 0;
  for (size_t from = 0; !r->ended;) {
    char *place = buf_reserve(&r->bytes, PIECE);
    int n = gzread(r->gz, place, PIECE);
    if (n < 0)
      return UV_EIO;
    r->ended = n == 0;
    r->bytes.len += (size_t) n;
    if (r->bytes.len > LONGEST_LINE)
      return UV_EFBIG;
    if (memchr(r->bytes.data + from, '\n', r->bytes.len - from) != NULL)
      break;
    from = r->bytes.len;
  }
  r->given = r->ended ? r->bytes.len : whole_lines(&r->bytes);
  *piece = r->bytes.data;
  *len = r->given;
  return r->given > 0;
}

uint64_t file_offset(const struct file_reader *r) {
  z_off_t offset = gzoffset(r->gz);
  return offset > 0 ? (uint64_t) offset : 0;
}

void file_close(struct file_reader *r) {
  gzclose_r(r->gz);
  buf_clear(&r->bytes);
  free(r);
}
