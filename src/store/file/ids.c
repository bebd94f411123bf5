#include "store/file/ids.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/file/database.h"
#include "store/file/id_epoch.h"

enum {
  PROBES_A_FILTER = 8, /* take about as long as reading one */
  FILTERED = 16, /* filters of so many times max_ids are kept: as much memory as the table's */
};

struct ids {
  sqlite3 *db;
  struct hash_seed seed;
  struct ids_options options;
  pthread_mutex_t lock; /* for what ids_find looks at; the writer reads without it */
  struct id_epoch *current, *previous;
  struct id_shard pending_ids; /* of the open transaction */
  struct id_entries pending;   /* the same in order */
  struct id_entries open[ID_SHARDS]; /* of no segment yet */
  size_t open_len;
  int64_t open_last;      /* row */
  struct segments segments;
  int64_t newest;         /* row that has come */
  int64_t written;        /* row: those up to it are not read again at a start */
  int64_t forgotten;      /* row: up to it the table does not have all ids */
  bool rotated;           /* open must become a segment before an epoch is dropped again */
  int64_t first_unread, last_unread; /* segments of the window that are still to be read, .. */
  int64_t unread_from;               /* .. their chunks that begin here or later */
  atomic_bool loaded;
  atomic_size_t count;
};

static void open_add(struct ids *ids, struct id_entry entry) {
  id_entries_push(&ids->open[id_shard_number(entry.fingerprint)], entry);
  ids->open_len++;
  if (entry.row > ids->open_last)
    ids->open_last = entry.row;
}

static void open_clear(struct ids *ids) {
  for (size_t i = 0; i < ID_SHARDS; i++)
    id_entries_clear(&ids->open[i]);
  ids->open_len = 0;
  ids->open_last = 0;
}

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
  id_epoch_clear(ids->current);
  id_epoch_clear(ids->previous);
  free(ids->current);
  free(ids->previous);
  id_shard_clear(&ids->pending_ids);
  id_entries_clear(&ids->pending);
  open_clear(ids);
  segments_close(&ids->segments);
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

void ids_touch(const struct ids *ids, const int64_t *fingerprints, size_t n) {
  for (size_t i = 0; i < n; i++) {
    id_epoch_touch(ids->current, fingerprints[i]);
    id_epoch_touch(ids->previous, fingerprints[i]);
  }
}

static size_t find_rows(struct ids *ids, int64_t fingerprint, int64_t *rows, size_t n) {
  n += id_epoch_find(ids->current, fingerprint, rows + n, ID_CANDIDATES - n);
  n += id_epoch_find(ids->previous, fingerprint, rows + n, ID_CANDIDATES - n);
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
                   id_shard_find(&ids->pending_ids, fingerprint, rows, ID_CANDIDATES));
}

void ids_add(struct ids *ids, int64_t fingerprint, int64_t row) {
  struct id_entry entry = {fingerprint, row};
  id_shard_add(&ids->pending_ids, entry);
  id_entries_push(&ids->pending, entry);
}

int ids_add_late(struct ids *ids, int64_t fingerprint, int64_t row) {
  ids_add(ids, fingerprint, row);
  if (row > ids->written)
    return SQLITE_OK;
  char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO late_ids VALUES(%lld, %lld)",
                              (long long) fingerprint, (long long) row);
  int rc = database_exec(ids->db, sql);
  sqlite3_free(sql);
  return rc;
}

/* Old ids go an epoch at a time: one is known for at least the window, or until half
 * of max_ids came after it. */
static void rotate_if_due(struct ids *ids, int64_t now_us) {
  struct id_epoch *current = ids->current;
  if (current->len == 0)
    current->since_us = now_us;
  if (ids->rotated && ids_loaded(ids))
    return; /* what left the table then is in no segment yet: the disk may be full */
  if (now_us - current->since_us < ids->options.window_us &&
      current->len < ids->options.max_ids / 2 + 1)
    return;
  if (ids->previous->last_row > ids->forgotten)
    ids->forgotten = ids->previous->last_row;
  id_epoch_clear(ids->previous);
  ids->current = ids->previous;
  ids->previous = current;
  ids->current->since_us = now_us;
  ids->rotated = true;
  ids->last_unread = 0; /* they would be dropped, too */
}

/* A late id goes with the rows that it came with. */
static void remember(struct ids *ids, struct id_entry entry, int64_t now_us) {
  rotate_if_due(ids, now_us);
  id_epoch_add(ids->current, entry);
  if (entry.row > ids->newest)
    ids->newest = entry.row;
  ids->current->last_row = ids->newest;
}

static void pending_clear(struct ids *ids) {
  id_shard_empty(&ids->pending_ids);
  if (ids->pending.cap > 1 << 16)
    id_entries_clear(&ids->pending);
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

bool ids_segment_due(const struct ids *ids) {
  return ids->open_len >= SEGMENT_IDS || (ids->rotated && ids->open_len > 0);
}

static bool is_newest_small(const struct segments *s, size_t len) {
  size_t newest = s->len > 0 ? s->items[s->len - 1].ids : SEGMENT_IDS;
  return newest <= 2 * len && newest + len <= SEGMENT_IDS;
}

/* As far as the newest are small: what is started often must not have ever more of them. */
static int join_small(struct ids *ids, struct id_entries *joined) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && is_newest_small(&ids->segments, ids->open_len + joined->len))
    rc = segments_take_newest(&ids->segments, joined);
  for (size_t i = 0; i < joined->len; i++)
    open_add(ids, joined->items[i]);
  return rc;
}

