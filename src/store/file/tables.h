#ifndef MOONLEDGER_STORE_FILE_TABLES_H
#define MOONLEDGER_STORE_FILE_TABLES_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/hash.h"
#include "record/schema.h"
#include "store/storage.h"

/* What the file holds:
 *
 *   rows(columns of the schema.., extra, told)
 *       rowid in order of commit, index on the time; times in unix microseconds; told: what
 *       of a row was told, and by which of its records (told.h)
 *   rollup_NAME(tier, bucket, by.., row_count, measures.., NAME_sketch..)
 *       one per set; tier 0 minute, 1 hour, 2 day; bucket in unix seconds
 *   ids(segment, first, data), segments(..)
 *       fingerprints of ids (ids.h, id_segments.h)
 *   parts(part, day, file, state, ..), part_masks(part, row)
 *       Parquet files with rows of closed days, and which of their rows are void
 *       (cold/manifest.h)
 *   metric_series(key, value), metric_log(number, series)
 *       counters over records, and what has changed since (write/writer_series.c)
 *   journal(entry, topic, kind, time, data)
 *       what scripts keep beside records (script_rows.h)
 *   kept(topic, key, data)
 *       the same by key; a reset leaves it
 *   meta(key, value)
 *       name, seed, "counted" (the row that cells are rolled up to), next_row after a
 *       reset, last_part, parts_version, "removed" (rows that retention has taken since), since
 *       when what is whole (coverage.h), layouts and progress of rollups (rollup_tables.h),
 *       columns that are being filled, "columns" of the schema that it was last opened with
 *
 * Makes or migrates the tables to fit the schema, and sets the writer's settings.
 * 0 or UV_E with the reason appended to error. */
int tables_prepare(sqlite3 *db, const char *path, const struct schema *schema, struct buf *error);

/* What the file is called, and what its fingerprints are seeded with; SQLITE_CORRUPT where it does
 * not tell. */
int tables_name(sqlite3 *db, char name[STORAGE_NAME_BYTES + 1], struct hash_seed *seed);

/* A column's default as SQL has it. */
void tables_write_default(struct buf *sql, const struct column *c);

/* What file this is.  UV_EINVAL and the reason in error: not one of ours, or a newer one.  Empty:
 * it may become one. */
int tables_identify(sqlite3 *db, const char *path, bool *empty, struct buf *error);

/* What is wrong with an empty one where somebody's data is looked for. */
#define TABLES_NOTHING "the file is empty: restore a backup"

/* Whether pages that are free can be given back to the disk (PRAGMA incremental_vacuum); not in
 * older files until they are upgraded (upgrade.h). */
bool tables_can_shrink(sqlite3 *db);

/* Whether all tables are there as tables_prepare would make them, but for rollups; UV_EINVAL
 * and why not.  Changes nothing. */
int tables_check(sqlite3 *db, const char *path, const struct schema *schema, struct buf *error);

/* Columns that were added, or have come back, to rows which may have them in extra, bit per column.
 * Meanwhile meta "filled" is the last row done, "fill_upto" the last one to do. */
uint64_t tables_filling(sqlite3 *db, const struct schema *schema);
int tables_filled(sqlite3 *db); /* they all are; SQLite's codes */

#endif
