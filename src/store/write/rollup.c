#include "store/write/rollup.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/file/database.h"
#include "store/file/key.h"
#include "store/file/rollup_tables.h"
#include "store/file/sketch_sql.h"
#include "store/write/counted.h"

enum { MAX_CELLS = 4096 }; /* kept in memory between flushes */

struct set_writer {
  sqlite3_stmt *get, *put;
  int root;            /* the set that records are counted in for this one; itself for a root */
  enum tier finest;    /* of a root: of all sets that follow from it */
  int position[SCHEMA_MAX_BY]; /* of this set's by columns among the root's */
  int64_t newest[TIERS];       /* no cell that was stored before this flush has a later bucket */
};

struct rollups {
  sqlite3 *db;
  const struct schema *schema;
  uint32_t mask;
  bool knows_newest; /* of each set: once something is to be written */
  struct set_writer *sets;
  struct counted counted; /* since the last flush, a list for each root in its finest tier */
  struct tallies cells; /* as they will be in the file; kept are those of the newest buckets */
  struct tallies
      held; /* rows is how many keys a bucket of a bounded set has, by the head of its keys */
  struct tally **dirty;
  size_t ndirty, dirty_cap;
  struct buf key;
  struct buf texts[SCHEMA_MAX_BY], packed[SCHEMA_MAX_SKETCHES]; /* of the cell that is written */
};

static int position_of(const struct rollup_set *set, int column) {
  for (size_t i = 0; i < set->nby; i++)
    if (set->by[i] == column)
      return (int) i;
  return -1;
}

static bool includes(const struct rollup_set *wide, const struct rollup_set *narrow) {
  for (size_t i = 0; i < narrow->nby; i++)
    if (position_of(wide, narrow->by[i]) < 0)
      return false;
  return true;
}

static enum tier finest_tier(const struct rollup_set *set) {
  return (enum tier) __builtin_ctz(set->tiers);
}

/* The root of a set is one that has its columns, keeps cells at least as fine, and
 * is no wider than need be. */
static int find_root(const struct rollups *rollups, size_t s) {
  const struct rollup_set *sets = rollups->schema->sets, *set = &sets[s];
  int root = (int) s;
  for (size_t i = 0; i < rollups->schema->nsets; i++) {
    bool usable = rollups->mask >> i & 1 && sets[i].nby > set->nby && includes(&sets[i], set) &&
                  finest_tier(&sets[i]) <= finest_tier(set);
    if (usable && (root == (int) s || sets[i].nby < sets[root].nby))
      root = (int) i;
  }
  return root;
}

static void find_roots(struct rollups *rollups) {
  const struct schema *schema = rollups->schema;
  for (size_t s = 0; s < schema->nsets; s++) {
    if (!(rollups->mask >> s & 1))
      continue;
    int root = (int) s;
    for (int next = find_root(rollups, s); next != root; next = find_root(rollups, (size_t) root))
      root = next;
    rollups->sets[s].root = root;
    for (size_t i = 0; i < schema->sets[s].nby; i++)
      rollups->sets[s].position[i] = position_of(&schema->sets[root], schema->sets[s].by[i]);
  }
}

static void write_key_columns(struct buf *sql, const struct schema *schema,
                              const struct rollup_set *set, const char *separator,
                              const char *suffix) {
  buf_printf(sql, "tier%s%sbucket%s", suffix, separator, suffix);
  for (size_t i = 0; i < set->nby; i++)
    buf_printf(sql, "%s\"%s\"%s", separator, schema->columns[set->by[i]].name, suffix);
}

static void write_value_columns(struct buf *sql, const struct schema *schema) {
  buf_puts(sql, "row_count");
  for (size_t i = 0; i < schema->nmeasures; i++)
    buf_printf(sql, ", \"%s\"", schema->measures[i].name);
  for (size_t i = 0; i < schema->nsketches; i++)
    buf_printf(sql, ", \"%s_sketch\"", schema->sketches[i].name);
}

/* Both are made when they are first needed: a server that nobody writes to does
 * without their memory. */
static int prepare_get(struct rollups *rollups, size_t s) {
  const struct schema *schema = rollups->schema;
  struct buf sql = {0};
  buf_puts(&sql, "SELECT ");
  write_value_columns(&sql, schema);
  buf_printf(&sql, " FROM rollup_%s WHERE ", schema->sets[s].name);
  write_key_columns(&sql, schema, &schema->sets[s], " AND ", " = ?");
  int rc = database_statement(rollups->db, &sql, &rollups->sets[s].get);
  buf_clear(&sql);
  return rc;
}

