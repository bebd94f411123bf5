#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/scan.h"

/* The first n rows in an order: candidates gather until there are twice as many, then the better
 * half stays, and pages that have nothing better than its last are not read. */

enum { LEAST_ROOM = 256 };

struct gathering {
  const struct cold_scan *scan;
  const struct schema *schema;
  const struct cold_order *order;
  struct cold_rows *rows;
  size_t n;
  bool full; /* rows->items[n - 1] is the worst that may stay */
};

void cold_rows_clear(struct cold_rows *rows) {
  free(rows->items);
  buf_clear(&rows->text);
  *rows = (struct cold_rows){0};
}

static int compare_ints(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

static int compare_texts(const char *a, size_t a_len, const char *b, size_t b_len) {
  int result = memcmp(a, b, a_len < b_len ? a_len : b_len);
  return result != 0 ? result : compare_ints((int64_t) a_len, (int64_t) b_len);
}

static bool is_by_time(const struct schema *schema, const struct cold_order *order) {
  return order->column == schema->time;
}

static int compare_keys(const struct schema *schema, const struct cold_order *order,
                        const struct buf *text, union value a, union value b, const char *b_text) {
  const struct column *c = &schema->columns[order->column];
  size_t len;
  if (c->type == COLUMN_FLOAT)
    return (a.f > b.f) - (a.f < b.f);
  if (c->type != COLUMN_STRING)
    return compare_ints(a.i, b.i);
  const char *s = value_text(text, a, &len);
  return compare_texts(s, len, b_text, b.s.len);
}

int cold_compare(const struct schema *schema, const struct cold_order *order,
                 const struct cold_rows *rows, const struct cold_row *row, union value key,
                 const char *key_text, struct row_place place) {
  if (order->by_row)
    return compare_ints(row->place.row, place.row);
  int result = 0;
  if (!is_by_time(schema, order))
    result = compare_keys(schema, order, &rows->text, row->key, key, key_text);
  if (result == 0)
    result = compare_ints(row->place.time, place.time);
  if (result == 0)
    result = compare_ints(row->place.row, place.row);
  return order->descending ? -result : result;
}

static int by_order(const void *a, const void *b, void *arg) {
  const struct gathering *g = arg;
  const struct cold_row *y = b;
  const char *text = g->rows->text.len > 0 && !g->order->by_row &&
                             g->schema->columns[g->order->column].type == COLUMN_STRING
                         ? g->rows->text.data + y->key.s.offset
                         : "";
  return cold_compare(g->schema, g->order, g->rows, a, y->key, text, y->place);
}

/* Texts of rows that are gone go, too. */
static void pack_texts(struct gathering *g) {
  struct buf packed = {0};
  if (g->order->by_row || g->schema->columns[g->order->column].type != COLUMN_STRING)
    return;
  for (size_t i = 0; i < g->rows->len; i++) {
    union value *key = &g->rows->items[i].key;
    size_t offset = packed.len;
    buf_append(&packed, g->rows->text.data + key->s.offset, key->s.len);
    key->s.offset = (uint32_t) offset;
  }
  buf_clear(&g->rows->text);
  g->rows->text = packed;
}

static void keep_best(struct gathering *g) {
  struct cold_rows *rows = g->rows;
  if (rows->len > 0)
    qsort_r(rows->items, rows->len, sizeof *rows->items, by_order, g);
  if (rows->len > g->n)
    rows->len = g->n;
  g->full = rows->len == g->n;
  pack_texts(g);
}

static struct cold_row *add_room(struct cold_rows *rows) {
  if (rows->len == rows->cap) {
    rows->cap = rows->cap > 0 ? rows->cap * 2 : LEAST_ROOM;
    rows->items = xrealloc(rows->items, rows->cap * sizeof *rows->items);
  }
  return &rows->items[rows->len++];
}

static struct cold_row *add_row(struct gathering *g) {
  if (g->rows->len >= 2 * g->n + LEAST_ROOM)
    keep_best(g);
  return add_room(g->rows);
}

/* Not after the place that is read on from. */
static bool is_before(const struct gathering *g, struct row_place place) {
  const struct cold_order *order = g->order;
  if (order->by_row)
    return place.row <= order->after.row;
  if (!order->has_after)
    return false;
  int side = compare_ints(place.time, order->after.time);
  if (side == 0)
    side = compare_ints(place.row, order->after.row);
  return order->descending ? side >= 0 : side <= 0;
}

/* After all that may stay. */
static bool is_worse(const struct gathering *g, union value key, const char *text,
                     struct row_place place) {
  return g->full && cold_compare(g->schema, g->order, g->rows, &g->rows->items[g->n - 1], key,
                                 text, place) <= 0;
}

/* What a row of a part is sorted by. */
struct keys {
  const struct parquet_vector *times, *rows, *keys;
  enum column_type type;
  bool missing; /* the part is older than the column */
};

static union value key_at(const struct keys *k, size_t place, const char **text) {
  union value key = {0};
  *text = "";
  if (k->keys == NULL)
    return key;
  if (k->type == COLUMN_STRING) {
    struct parquet_text s = parquet_text_at(k->keys, place);
    *text = s.len > 0 ? s.data : "";
    key.s.len = s.len;
  } else if (k->type == COLUMN_FLOAT) {
    key.f = k->keys->doubles[place];
  } else {
    key.i = k->keys->integers[place];
  }
  return key;
}

/* A part that is older than the column: its rows have the default, or what their extra says. */
static int read_missing(struct gathering *g, struct cursor *c, size_t place, struct batch *b,
                        union value *key, const char **text) {
  uint64_t column = UINT64_C(1) << g->order->column;
  b->text.len = b->records.len = b->count = 0;
  const struct record *r = cursor_read(g->scan->view, c, place, b, column, false);
  if (r == NULL)
    return SQLITE_CORRUPT;
  size_t len;
  *key = r->v[g->order->column];
  *text = "";
  if (g->schema->columns[g->order->column].type == COLUMN_STRING)
    *text = value_text(&b->text, *key, &len);
  return SQLITE_OK;
}

/* What places are sorted by, or NULL where that is their time or number, or missing.  false: it
 * cannot be read. */
static bool read_keys(struct gathering *g, struct cursor *c, struct keys *k) {
  bool by_place = g->order->by_row || is_by_time(g->schema, g->order);
  int column = by_place ? -1 : c->columns[g->order->column];
  *k = (struct keys){.missing = !by_place && column < 0};
  k->type = by_place ? COLUMN_INTEGER : g->schema->columns[g->order->column].type;
  if (column < 0)
    return true;
  k->keys = cursor_get(g->scan->view, c, column);
  return k->keys != NULL;
}

static bool read_places(struct gathering *g, struct cursor *c, struct keys *k) {
  k->times = cursor_get(g->scan->view, c, c->columns[g->schema->time]);
  k->rows = k->times != NULL ? cursor_get(g->scan->view, c, c->rowid) : NULL;
  return k->rows != NULL;
}

/* Leaves places whose numbers are not worse than the worst that may stay. */
static size_t keep_promising(const struct gathering *g, const struct keys *k,
                             const uint16_t *places, size_t n, uint16_t *kept) {
  size_t nkept = 0;
  bool down = g->order->descending;
  if (!g->full || k->keys == NULL || k->type == COLUMN_STRING) {
    memcpy(kept, places, n * sizeof *kept);
    return n;
  }
  union value worst = g->rows->items[g->n - 1].key;
  for (size_t i = 0; i < n; i++) {
    size_t at = places[i];
    kept[nkept] = places[i];
    if (k->type == COLUMN_FLOAT)
      nkept += down ? !(k->keys->doubles[at] < worst.f) : !(k->keys->doubles[at] > worst.f);
    else
      nkept += down ? k->keys->integers[at] >= worst.i : k->keys->integers[at] <= worst.i;
  }
  return nkept;
}

static void gather_row(struct gathering *g, const struct cursor *c, const struct keys *k,
                       const char *text, struct cold_row row) {
  struct cold_row *added = add_row(g);
  if (k->type == COLUMN_STRING) {
    size_t offset = g->rows->text.len;
    buf_append(&g->rows->text, text, row.key.s.len);
    row.key.s.offset = (uint32_t) offset;
  }
  row.part = c->part.number;
  row.group = (uint32_t) c->group;
  row.page = (uint16_t) c->page;
  *added = row;
}

/* Rows of a page are in order of time: read from the end that comes first, none follows that may
 * stay after one that may not. */
static int gather_places(struct gathering *g, struct cursor *c, const struct keys *k,
                         const uint16_t *places, size_t n) {
  bool by_time = !g->order->by_row && is_by_time(g->schema, g->order);
  struct batch *missing = k->missing ? batch_new(g->schema) : NULL;
  int rc = SQLITE_OK;
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
    size_t at = places[g->order->descending ? n - 1 - i : i];
    const char *text;
    struct cold_row row = {.place = {k->times->integers[at], k->rows->integers[at]},
                           .at = (uint16_t) at};
    row.key = key_at(k, at, &text);
    if (is_before(g, row.place))
      continue;
    if (missing != NULL)
      rc = read_missing(g, c, at, missing, &row.key, &text);
    bool worse = rc == SQLITE_OK && is_worse(g, row.key, text, row.place);
    if (worse && by_time)
      break;
    if (rc == SQLITE_OK && !worse)
      gather_row(g, c, k, text, row);
    if (by_time && !g->full && g->rows->len == g->n)
      keep_best(g);
  }
  batch_free(missing);
  return rc;
}

