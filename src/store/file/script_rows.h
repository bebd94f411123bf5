#ifndef MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H
#define MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H

#include <stdint.h>

#include "base/buf.h"

struct sqlite3;

/* What scripts keep beside records: JSON by topic, in the order of arrival, in the table
 * journal(entry, topic, kind, time, data), which storage.sql reads. */
struct journal {
  char topic[65];
  int64_t keep;       /* older entries than the newest so many are deleted */
  struct buf entries; /* struct journal_entry, each followed by its kind and its data */
};

struct journal_entry {
  int64_t time_us;
  uint32_t kind_len, data_len;
};

void journal_add(struct journal *j, int64_t time_us, const char *kind, size_t kind_len, const char *data,
                 size_t data_len);
void journal_clear(struct journal *j);

/* Within the writer's open transaction; the table is made by the first entry.  SQLite's codes. */
int journal_write(struct sqlite3 *db, const struct journal *j);
int journal_delete_all(struct sqlite3 *db);

#endif
