#ifndef MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H
#define MOONLEDGER_STORE_FILE_SCRIPT_ROWS_H

#include <stdint.h>

#include "base/buf.h"

struct sqlite3;

/* What scripts keep beside records: JSON by topic, in the order of arrival, in the table
 * journal(entry, topic, kind, time, data), which storage.sql reads. */
struct script_rows {
  char topic[65];
  int64_t keep;       /* older entries than the newest so many are deleted */
  struct buf entries; /* struct script_row, each followed by its kind and its data */
};

struct script_row {
  int64_t time_us;
  uint32_t kind_len, data_len;
};

void script_rows_add(struct script_rows *j, int64_t time_us, const char *kind, size_t kind_len, const char *data,
                 size_t data_len);
void script_rows_clear(struct script_rows *j);

/* Within the writer's open transaction; the table is made by the first entry.  SQLite's codes. */
int script_rows_write(struct sqlite3 *db, const struct script_rows *j);
int script_rows_delete_all(struct sqlite3 *db);

#endif
