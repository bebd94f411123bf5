#include "store/file/ids.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "store/file/database.h"

enum {
  SHARDS = 256,            /* by the top bits; each grows alone, so that no growth takes long */
  CHUNK = 120,             /* entries of one blob, which must fit in the index's page: else every
                              comparison reads all of it */
  SEGMENT_IDS = 256 * 1024,
  MAPPED_BYTES = 16 << 10,
  PROBES_A_STEP = 2,       /* of reading, which takes about as long */
};

struct shard {
  struct id_entry *slots; /* open addressing, about in order of fingerprint; row 0 is free */
  size_t cap, len;
};

struct epoch {
  struct shard shards[SHARDS];
  size_t len;
  int64_t since_us;
};

struct entries {
  struct id_entry *items;
  size_t len, cap;
};

struct ids {
  sqlite3 *db;
  struct hash_seed seed;
  struct ids_options options;
  pthread_mutex_t lock; /* for what ids_find looks at; the writer reads without it */
  struct epoch *current, *previous;
  struct shard pending_ids; /* of the open transaction */
  struct entries pending;   /* the same in order */
  struct entries open[SHARDS]; /* of no segment yet */
  size_t open_len;
  int64_t open_last;      /* row */
  bool rotated;           /* open must become a segment before a epoch is dropped again */
  int64_t first_unread, last_unread; /* segments of the window that are still to be read, .. */
  int64_t unread_from;               /* .. their chunks that begin here or later */
  atomic_bool loaded;
  atomic_size_t count;
};

/* ---- One epoch ---- */

static struct shard *shard_of(struct epoch *g, int64_t fingerprint) {
  return &g->shards[(uint64_t) fingerprint >> 56];
}

/* By the bits after the shard's, which are as good as any: sorted entries are added
 * from front to back. */
static size_t shard_home(const struct shard *s, int64_t fingerprint) {
  return ((uint64_t) fingerprint >> 24 & UINT32_MAX) * s->cap >> 32;
}

static size_t shard_after(const struct shard *s, size_t i) {
  return i + 1 < s->cap ? i + 1 : 0;
}

static void shard_place(struct shard *s, struct id_entry entry) {
  size_t i = shard_home(s, entry.fingerprint);
  while (s->slots[i].row != 0)
    i = shard_after(s, i);
  s->slots[i] = entry;
}

/* Long tables stand outside the heap: there they would leave holes that no longer
 * table fits in. */
static bool is_mapped(size_t cap) {
  return cap * sizeof(struct id_entry) >= MAPPED_BYTES;
}

static struct id_entry *slots_new(size_t cap) {
  size_t size = cap * sizeof(struct id_entry);
  return is_mapped(cap) ? xmap(size) : xcalloc(1, size);
}

static void slots_free(const struct shard *s) {
  if (is_mapped(s->cap))
    munmap(s->slots, s->cap * sizeof *s->slots);
  else
    free(s->slots);
}

static void resize(struct shard *s, size_t cap) {
  struct shard old = *s;
  s->cap = cap;
  s->slots = slots_new(cap);
  for (size_t i = 0; i < old.cap; i++)
    if (old.slots[i].row != 0)
      shard_place(s, old.slots[i]);
  slots_free(&old);
}

/* Makes room for n in an empty one: in small shards the first of sorted entries
 * would all collide. */
static void epoch_reserve(struct epoch *g, size_t n) {
  for (size_t i = 0; i < SHARDS; i++)
    resize(&g->shards[i], n / SHARDS * 3 / 2 + 8);
}

static void shard_add(struct shard *s, struct id_entry entry) {
  if ((s->len + 1) * 4 > s->cap * 3)
    resize(s, s->cap > 0 ? s->cap + s->cap / 2 : 8);
  shard_place(s, entry);
  s->len++;
}

static size_t shard_find(const struct shard *s, int64_t fingerprint, int64_t *rows, size_t max) {
  size_t n = 0;
  if (s->len == 0)
    return 0;
  for (size_t i = shard_home(s, fingerprint); s->slots[i].row != 0; i = shard_after(s, i))
    if (s->slots[i].fingerprint == fingerprint && n < max)
      rows[n++] = s->slots[i].row;
  return n;
}

/* Its room stays for as many again, not for far fewer. */
static void shard_empty(struct shard *s) {
  if (s->len * 8 < s->cap) {
    slots_free(s);
    *s = (struct shard) {0};
    return;
  }
  if (s->len > 0)
    memset(s->slots, 0, s->cap * sizeof *s->slots);
  s->len = 0;
}

static void epoch_add(struct epoch *g, struct id_entry entry) {
  shard_add(shard_of(g, entry.fingerprint), entry);
  g->len++;
}

static void epoch_clear(struct epoch *g) {
  for (size_t i = 0; i < SHARDS; i++)
    slots_free(&g->shards[i]);
  *g = (struct epoch) {0};
}

