#include "store/write/retention.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/file/tables.h"
#include "store/write/retention_slices.h"
#include "store/write/writer_state.h"

enum {
  LOOK_MS = 10000,      /* between two looks whether something is due, .. */
  LOOK_SPACE_MS = 1000, /* .. or too little space is left */
  AGAIN_MS = 20,        /* while readers hold the log */
  PAUSES = 8,           /* beside ingest a slice is followed by as long as so many of it */
  WAL_BYTES = 16 << 20, /* that slices write before the log must start over */
  WAL_JUDGED = 4 << 20, /* a longer one is emptied before there is said to be too little space */
  SLACK = 64,           /* one part in so many of max_bytes stays unused */
  LEAST_PAGES = 64,     /* worth giving back */
  TIGHT_BYTES = 512 << 20,
};

static const int64_t ms = 1000000;

void retention_init(struct retainer *r) {
  *r = (struct retainer){.pace = PACE_BEGIN};
}

int64_t retention_wait_ms(struct writer *w) {
  struct retainer *r = &w->retainer;
  const struct retention wanted = shared_retention(w->shared);
  int64_t left = r->next_ns - clock_monotonic_ns();
  if (left <= 0 || (r->step == STEP_NONE && memcmp(&wanted, &r->limits, sizeof wanted) != 0))
    return 0;
  return r->next_ns == INT64_MAX ? -1 : (left + ms - 1) / ms;
}

const char *retention_refusal(const struct retainer *r) {
  return r->afloat ? "the disk is full: retention is making room, try again" : NULL;
}

static void wait_ms(struct retainer *r, int64_t n) {
  r->next_ns = clock_monotonic_ns() + n * ms;
}

static void look_later(struct retainer *r) {
  bool space = r->limits.max_bytes > 0 || r->limits.min_free > 0;
  wait_ms(r, space ? LOOK_SPACE_MS : LOOK_MS);
}

static bool wants_any(const struct retention *l) {
  int64_t any = l->rows_s | l->max_bytes | l->min_free;
  for (int tier = 0; tier < TIERS; tier++)
    any |= l->tiers_s[tier];
  return any != 0;
}

static int64_t cut_of(int64_t now_s, int64_t age_s, int64_t unit) {
  return age_s == 0 ? INT64_MIN : floor_to(now_s - age_s, unit);
}

/* By how much there is too little space, whatever becomes of free pages; 0 or less: not at all. */
static int64_t missing_bytes(const struct retainer *r, int64_t used, int64_t left) {
  const struct retention *l = &r->limits;
  int64_t missing = INT64_MIN, wanted = l->min_free + (r->has_ballast ? 0 : BALLAST_BYTES);
  if (l->max_bytes > 0)
    missing = used - (l->max_bytes - l->max_bytes / SLACK);
  if (l->min_free > 0 && left >= 0 && wanted - left > missing)
    missing = wanted - left;
  return missing;
}

/* What the log holds will make the file longer. */
static bool is_too_little(const struct writer *w, const struct space *s) {
  int64_t pending = (w->wal_pages - w->checkpointed_pages) * s->page_bytes;
  int64_t left = space_left(s);
  return missing_bytes(&w->retainer, space_used(s) + pending,
                       left < 0 ? left : left > pending ? left - pending : 0) > 0;
}

static int is_pressed(struct writer *w, bool *pressed) {
  const char *path = w->shared->options.path;
  struct space space;
  int rc = space_measure(w->db, path, &space);
  w->retainer.tight = space.disk_free >= 0 && space.disk_free < TIGHT_BYTES;
  *pressed = rc == SQLITE_OK && is_too_little(w, &space);
  if (!*pressed || space.wal_bytes <= WAL_JUDGED)
    return rc;
  rc = writer_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, 0);
  *pressed = rc == SQLITE_OK;
  if (database_status(rc) == UV_ENOSPC)
    return rc;
  rc = space_measure(w->db, path, &space);
  *pressed &= rc == SQLITE_OK && is_too_little(w, &space);
  return rc;
}

