#include "store/upkeep/check_file.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/file/database.h"

enum { STEPS = 20000 }; /* of SQLite's machine between two looks, some milliseconds */

static int on_steps(void *arg) {
  return atomic_load(&((struct upkeep_progress *) arg)->cancelled);
}

void check_listens(sqlite3 *db, struct upkeep_progress *progress) {
  sqlite3_progress_handler(db, STEPS, on_steps, progress);
}

struct upkeep_check *check_begin(struct upkeep_report *report, const char *name) {
  assert(report->nchecks < UPKEEP_CHECKS);
  struct upkeep_check *check = &report->checks[report->nchecks++];
  *check = (struct upkeep_check){.name = name};
  return check;
}

void check_fault(struct upkeep_check *check, const char *format, ...) {
  va_list args;
  if (check->faults++ > 0)
    return;
  va_start(args, format);
  vsnprintf(check->detail, sizeof check->detail, format, args);
  va_end(args);
}

/* The first of SQLite's lines, without the one that stands above them. */
static void tell_page(struct upkeep_check *check, const char *words) {
  static const char head[] = "*** in database main ***\n";
  if (strncmp(words, head, sizeof head - 1) == 0)
    words += sizeof head - 1;
  bool of_index = strstr(words, "index") != NULL;
  check_fault(check, "%.*s: %s", (int) strcspn(words, "\n"), words,
              of_index ? "moonledger verify --repair makes it anew" : "restore a backup");
}

int check_pages(sqlite3 *db, bool full, struct upkeep_report *report) {
  struct upkeep_check *check = check_begin(report, "pages");
  sqlite3_stmt *stmt = NULL;
  int rc = database_int(db, "PRAGMA page_count", &check->seen);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(db, full ? "PRAGMA integrity_check" : "PRAGMA quick_check", -1, &stmt,
                            NULL);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
    const char *words = (const char *) sqlite3_column_text(stmt, 0);
    if (strcmp(words, "ok") != 0)
      tell_page(check, words);
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