/* With no other index SQLite overwrites the entry in place. */
static int prepare_put(struct rollups *rollups, size_t s) {
  const struct schema *schema = rollups->schema;
  const struct rollup_set *set = &schema->sets[s];
  struct buf sql = {0};
  buf_printf(&sql, "INSERT OR REPLACE INTO rollup_%s(", set->name);
  write_key_columns(&sql, schema, set, ", ", "");
  buf_puts(&sql, ", ");
  write_value_columns(&sql, schema);
  buf_puts(&sql, ") VALUES(?");
  for (size_t i = 1; i < 2 + set->nby + 1 + schema->nmeasures + schema->nsketches; i++)
    buf_puts(&sql, ", ?");
  buf_putc(&sql, ')');
  int rc = database_statement(rollups->db, &sql, &rollups->sets[s].put);
  buf_clear(&sql);
  return rc;
}

static void find_newest(struct rollups *rollups, size_t s) {
  for (int tier = 0; tier < TIERS; tier++) {
    if (!(rollups->schema->sets[s].tiers >> tier & 1))
      continue;
    char *sql = sqlite3_mprintf("SELECT max(bucket) FROM rollup_%s WHERE tier = %d",
                                rollups->schema->sets[s].name, tier);
    if (database_int(rollups->db, sql, &rollups->sets[s].newest[tier]) != SQLITE_OK)
      rollups->sets[s].newest[tier] = INT64_MAX;
    sqlite3_free(sql);
  }
}

static void find_all_newest(struct rollups *rollups) {
  for (size_t s = 0; s < rollups->schema->nsets && !rollups->knows_newest; s++)
    if (rollups->mask >> s & 1)
      find_newest(rollups, s);
  rollups->knows_newest = true;
}

static bool is_root(const struct rollups *rollups, size_t s) {
  return rollups->mask >> s & 1 && rollups->sets[s].root == (int) s;
}

static void init_counted(struct rollups *rollups) {
  counted_init(&rollups->counted, rollups->schema);
  for (size_t s = 0; s < rollups->schema->nsets; s++)
    if (is_root(rollups, s))
      counted_add_list(&rollups->counted, s, rollups->sets[s].finest);
}

struct rollups *rollups_new(sqlite3 *db, const struct schema *schema, uint32_t mask) {
  struct rollups *rollups = xcalloc(1, sizeof *rollups);
  rollups->db = db;
  rollups->schema = schema;
  rollups->cells.schema = rollups->held.schema = schema;
  rollups->mask = mask;
  rollups->sets = xcalloc(schema->nsets + 1, sizeof *rollups->sets);
  find_roots(rollups);
  for (size_t s = 0; s < schema->nsets; s++)
    rollups->sets[s].finest = TIERS;
  for (size_t s = 0; s < schema->nsets; s++) {
    if (!(mask >> s & 1))
      continue;
    struct set_writer *root = &rollups->sets[rollups->sets[s].root];
    if (finest_tier(&schema->sets[s]) < root->finest)
      root->finest = finest_tier(&schema->sets[s]);
  }
  init_counted(rollups);
  return rollups;
}

void rollups_free(struct rollups *rollups) {
  if (rollups == NULL)
    return;
  rollups_forget(rollups);
  counted_clear(&rollups->counted);
  for (size_t s = 0; s < rollups->schema->nsets; s++) {
    sqlite3_finalize(rollups->sets[s].get);
    sqlite3_finalize(rollups->sets[s].put);
  }
  free(rollups->sets);
  free(rollups->dirty);
  buf_clear(&rollups->key);
  for (size_t i = 0; i < SCHEMA_MAX_BY; i++)
    buf_clear(&rollups->texts[i]);
  for (size_t i = 0; i < SCHEMA_MAX_SKETCHES; i++)
    buf_clear(&rollups->packed[i]);
  free(rollups);
}

void rollups_add(struct rollups *rollups, const struct record *r, const struct buf *text,
                 int sign) {
  counted_add(&rollups->counted, r, text, sign);
}