static int gather_page(void *arg, struct cursor *c, const uint16_t *places, size_t n) {
  struct gathering *g = arg;
  struct keys k;
  uint16_t kept[PARQUET_PAGE_ROWS];
  if (!read_keys(g, c, &k))
    return SQLITE_CORRUPT;
  n = keep_promising(g, &k, places, n, kept);
  if (n == 0)
    return SQLITE_OK;
  return read_places(g, c, &k) ? gather_places(g, c, &k, kept, n) : SQLITE_CORRUPT;
}

/* Times from first to last are all before the place that is read on from. */
static bool is_behind(const struct gathering *g, int64_t first, int64_t last) {
  const struct cold_order *order = g->order;
  if (!order->has_after || !is_by_time(g->schema, order))
    return false;
  return order->descending ? first > order->after.time : last < order->after.time;
}

/* By the first key alone: equal ones may still win by their time. */
static bool is_wanted(void *arg, const struct parquet_range *range) {
  const struct gathering *g = arg;
  const struct cold_order *order = g->order;
  if (!range->known)
    return true;
  if (order->by_row ? range->max.i <= order->after.row : is_behind(g, range->min.i, range->max.i))
    return false;
  if (!g->full)
    return true;
  const struct cold_row *worst = &g->rows->items[g->n - 1];
  union parquet_value best = order->descending ? range->max : range->min;
  int side;
  if (order->by_row)
    return range->min.i < worst->place.row;
  if (is_by_time(g->schema, order))
    side = compare_ints(best.i, worst->place.time);
  else if (g->schema->columns[order->column].type == COLUMN_FLOAT)
    side = (best.f > worst->key.f) - (best.f < worst->key.f);
  else if (g->schema->columns[order->column].type == COLUMN_STRING)
    return true;
  else
    side = compare_ints(best.i, worst->key.i);
  return order->descending ? side >= 0 : side <= 0;
}

