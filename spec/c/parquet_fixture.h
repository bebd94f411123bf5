#ifndef MOONLEDGER_SPEC_PARQUET_FIXTURE_H
#define MOONLEDGER_SPEC_PARQUET_FIXTURE_H

#include <math.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/cold/parquet_write.h"
#include "test.h"

/* Rows with columns of every type, and files of them. */

enum {
  TEXT,
  BLOB,
  INTEGER,
  TIME,
  DOUBLE,
  BOOLEAN,
  MAYBE_TEXT,
  MAYBE_INTEGER,
  MAYBE_DOUBLE,
  COLUMNS
};

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

/* What is not present is null. */
struct row {
  union parquet_value values[COLUMNS];
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
      parquet_put_text(w, c, row->values[c].s.data, row->values[c].s.len);
    else if (columns[c].type == PARQUET_DOUBLE)
      parquet_put_double(w, c, row->values[c].f);
    else if (columns[c].type == PARQUET_BOOLEAN)
      parquet_put_boolean(w, c, row->values[c].i != 0);
    else
      parquet_put_integer(w, c, row->values[c].i);
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

/* Writes a file with so many rows, and so many in each group; its checksum. */
static uint32_t write_rows(const char *path, make_row *fill, size_t rows, size_t group,
                           int level) {
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
  uint32_t checksum = parquet_checksum(w);
  parquet_writer_free(w);
  buf_clear(&scratch);
  return checksum;
}

static struct parquet_text say(struct buf *scratch, const void *data, size_t len) {
  size_t at = scratch->len;
  buf_append(scratch, data, len);
  return (struct parquet_text){scratch->data + at, (uint32_t) len};
}

static struct parquet_text say_number(struct buf *scratch, const char *before, size_t number) {
  size_t at = scratch->len;
  buf_puts(scratch, before);
  buf_put_int(scratch, (int64_t) number);
  return (struct parquet_text){scratch->data + at, (uint32_t) (scratch->len - at)};
}

static uint64_t mix(uint64_t n) {
  n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
  return n ^ n >> 29;
}

/* What is at the ends of each type, as far as others can read it. */
static void odd_values(size_t i, struct row *row, struct buf *scratch) {
  static const struct parquet_text texts[] = {
      {"", 0},      {"a\0b", 3},  {"\0", 1},       {"äöü€😀", 13},
      {"plaim", 5}, {"plain", 5}, {"\xff\xfe", 2},
  };
  static const int64_t integers[] = {0,  INT64_MAX,     INT64_MIN,    -1,
                                     1, INT64_MAX - 1, INT64_MIN + 1};
  static const int64_t times[] = {0, 1, -1, 253402300799999999, -62135596800000000};
  static const double doubles[] = {0,   -0.0,   INFINITY,                -INFINITY,
                                   NAN, 5e-324, -1.7976931348623157e308};
  (void) scratch;
  row->values[TEXT].s = texts[i % 6];
  row->values[BLOB].s = texts[i * 3 % 7];
  row->values[INTEGER].i = integers[mix(i) % 7];
  row->values[TIME].i = times[i % 5];
  row->values[DOUBLE].f = doubles[i % 7];
  row->values[BOOLEAN].i = i / 3 & 1;
  for (size_t c = MAYBE_TEXT; c < COLUMNS; c++)
    row->present[c] = i / 100 % 3 == 0 || mix(i * c) % 5 == 0;
  row->values[MAYBE_TEXT].s = texts[mix(i) % 6];
  row->values[MAYBE_INTEGER].i = integers[i % 7];
  row->values[MAYBE_DOUBLE].f = doubles[i % 2 + 5];
}

/* Nothing twice: no column has a use for a dictionary. */
static void random_values(size_t i, struct row *row, struct buf *scratch) {
  row->values[TEXT].s = say_number(scratch, "req_", mix(i));
  row->values[BLOB].s = say(scratch, &(uint64_t) {mix(i)}, i % 9);
  row->values[INTEGER].i = (int64_t) mix(i);
  row->values[TIME].i = 1795392000000000 + (int64_t) (i * 1000 + mix(i) % 1000);
  row->values[DOUBLE].f = (double) mix(i) / 3;
  row->values[BOOLEAN].i = mix(i) >> 60 & 1;
  for (size_t c = MAYBE_TEXT; c < COLUMNS; c++)
    row->present[c] = mix(i + c) % 3 != 0;
  row->values[MAYBE_TEXT].s = say_number(scratch, "", mix(~i));
  row->values[MAYBE_INTEGER].i = (int64_t) (mix(~i) >> i % 64);
  row->values[MAYBE_DOUBLE].f = (double) (mix(~i) % 1000000) / 1000;
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
  row->values[TEXT].s = (struct parquet_text){scratch->data, (uint32_t) len};
}

#endif