/* Answers the index after the last. */
static int bind_key(struct rollups *rollups, sqlite3_stmt *stmt, const char *key) {
  const struct schema *schema = rollups->schema;
  const struct rollup_set *set = &schema->sets[(int) key[0]];
  int64_t n;
  double real;
  const char *s, *p = key_get_int(key + 2, &n);
  size_t len;
  sqlite3_bind_int64(stmt, 1, key[1]);
  sqlite3_bind_int64(stmt, 2, n);
  for (size_t i = 0; i < set->nby; i++) {
    int index = (int) i + 3;
    enum column_type type = schema->columns[set->by[i]].type;
    if (type == COLUMN_STRING) {
      p = key_get_text(p, &rollups->texts[i], &s, &len);
      sqlite3_bind_text(stmt, index, s, (int) len, SQLITE_STATIC);
    } else if (type == COLUMN_FLOAT) {
      p = key_get_real(p, &real);
      sqlite3_bind_double(stmt, index, real);
    } else {
      p = key_get_int(p, &n);
      sqlite3_bind_int64(stmt, index, n);
    }
  }
  return (int) set->nby + 3;
}

static int64_t bucket_of(const struct tally *cell) {
  int64_t second;
  key_get_int(cell->key + 2, &second);
  return second;
}

static bool is_in_file(const struct rollups *rollups, size_t s, enum tier tier, int64_t bucket) {
  return bucket <= rollups->sets[s].newest[tier];
}

