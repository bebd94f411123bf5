#include "store/cold/parquet_file.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <zlib.h>

#include "base/file.h"
#include "parquet_fixture.h"

/* What is written to a Parquet file comes back from it, value by value; and what is wrong with
 * one is told.  With a folder: writes files and their values there, for readers that are not ours
 * (spec/parquet_spec.lua). */

static char path[] = "/tmp/parquet-XXXXXX";

static bool same_text(struct parquet_text a, struct parquet_text b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool same_value(const struct parquet_vector *v, size_t i, size_t column,
                       const struct row *row) {
  const union parquet_value *expected = &row->values[column];
  bool present = v->present == NULL || v->present[i];
  if (!present || !row->present[column])
    return present == row->present[column];
  if (is_text(column))
    return same_text(parquet_text_at(v, i), expected->s);
  const void *found = columns[column].type == PARQUET_DOUBLE ? (const void *) &v->doubles[i]
                                                             : &v->integers[i];
  return memcmp(found, expected, 8) == 0;
}

/* SQLite's order of texts. */
static bool in_order(struct parquet_text a, struct parquet_text b) {
  uint32_t len = a.len < b.len ? a.len : b.len;
  int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
  return order < 0 || (order == 0 && a.len <= b.len);
}

static bool is_in_range(const struct parquet_range *range, size_t column, const struct row *row) {
  const union parquet_value *value = &row->values[column];
  if (!row->present[column])
    return range->nulls > 0;
  if (!range->known)
    return true;
  if (is_text(column))
    return in_order(range->min.s, value->s) && in_order(value->s, range->max.s);
  if (columns[column].type == PARQUET_DOUBLE)
    return range->min.f <= value->f && value->f <= range->max.f;
  return range->min.i <= value->i && value->i <= range->max.i;
}

/* The rows of one page; the group's first has that number. */
static bool check_page(const struct parquet_file *f, struct parquet_reader *r, make_row *fill,
                       size_t first, size_t group, size_t page) {
  const struct parquet_vector *vectors[COLUMNS];
  struct parquet_range ranges[COLUMNS], groups[COLUMNS];
  size_t rows = parquet_page_row(f, group, page + 1) - parquet_page_row(f, group, page);
  struct buf why = {0}, scratch = {0};
  struct row row;
  bool ok = true;
  parquet_seek(r, group, page);
  for (size_t c = 0; c < COLUMNS; c++) {
    vectors[c] = parquet_get(r, c, &why);
    if (vectors[c] == NULL || !parquet_page_range(r, page, c, &ranges[c], &why)) {
      fprintf(stderr, "%.*s\n", (int) why.len, why.data);
      exit(1);
    }
    parquet_group_range(f, group, c, &groups[c]);
    CHECK(vectors[c]->rows == rows);
  }
  for (size_t i = 0; i < rows && ok; i++) {
    make(fill, first + parquet_page_row(f, group, page) + i, &row, &scratch);
    for (size_t c = 0; c < COLUMNS && ok; c++) {
      ok = same_value(vectors[c], i, c, &row) && is_in_range(&ranges[c], c, &row) &&
           is_in_range(&groups[c], c, &row);
      if (!ok)
        fprintf(stderr, "row %zu of page %zu, column %s\n", i, page, columns[c].name);
    }
  }
  buf_clear(&scratch);
  return ok;
}

static uint32_t checksum_of(const struct parquet_file *f) {
  struct buf data = {0}, why = {0};
  CHECK(parquet_pread(f, 0, f->size, &data, &why));
  uint32_t checksum = (uint32_t) crc32_z(0, (Bytef *) data.data, data.len);
  buf_clear(&data);
  return checksum;
}

static const char *noted(const struct parquet_file *f, const char *key) {
  for (size_t i = 0; i < 2 * f->meta.nnotes; i += 2)
    if (strcmp(f->meta.notes[i], key) == 0)
      return f->meta.notes[i + 1];
  return "";
}

/* Writes, reads all pages from the last to the first, and compares. */
static void round_trip(make_row *fill, size_t rows, size_t group, int level) {
  uint32_t checksum = write_rows(path, fill, rows, group, level);
  struct buf why = {0};
  struct parquet_file *f = parquet_open(path, false, &why);
  if (f == NULL) {
    fprintf(stderr, "%.*s\n", (int) why.len, why.data);
    exit(1);
  }
  CHECK(f->meta.rows == (int64_t) rows && parquet_columns(f) == COLUMNS);
  CHECK(strcmp(noted(f, "what"), "a test") == 0);
  CHECK(parquet_find(f, "time") == TIME && parquet_find(f, "tim") == -1);
  for (size_t c = 0; c < COLUMNS; c++)
    CHECK(parquet_column(f, c)->type == columns[c].type &&
          parquet_column(f, c)->optional == columns[c].optional);
  CHECK(checksum_of(f) == checksum);
  struct parquet_reader *r = parquet_reader_new(f);
  size_t end = rows;
  for (size_t g = parquet_groups(f); g-- > 0;) {
    size_t start = end - parquet_page_row(f, g, parquet_pages(f, g));
    for (size_t p = parquet_pages(f, g); p-- > 0;)
      CHECK(check_page(f, r, fill, start, g, p));
    end = start;
  }
  CHECK(end == 0);
  parquet_reader_free(r);
  parquet_close(f);
}

static void test_round_trips(void) {
  round_trip(odd_values, 1, 1, 3);
  round_trip(odd_values, 7, 1, 3);
  round_trip(odd_values, 20000, PARQUET_GROUP_ROWS, 0);
  round_trip(odd_values, 20000, 9000, 3);
  round_trip(random_values, PARQUET_PAGE_ROWS, PARQUET_GROUP_ROWS, 3);
  round_trip(random_values, PARQUET_PAGE_ROWS + 1, PARQUET_GROUP_ROWS, 3);
  round_trip(random_values, 40000, 20000, 1);
  round_trip(few_values, 40000, 20000, 1);
  round_trip(late_values, 60000, PARQUET_GROUP_ROWS, 1);
  round_trip(few_values, PARQUET_GROUP_ROWS + 1, PARQUET_GROUP_ROWS, 1);
  round_trip(nulls, 9000, PARQUET_GROUP_ROWS, 3);
  round_trip(long_values, 5000, PARQUET_GROUP_ROWS, 1);
  round_trip(nulls, 0, PARQUET_GROUP_ROWS, 3);
}

/* A column has a dictionary exactly where that takes less. */
static void test_dictionary(void) {
  struct buf why = {0};
  const struct parquet_text *entries;
  size_t size;
  write_rows(path, few_values, 9000, 9000, 3);
  struct parquet_file *f = parquet_open(path, false, &why);
  struct parquet_reader *r = parquet_reader_new(f);
  CHECK(parquet_dictionary(r, TEXT, &entries, &size, &why) && size == 300);
  CHECK(size > 0 && entries[0].len > 4 && memcmp(entries[0].data, "req_", 4) == 0);
  CHECK(parquet_get(r, TEXT, &why)->codes != NULL && parquet_get(r, TEXT, &why)->texts == NULL);
  CHECK(parquet_dictionary(r, INTEGER, &entries, &size, &why) && size == 0);
  parquet_reader_free(r);
  parquet_close(f);
  write_rows(path, late_values, 60000, 60000, 3);
  f = parquet_open(path, false, &why);
  r = parquet_reader_new(f);
  CHECK(parquet_dictionary(r, TEXT, &entries, &size, &why) && size == 0);
  CHECK(parquet_get(r, TEXT, &why)->texts != NULL);
  parquet_reader_free(r);
  parquet_close(f);
  CHECK(why.len == 0);
}

/* Reads all there is; how many pages could not be read. */
static size_t read_all(const struct parquet_file *f, struct buf *why) {
  struct parquet_reader *r = parquet_reader_new(f);
  struct parquet_range range;
  size_t failed = 0;
  for (size_t g = 0; g < parquet_groups(f); g++)
    for (size_t p = 0; p < parquet_pages(f, g); p++)
      for (size_t c = 0; c < parquet_columns(f); c++) {
        parquet_seek(r, g, p);
        failed += parquet_get(r, c, why) == NULL;
        failed += !parquet_page_range(r, p, c, &range, why);
      }
  parquet_reader_free(r);
  return failed;
}

/* A file of these bytes, in memory: its descriptor, and its path in `path`. */
static int memory_file(const struct buf *bytes, char *name) {
  int fd = memfd_create("parquet", MFD_CLOEXEC);
  CHECK(write(fd, bytes->data, bytes->len) == (ssize_t) bytes->len);
  sprintf(name, "/proc/self/fd/%d", fd);
  return fd;
}

/* Wherever a bit has turned over in the pages, it is told; in the metadata nothing breaks. */
static void test_damage(void) {
  struct buf bytes = {0}, why = {0};
  char name[32];
  write_rows(path, random_values, 100, 100, 3);
  CHECK(file_read_all(path, 0, 1 << 20, &bytes) == NULL);
  int fd = memory_file(&bytes, name);
  for (size_t i = 0; i < bytes.len; i++) {
    char damaged = bytes.data[i] ^ 0x10;
    CHECK(pwrite(fd, &damaged, 1, (off_t) i) == 1);
    struct parquet_file *f = parquet_open(name, false, &why);
    size_t failed = f != NULL ? read_all(f, &why) : 1;
    CHECK(failed == 0 || why.len > 0);
    parquet_close(f);
    why.len = 0;
    CHECK(pwrite(fd, &bytes.data[i], 1, (off_t) i) == 1);
  }
  for (size_t len = bytes.len; len-- > 0;) {
    CHECK(ftruncate(fd, (off_t) len) == 0);
    CHECK(parquet_open(name, false, &why) == NULL && why.len > 0);
    why.len = 0;
  }
  close(fd);
  buf_clear(&bytes);
  buf_clear(&why);
}

/* The middle of a page's body. */
static void test_checksum(void) {
  struct buf bytes = {0}, why = {0};
  char name[32];
  write_rows(path, random_values, 1000, 1000, 3);
  CHECK(file_read_all(path, 0, 1 << 20, &bytes) == NULL);
  bytes.data[5000] ^= 1;
  int fd = memory_file(&bytes, name);
  struct parquet_file *f = parquet_open(name, false, &why);
  CHECK(read_all(f, &why) == 1);
  CHECK(why.len > 0 && strstr(why.data, "group 0, page 0, column text: its checksum is wrong"));
  parquet_close(f);
  close(fd);
  buf_clear(&bytes);
  buf_clear(&why);
}

/* A disk that is full, as the writer sees it. */
static void test_full_disk(void) {
  struct rlimit old, limit;
  struct buf why = {0}, scratch = {0};
  struct row row;
  bool ok = true;
  getrlimit(RLIMIT_FSIZE, &old);
  limit = (struct rlimit){20000, old.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  unlink(path);
  struct parquet_writer *w = parquet_writer_new(path, columns, COLUMNS, 3, &why);
  for (size_t i = 0; i < 2000; i++) {
    make(random_values, i, &row, &scratch);
    put_row(w, &row);
  }
  parquet_end(w);
  setrlimit(RLIMIT_FSIZE, &limit);
  while (ok && !parquet_is_done(w))
    ok = parquet_step(w);
  setrlimit(RLIMIT_FSIZE, &old);
  CHECK(!ok && !parquet_step(w) && strstr(parquet_fault(w), "File too large") != NULL);
  parquet_writer_free(w);
  CHECK(parquet_writer_new(path, columns, COLUMNS, 3, &why) == NULL);
  CHECK(why.len > 0 && strncmp(why.data, path, strlen(path)) == 0);
  buf_clear(&why);
  buf_clear(&scratch);
}

/* One value as the client prints it: spec/clients/parquet.js. */
static void show(FILE *out, size_t column, const struct row *row) {
  const union parquet_value *value = &row->values[column];
  if (!row->present[column])
    fputs("null", out);
  else if (is_text(column))
    for (size_t i = 0; i < value->s.len; i++)
      fprintf(out, "%02x", (unsigned char) value->s.data[i]);
  else if (columns[column].type == PARQUET_DOUBLE && isnan(value->f))
    fputs("nan", out);
  else if (columns[column].type == PARQUET_DOUBLE)
    fprintf(out, "%016llx", (unsigned long long) value->i);
  else
    fprintf(out, "%lld", (long long) value->i);
  putc(column + 1 < COLUMNS ? '\t' : '\n', out);
}

static void export(const char *folder, const char *name, make_row *fill, size_t rows,
                   size_t group) {
  struct buf file = {0}, scratch = {0};
  struct row row;
  buf_printf(&file, "%s/%s.parquet", folder, name);
  buf_putc(&file, '\0');
  write_rows(file.data, fill, rows, group, 3);
  file.len = 0;
  buf_printf(&file, "%s/%s.tsv", folder, name);
  buf_putc(&file, '\0');
  FILE *out = fopen(file.data, "w");
  for (size_t i = 0; i < rows; i++) {
    make(fill, i, &row, &scratch);
    for (size_t c = 0; c < COLUMNS; c++)
      show(out, c, &row);
  }
  fclose(out);
  buf_clear(&file);
  buf_clear(&scratch);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    export(argv[1], "odd", odd_values, 9000, 5000);
    export(argv[1], "random", random_values, 9000, PARQUET_GROUP_ROWS);
    export(argv[1], "few", few_values, 20000, 12000);
    export(argv[1], "late", late_values, 20000, PARQUET_GROUP_ROWS);
    export(argv[1], "nulls", nulls, 9000, PARQUET_GROUP_ROWS);
    export(argv[1], "one", odd_values, 1, 1);
    return TEST_END;
  }
  close(mkstemp(path));
  test_round_trips();
  test_dictionary();
  test_damage();
  test_checksum();
  test_full_disk();
  unlink(path);
  return TEST_END;
}
