#include "store/file/id_segments.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/file/database.h"

enum {
  CHUNK = 120, /* entries of one blob: where it does not fit in the index's page, every comparison
                  reads all of it */
  FEW = 8,     /* fingerprints whose places come into the cache together */
};

int id_entry_same(const void *a, const void *b) {
  const struct id_entry *x = a, *y = b;
  return (x->fingerprint > y->fingerprint) - (x->fingerprint < y->fingerprint);
}

int id_entry_compare(const void *a, const void *b) {
  const struct id_entry *x = a, *y = b;
  int order = id_entry_same(a, b);
  return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

void id_entries_push(struct id_entries *e, struct id_entry entry) {
  if (e->len == e->cap) {
    e->cap = e->cap > 0 ? e->cap + e->cap / 2 : 8;
    e->items = xrealloc(e->items, e->cap * sizeof *e->items);
  }
  e->items[e->len++] = entry;
}

void id_entries_clear(struct id_entries *e) {
  free(e->items);
  *e = (struct id_entries){0};
}

/* Of late ids alone it would have rows before those of the last one. */
static struct segment *add_segment(struct segments *s, int64_t number, int64_t last_row,
                                   size_t ids) {
  int64_t before = s->len > 0 ? s->items[s->len - 1].last_row : 0;
  if (s->len == s->cap) {
    s->cap = s->cap * 2 + 8;
    s->items = xrealloc(s->items, s->cap * sizeof *s->items);
  }
  struct segment *added = &s->items[s->len++];
  *added = (struct segment){
      .number = number, .last_row = last_row > before ? last_row : before, .ids = ids};
  return added;
}

int segments_open(struct segments *s, sqlite3 *db, size_t max_ids) {
  sqlite3_stmt *stmt = NULL;
  *s = (struct segments){.db = db, .max_ids = max_ids};
  int rc = sqlite3_prepare_v2(db, "SELECT segment, last_row, ids FROM segments ORDER BY segment",
                              -1, &stmt, NULL);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK)
    add_segment(s, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                (size_t) sqlite3_column_int64(stmt, 2));
  sqlite3_finalize(stmt);
  s->bare = s->len;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void segments_forget(struct segments *s) {
  for (size_t i = 0; i < s->len; i++)
    id_filter_clear(&s->items[i].filter);
  s->len = s->bare = s->filtered_ids = 0;
}

void segments_close(struct segments *s) {
  segments_forget(s);
  sqlite3_finalize(s->chunk);
  free(s->items);
  *s = (struct segments){0};
}

int64_t segments_row_before(const struct segments *s, int64_t number) {
  int64_t row = 0;
  for (size_t i = 0; i < s->len && s->items[i].number < number; i++)
    row = s->items[i].last_row;
  return row;
}

int segments_read_entries(sqlite3 *db, int64_t segment, struct id_entries *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT data FROM ids WHERE segment = ?", -1, &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, segment);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    const struct id_entry *entries = sqlite3_column_blob(stmt, 0);
    size_t n = (size_t) sqlite3_column_bytes(stmt, 0) / sizeof *entries;
    for (size_t i = 0; i < n; i++)
      id_entries_push(out, entries[i]);
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

bool segments_have_unread(const struct segments *s) {
  return s->bare > 0 && !s->gave_up && s->filtered_ids + s->items[s->bare - 1].ids <= s->max_ids;
}

/* Readies it with what the file has of it; false when that is not there. */
static bool copy_filter(struct id_filter *f, const void *data, size_t len) {
  if (len != id_filter_bytes(f))
    return false;
  memcpy(f->blocks, data, len);
  return true;
}

static int save_filter(sqlite3 *db, int64_t segment, const struct id_filter *f) {
  sqlite3_stmt *stmt = NULL;
  int rc =
      sqlite3_prepare_v2(db, "UPDATE segments SET filter = ? WHERE segment = ?", -1, &stmt, NULL);
  sqlite3_bind_blob(stmt, 1, f->blocks, (int) id_filter_bytes(f), SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 2, segment);
  rc = rc == SQLITE_OK ? statement_run(stmt) : rc;
  sqlite3_finalize(stmt);
  return rc;
}

/* Of a file of an earlier day. */
static int make_filter(sqlite3 *db, int64_t segment, struct id_filter *f) {
  struct id_entries entries = {0};
  int rc = segments_read_entries(db, segment, &entries);
  for (size_t i = 0; i < entries.len; i++)
    id_filter_add(f, entries.items[i].fingerprint);
  id_entries_clear(&entries);
  return rc == SQLITE_OK ? save_filter(db, segment, f) : rc;
}

static int read_filter(sqlite3 *db, const struct segment *segment, struct id_filter *f) {
  sqlite3_stmt *stmt = NULL;
  bool copied = false;
  id_filter_init(f, segment->ids);
  int rc = sqlite3_prepare_v2(db, "SELECT filter FROM segments WHERE segment = ?", -1, &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, segment->number);
  if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
    copied = copy_filter(f, sqlite3_column_blob(stmt, 0), (size_t) sqlite3_column_bytes(stmt, 0));
  sqlite3_finalize(stmt);
  if (rc != SQLITE_ROW || copied)
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
  return make_filter(db, segment->number, f);
}

int segments_read_filter(struct segments *s) {
  struct segment *segment = &s->items[s->bare - 1];
  struct id_filter filter;
  int rc = read_filter(s->db, segment, &filter);
  if (rc != SQLITE_OK) {
    id_filter_clear(&filter);
    s->gave_up = true;
    return rc;
  }
  segment->filter = filter;
  s->filtered_ids += segment->ids;
  s->bare--;
  return SQLITE_OK;
}

static const char chunk_sql[] =
    "SELECT data FROM ids WHERE segment = ? AND first <= ? ORDER BY first DESC LIMIT 1";

static int64_t find_in_chunk(const struct id_entry *entries, size_t n, int64_t fingerprint) {
  size_t low = 0, high = n; /* the last entry that is not greater */
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (entries[middle].fingerprint <= fingerprint)
      low = middle + 1;
    else
      high = middle;
  }
  return low > 0 && entries[low - 1].fingerprint == fingerprint ? entries[low - 1].row : 0;
}

/* Sets the rows of wanted, which ascends.  One seek and one blob per chunk that any of them may be
 * in. */
static int probe_segment(sqlite3_stmt *chunk, int64_t segment, struct id_entry *wanted, size_t n) {
  const struct id_entry *entries = NULL;
  size_t len = 0;
  int rc = SQLITE_OK;
  sqlite3_bind_int64(chunk, 1, segment);
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
    if (len == 0 || wanted[i].fingerprint > entries[len - 1].fingerprint) {
      sqlite3_reset(chunk);
      sqlite3_bind_int64(chunk, 2, wanted[i].fingerprint);
      rc = sqlite3_step(chunk);
      entries = rc == SQLITE_ROW ? sqlite3_column_blob(chunk, 0) : NULL;
      len = rc == SQLITE_ROW ? (size_t) sqlite3_column_bytes(chunk, 0) / sizeof *entries : 0;
      rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    wanted[i].row = find_in_chunk(entries, len, wanted[i].fingerprint);
  }
  sqlite3_reset(chunk);
  return rc;
}

/* How many may have ids of rows up to `upto`: one that begins right there may have late ids of rows
 * before it. */
static size_t segments_upto(const struct segments *s, int64_t upto) {
  size_t n = s->len > 0;
  while (n < s->len && s->items[n - 1].last_row <= upto)
    n++;
  return n;
}

/* A record that comes alone would wait for the memory of each filter in turn. */
static void touch_filters(const struct segments *s, size_t nsegments, const int64_t *fingerprints,
                          size_t n) {
  for (size_t i = 0; i < nsegments; i++)
    for (size_t k = 0; k < n && k < FEW; k++)
      id_filter_touch(&s->items[i].filter, fingerprints[k]);
}

/* What the filter lets through. */
static void collect(const struct segment *segment, const int64_t *fingerprints, size_t n,
                    struct id_entries *wanted) {
  wanted->len = 0;
  for (size_t i = 0; i < n; i++) {
    if (i + FEW < n)
      id_filter_touch(&segment->filter, fingerprints[i + FEW]);
    if (id_filter_may_have(&segment->filter, fingerprints[i]))
      id_entries_push(wanted, (struct id_entry){.fingerprint = fingerprints[i]});
  }
  if (wanted->len > 1)
    qsort(wanted->items, wanted->len, sizeof *wanted->items, id_entry_compare);
}

int segments_probe(struct segments *s, int64_t upto, const int64_t *fingerprints, size_t n,
                   struct id_entries *found) {
  struct id_entries wanted = {0};
  int rc = SQLITE_OK;
  size_t nsegments = segments_upto(s, upto);
  touch_filters(s, nsegments, fingerprints, n);
  for (size_t i = 0; i < nsegments && rc == SQLITE_OK; i++) {
    collect(&s->items[i], fingerprints, n, &wanted);
    if (wanted.len == 0)
      continue;
    if (s->chunk == NULL)
      rc = sqlite3_prepare_v3(s->db, chunk_sql, -1, SQLITE_PREPARE_PERSISTENT, &s->chunk, NULL);
    if (rc == SQLITE_OK)
      rc = probe_segment(s->chunk, s->items[i].number, wanted.items, wanted.len);
    for (size_t k = 0; k < wanted.len; k++)
      if (wanted.items[k].row != 0)
        id_entries_push(found, wanted.items[k]);
  }
  id_entries_clear(&wanted);
  return rc;
}

int segments_probe_all(sqlite3 *db, int64_t fingerprint, int64_t *row) {
  sqlite3_stmt *segments = NULL, *chunk = NULL;
  struct id_entry wanted = {.fingerprint = fingerprint};
  int rc = sqlite3_prepare_v2(db, "SELECT segment FROM segments ORDER BY segment DESC", -1,
                              &segments, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(db, chunk_sql, -1, &chunk, NULL);
  while (rc == SQLITE_OK && wanted.row == 0 && (rc = sqlite3_step(segments)) == SQLITE_ROW)
    rc = probe_segment(chunk, sqlite3_column_int64(segments, 0), &wanted, 1);
  sqlite3_finalize(segments);
  sqlite3_finalize(chunk);
  *row = wanted.row;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_chunks(sqlite3_stmt *stmt, int64_t segment, const struct id_entries *e) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < e->len && rc == SQLITE_OK; i += CHUNK) {
    size_t n = e->len - i < CHUNK ? e->len - i : CHUNK;
    sqlite3_bind_int64(stmt, 1, segment);
    sqlite3_bind_int64(stmt, 2, e->items[i].fingerprint);
    sqlite3_bind_blob(stmt, 3, &e->items[i], (int) (n * sizeof e->items[0]), SQLITE_STATIC);
    rc = statement_run(stmt);
  }
  return rc;
}

static int write_parts(sqlite3 *db, int64_t segment, struct id_entries *parts, size_t nparts,
                       size_t first) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO ids VALUES(?, ?, ?)", -1, &stmt, NULL);
  for (size_t i = 0; i < nparts && rc == SQLITE_OK; i++) {
    struct id_entries *e = &parts[(i + first) % nparts];
    if (e->len > 0)
      qsort(e->items, e->len, sizeof *e->items, id_entry_compare);
    rc = write_chunks(stmt, segment, e);
  }
  sqlite3_finalize(stmt);
  return rc;
}

