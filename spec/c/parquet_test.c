#include <math.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/cold/parquet_read.h"
#include "store/cold/parquet_write.h"
#include "test.h"

/* What is written to a Parquet file comes back from it, value by value. */

enum { TEXT, BLOB, INTEGER, TIME, DOUBLE, BOOLEAN, MAYBE_TEXT, MAYBE_INTEGER, MAYBE_DOUBLE, COLUMNS };

static const struct parquet_column columns[COLUMNS] = {
    [TEXT] = {"text", PARQUET_TEXT, false},
    [BLOB] = {"blob", PARQUET_BYTES, false},
    [INTEGER] = {"integer", PARQUET_INTEGER, false},
    [TIME] = {"time", PARQUET_TIME, false},
    [DOUBLE] = {"double", PARQUET_DOUBLE, false},
    [BOOLEAN] = {"boolean", PARQUET_BOOLEAN, false},
    [MAYBE_TEXT] = {"maybe_text", PARQUET_TEXT, true},
    [MAYBE_INTEGER] = {"maybe_integer", PARQUET_INTEGER, true},
    [MAYBE_DOUBLE] = {"maybe_double", PARQUET_DOUBLE, true},
};

static char path[] = "/tmp/parquet-XXXXXX";

/* A row of any shape; its texts point elsewhere. */
struct row {
  struct parquet_text texts[COLUMNS];
  int64_t integers[COLUMNS];
  double doubles[COLUMNS];
  bool present[COLUMNS];
};

/* Fills the row of that number, with texts that scratch keeps until the next. */
typedef void make_row(size_t number, struct row *row, struct buf *scratch);

static bool is_text(size_t column) {
  return columns[column].type == PARQUET_TEXT || columns[column].type == PARQUET_BYTES;
}

static void put_row(struct parquet_writer *w, const struct row *row) {
  for (size_t c = 0; c < COLUMNS; c++) {
    if (!row->present[c])
      continue;
    if (is_text(c))
      parquet_put_text(w, c, row->texts[c].data, row->texts[c].len);
    else if (columns[c].type == PARQUET_DOUBLE)
      parquet_put_double(w, c, row->doubles[c]);
    else if (columns[c].type == PARQUET_BOOLEAN)
      parquet_put_boolean(w, c, row->integers[c] != 0);
    else
      parquet_put_integer(w, c, row->integers[c]);
  }
  parquet_row(w);
}

static struct row blank_row(void) {
  struct row row = {0};
  for (size_t c = 0; c < COLUMNS; c++)
    row.present[c] = !columns[c].optional;
  return row;
}

static void make(make_row *fill, size_t number, struct row *row, struct buf *scratch) {
  *row = blank_row();
  scratch->len = 0;
  buf_reserve(scratch, 1 << 16); /* so that texts in it stay where they are */
  fill(number, row, scratch);
}

/* Encodes full groups, and all once the rows have ended. */
static void step_all(struct parquet_writer *w, bool ended) {
  while (parquet_is_full(w) || (ended && !parquet_is_done(w)))
    if (!parquet_step(w)) {
      fprintf(stderr, "%s\n", parquet_fault(w));
      exit(1);
    }
}

static uint32_t write_rows(make_row *fill, size_t rows, size_t group, int level) {
  struct buf why = {0}, scratch = {0};
  struct row row;
  unlink(path);
  struct parquet_writer *w = parquet_writer_new(path, columns, COLUMNS, level, &why);
  parquet_note(w, "what", "a test");
  for (size_t i = 0; i < rows; i++) {
    make(fill, i, &row, &scratch);
    put_row(w, &row);
    if ((i + 1) % group == 0)
      parquet_end_group(w);
    step_all(w, false);
  }
  parquet_end(w);
  step_all(w, true);
  CHECK(parquet_sync(w));
  CHECK(parquet_rows(w) == rows);
  uint32_t checksum = parquet_checksum(w);
  parquet_writer_free(w);
  buf_clear(&scratch);
  return checksum;
}

static bool same_double(double a, double b) {
  return memcmp(&a, &b, 8) == 0;
}