/* The file has them as it had, but nobody looks there any more. */
static void keep_joined(struct ids *ids, const struct id_entries *joined) {
  pthread_mutex_lock(&ids->lock);
  for (size_t i = 0; i < joined->len; i++)
    id_epoch_add(ids->current, joined->items[i]);
  pthread_mutex_unlock(&ids->lock);
  update_count(ids);
}

/* Negative fingerprints, which are those of the later shards, come first in the file. */
int ids_write_segment(struct ids *ids, size_t least, bool join, int64_t now_us) {
  /* a gap before it would never be noticed */
  if (ids->open_len < least || ids->open_len == 0 || !ids_loaded(ids))
    return SQLITE_OK;
  struct id_entries joined = {0};
  int rc = database_exec(ids->db, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK && join)
    rc = join_small(ids, &joined);
  size_t before = ids->segments.len;
  if (rc == SQLITE_OK)
    rc = segments_write(&ids->segments, ids->open, ID_SHARDS, ID_SHARDS / 2, ids->open_last,
                        now_us);
  if (rc == SQLITE_OK)
    rc = database_exec(ids->db, "DELETE FROM late_ids; COMMIT");
  if (rc == SQLITE_OK) {
    ids->written = segments_row_before(&ids->segments, INT64_MAX);
    open_clear(ids);
    ids->rotated = false;
  } else {
    log_error("writing fingerprints failed", log_str("error", database_why(ids->db, rc)));
    if (ids->segments.len > before)
      segments_drop_newest(&ids->segments);
    if (!sqlite3_get_autocommit(ids->db))
      database_exec(ids->db, "ROLLBACK");
    keep_joined(ids, &joined);
  }
  id_entries_clear(&joined);
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

/* The more there is to look for, the more filters it reads first: that is sooner done than to look
 * into the segments without. */
int ids_probe(struct ids *ids, const int64_t *fingerprints, size_t n, struct id_entries *found) {
  for (size_t i = 0; i + PROBES_A_FILTER <= n && segments_have_unread(&ids->segments);
       i += PROBES_A_FILTER)
    if (segments_read_filter(&ids->segments) != SQLITE_OK)
      break; /* it has given up on them */
  return segments_probe(&ids->segments, ids->forgotten, fingerprints, n, found);
}

/* Those of the window and what is newer, whatever the clock said then, as far as half of max_ids
 * goes. */
static int find_unread(struct ids *ids, int64_t now_us) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(
      ids->db,
      "SELECT min(segment), (SELECT max(segment) FROM segments), max(n) FROM (SELECT segment, "
      "made_us, sum(ids) OVER (ORDER BY segment DESC) AS n FROM segments) "
      "WHERE made_us >= ? AND n <= ?",
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
    id_epoch_reserve(ids->previous, (size_t) sqlite3_column_int64(stmt, 2));
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool window_is_unread(const struct ids *ids) {
  return ids->last_unread >= ids->first_unread && ids->last_unread > 0;
}

bool ids_has_unread(const struct ids *ids) {
  return segments_have_unread(&ids->segments) || window_is_unread(ids);
}

/* About a shard's worth of every segment: what is written to stays in the processor's cache. */
static int read_window(struct ids *ids) {
  sqlite3_stmt *stmt = NULL;
  int64_t upto = ids->unread_from + (int64_t) (UINT64_MAX / ID_SHARDS);
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
      id_epoch_add(ids->previous, entries[i]);
    pthread_mutex_unlock(&ids->lock);
  }
  sqlite3_finalize(stmt);
  update_count(ids);
  if (rc == SQLITE_DONE && upto < INT64_MAX) {
    ids->unread_from = upto + 1;
    return SQLITE_OK;
  }
  if (rc == SQLITE_DONE)
    ids->forgotten = segments_row_before(&ids->segments, ids->first_unread);
  ids->last_unread = 0;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Filters first: they make the longer reading that follows one that nobody waits for. */
int ids_read_some(struct ids *ids) {
  return segments_have_unread(&ids->segments) ? segments_read_filter(&ids->segments)
                                              : read_window(ids);
}

static int load_rows(struct ids *ids, const char *id, const char *other) {
  sqlite3_stmt *stmt = NULL;
  char *sql = segments_rows_sql(id, other);
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
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int load_late(struct ids *ids) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(ids->db, "SELECT fingerprint, row FROM late_ids", -1, &stmt, NULL);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK)
    ids_add(ids, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1));
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int ids_load(struct ids *ids, const char *id, const char *other, int64_t now_us) {
  int rc = segments_open(&ids->segments, ids->db, ids->options.max_ids * FILTERED);
  ids->newest = ids->written = ids->forgotten = segments_row_before(&ids->segments, INT64_MAX);
  if (rc == SQLITE_OK)
    rc = find_unread(ids, now_us);
  if (rc == SQLITE_OK)
    rc = load_rows(ids, id, other);
  if (rc == SQLITE_OK)
    rc = load_late(ids);
  ids_commit(ids, now_us);
  atomic_store(&ids->loaded, rc == SQLITE_OK);
  return rc;
}

int ids_delete_all(struct ids *ids) {
  return database_exec(ids->db, "DELETE FROM segments; DELETE FROM ids; DELETE FROM late_ids");
}

void ids_forget(struct ids *ids) {
  pthread_mutex_lock(&ids->lock);
  id_epoch_clear(ids->current);
  id_epoch_clear(ids->previous);
  pthread_mutex_unlock(&ids->lock);
  pending_clear(ids);
  open_clear(ids);
  segments_forget(&ids->segments);
  ids->last_unread = ids->forgotten = ids->newest = ids->written = 0;
  update_count(ids);
}