/* The hour of the oldest row ends, or its day if it is in a part; this hour stays. */
static int pressure_cut(struct writer *w, int64_t now_s, int64_t *cut) {
  int64_t oldest = 0, end, unit;
  int rc = slices_oldest_row(w, &oldest, &unit);
  if (rc == SQLITE_OK) {
    end = floor_to(oldest, unit) + unit;
    *cut = end > *cut && end <= floor_to(now_s, 3600) ? end : *cut;
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int set_cuts(struct writer *w) {
  struct retainer *r = &w->retainer;
  int64_t now_s = clock_now_s();
  r->rows_cut = cut_of(now_s, r->limits.rows_s, retention_unit(r->limits.rows_s));
  for (int tier = 0; tier < TIERS; tier++)
    r->cut[tier] = cut_of(now_s, r->limits.tiers_s[tier], 86400);
  int rc = is_pressed(w, &r->pressed);
  r->for_space |= r->pressed;
  return rc == SQLITE_OK && r->pressed ? pressure_cut(w, now_s, &r->rows_cut) : rc;
}

static int begin_round(struct writer *w) {
  struct retainer *r = &w->retainer;
  r->step = STEP_NONE;
  r->tier = 0;
  r->set = 0;
  r->forced = false;
  int rc = coverage_read(w->db, w->schema, &r->coverage);
  if (rc == SQLITE_OK)
    rc = set_cuts(w);
  if (rc == SQLITE_OK)
    r->step = STEP_ROWS;
  return rc;
}

static int look(struct writer *w) {
  struct retainer *r = &w->retainer;
  const char *path = w->shared->options.path;
  r->limits = shared_retention(w->shared);
  if (!wants_any(&r->limits)) {
    ballast_release(path);
    r->has_ballast = false;
    r->next_ns = INT64_MAX;
    return SQLITE_OK;
  }
  r->has_ballast = r->has_ballast || (!r->afloat && ballast_make(path));
  r->done = (struct retention_counts){0};
  r->for_space = false;
  r->started_ns = clock_monotonic_ns();
  return begin_round(w);
}

static void tell(struct writer *w) {
  struct retainer *r = &w->retainer;
  atomic_fetch_add(&w->shared->passes, 1);
  atomic_store(&w->shared->last_pass_us, clock_now_us());
  log_info("retention", log_int("rows", r->done.rows), log_int("cells", r->done.cells),
           log_int("parts", r->done.parts),
           log_int("bytes_given_back", r->done.bytes), log_int("rows_since", r->coverage.rows),
           log_str("because", r->for_space ? "space" : "age"),
           log_int("ms", (clock_monotonic_ns() - r->started_ns) / ms));
}

static void end_pass(struct writer *w) {
  struct retainer *r = &w->retainer;
  if (r->done.rows + r->done.cells + r->done.parts + r->done.bytes > 0) {
    writer_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, 0); /* the file gets shorter */
    r->has_ballast = r->has_ballast || ballast_make(w->shared->options.path);
    tell(w);
  }
  r->afloat = false;
  r->step = STEP_NONE;
  look_later(r);
}

/* While that makes space, there may be more to do. */
static int end_round(struct writer *w) {
  struct retainer *r = &w->retainer;
  int64_t before = r->rows_cut;
  if (r->pressed) {
    int rc = begin_round(w);
    if (rc != SQLITE_OK || (r->pressed && r->rows_cut > before))
      return rc;
  }
  end_pass(w);
  return SQLITE_OK;
}

static void give_up(struct writer *w, int rc) {
  struct retainer *r = &w->retainer;
  if (!r->complained)
    log_error("retention failed; it goes on trying", log_str("error", sqlite3_errstr(rc)),
              log_int("code", rc));
  r->complained = true;
  r->afloat = false;
  r->step = STEP_NONE;
  look_later(r);
}

/* A slice failed.  Deleting writes before it frees: what the ballast took is room for that. */
static void fail(struct writer *w, int rc) {
  struct retainer *r = &w->retainer;
  if (!sqlite3_get_autocommit(w->db))
    database_exec(w->db, "ROLLBACK");
  coverage_read(w->db, w->schema, &r->coverage); /* what the slice noted is rolled back, too */
  if (database_status(rc) != UV_ENOSPC || !r->has_ballast) {
    give_up(w, rc);
    return;
  }
  log_warn("the disk is full: the ballast is given up to delete what is due");
  ballast_release(w->shared->options.path);
  r->has_ballast = false;
  r->afloat = true;
  writer_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, 0);
}

static int step_rows(struct writer *w) {
  struct retainer *r = &w->retainer;
  bool more = false;
  int rc = slices_parts(w, &more);
  if (rc == SQLITE_OK && !more)
    rc = slices_rows(w, &more);
  if (rc != SQLITE_OK || more)
    return rc;
  if (!r->forced && slices_rows_left(w)) {
    rc = slices_free_rows(w);
    r->forced = rc == SQLITE_OK; /* else again, once there is room */
    return rc;
  }
  r->step = STEP_CELLS;
  return SQLITE_OK;
}