/* Whether the file has a cell of rollups->key. */
static int find_stored(struct rollups *rollups, size_t s, bool *found) {
  int rc = rollups->sets[s].get != NULL ? SQLITE_OK : prepare_get(rollups, s);
  if (rc == SQLITE_OK) {
    bind_key(rollups, rollups->sets[s].get, rollups->key.data);
    rc = sqlite3_step(rollups->sets[s].get);
    *found = rc == SQLITE_ROW;
    sqlite3_reset(rollups->sets[s].get);
  }
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* How many keys the bucket of rollups->key has. */
static int count_keys(struct rollups *rollups, size_t s, enum tier tier, int64_t bucket,
                      struct tally **held) {
  *held = tallies_at(&rollups->held, rollups->key.data, KEY_CELL_BYTES);
  if ((*held)->stored)
    return SQLITE_OK;
  (*held)->stored = true;
  if (!is_in_file(rollups, s, tier, bucket))
    return SQLITE_OK;
  char *sql = sqlite3_mprintf("SELECT count(*) FROM rollup_%s WHERE tier = %d AND bucket = %lld",
                              rollups->schema->sets[s].name, tier, (long long) bucket);
  int rc = database_int(rollups->db, sql, &(*held)->rows);
  sqlite3_free(sql);
  return rc;
}

/* Whether rollups->key is that of the others of a bounded set, which a record may also tell. */
static bool is_other(const struct rollups *rollups, size_t s) {
  static const char text[] = SCHEMA_OTHER "\0"; /* as key_put_text writes it */
  const struct rollup_set *set = &rollups->schema->sets[s];
  bool is = set->max_keys > 0 && rollups->key.len == KEY_CELL_BYTES + set->nby * sizeof text;
  for (size_t i = 0; is && i < set->nby; i++)
    is = memcmp(rollups->key.data + KEY_CELL_BYTES + i * sizeof text, text, sizeof text) == 0;
  return is;
}

/* A bucket that has all the keys that its set may have counts any other under one of SCHEMA_OTHER:
 * rollups->key becomes that.  A key once taken stays, so that what is counted out goes where it was
 * counted in. */
static int bound_key(struct rollups *rollups, size_t s, int64_t bucket) {
  const struct rollup_set *set = &rollups->schema->sets[s];
  enum tier tier = (enum tier) rollups->key.data[1];
  struct tally *held;
  bool stored = false;
  if (set->max_keys == 0)
    return SQLITE_OK;
  int rc = count_keys(rollups, s, tier, bucket, &held);
  if (rc == SQLITE_OK && is_in_file(rollups, s, tier, bucket))
    rc = find_stored(rollups, s, &stored);
  if (rc != SQLITE_OK || stored)
    return rc;
  if (held->rows < set->max_keys) {
    held->rows++;
    return SQLITE_OK;
  }
  rollups->key.len = KEY_CELL_BYTES;
  for (size_t i = 0; i < set->nby; i++)
    key_put_text(&rollups->key, SCHEMA_OTHER, sizeof SCHEMA_OTHER - 1);
  return SQLITE_OK;
}

/* A sketch of nothing is no bytes. */
static void bind_sketches(struct rollups *rollups, sqlite3_stmt *put, int index,
                          const struct tally *cell) {
  for (size_t i = 0; i < rollups->schema->nsketches; i++) {
    struct buf *packed = &rollups->packed[i];
    packed->len = 0;
    if (!sketch_is_empty(&cell->sketches[i]))
      sketch_pack(&cell->sketches[i], packed);
    sqlite3_bind_blob(put, index++, packed->data, (int) packed->len, SQLITE_STATIC);
  }
}

static int put_cell(struct rollups *rollups, const char *key, const struct tally *cell) {
  struct set_writer *set = &rollups->sets[(int) key[0]];
  int rc = set->put != NULL ? SQLITE_OK : prepare_put(rollups, (size_t) key[0]);
  if (rc != SQLITE_OK)
    return rc;
  int next = bind_key(rollups, set->put, key);
  sqlite3_bind_int64(set->put, next++, cell->rows);
  for (size_t i = 0; i < rollups->schema->nmeasures; i++)
    sqlite3_bind_int64(set->put, next++, cell->sums[i]);
  bind_sketches(rollups, set->put, next, cell);
  return statement_run(set->put);
}

struct key_value {
  const char *data;
  size_t len;
};

/* Cuts a key into its by columns, in the bytes they are written in. */
static void cut_key(const struct schema *schema, const struct rollup_set *set, const char *p,
                    struct key_value *by) {
  struct buf scratch = {0};
  const char *s;
  size_t len;
  int64_t n;
  for (size_t i = 0; i < set->nby; i++) {
    by[i].data = p;
    if (schema->columns[set->by[i]].type == COLUMN_STRING)
      p = key_get_text(p, &scratch, &s, &len);
    else
      p = key_get_int(p, &n);
    by[i].len = (size_t) (p - by[i].data);
  }
  buf_clear(&scratch);
}

static void mark_dirty(struct rollups *rollups, struct tally *cell) {
  if (cell->dirty)
    return;
  cell->dirty = true;
  if (rollups->ndirty == rollups->dirty_cap) {
    rollups->dirty_cap = rollups->dirty_cap > 0 ? rollups->dirty_cap * 2 : 256;
    rollups->dirty = xrealloc(rollups->dirty, rollups->dirty_cap * sizeof *rollups->dirty);
  }
  rollups->dirty[rollups->ndirty++] = cell;
}

/* Whether a sum is all there is to its cell: the bucket is new, and others have begun after it,
 * with which it would be dropped from memory. */
static bool is_whole(const struct rollups *rollups, size_t s, enum tier tier, int64_t bucket) {
  const struct set_writer *set = &rollups->sets[s];
  return set->root == (int) s && set->finest == tier && !is_in_file(rollups, s, tier, bucket) &&
         bucket < floor_to(rollups->counted.latest, tier_seconds[tier]);
}

static int spread_to(struct rollups *rollups, size_t s, enum tier tier, int64_t bucket,
                     const struct key_value *by, const struct tally *sum) {
  struct buf *key = &rollups->key;
  struct tally *cell = NULL;
  key->len = 0;
  key_put_cell(key, s, tier, bucket);
  for (size_t i = 0; i < rollups->schema->sets[s].nby; i++) {
    const struct key_value *value = &by[rollups->sets[s].position[i]];
    buf_append(key, value->data, value->len);
  }
  bool whole = is_whole(rollups, s, tier, bucket);
  if (!whole)
    cell = tallies_find(&rollups->cells, key->data, key->len);
  int rc = cell == NULL ? bound_key(rollups, s, bucket) : SQLITE_OK;
  if (rc != SQLITE_OK)
    return rc;
  if (whole && !is_other(rollups, s))
    return put_cell(rollups, key->data, sum);
  if (cell == NULL)
    cell = tallies_at(&rollups->cells, key->data, key->len);
  tally_merge(cell, sum, rollups->schema);
  mark_dirty(rollups, cell);
  return SQLITE_OK;
}

/* To the cells of all sets and tiers that follow from it.  Adding hours up first, for the day,
 * would save little: most keys have one or two hours in a flush. */
static int spread(void *context, const struct counted_cell *counted, const struct tally *sum) {
  struct rollups *rollups = context;
  const struct schema *schema = rollups->schema;
  int root = (unsigned char) counted->key[0], finest = (unsigned char) counted->key[1];
  struct key_value by[SCHEMA_MAX_BY];
  int64_t bucket;
  const char *p = key_get_int(counted->key + 2, &bucket);
  cut_key(schema, &schema->sets[root], p, by);
  int rc = SQLITE_OK;
  for (size_t s = 0; s < schema->nsets && rc == SQLITE_OK; s++) {
    if (!(rollups->mask >> s & 1) || rollups->sets[s].root != root)
      continue;
    for (int tier = finest; tier < TIERS && rc == SQLITE_OK; tier++)
      if (schema->sets[s].tiers >> tier & 1)
        rc = spread_to(rollups, s, (enum tier) tier, floor_to(bucket, tier_seconds[tier]), by,
                       sum);
  }
  return rc;
}

/* Adds what the file holds to a cell that has so far only what is new. */
static int load_cell(struct rollups *rollups, struct tally *cell) {
  const struct schema *schema = rollups->schema;
  size_t s = (size_t) cell->key[0];
  struct set_writer *set = &rollups->sets[s];
  cell->stored = true;
  if (bucket_of(cell) > set->newest[(int) cell->key[1]])
    return SQLITE_OK;
  int rc = set->get != NULL ? SQLITE_OK : prepare_get(rollups, s);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_stmt *get = set->get;
  bind_key(rollups, get, cell->key);
  rc = sqlite3_step(get);
  if (rc == SQLITE_ROW) {
    cell->rows += sqlite3_column_int64(get, 0);
    for (size_t i = 0; i < schema->nmeasures; i++)
      cell->sums[i] = add_saturating(cell->sums[i], sqlite3_column_int64(get, (int) i + 1), 1);
    for (size_t i = 0; i < schema->nsketches; i++)
      if (!sketch_merge_column(&cell->sketches[i], get, (int) (schema->nmeasures + i) + 1, 1))
        rc = SQLITE_CORRUPT;
  }
  sqlite3_reset(get);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int store_cell(struct rollups *rollups, struct tally *cell) {
  int rc = cell->stored ? SQLITE_OK : load_cell(rollups, cell);
  cell->dirty = false;
  return rc == SQLITE_OK ? put_cell(rollups, cell->key, cell) : rc;
}

static int spread_all(struct rollups *rollups) {
  int rc = counted_each(&rollups->counted, spread, rollups);
  counted_empty(&rollups->counted);
  return rc;
}

static void touch_ahead(const struct rollups *rollups, size_t i) {
  if (i + 4 < rollups->ndirty)
    tally_touch(rollups->dirty[i + 4], rollups->schema);
  if (i + 2 < rollups->ndirty)
    tally_touch_sketches(rollups->dirty[i + 2], rollups->schema);
}

static int store_cells(struct rollups *rollups) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < rollups->ndirty && rc == SQLITE_OK; i++) {
    touch_ahead(rollups, i);
    rc = store_cell(rollups, rollups->dirty[i]);
  }
  return rc;
}