static void epoch_free(struct epoch *g) {
  epoch_clear(g);
  free(g);
}

static void entries_push(struct entries *e, struct id_entry entry) {
  if (e->len == e->cap) {
    e->cap = e->cap > 0 ? e->cap + e->cap / 2 : 8;
    e->items = xrealloc(e->items, e->cap * sizeof *e->items);
  }
  e->items[e->len++] = entry;
}

static void entries_clear(struct entries *e) {
  free(e->items);
  *e = (struct entries) {0};
}

static void open_add(struct ids *ids, struct id_entry entry) {
  entries_push(&ids->open[(uint64_t) entry.fingerprint >> 56], entry);
  ids->open_len++;
  if (entry.row > ids->open_last)
    ids->open_last = entry.row;
}

static void open_clear(struct ids *ids) {
  for (size_t i = 0; i < SHARDS; i++)
    entries_clear(&ids->open[i]);
  ids->open_len = 0;
  ids->open_last = 0;
}

/* ---- Life ---- */

struct ids *ids_open(sqlite3 *db, const struct hash_seed *seed, const struct ids_options *options) {
  struct ids *ids = xcalloc(1, sizeof *ids);
  ids->db = db;
  ids->seed = *seed;
  ids->options = *options;
  pthread_mutex_init(&ids->lock, NULL);
  ids->current = xcalloc(1, sizeof *ids->current);
  ids->previous = xcalloc(1, sizeof *ids->previous);
  return ids;
}

void ids_close(struct ids *ids) {
  if (ids == NULL)
    return;
  epoch_free(ids->current);
  epoch_free(ids->previous);
  slots_free(&ids->pending_ids);
  entries_clear(&ids->pending);
  open_clear(ids);
  pthread_mutex_destroy(&ids->lock);
  free(ids);
}

int64_t ids_fingerprint(const struct ids *ids, const char *id, size_t len) {
  return (int64_t) hash_bytes(&ids->seed, id, len);
}

size_t ids_count(const struct ids *ids) {
  return atomic_load_explicit(&ids->count, memory_order_relaxed);
}

bool ids_loaded(const struct ids *ids) {
  return atomic_load(&ids->loaded);
}

/* ---- Finding and adding ---- */

/* Real loads, which the processor does side by side: a prefetch it drops when the
 * page is not in its TLB. */
static void touch_slot(const struct epoch *g, int64_t fingerprint) {
  const struct shard *s = &g->shards[(uint64_t) fingerprint >> 56];
  if (s->len > 0)
    *(volatile int64_t *) &s->slots[shard_home(s, fingerprint)].row;
}

void ids_touch(const struct ids *ids, const int64_t *fingerprints, size_t n) {
  for (size_t i = 0; i < n; i++) {
    touch_slot(ids->current, fingerprints[i]);
    touch_slot(ids->previous, fingerprints[i]);
  }
}

static size_t find_rows(struct ids *ids, int64_t fingerprint, int64_t *rows, size_t n) {
  n += shard_find(shard_of(ids->current, fingerprint), fingerprint, rows + n, ID_CANDIDATES - n);
  n += shard_find(shard_of(ids->previous, fingerprint), fingerprint, rows + n, ID_CANDIDATES - n);
  return n;
}

size_t ids_find(struct ids *ids, int64_t fingerprint, int64_t rows[ID_CANDIDATES]) {
  pthread_mutex_lock(&ids->lock);
  size_t n = find_rows(ids, fingerprint, rows, 0);
  pthread_mutex_unlock(&ids->lock);
  return n;
}

size_t ids_find_pending(struct ids *ids, int64_t fingerprint, int64_t rows[ID_CANDIDATES]) {
  return find_rows(ids, fingerprint, rows,
                   shard_find(&ids->pending_ids, fingerprint, rows, ID_CANDIDATES));
}

void ids_add(struct ids *ids, int64_t fingerprint, int64_t row) {
  struct id_entry entry = {fingerprint, row};
  shard_add(&ids->pending_ids, entry);
  entries_push(&ids->pending, entry);
}

/* Old ids go a epoch at a time: one is known for at least the window, or until half
 * of max_ids came after it. */
static void rotate_if_due(struct ids *ids, int64_t now_us) {
  struct epoch *current = ids->current;
  if (current->len == 0)
    current->since_us = now_us;
  if (now_us - current->since_us < ids->options.window_us &&
      current->len < ids->options.max_ids / 2 + 1)
    return;
  epoch_clear(ids->previous);
  ids->current = ids->previous;
  ids->previous = current;
  ids->current->since_us = now_us;
  ids->rotated = true;
  ids->last_unread = 0; /* they would be dropped, too */
}

static void remember(struct ids *ids, struct id_entry entry, int64_t now_us) {
  rotate_if_due(ids, now_us);
  epoch_add(ids->current, entry);
}