static bool has_cells(const struct writer *w) {
  const struct retainer *r = &w->retainer;
  return r->cut[r->tier] != INT64_MIN && w->schema->sets[r->set].tiers >> r->tier & 1;
}

/* What a day of ingest will use again stays in the file, unless there is too little space. */
static int count_pages(struct writer *w) {
  struct retainer *r = &w->retainer;
  struct space s;
  struct growth growth;
  int64_t rows = atomic_load(&w->shared->rows);
  int rc = space_measure(w->db, w->shared->options.path, &s);
  if (rc == SQLITE_OK)
    rc = space_growth(w->db, w->schema, rows, &s, clock_now_us(), &growth);
  if (rc != SQLITE_OK)
    return rc;
  int64_t spare = s.free_pages - growth.file_bytes / s.page_bytes;
  int64_t used = s.file_bytes + s.wal_bytes + s.parts_bytes;
  int64_t missing = missing_bytes(r, used, s.disk_free) / s.page_bytes;
  int64_t wanted = missing > spare ? missing : spare >= LEAST_PAGES ? spare : 0;
  r->give_back = wanted < s.free_pages ? wanted : s.free_pages;
  if (!tables_can_shrink(w->db))
    r->give_back = 0;
  return SQLITE_OK;
}

/* To the next set and tier that lose something. */
static int step_cells(struct writer *w) {
  struct retainer *r = &w->retainer;
  bool more = false;
  while (r->tier < TIERS) {
    int rc = has_cells(w) ? slices_cells(w, &more) : SQLITE_OK;
    if (rc != SQLITE_OK || more)
      return rc;
    if (++r->set < w->schema->nsets)
      continue;
    r->set = 0;
    r->tier++;
  }
  r->step = STEP_PAGES;
  return count_pages(w);
}

static int step_pages(struct writer *w) {
  if (w->retainer.give_back <= 0)
    return end_round(w);
  return slices_pages(w);
}

/* Cells and a part that are being made of rows need them; and every record is looked for in the
 * file while ids are unread, which slices of retention would make last. */
static bool must_wait(const struct writer *w) {
  return atomic_load(&w->shared->rebuilding) != 0 || w->filling != 0 ||
         w->sealing.number != 0 || !ids_loaded(w->ids) || ids_has_unread(w->ids);
}

static bool wal_is_long(struct writer *w) {
  struct retainer *r = &w->retainer;
  int64_t page_bytes = 0;
  if (database_int(w->db, "PRAGMA page_size", &page_bytes) != SQLITE_OK ||
      r->unsafe_pages * page_bytes < WAL_BYTES)
    return false;
  if (writer_checkpoint(w, SQLITE_CHECKPOINT_RESTART, 0) != SQLITE_OK)
    return true;
  r->unsafe_pages = 0;
  return false;
}

static int run_step(struct writer *w) {
  switch (w->retainer.step) {
  case STEP_NONE: return look(w);
  case STEP_ROWS: return step_rows(w);
  case STEP_CELLS: return step_cells(w);
  case STEP_PAGES: return step_pages(w);
  }
  return SQLITE_MISUSE;
}

void retention_work(struct writer *w) {
  struct retainer *r = &w->retainer;
  int64_t started = clock_monotonic_ns();
  if (must_wait(w)) {
    wait_ms(r, 1000);
    return;
  }
  if (wal_is_long(w)) {
    wait_ms(r, AGAIN_MS);
    return;
  }
  int wal_pages = w->wal_pages;
  r->next_ns = 0;
  int rc = run_step(w);
  if (rc == SQLITE_OK)
    r->complained = false;
  else
    fail(w, rc);
  r->unsafe_pages += w->wal_pages >= wal_pages ? w->wal_pages - wal_pages : w->wal_pages;
  int64_t now = clock_monotonic_ns();
  atomic_fetch_add(&w->shared->retention_ns, now - started);
  if (r->next_ns == 0 && !r->afloat && !queue_is_empty(w->queue))
    r->next_ns = now + PAUSES * (now - started);
}

void retention_disk_full(struct writer *w) {
  struct retainer *r = &w->retainer;
  if (r->step == STEP_NONE && r->next_ns != INT64_MAX)
    r->next_ns = 0;
}

void retention_file_grown(struct writer *w) {
  const struct retention *l = &w->retainer.limits;
  if (l->max_bytes > 0 || l->min_free > 0)
    retention_disk_full(w);
}
