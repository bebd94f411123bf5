#include "store/read/where.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/file/tables.h"

static const char *const comparisons[] = {
    [OP_EQ] = " = ?",  [OP_NE] = " <> ?", [OP_LT] = " < ?",
    [OP_LE] = " <= ?", [OP_GT] = " > ?",  [OP_GE] = " >= ?",
};

/* A column that lives in extra is its default where extra does not have it. */
static void write_column(struct buf *sql, const struct column *c) {
  if (!c->in_extra) {
    buf_printf(sql, "\"%s\"", c->name);
    return;
  }
  buf_printf(sql, "coalesce(extra ->> '$.\"%s\"', ", c->name);
  tables_write_default(sql, c);
  buf_putc(sql, ')');
}

static void write_list(struct buf *sql, size_t n) {
  for (size_t i = 0; i < n; i++)
    buf_puts(sql, i == 0 ? "?" : ", ?");
  buf_putc(sql, ')');
}

static bool prefix_has_end(const struct conditions *c, union value v) {
  size_t len;
  const unsigned char *s = (const unsigned char *) value_text(&c->text, v, &len);
  while (len > 0 && s[len - 1] == 0xff)
    len--;
  return len > 0;
}

static void write_prefix(struct buf *sql, const struct conditions *c, union value prefix,
                         const struct column *column) {
  write_column(sql, column);
  buf_puts(sql, " >= ?");
  if (prefix_has_end(c, prefix)) {
    buf_puts(sql, " AND ");
    write_column(sql, column);
    buf_puts(sql, " < ?");
  }
}

/* A text of matches without the byte that says what it is. */
static union value match_text(union value v) {
  v.s.offset++;
  v.s.len--;
  return v;
}

static bool is_prefix_match(const struct conditions *c, union value v) {
  return c->text.data[v.s.offset] == MATCH_PREFIX;
}

/* a = ? OR a >= ? AND a < ? .., in halves: SQLite bounds how deep an expression is, which an OR of
 * many is by one for each. */
static void write_alternatives(struct buf *sql, const struct conditions *c,
                               const struct column *column, const union value *values, size_t n) {
  size_t one = column->type == COLUMN_STRING ? 1 : 2, half = n / one / 2 * one;
  if (n > one) {
    buf_putc(sql, '(');
    write_alternatives(sql, c, column, values, half);
    buf_puts(sql, " OR ");
    write_alternatives(sql, c, column, values + half, n - half);
    buf_putc(sql, ')');
  } else if (column->type == COLUMN_STRING && is_prefix_match(c, *values)) {
    write_prefix(sql, c, match_text(*values), column);
  } else {
    write_column(sql, column);
    buf_puts(sql, column->type == COLUMN_STRING ? " = ?" : " BETWEEN ? AND ?");
  }
}

/* Without alternatives nothing matches. */
static void write_matches(struct buf *sql, const struct conditions *c, const struct condition *item,
                          const struct column *column) {
  buf_puts(sql, item->op == OP_MATCHES ? "(" : "NOT (");
  if (item->nvalues > 0)
    write_alternatives(sql, c, column, item->values, item->nvalues);
  else
    buf_putc(sql, '0');
  buf_putc(sql, ')');
}

static void write_term(struct buf *sql, const struct conditions *c, const struct condition *item,
                       const struct column *column) {
  buf_puts(sql, " AND ");
  if (condition_is_match(item->op)) {
    write_matches(sql, c, item, column);
    return;
  }
  if (item->op == OP_PREFIX) {
    write_prefix(sql, c, item->values[0], column);
    return;
  }
  write_column(sql, column);
  if (item->op == OP_IN || item->op == OP_NOT_IN) {
    buf_puts(sql, item->op == OP_IN ? " IN (" : " NOT IN (");
    write_list(sql, item->nvalues);
  } else {
    buf_puts(sql, comparisons[item->op]);
  }
}

/* A bound that is NaN lets everything pass. */
static bool is_left_out(const struct condition *item, const struct schema *schema, int skip) {
  bool is_bound = item->op >= OP_LT && item->op <= OP_GE;
  return item->column == skip ||
         (is_bound && schema->columns[item->column].type == COLUMN_FLOAT &&
          isnan(item->values[0].f));
}

void where_write(struct buf *sql, const struct conditions *c, const struct schema *schema,
                 int skip) {
  for (size_t i = 0; c != NULL && i < c->count; i++)
    if (!is_left_out(&c->items[i], schema, skip))
      write_term(sql, c, &c->items[i], &schema->columns[c->items[i].column]);
}

static void bind_value(sqlite3_stmt *stmt, int index, const struct conditions *c,
                       const struct column *column, union value v) {
  size_t len;
  if (column->type == COLUMN_STRING) {
    const char *s = value_text(&c->text, v, &len);
    sqlite3_bind_text(stmt, index, len > 0 ? s : "", (int) len, SQLITE_STATIC);
  } else if (column->type == COLUMN_FLOAT) {
    sqlite3_bind_double(stmt, index, v.f);
  } else {
    sqlite3_bind_int64(stmt, index, v.i);
  }
}

/* The least text that is greater than all that start with the prefix. */
static void bind_prefix_end(sqlite3_stmt *stmt, int index, const struct conditions *c,
                            union value v) {
  size_t len;
  const char *s = value_text(&c->text, v, &len);
  while ((unsigned char) s[len - 1] == 0xff)
    len--;
  char *end = xmemdup(s, len);
  end[len - 1]++;
  sqlite3_bind_text(stmt, index, end, (int) len, free);
}

static int bind_prefix(sqlite3_stmt *stmt, int index, const struct conditions *c,
                       const struct column *column, union value prefix) {
  bind_value(stmt, index++, c, column, prefix);
  if (prefix_has_end(c, prefix))
    bind_prefix_end(stmt, index++, c, prefix);
  return index;
}

static int bind_term(sqlite3_stmt *stmt, int index, const struct conditions *c,
                     const struct condition *item, const struct column *column) {
  bool texts = condition_is_match(item->op) && column->type == COLUMN_STRING;
  for (size_t i = 0; i < item->nvalues; i++) {
    union value v = texts ? match_text(item->values[i]) : item->values[i];
    if (item->op == OP_PREFIX || (texts && is_prefix_match(c, item->values[i])))
      index = bind_prefix(stmt, index, c, column, v);
    else
      bind_value(stmt, index++, c, column, v);
  }
  return index;
}

int where_bind(sqlite3_stmt *stmt, int index, const struct conditions *c,
               const struct schema *schema, int skip) {
  for (size_t i = 0; c != NULL && i < c->count; i++) {
    const struct condition *item = &c->items[i];
    if (!is_left_out(item, schema, skip))
      index = bind_term(stmt, index, c, item, &schema->columns[item->column]);
  }
  return index;
}
