#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/file/database.h"
#include "store/file/key.h"
#include "store/file/rollup_tables.h"
#include "store/file/rows.h"
#include "store/file/sketch_sql.h"
#include "store/file/tally.h"
#include "store/read/aggregate_state.h"
#include "store/read/group_rows.h"
#include "store/read/reader.h"
#include "store/read/where.h"

enum { MAX_GROUPS = 200000 };

struct tally *aggregate_group(struct aggregate *a, struct planned *p) {
  struct tally *group = tallies_at(&p->groups, a->key.len > 0 ? a->key.data : "", a->key.len);
  if (p->groups.table.len <= MAX_GROUPS)
    return group;
  a->error = "too many groups: narrow the window or group by fewer columns";
  return NULL;
}

/* The bucket that the second is in; the outer ones reach beyond their ends. */
static int64_t bucket_of(const struct question *question, int64_t second) {
  size_t first = 0, end = question->nbounds;
  while (end - first > 1) {
    size_t middle = first + (end - first) / 2;
    if (question->bounds[middle] <= second)
      first = middle;
    else
      end = middle;
  }
  return question->bounds[first];
}

int64_t aggregate_bucket_of(const struct planned *p, int64_t second) {
  if (p->question->nbounds > 0)
    return bucket_of(p->question, second);
  return p->question->used_every_s > 0 ? floor_to(second, p->question->used_every_s) : 0;
}

void aggregate_bucket(struct aggregate *a, const struct planned *p, int64_t second) {
  a->key.len = 0;
  if (p->question->nbounds > 0 || p->question->used_every_s > 0)
    key_put_int(&a->key, aggregate_bucket_of(p, second));
}

/* The column that says of a cell whether it is the rest of a full bucket; NULL: the set has no such
 * cells. */
static const char *rest_column(const struct aggregate *a, const struct planned *p) {
  const struct rollup_set *set = p->plan.set;
  return set->max_keys > 0 && set->nby > 0 ? a->schema->columns[set->by[0]].name : NULL;
}

static void write_cells(struct buf *sql, const struct aggregate *a, const struct planned *p) {
  const struct schema *schema = a->schema;
  const char *rest = rest_column(a, p);
  buf_puts(sql, "SELECT bucket");
  for (size_t i = 0; i < p->question->nby; i++)
    buf_printf(sql, ", \"%s\"", schema->columns[p->question->by[i]].name);
  buf_puts(sql, ", row_count");
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(p->question, i))
      buf_printf(sql, ", \"%s\"", schema->measures[i].name);
  for (size_t i = 0; i < schema->nsketches; i++)
    if (question_wants_sketch(p->question, i))
      buf_printf(sql, ", \"%s_sketch\"", schema->sketches[i].name);
  if (rest != NULL)
    buf_printf(sql, ", \"%s\" = '" SCHEMA_OTHER "'", rest);
  buf_printf(sql, " FROM rollup_%s WHERE tier = ? AND bucket >= ? AND bucket < ?",
             p->plan.set->name);
  if (rest != NULL)
    buf_printf(sql, " AND (\"%s\" = '" SCHEMA_OTHER "' OR (1", rest);
  where_write(sql, a->where, schema, a->time);
  if (rest != NULL)
    buf_puts(sql, "))");
}

/* The cell is the rest of a full bucket.  false: the filter looks for what may be in it. */
static bool take_rest(struct aggregate *a, struct planned *p) {
  uint64_t filtered = conditions_columns(a->where), by = 0, kept = 0;
  for (size_t i = 0; i < p->plan.set->nby; i++)
    kept |= UINT64_C(1) << p->plan.set->by[i];
  for (size_t i = 0; i < p->question->nby; i++)
    by |= UINT64_C(1) << p->question->by[i];
  bool missed = (filtered & kept) != 0;
  p->misses = missed && rows_reach(a) <= p->plan.window.from;
  p->question->inexact |= missed || (by & kept) != 0;
  return !missed;
}

static void put_column(struct buf *key, const struct column *c, sqlite3_stmt *stmt, int i) {
  if (c->type == COLUMN_STRING) {
    const char *s = (const char *) sqlite3_column_text(stmt, i);
    key_put_text(key, s, (size_t) sqlite3_column_bytes(stmt, i));
  } else if (c->type == COLUMN_FLOAT) {
    key_put_real(key, sqlite3_column_double(stmt, i));
  } else {
    key_put_int(key, sqlite3_column_int64(stmt, i));
  }
}

