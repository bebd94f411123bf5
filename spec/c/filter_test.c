#include "store/cold/filter.h"

#include <math.h>
#include <unistd.h>

#include "schema_fixture.h"
#include "store/cold/parquet_write.h"
#include "test.h"

/* Conditions on columns of a part leave the rows that match when they are asked one by one. */

enum { ROWS = 20000, GROUP = 12000, QUESTIONS = 1500, KINDS = 6 };

static struct schema *schema;
static struct batch *batch;
static int of_schema[KINDS], of_file[SCHEMA_MAX_COLUMNS];
static char path[] = "/tmp/filter-XXXXXX";

static const char *const names[KINDS] = {"client_ip", "request_id", "tokens_input", "duration_ms",
                                         "streaming", "timestamp"};

static uint64_t state = 1;

static uint64_t any(uint64_t below) {
  state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
  return (state >> 33) % below;
}

static size_t some_text(char *text, size_t kind) {
  static const char *const odd[] = {"", "10.", "10.0.0.1", "9", "~"};
  if (any(4) == 0)
    return (size_t) sprintf(text, "%s", odd[any(5)]);
  return kind == 0 ? (size_t) sprintf(text, "10.0.%d.%d", (int) any(2), (int) any(40))
                   : (size_t) sprintf(text, "%x", (unsigned) any(1u << 20));
}

static union value some_number(enum column_type type) {
  static const int64_t integers[] = {0, -1, 1, INT64_MIN, INT64_MAX, 500};
  static const double doubles[] = {0, -0.0, NAN, INFINITY, -INFINITY, 0.5};
  if (type == COLUMN_BOOLEAN)
    return (union value){.i = (int64_t) any(2)};
  if (type == COLUMN_FLOAT)
    return (union value){.f = any(8) == 0 ? doubles[any(6)] : (double) any(1000) / 4};
  return (union value){.i = any(8) == 0 ? integers[any(6)] : (int64_t) any(1000)};
}

/* Each group begins elsewhere, so that statistics can tell. */
static void add_row(size_t number) {
  char text[32];
  struct record *r = batch_add(batch);
  for (size_t k = 0; k < KINDS; k++) {
    enum column_type type = schema->columns[of_schema[k]].type;
    union value v = type == COLUMN_STRING ? batch_put_text(batch, text, some_text(text, k))
                                          : some_number(type);
    if (type == COLUMN_TIME)
      v.i = (int64_t) number;
    r->v[of_schema[k]] = v;
  }
}

static void write_part(void) {
  struct parquet_column columns[KINDS];
  struct buf why = {0};
  static const enum parquet_type types[] = {
      [COLUMN_STRING] = PARQUET_TEXT,     [COLUMN_INTEGER] = PARQUET_INTEGER,
      [COLUMN_FLOAT] = PARQUET_DOUBLE,    [COLUMN_TIME] = PARQUET_TIME,
      [COLUMN_BOOLEAN] = PARQUET_BOOLEAN,
  };
  for (size_t k = 0; k < KINDS; k++)
    columns[k] =
        (struct parquet_column){names[k], types[schema->columns[of_schema[k]].type], false};
  unlink(path);
  struct parquet_writer *w = parquet_writer_new(path, columns, KINDS, 1, &why);
  for (size_t i = 0; i < ROWS; i++) {
    const struct record *r = batch_record(batch, i);
    for (size_t k = 0; k < KINDS; k++) {
      union value v = r->v[of_schema[k]];
      if (columns[k].type == PARQUET_TEXT)
        parquet_put_text(w, k, batch->text.data + v.s.offset, v.s.len);
      else if (columns[k].type == PARQUET_DOUBLE)
        parquet_put_double(w, k, v.f);
      else
        parquet_put_integer(w, k, v.i);
    }
    parquet_row(w);
    if ((i + 1) % GROUP == 0)
      parquet_end_group(w);
    while (parquet_is_full(w))
      CHECK(parquet_step(w));
  }
  parquet_end(w);
  while (!parquet_is_done(w))
    CHECK(parquet_step(w));
  parquet_writer_free(w);
}

static void add_value(struct conditions *c, enum condition_op op, size_t kind) {
  enum column_type type = schema->columns[of_schema[kind]].type;
  char text[32];
  if (type != COLUMN_STRING) {
    union value v = some_number(type);
    if (type == COLUMN_TIME)
      v.i = (int64_t) any(ROWS);
    conditions_value(c, v);
    if (condition_is_match(op))
      conditions_value(c, type == COLUMN_FLOAT ? (union value){.f = v.f + 20}
                                               : (union value){.i = v.i / 2 + 300});
    return;
  }
  size_t len = some_text(text, kind);
  if (op == OP_PREFIX && len > 0)
    len = any(len) + 1;
  if (condition_is_match(op))
    conditions_match_text(c, any(2) ? MATCH_PREFIX : MATCH_EXACT, text, len);
  else
    conditions_value_text(c, text, len);
}