static bool same_value(const struct parquet_vector *v, size_t i, size_t column,
                       const struct row *row) {
  bool present = v->present == NULL || v->present[i];
  if (present != row->present[column])
    return false;
  if (is_text(column)) {
    struct parquet_text text = parquet_text_at(v, i);
    return text.len == row->texts[column].len &&
           (text.len == 0 || memcmp(text.data, row->texts[column].data, text.len) == 0);
  }
  return columns[column].type == PARQUET_DOUBLE ? same_double(v->doubles[i], row->doubles[column])
                                                : v->integers[i] == row->integers[column];
}

static void check_range(const struct parquet_range *range, size_t column, const struct row *row) {
  int64_t integer = row->integers[column];
  double number = row->doubles[column];
  struct parquet_text text = row->texts[column];
  if (!range->known || !row->present[column])
    return;
  if (columns[column].type == PARQUET_DOUBLE)
    CHECK(range->min.f <= number && number <= range->max.f);
  else if (!is_text(column))
    CHECK(range->min.i <= integer && integer <= range->max.i);
  else
    CHECK(text.len == 0 ||
          (memcmp(range->min.s.data, text.data, range->min.s.len < text.len ? range->min.s.len
                                                                              : text.len) <= 0 &&
           memcmp(text.data, range->max.s.data, range->max.s.len < text.len ? range->max.s.len
                                                                              : text.len) <= 0));
}

/* The rows of one page, of which the first has that number. */
static bool check_page(struct parquet_reader *r, make_row *fill, size_t first, size_t rows,
                       size_t page) {
  const struct parquet_vector *vectors[COLUMNS];
  struct parquet_range ranges[COLUMNS];
  struct buf why = {0}, scratch = {0};
  struct row row;
  bool ok = true;
  for (size_t c = 0; c < COLUMNS; c++) {
    vectors[c] = parquet_get(r, c, &why);
    if (vectors[c] == NULL || !parquet_page_range(r, page, c, &ranges[c], &why)) {
      fprintf(stderr, "%.*s\n", (int) why.len, why.data);
      exit(1);
    }
    CHECK(vectors[c]->rows == rows);
  }
  for (size_t i = 0; i < rows && ok; i++) {
    make(fill, first + i, &row, &scratch);
    for (size_t c = 0; c < COLUMNS && ok; c++) {
      check_range(&ranges[c], c, &row);
      ok = same_value(vectors[c], i, c, &row);
      if (!ok)
        fprintf(stderr, "row %zu, column %s\n", first + i, columns[c].name);
    }
  }
  buf_clear(&scratch);
  return ok;
}

static uint32_t checksum_of(const struct parquet_file *f) {
  uint64_t offset = 0;
  uint32_t checksum = 0;
  struct buf why = {0};
  for (bool done = false; !done;)
    if (!parquet_check(f, &offset, &checksum, 1000, &done, &why))
      return fprintf(stderr, "%.*s\n", (int) why.len, why.data), 0;
  return checksum;
}

/* Writes, reads all pages from the last to the first, and compares. */
static void round_trip(make_row *fill, size_t rows, size_t group, int level) {
  uint32_t checksum = write_rows(fill, rows, group, level);
  struct buf why = {0};
  struct parquet_file *f = parquet_open(path, false, &why);
  if (f == NULL) {
    fprintf(stderr, "%.*s\n", (int) why.len, why.data);
    exit(1);
  }
  CHECK(parquet_file_rows(f) == rows && parquet_columns(f) == COLUMNS);
  CHECK(strcmp(parquet_noted(f, "what"), "a test") == 0 && parquet_noted(f, "who") == NULL);
  CHECK(parquet_find(f, "time") == TIME && parquet_find(f, "tim") == -1);
  for (size_t c = 0; c < COLUMNS; c++)
    CHECK(parquet_column(f, c)->type == columns[c].type &&
          parquet_column(f, c)->optional == columns[c].optional);
  CHECK(checksum_of(f) == checksum);
  struct parquet_reader *r = parquet_reader_new(f);
  size_t end = rows;
  for (size_t g = parquet_groups(f); g-- > 0;) {
    size_t start = end - parquet_group_rows(f, g);
    for (size_t p = parquet_pages(f, g); p-- > 0;) {
      size_t first = parquet_page_row(f, g, p), next = parquet_page_row(f, g, p + 1);
      parquet_seek(r, g, p);
      CHECK(check_page(r, fill, start + first, next - first, p));
    }
    end = start;
  }
  CHECK(end == 0);
  parquet_reader_free(r);
  parquet_close(f);
}