static void pending_clear(struct ids *ids) {
  shard_empty(&ids->pending_ids);
  if (ids->pending.cap > 1 << 16)
    entries_clear(&ids->pending);
  ids->pending.len = 0;
}

static void update_count(struct ids *ids) {
  atomic_store_explicit(&ids->count, ids->current->len + ids->previous->len, memory_order_relaxed);
}

void ids_commit(struct ids *ids, int64_t now_us) {
  pthread_mutex_lock(&ids->lock);
  for (size_t i = 0; i < ids->pending.len; i++)
    remember(ids, ids->pending.items[i], now_us);
  pthread_mutex_unlock(&ids->lock);
  for (size_t i = 0; i < ids->pending.len; i++)
    open_add(ids, ids->pending.items[i]);
  update_count(ids);
  pending_clear(ids);
}

void ids_rollback(struct ids *ids) {
  pending_clear(ids);
}

/* ---- Segments ---- */

int id_entry_same(const void *a, const void *b) {
  const struct id_entry *x = a, *y = b;
  return (x->fingerprint > y->fingerprint) - (x->fingerprint < y->fingerprint);
}

int id_entry_compare(const void *a, const void *b) {
  const struct id_entry *x = a, *y = b;
  int order = id_entry_same(a, b);
  return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

bool ids_segment_due(const struct ids *ids) {
  return ids->open_len >= SEGMENT_IDS || (ids->rotated && ids->open_len > 0);
}

static int write_chunks(sqlite3_stmt *stmt, int64_t segment, const struct entries *e) {
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

/* Negative fingerprints, which are those of the later shards, come first in the file. */
static int write_open(struct ids *ids, int64_t segment) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(ids->db, "INSERT OR REPLACE INTO ids VALUES(?, ?, ?)", -1, &stmt,
                              NULL);
  for (size_t i = 0; i < SHARDS && rc == SQLITE_OK; i++) {
    struct entries *e = &ids->open[(i + SHARDS / 2) % SHARDS];
    if (e->len > 0)
      qsort(e->items, e->len, sizeof *e->items, id_entry_compare);
    rc = write_chunks(stmt, segment, e);
  }
  sqlite3_finalize(stmt);
  return rc;
}

static int insert_segment(struct ids *ids, int64_t now_us) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(ids->db,
                              "INSERT INTO segments(last_row, ids, made_us) VALUES(?, ?, ?)",
                              -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, ids->open_last);
  sqlite3_bind_int64(stmt, 2, (int64_t) ids->open_len);
  sqlite3_bind_int64(stmt, 3, now_us);
  rc = statement_run(stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK ? write_open(ids, sqlite3_last_insert_rowid(ids->db)) : rc;
}

int ids_write_segment(struct ids *ids, size_t least, int64_t now_us) {
  /* a gap before it would never be noticed */
  if (ids->open_len < least || ids->open_len == 0 || !ids_loaded(ids))
    return SQLITE_OK;
  int rc = database_exec(ids->db, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK)
    rc = insert_segment(ids, now_us);
  if (rc == SQLITE_OK)
    rc = database_exec(ids->db, "COMMIT");
  if (rc == SQLITE_OK) {
    open_clear(ids);
    ids->rotated = false;
  } else if (!sqlite3_get_autocommit(ids->db)) {
    database_exec(ids->db, "ROLLBACK");
  }
  return rc;
}

int64_t ids_last_segment_row(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  int64_t row = 0;
  if (sqlite3_prepare_v2(db, "SELECT max(last_row) FROM segments", -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW)
    row = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return row;
}

/* ---- Probing segments ---- */

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

/* One seek and one blob per chunk that any of the fingerprints may be in. */
static int probe_segment(sqlite3_stmt *chunk, int64_t segment, struct id_entry *wanted, size_t n) {
  const struct id_entry *entries = NULL;
  size_t len = 0;
  int rc = SQLITE_OK;
  sqlite3_bind_int64(chunk, 1, segment);
  for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
    if (wanted[i].row != 0)
      continue;
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

static int probe_between(sqlite3 *db, int64_t first, int64_t last, struct id_entry *wanted,
                         size_t n) {
  sqlite3_stmt *segments = NULL, *chunk = NULL;
  int rc = sqlite3_prepare_v2(
      db, "SELECT segment FROM segments WHERE segment BETWEEN ? AND ? ORDER BY segment DESC",
      -1, &segments, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(
        db, "SELECT data FROM ids WHERE segment = ? AND first <= ? ORDER BY first DESC LIMIT 1",
        -1, &chunk, NULL);
  sqlite3_bind_int64(segments, 1, first);
  sqlite3_bind_int64(segments, 2, last);
  while (rc == SQLITE_OK && (rc = sqlite3_step(segments)) == SQLITE_ROW)
    rc = probe_segment(chunk, sqlite3_column_int64(segments, 0), wanted, n);
  sqlite3_finalize(segments);
  sqlite3_finalize(chunk);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int ids_probe_segments(sqlite3 *db, struct id_entry *wanted, size_t n) {
  return probe_between(db, INT64_MIN, INT64_MAX, wanted, n);
}

/* ---- Start ---- */

/* Those of the window, as far as half of max_ids goes. */
static int find_unread(struct ids *ids, int64_t now_us) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(
      ids->db,
      "SELECT min(segment), max(segment), max(n) FROM (SELECT segment, made_us, sum(ids) OVER "
      "(ORDER BY segment DESC) AS n FROM segments) WHERE made_us >= ? AND n <= ?",
      -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, now_us - ids->options.window_us);
  sqlite3_bind_int64(stmt, 2, (int64_t) ids->options.max_ids / 2);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
    ids->first_unread = sqlite3_column_int64(stmt, 0);
    ids->last_unread = sqlite3_column_int64(stmt, 1);
    ids->unread_from = INT64_MIN;
    epoch_reserve(ids->previous, (size_t) sqlite3_column_int64(stmt, 2));
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

bool ids_has_unread(const struct ids *ids) {
  return ids->last_unread >= ids->first_unread && ids->last_unread > 0;
}

/* About a shard's worth of every segment: what is written to stays in the
 * processor's cache. */
int ids_read_some(struct ids *ids) {
  sqlite3_stmt *stmt = NULL;
  int64_t upto = ids->unread_from + (int64_t) (UINT64_MAX / SHARDS);
  int rc = sqlite3_prepare_v2(ids->db,
                              "SELECT data FROM segments CROSS JOIN ids USING(segment) "
                              "WHERE segment BETWEEN ? AND ? AND first BETWEEN ? AND ?",
                              -1, &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, ids->first_unread);
  sqlite3_bind_int64(stmt, 2, ids->last_unread);
  sqlite3_bind_int64(stmt, 3, ids->unread_from);
  sqlite3_bind_int64(stmt, 4, upto);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    const struct id_entry *entries = sqlite3_column_blob(stmt, 0);
    size_t n = (size_t) sqlite3_column_bytes(stmt, 0) / sizeof *entries;
    pthread_mutex_lock(&ids->lock);
    for (size_t i = 0; i < n; i++)
      epoch_add(ids->previous, entries[i]);
    pthread_mutex_unlock(&ids->lock);
  }
  sqlite3_finalize(stmt);
  update_count(ids);
  if (rc == SQLITE_DONE && upto < INT64_MAX)
    ids->unread_from = upto + 1;
  else
    ids->last_unread = 0;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The more there is to look for the further it first reads on: what is in memory
 * need not be looked for again. */
int ids_probe_unread(struct ids *ids, struct id_entry *wanted, size_t n) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < n && ids_has_unread(ids) && rc == SQLITE_OK; i += PROBES_A_STEP)
    rc = ids_read_some(ids);
  if (rc != SQLITE_OK || !ids_has_unread(ids))
    return rc;
  for (; n > 0 && wanted->fingerprint < ids->unread_from; n--)
    wanted++;
  return probe_between(ids->db, ids->first_unread, ids->last_unread, wanted, n);
}

static int load_rows(struct ids *ids, const char *id, int64_t now_us) {
  sqlite3_stmt *stmt = NULL;
  char *sql = sqlite3_mprintf("SELECT rowid, \"%w\" FROM rows WHERE rowid > ?", id);
  int rc = sqlite3_prepare_v2(ids->db, sql, -1, &stmt, NULL);
  sqlite3_free(sql);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, ids_last_segment_row(ids->db));
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    const char *text = (const char *) sqlite3_column_text(stmt, 1);
    size_t len = (size_t) sqlite3_column_bytes(stmt, 1);
    ids_add(ids, ids_fingerprint(ids, text, len), sqlite3_column_int64(stmt, 0));
  }
  sqlite3_finalize(stmt);
  ids_commit(ids, now_us);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int ids_load(struct ids *ids, const char *id, int64_t now_us) {
  int rc = find_unread(ids, now_us);
  if (rc == SQLITE_OK)
    rc = load_rows(ids, id, now_us);
  atomic_store(&ids->loaded, rc == SQLITE_OK);
  return rc;
}

int ids_delete_all(struct ids *ids) {
  return database_exec(ids->db, "DELETE FROM segments; DELETE FROM ids");
}

void ids_forget(struct ids *ids) {
  pthread_mutex_lock(&ids->lock);
  epoch_clear(ids->current);
  epoch_clear(ids->previous);
  pthread_mutex_unlock(&ids->lock);
  pending_clear(ids);
  open_clear(ids);
  ids->last_unread = 0;
  update_count(ids);
}