static int insert_segment(sqlite3 *db, const struct segment *segment, int64_t now_us) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(
      db, "INSERT INTO segments(last_row, ids, made_us, filter) VALUES(?, ?, ?, ?)", -1, &stmt,
      NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, segment->last_row);
  sqlite3_bind_int64(stmt, 2, (int64_t) segment->ids);
  sqlite3_bind_int64(stmt, 3, now_us);
  sqlite3_bind_blob(stmt, 4, segment->filter.blocks, (int) id_filter_bytes(&segment->filter),
                    SQLITE_STATIC);
  rc = statement_run(stmt);
  sqlite3_finalize(stmt);
  return rc;
}

static void drop_filter(struct segments *s, struct segment *segment) {
  if (segment->filter.blocks != NULL)
    s->filtered_ids -= segment->ids;
  id_filter_clear(&segment->filter);
}

static void add_filtered(struct segments *s, const struct segment *made) {
  add_segment(s, made->number, made->last_row, made->ids)->filter = made->filter;
  s->filtered_ids += made->ids;
  while (s->filtered_ids > s->max_ids && s->bare + 1 < s->len)
    drop_filter(s, &s->items[s->bare++]);
}

int segments_write(struct segments *s, struct id_entries *parts, size_t nparts, size_t first,
                   int64_t last_row, int64_t now_us) {
  struct segment made = {.last_row = last_row};
  for (size_t i = 0; i < nparts; i++)
    made.ids += parts[i].len;
  id_filter_init(&made.filter, made.ids);
  for (size_t i = 0; i < nparts; i++)
    for (size_t k = 0; k < parts[i].len; k++)
      id_filter_add(&made.filter, parts[i].items[k].fingerprint);
  int rc = insert_segment(s->db, &made, now_us);
  made.number = sqlite3_last_insert_rowid(s->db);
  if (rc == SQLITE_OK)
    rc = write_parts(s->db, made.number, parts, nparts, first);
  if (rc == SQLITE_OK)
    add_filtered(s, &made);
  else
    id_filter_clear(&made.filter);
  return rc;
}