static struct parquet_text say(struct buf *scratch, const void *data, size_t len) {
  size_t at = scratch->len;
  buf_append(scratch, data, len);
  return (struct parquet_text) {scratch->data + at, (uint32_t) len};
}

static struct parquet_text say_number(struct buf *scratch, const char *before, size_t number) {
  size_t at = scratch->len;
  buf_puts(scratch, before);
  buf_put_int(scratch, (int64_t) number);
  return (struct parquet_text) {scratch->data + at, (uint32_t) (scratch->len - at)};
}

static uint64_t mix(uint64_t n) {
  n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
  return n ^ n >> 29;
}

static void odd_values(size_t i, struct row *row, struct buf *scratch) {
  static const struct parquet_text texts[] = {
      {"", 0}, {"a\0b", 3}, {"\0", 1}, {"äöü€😀", 15}, {"\xff\xfe", 2}, {"plain", 5}, {"plaim", 5}};
  static const int64_t integers[] = {0, INT64_MAX, INT64_MIN, -1, 1, INT64_MAX - 1, INT64_MIN + 1};
  static const double doubles[] = {0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1.7976931348623157e308};
  (void) scratch;
  row->texts[TEXT] = texts[i % 7];
  row->texts[BLOB] = texts[i * 3 % 7];
  row->integers[INTEGER] = integers[mix(i) % 7];
  row->integers[TIME] = integers[i % 7];
  row->doubles[DOUBLE] = doubles[i % 7];
  row->integers[BOOLEAN] = i / 3 & 1;
  for (size_t c = MAYBE_TEXT; c < COLUMNS; c++)
    row->present[c] = i / 100 % 3 == 0 || mix(i * c) % 5 == 0;
  if (row->present[MAYBE_TEXT])
    row->texts[MAYBE_TEXT] = texts[i % 7];
  if (row->present[MAYBE_INTEGER])
    row->integers[MAYBE_INTEGER] = integers[i % 7];
  if (row->present[MAYBE_DOUBLE])
    row->doubles[MAYBE_DOUBLE] = doubles[i % 7];
}

/* Nothing twice: no column has a use for a dictionary. */
static void random_values(size_t i, struct row *row, struct buf *scratch) {
  row->texts[TEXT] = say_number(scratch, "req_", mix(i));
  row->texts[BLOB] = say(scratch, &(uint64_t) {mix(i)}, i % 9);
  row->integers[INTEGER] = (int64_t) mix(i);
  row->integers[TIME] = 1795392000000000 + (int64_t) (i * 1000 + mix(i) % 1000);
  row->doubles[DOUBLE] = (double) mix(i) / 3;
  row->integers[BOOLEAN] = mix(i) >> 60 & 1;
  for (size_t c = MAYBE_TEXT; c < COLUMNS; c++)
    row->present[c] = mix(i + c) % 3 != 0;
  if (row->present[MAYBE_TEXT])
    row->texts[MAYBE_TEXT] = say_number(scratch, "", mix(~i));
  if (row->present[MAYBE_INTEGER])
    row->integers[MAYBE_INTEGER] = (int64_t) (mix(~i) >> i % 64);
  if (row->present[MAYBE_DOUBLE])
    row->doubles[MAYBE_DOUBLE] = (double) (mix(~i) % 1000000) / 1000;
}

/* Few values for a while, then nothing twice: dictionaries that turn out to be of no use. */
static void late_values(size_t i, struct row *row, struct buf *scratch) {
  random_values(i < 6000 ? i % 20 : i, row, scratch);
}

static void few_values(size_t i, struct row *row, struct buf *scratch) {
  random_values(mix(i) % 300, row, scratch);
}

static void nulls(size_t i, struct row *row, struct buf *scratch) {
  (void) i, (void) row, (void) scratch;
}

/* Pages that end early because of what they hold. */
static void long_values(size_t i, struct row *row, struct buf *scratch) {
  size_t len = i % 50 == 0 ? 60000 : 3000;
  char *text = buf_reserve(scratch, len);
  for (size_t k = 0; k < len; k += 8)
    memcpy(text + k, &(uint64_t) {mix(i * 10000 + k)}, 8);
  scratch->len = len;
  row->texts[TEXT] = (struct parquet_text) {scratch->data, (uint32_t) len};
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

int main(void) {
  close(mkstemp(path));
  test_round_trips();
  unlink(path);
  return TEST_END;
}