/* By time a later part cannot have anything better than what is there already. */
static bool is_hopeless(const struct gathering *g, const struct part *part) {
  const struct cold_order *order = g->order;
  if (order->by_row)
    return part->max_row <= order->after.row;
  if (!is_by_time(g->schema, order))
    return false;
  if (is_behind(g, part->min_time, part->max_time))
    return true;
  if (!g->full)
    return false;
  int64_t worst = g->rows->items[g->n - 1].place.time;
  return order->descending ? part->max_time < worst : part->min_time > worst;
}

static struct cold_walk walk_of(struct gathering *g) {
  const struct cold_order *order = g->order;
  bool by_time = !order->by_row && is_by_time(g->schema, order);
  return (struct cold_walk){.scan = g->scan,
                            .backwards = by_time && order->descending,
                            .page = gather_page,
                            .key = order->by_row ? -1 : order->column,
                            .wanted = is_wanted,
                            .arg = g};
}

int cold_first_rows(const struct cold_scan *scan, const struct schema *schema,
                    const struct cold_order *order, size_t n, struct cold_rows *rows) {
  struct gathering g = {scan, schema, order, rows, n, false};
  struct cold_walk walk = walk_of(&g);
  size_t parts = view_parts(scan->view);
  int rc = SQLITE_OK;
  for (size_t i = 0; n > 0 && i < parts && rc == SQLITE_OK; i++) {
    size_t at = order->descending ? parts - 1 - i : i;
    const struct part *part = view_part(scan->view, at);
    if (!cold_overlaps(scan, part) || is_hopeless(&g, part))
      continue;
    rc = cold_walk_part(&walk, at);
    keep_best(&g);
  }
  return rc;
}

int cold_share_first_rows(struct cold_share *share, const struct cold_scan *scan,
                          const struct schema *schema, const struct cold_order *order, size_t n,
                          struct cold_rows *rows) {
  struct gathering g = {scan, schema, order, rows, n, false};
  struct cold_walk walk = walk_of(&g);
  keep_best(&g); /* of shares before */
  int rc = n > 0 ? cold_share_walk(share, &walk) : SQLITE_OK;
  keep_best(&g);
  return rc;
}

void cold_rows_merge(struct cold_rows *into, const struct cold_rows *more,
                     const struct schema *schema, const struct cold_order *order, size_t n) {
  struct gathering g = {NULL, schema, order, into, n, false};
  bool texts = !order->by_row && schema->columns[order->column].type == COLUMN_STRING;
  uint32_t offset = (uint32_t) into->text.len;
  buf_append(&into->text, more->text.data, more->text.len);
  for (size_t i = 0; i < more->len; i++) {
    struct cold_row *row = add_room(into);
    *row = more->items[i];
    if (texts)
      row->key.s.offset += offset;
  }
  keep_best(&g);
}