char *segments_rows_sql(const char *id, const char *other) {
  if (other == NULL)
    return sqlite3_mprintf("SELECT rowid, \"%w\" FROM rows WHERE rowid > ?1 ORDER BY 1", id);
  return sqlite3_mprintf("SELECT rowid, \"%w\" FROM rows WHERE rowid > ?1 UNION ALL "
                         "SELECT rowid, extra ->> '%q' FROM rows WHERE rowid > ?1 AND "
                         "instr(extra, '\"%q\":') > 0 ORDER BY 1",
                         id, other, other);
}

void segments_drop_newest(struct segments *s) {
  drop_filter(s, &s->items[--s->len]);
  if (s->bare > s->len)
    s->bare = s->len;
}

static int delete_segment(sqlite3 *db, int64_t segment) {
  char *sql = sqlite3_mprintf(
      "DELETE FROM ids WHERE segment = %lld; DELETE FROM segments WHERE segment = %lld",
      (long long) segment, (long long) segment);
  int rc = database_exec(db, sql);
  sqlite3_free(sql);
  return rc;
}

int segments_take_newest(struct segments *s, struct id_entries *out) {
  int64_t number = s->items[s->len - 1].number;
  int rc = segments_read_entries(s->db, number, out);
  if (rc == SQLITE_OK)
    rc = delete_segment(s->db, number);
  if (rc == SQLITE_OK)
    segments_drop_newest(s);
  return rc;
}