static int add_cell(struct aggregate *a, struct planned *p, sqlite3_stmt *stmt, int sign) {
  const struct schema *schema = a->schema;
  int next = 1;
  aggregate_bucket(a, p, sqlite3_column_int64(stmt, 0));
  for (size_t i = 0; i < p->question->nby; i++)
    put_column(&a->key, &schema->columns[p->question->by[i]], stmt, next++);
  int64_t rows = sqlite3_column_int64(stmt, next++);
  if (rows == 0) /* all of it was merged away */
    return SQLITE_OK;
  if (rest_column(a, p) != NULL && sqlite3_column_int(stmt, sqlite3_column_count(stmt) - 1) &&
      !take_rest(a, p))
    return SQLITE_OK;
  struct tally *group = aggregate_group(a, p);
  if (group == NULL)
    return SQLITE_TOOBIG;
  group->rows += sign * rows;
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(p->question, i))
      group->sums[i] = add_saturating(group->sums[i], sqlite3_column_int64(stmt, next++), sign);
  for (size_t i = 0; i < schema->nsketches; i++)
    if (question_wants_sketch(p->question, i) &&
        !sketch_merge_column(&group->sketches[i], stmt, next++, sign))
      return SQLITE_CORRUPT;
  return SQLITE_OK;
}

static int add_cells(struct aggregate *a, struct planned *p) {
  struct buf sql = {0};
  sqlite3_stmt *stmt = NULL;
  int rc = SQLITE_OK;
  if (p->plan.ncells > 0) {
    write_cells(&sql, a, p);
    rc = reader_statement(a->reader, &sql, &stmt);
  }
  for (size_t i = 0; i < p->plan.ncells && rc == SQLITE_OK; i++) {
    const struct cell_span *cells = &p->plan.cells[i];
    sqlite3_bind_int64(stmt, 1, cells->tier);
    sqlite3_bind_int64(stmt, 2, cells->span.from / 1000000);
    sqlite3_bind_int64(stmt, 3, cells->span.to / 1000000);
    where_bind(stmt, 4, a->where, a->schema, a->time);
    while (rc == SQLITE_OK && !p->misses && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
      rc = add_cell(a, p, stmt, cells->sign);
    sqlite3_reset(stmt);
    rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
  }
  return rc;
}

/* Rows: one scan of the ends feeds all questions */

uint64_t aggregate_columns(const struct aggregate *a) {
  uint64_t columns = contribution_columns(a->schema, a->wanted) | UINT64_C(1) << a->schema->time;
  for (size_t i = 0; i < a->nplanned; i++)
    for (size_t j = 0; j < a->planned[i].question->nby; j++)
      columns |= UINT64_C(1) << a->planned[i].question->by[j];
  return columns;
}

/* Where cells are read, rows that they lack count in the tail's scan alone. */
int aggregate_sign(const struct aggregate *a, const struct planned *p, int64_t time, int64_t row,
                   bool tail) {
  bool lacking = p->plan.ncells > 0 && row > a->rolled_up_to;
  if (lacking || tail)
    return lacking && tail && time >= p->plan.window.from && time < p->plan.window.to;
  return plan_row_sign(&p->plan, time);
}

int aggregate_row(struct aggregate *a, const struct record *r, const struct buf *text, bool tail) {
  struct contribution contribution;
  int64_t time = r->v[a->schema->time].i;
  contribution_of(&contribution, a->schema, a->wanted, r, text, 1);
  for (size_t i = 0; i < a->nplanned; i++) {
    struct planned *p = &a->planned[i];
    contribution.sign = aggregate_sign(a, p, time, r->row, tail);
    if (contribution.sign == 0)
      continue;
    aggregate_bucket(a, p, floor_to(time, 1000000) / 1000000);
    for (size_t j = 0; j < p->question->nby; j++)
      key_put_value(&a->key, &a->schema->columns[p->question->by[j]], r->v[p->question->by[j]],
                    text);
    struct tally *group = aggregate_group(a, p);
    if (group == NULL)
      return SQLITE_TOOBIG;
    tally_add(group, a->schema, &contribution);
    if (p->question->seen)
      tally_seen(group, time, time, r->row);
  }
  return SQLITE_OK;
}

static void write_rows(struct buf *sql, const struct aggregate *a, uint64_t columns,
                       bool with_extra) {
  buf_puts(sql, "SELECT ");
  rows_write_columns(sql, a->schema, columns, with_extra);
  buf_puts(sql, " FROM main.rows ");
}

static int read_rows(struct aggregate *a, sqlite3_stmt *stmt, uint64_t columns, bool with_extra,
                     bool tail) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    struct batch *page = reader_page(a->reader);
    rc = aggregate_row(a, rows_read(stmt, page, columns, with_extra), &page->text, tail);
  }
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int aggregate_hot_rows(struct aggregate *a, struct span span) {
  const char *time = a->schema->columns[a->schema->time].name;
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  uint64_t columns = aggregate_columns(a);
  bool with_extra = (columns & a->schema->in_extra) != 0;
  write_rows(&sql, a, columns, with_extra);
  buf_puts(&sql, "WHERE 1");
  if (span.from != INT64_MIN)
    buf_printf(&sql, " AND \"%s\" >= ?", time);
  if (span.to != INT64_MAX)
    buf_printf(&sql, " AND \"%s\" < ?", time);
  where_write(&sql, a->where, a->schema, a->time);
  int rc = reader_statement(a->reader, &sql, &stmt), index = 1;
  if (rc != SQLITE_OK)
    return rc;
  if (span.from != INT64_MIN)
    sqlite3_bind_int64(stmt, index++, span.from);
  if (span.to != INT64_MAX)
    sqlite3_bind_int64(stmt, index++, span.to);
  where_bind(stmt, index, a->where, a->schema, a->time);
  return read_rows(a, stmt, columns, with_extra, false);
}