static void note_newest(struct rollups *rollups) {
  for (size_t i = 0; i < rollups->ndirty; i++) {
    const struct tally *cell = rollups->dirty[i];
    int64_t *newest = &rollups->sets[(int) cell->key[0]].newest[(int) cell->key[1]],
            bucket = bucket_of(cell);
    *newest = bucket > *newest ? bucket : *newest;
  }
}

static bool is_past(const struct tally *cell, const void *rollups) {
  const struct set_writer *set = &((const struct rollups *) rollups)->sets[(int) cell->key[0]];
  return bucket_of(cell) < set->newest[(int) cell->key[1]];
}

int rollups_flush(struct rollups *rollups) {
  find_all_newest(rollups);
  int rc = spread_all(rollups);
  if (rollups->ndirty > 0)
    qsort(rollups->dirty, rollups->ndirty, sizeof *rollups->dirty, tally_by_key);
  if (rc == SQLITE_OK)
    rc = store_cells(rollups);
  note_newest(rollups);
  rollups->ndirty = 0;
  tallies_drop(&rollups->cells, is_past, rollups);
  tallies_drop(&rollups->held, is_past, rollups);
  if (rollups->cells.table.len > MAX_CELLS)
    tallies_clear(&rollups->cells);
  return rc;
}

void rollups_forget(struct rollups *rollups) {
  rollups->knows_newest = false; /* of tables that were empty within what was rolled back */
  counted_empty(&rollups->counted);
  tallies_clear(&rollups->cells);
  tallies_clear(&rollups->held);
  rollups->ndirty = 0;
}
