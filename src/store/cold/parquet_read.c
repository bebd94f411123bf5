#include "store/cold/parquet_read.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/cold/parquet_file.h"

bool parquet_fail(const struct parquet_file *f, struct buf *why, const char *what) {
  buf_printf(why, "%s: %s", f->path, what);
  return false;
}

bool parquet_pread(const struct parquet_file *f, int64_t offset, int64_t len, struct buf *into,
                   struct buf *why) {
  into->len = 0;
  if (offset < 0 || len <= 0 || offset > f->size || len > f->size - offset)
    return parquet_fail(f, why, "points behind its end");
  char *data = buf_try_reserve(into, (size_t) len + PACK_SLACK);
  if (data == NULL)
    return parquet_fail(f, why, "no memory to read it");
  while ((int64_t) into->len < len) {
    ssize_t n = pread(f->fd, data + into->len, (size_t) len - into->len,
                      offset + (int64_t) into->len);
    if (n == 0)
      return parquet_fail(f, why, "has been cut");
    if (n < 0 && errno != EINTR)
      return parquet_fail(f, why, strerror(errno));
    into->len += n > 0 ? (size_t) n : 0;
  }
  memset(data + len, 0, PACK_SLACK);
  return true;
}

/* The pages of a chunk, into an array of PARQUET_MAX_PAGES. */
static bool read_pages(const struct parquet_file *f, size_t group, size_t column,
                       struct parquet_page *pages, size_t *count, struct buf *why) {
  const struct parquet_chunk *chunk = &f->meta.groups[group].chunks[column];
  struct buf index = {0};
  bool ok = parquet_pread(f, chunk->offset_index.offset, chunk->offset_index.length, &index, why);
  *count = ok ? parquet_read_offset_index(index.data, index.len, pages) : 0;
  buf_clear(&index);
  if (ok && *count == 0)
    return parquet_fail(f, why, "has an index of pages that is wrong");
  return ok;
}

/* The rows at which pages begin, by the first column's. */
static bool read_rows(struct parquet_file *f, size_t group, struct buf *why) {
  struct group_pages *rows = &f->groups[group];
  struct parquet_page pages[PARQUET_MAX_PAGES];
  int64_t end = f->meta.groups[group].rows;
  if (!read_pages(f, group, 0, pages, &rows->count, why))
    return false;
  rows->first = xmalloc((rows->count + 1) * sizeof *rows->first);
  for (size_t i = 0; i <= rows->count; i++) {
    int64_t first = i < rows->count ? pages[i].first_row : end;
    int64_t before = i > 0 ? pages[i - 1].first_row : 0;
    if (i == 0 ? first != 0 : first <= before || first - before > PARQUET_PAGE_ROWS)
      return parquet_fail(f, why, "has pages that are not ours");
    rows->first[i] = (uint32_t) first;
  }
  return true;
}

/* Those of the other columns must begin at the same rows. */
static bool read_group(struct parquet_file *f, size_t group, struct buf *why) {
  struct group_pages *rows = &f->groups[group];
  struct parquet_page pages[PARQUET_MAX_PAGES];
  size_t count;
  if (!read_rows(f, group, why))
    return false;
  rows->pages = xmalloc(f->meta.ncolumns * rows->count * sizeof *pages);
  for (size_t column = 0; column < f->meta.ncolumns; column++) {
    if (!read_pages(f, group, column, pages, &count, why))
      return false;
    for (size_t i = 0; i < count; i++)
      if (count != rows->count || pages[i].first_row != rows->first[i])
        return parquet_fail(f, why, "has pages that are not those of the other columns");
    memcpy(rows->pages + column * count, pages, count * sizeof *pages);
  }
  return true;
}

static bool read_metadata(struct parquet_file *f, struct buf *why) {
  struct buf footer = {0};
  struct stat st;
  uint32_t len = 0;
  if (fstat(f->fd, &st) != 0)
    return parquet_fail(f, why, strerror(errno));
  f->size = st.st_size;
  bool ok = f->size >= 12 && parquet_pread(f, f->size - 8, 8, &footer, why);
  if (ok && memcmp(footer.data + 4, PARQUET_MAGIC, 4) == 0) {
    memcpy(&len, footer.data, 4);
    len = le32toh(len);
    ok = len > 0 && parquet_pread(f, f->size - 8 - len, len, &footer, why);
  }
  if (len > 0 && ok && !parquet_read_footer(footer.data, len, &f->meta))
    ok = parquet_fail(f, why, "has metadata that is not ours");
  else if (len == 0 && why->len == 0)
    ok = parquet_fail(f, why, "is no Parquet file");
  buf_clear(&footer);
  return ok;
}

struct parquet_file *parquet_open(const char *path, bool skip_checks, struct buf *why) {
  struct parquet_file *f = xcalloc(1, sizeof *f);
  f->path = xstrdup(path);
  f->skip_checks = skip_checks;
  f->fd = open(path, O_RDONLY | O_CLOEXEC);
  bool ok = f->fd >= 0 || parquet_fail(f, why, strerror(errno));
  ok = ok && read_metadata(f, why);
  f->groups = ok ? xcalloc(f->meta.ngroups + 1, sizeof *f->groups) : NULL;
  for (size_t i = 0; ok && i < f->meta.ngroups; i++)
    ok = read_group(f, i, why);
  if (ok)
    return f;
  parquet_close(f);
  return NULL;
}

void parquet_close(struct parquet_file *f) {
  if (f == NULL)
    return;
  for (size_t i = 0; f->groups != NULL && i < f->meta.ngroups; i++) {
    free(f->groups[i].first);
    free(f->groups[i].pages);
  }
  free(f->groups);
  parquet_meta_clear(&f->meta);
  if (f->fd >= 0)
    close(f->fd);
  free(f->path);
  free(f);
}

size_t parquet_columns(const struct parquet_file *f) {
  return f->meta.ncolumns;
}

const struct parquet_column *parquet_column(const struct parquet_file *f, size_t column) {
  return &f->meta.columns[column];
}

int parquet_find(const struct parquet_file *f, const char *name) {
  for (size_t i = 0; i < f->meta.ncolumns; i++)
    if (strcmp(f->meta.columns[i].name, name) == 0)
      return (int) i;
  return -1;
}

size_t parquet_groups(const struct parquet_file *f) {
  return f->meta.ngroups;
}

size_t parquet_pages(const struct parquet_file *f, size_t group) {
  return f->groups[group].count;
}

size_t parquet_page_row(const struct parquet_file *f, size_t group, size_t page) {
  return f->groups[group].first[page];
}

void parquet_group_range(const struct parquet_file *f, size_t group, size_t column,
                         struct parquet_range *range) {
  parquet_range_of(&f->meta.groups[group].chunks[column].stats, f->meta.columns[column].type,
                   range);
}

void parquet_range_of(const struct parquet_stats *stats, enum parquet_type type,
                      struct parquet_range *range) {
  *range = (struct parquet_range){.known = stats->known, .nulls = stats->nulls};
  if (!stats->known)
    return;
  range->min = parquet_bound_value(&stats->min, type);
  range->max = parquet_bound_value(&stats->max, type);
}