/* Rows that the cells lack.  NOT INDEXED: by rowid, not by time. */
static int add_tail(struct aggregate *a) {
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  uint64_t columns = aggregate_columns(a);
  bool with_extra = (columns & a->schema->in_extra) != 0, needed = false;
  for (size_t i = 0; i < a->nplanned; i++)
    needed |= a->planned[i].plan.ncells > 0;
  if (!needed)
    return SQLITE_OK;
  write_rows(&sql, a, columns, with_extra);
  buf_puts(&sql, "NOT INDEXED WHERE rowid > ?");
  where_write(&sql, a->where, a->schema, a->time);
  int rc = reader_statement(a->reader, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, a->rolled_up_to);
  where_bind(stmt, 2, a->where, a->schema, a->time);
  return read_rows(a, stmt, columns, with_extra, true);
}

static int by_from(const void *a, const void *b) {
  const struct span *x = a, *y = b;
  return (x->from > y->from) - (x->from < y->from);
}

/* The union of what the questions need, each row once. */
static int add_all_rows(struct aggregate *a) {
  struct span spans[PLAN_ROW_SPANS * QUERY_MAX_QUESTIONS];
  size_t n = 0;
  for (size_t i = 0; i < a->nplanned; i++)
    for (size_t j = 0; j < a->planned[i].plan.nrows; j++)
      spans[n++] = a->planned[i].plan.rows[j].span;
  /* cppcheck-suppress uninitvar; the first n are set */
  qsort(spans, n, sizeof *spans, by_from);
  int rc = SQLITE_OK;
  for (size_t i = 0; i < n && rc == SQLITE_OK;) {
    struct span whole = spans[i++];
    for (; i < n && spans[i].from <= whole.to; i++)
      if (spans[i].to > whole.to)
        whole.to = spans[i].to;
    rc = aggregate_rows(a, whole);
  }
  return rc;
}

static void note_window(struct planned *p) {
  struct question *question = p->question;
  question->inexact |= p->plan.inexact;
  question->snapped = p->plan.snapped;
  question->used_from = p->plan.window.from;
  question->used_to = p->plan.window.to;
}

/* Rows that came late may be older than all that are whole. */
static void add_late_rows(const struct aggregate *a, struct plan *plan) {
  struct span late = {a->asked.from, a->asked.to};
  if (late.to > rows_reach(a))
    late.to = rows_reach(a);
  if (a->of_rows && late.from < late.to)
    plan->rows[plan->nrows++] = (struct row_span){late, 1};
}

static int plan_one(struct aggregate *a, struct planned *p) {
  uint64_t columns = conditions_columns(a->where);
  if (a->time >= 0)
    columns &= ~(UINT64_C(1) << a->time);
  struct question *question = p->question;
  question->used_every_s = question->every_s;
  plan_question(&p->plan, a->schema, &a->coverage, question, columns, p->usable, a->window);
  int rc = aggregate_choose_width(a, question, &p->plan);
  plan_question(&p->plan, a->schema, &a->coverage, question, columns, p->usable,
                a->window); /* wider buckets: wider cells */
  note_window(p);
  return rc;
}