static void add_condition(struct conditions *c) {
  static const enum condition_op ops[] = {OP_EQ, OP_NE, OP_IN, OP_NOT_IN,  OP_LT,         OP_LE,
                                          OP_GT, OP_GE, OP_MATCHES, OP_NOT_MATCHES, OP_PREFIX};
  size_t kind = any(KINDS);
  bool text = schema->columns[of_schema[kind]].type == COLUMN_STRING;
  enum condition_op op = ops[any(text ? 11 : 10)];
  bool many = op == OP_IN || op == OP_NOT_IN || condition_is_match(op);
  conditions_add(c, of_schema[kind], op);
  for (size_t n = many ? 1 + any(4) : 1; n > 0; n--)
    add_value(c, op, kind);
}

struct found {
  size_t rows, groups, pages; /* the latter two: not skipped */
};

/* What the filter leaves of a page. */
static void ask_page(struct filter *f, const struct parquet_file *file,
                     struct parquet_reader *r, size_t group, size_t page, bool *left) {
  uint16_t places[PARQUET_PAGE_ROWS];
  struct buf why = {0};
  size_t first = parquet_page_row(file, group, page) + (group > 0 ? GROUP : 0);
  size_t n = parquet_page_row(file, group, page + 1) - parquet_page_row(file, group, page);
  for (size_t i = 0; i < n; i++)
    places[i] = (uint16_t) i;
  parquet_seek(r, group, page);
  CHECK(filter_rows(f, places, &n, &why));
  for (size_t i = 0; i < n; i++)
    left[first + places[i]] = true;
}

static struct found ask(struct conditions *c, const struct parquet_file *file,
                        struct parquet_reader *r, bool *left) {
  struct filter *f = filter_new(c, schema);
  struct found found = {0};
  struct buf why = {0};
  filter_bind(f, file, r, of_file);
  CHECK(filter_left_open(f) == 0);
  for (size_t g = 0; g < parquet_groups(file); g++) {
    parquet_seek(r, g, 0);
    if (filter_group(f, g, &why) == FILTER_NONE)
      continue;
    found.groups++;
    for (size_t p = 0; p < parquet_pages(file, g); p++) {
      if (filter_page(f, p, &why) == FILTER_NONE)
        continue;
      found.pages++;
      ask_page(f, file, r, g, p, left);
    }
  }
  filter_free(f);
  CHECK(why.len == 0);
  return found;
}

/* So many of the rows that match are not left, or the other way round. */
static size_t differences(const struct conditions *c, const bool *left) {
  size_t n = 0;
  for (size_t i = 0; i < ROWS; i++)
    n += conditions_match_row(c, schema, batch_record(batch, i), &batch->text) != left[i];
  return n;
}

static void test_any_conditions(const struct parquet_file *file, struct parquet_reader *r) {
  size_t skipped_groups = 0, skipped_pages = 0;
  bool *left = malloc(ROWS);
  for (size_t i = 0; i < QUESTIONS; i++) {
    struct conditions *c = conditions_new();
    for (size_t n = 1 + any(2); n > 0; n--)
      add_condition(c);
    memset(left, 0, ROWS);
    struct found found = ask(c, file, r, left);
    CHECK(differences(c, left) == 0);
    skipped_groups += 2 - found.groups;
    skipped_pages += 3 - found.pages;
    conditions_unref(c);
  }
  CHECK(skipped_groups > QUESTIONS / 20 && skipped_pages > skipped_groups + QUESTIONS / 20);
  free(left);
}

/* A column that the part has not lets all rows through, and says so. */
static void test_missing_column(const struct parquet_file *file, struct parquet_reader *r) {
  static const char *const absent[] = {"model", "cost_source"};
  for (size_t i = 0; i < 2; i++) {
    struct conditions *c = conditions_new();
    conditions_add(c, schema_column(schema, absent[i], strlen(absent[i])), OP_EQ);
    conditions_value_text(c, "x", 1);
    struct filter *f = filter_new(c, schema);
    struct buf why = {0};
    uint16_t places[] = {3, 4};
    size_t n = 2;
    filter_bind(f, file, r, of_file);
    CHECK(filter_left_open(f) != 0 && filter_group(f, 0, &why) == FILTER_SOME);
    CHECK(filter_rows(f, places, &n, &why) && n == 2);
    filter_free(f);
    conditions_unref(c);
  }
  struct filter *f = filter_new(NULL, schema);
  filter_bind(f, file, r, of_file);
  CHECK(filter_left_open(f) == 0);
  filter_free(f);
}

int main(void) {
  struct buf why = {0};
  close(mkstemp(path));
  schema = load_schema();
  batch = batch_new(schema);
  memset(of_file, -1, sizeof of_file);
  for (size_t k = 0; k < KINDS; k++) {
    of_schema[k] = schema_column(schema, names[k], strlen(names[k]));
    of_file[of_schema[k]] = (int) k;
  }
  for (size_t i = 0; i < ROWS; i++)
    add_row(i);
  write_part();
  struct parquet_file *file = parquet_open(path, false, &why);
  struct parquet_reader *r = parquet_reader_new(file);
  parquet_seek(r, 0, 0);
  test_any_conditions(file, r);
  test_missing_column(file, r);
  parquet_reader_free(r);
  parquet_close(file);
  unlink(path);
  batch_free(batch);
  schema_free(schema);
  return TEST_END;
}