/* Another set answers, or rows do, where what is asked for may be in the rest of full buckets. */
static int plan_and_add_cells(struct aggregate *a, struct planned *p) {
  int rc = plan_one(a, p);
  if (rc == SQLITE_OK)
    rc = add_cells(a, p);
  while (rc == SQLITE_OK && p->misses) {
    p->usable &= ~(UINT32_C(1) << (p->plan.set - a->schema->sets));
    p->misses = p->question->inexact = false;
    tallies_clear(&p->groups);
    rc = plan_one(a, p);
    if (rc == SQLITE_OK)
      rc = add_cells(a, p);
  }
  return rc;
}

/* The conditions that the window does not stand for. */
static void keep_others(struct aggregate *a) {
  const struct conditions *where = a->where;
  if (where == NULL)
    return;
  a->others.text = where->text;
  a->others.refs = 1; /* its own */
  a->others.items = xmalloc((where->count + 1) * sizeof *where->items);
  for (size_t i = 0; i < where->count; i++)
    if (where->items[i].column != a->time)
      a->others.items[a->others.count++] = where->items[i];
}

static void find_wanted(struct aggregate *a, const struct question *questions, size_t n) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < a->schema->nmeasures; j++)
      a->wanted.measures |= (uint64_t) question_wants(&questions[i], j) << j;
    for (size_t j = 0; j < a->schema->nsketches; j++)
      a->wanted.sketches |= (unsigned) question_wants_sketch(&questions[i], j) << j;
  }
}

static int read_coverage(struct aggregate *a) {
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_puts(&sql, coverage_sql);
  int rc = reader_statement(a->reader, &sql, &stmt);
  return rc == SQLITE_OK ? coverage_take(stmt, a->schema, &a->coverage) : rc;
}

static int gather_groups(struct aggregate *a, struct question *questions, size_t n) {
  uint32_t usable = ~reader_rebuilding(a->reader);
  a->time = plan_window(a->where, a->schema, &a->window) ? a->schema->time : -1;
  if (a->time < 0)
    a->window = (struct span){INT64_MIN, INT64_MAX};
  keep_others(a);
  find_wanted(a, questions, n);
  a->planned = xcalloc(n, sizeof *a->planned);
  a->nplanned = n;
  for (size_t i = 0; i < n; i++)
    a->planned[i] = (struct planned){.question = &questions[i],
                                     .usable = questions[i].seen ? 0 : usable,
                                     .groups = {.schema = a->schema}};
  atomic_store(&reader_shared(a->reader)->asked_ns, clock_monotonic_ns());
  int rc = reader_begin(a->reader);
  if (rc == SQLITE_OK)
    rc = meta_get_int(reader_database(a->reader), "counted", &a->rolled_up_to);
  if (rc == SQLITE_OK)
    rc = read_coverage(a);
  a->asked = a->window;
  if (rc == SQLITE_OK)
    rc = aggregate_open_sides(a);
  if (a->of_rows && a->window.from < rows_reach(a))
    a->window.from = rows_reach(a);
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
    rc = plan_and_add_cells(a, &a->planned[i]);
  add_late_rows(a, &a->planned[0].plan);
  if (rc == SQLITE_OK)
    rc = add_tail(a);
  return rc == SQLITE_OK ? add_all_rows(a) : rc;
}

static void aggregate_clear(struct aggregate *a, struct query *q) {
  if (a->error != NULL)
    snprintf(q->error, sizeof q->error, "%s", a->error);
  for (size_t i = 0; i < a->nplanned; i++)
    tallies_clear(&a->planned[i].groups);
  free(a->planned);
  free(a->others.items);
  buf_clear(&a->key);
}

int query_aggregate(struct reader *r, struct query *q) {
  struct aggregate a = {.reader = r, .schema = reader_schema(r), .where = q->where};
  int rc = gather_groups(&a, q->questions, q->nquestions);
  for (size_t i = 0; i < a.nplanned && rc == SQLITE_OK; i++)
    if (!group_rows_write(a.planned[i].question, &a.planned[i].groups)) {
      a.error = "too many groups: take wider buckets, fewer columns or a smaller limit";
      rc = SQLITE_TOOBIG;
    }
  aggregate_clear(&a, q);
  return rc;
}

int query_count(struct reader *r, struct query *q) {
  struct aggregate a = {
      .reader = r, .schema = reader_schema(r), .where = q->where, .of_rows = true};
  struct question question = {.measures = 1}; /* the rows are counted anyway */
  int rc = gather_groups(&a, &question, 1);
  if (rc == SQLITE_OK)
    q->count = tallies_at(&a.planned[0].groups, "", 0)->rows;
  aggregate_clear(&a, q);
  return rc;
}
