#ifndef MOONLEDGER_STORE_UPKEEP_H
#define MOONLEDGER_STORE_UPKEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/schema.h"

/* Work on a whole database, from seconds to hours: on a thread of its own, one at a time, watched
 * from any other.  It opens the file for itself, beside the server's connections. */
struct upkeep;

enum upkeep_kind {
  UPKEEP_UPGRADE, /* writes an older file anew, so that it can give space back to the disk */
  UPKEEP_BACKUP,  /* a whole copy in a folder, also while a server writes */
  UPKEEP_RESTORE, /* the database of a backup, where there is none */
  UPKEEP_VERIFY,  /* whether what the file holds is whole and fits together; also under a server */
  UPKEEP_KINDS,
};

extern const char *const upkeep_names[UPKEEP_KINDS + 1]; /* by kind, "upgrade" .., NULL */

struct upkeep_order {
  enum upkeep_kind kind;
  const char *folder; /* of the backup, copied; NULL: a new one among the backups */
  bool full;          /* verify: every row, id and cell .. */
  bool repair;        /* .. and no server: what is wrong of indexes, ids and cells is made anew */
};

/* How far it is.  The work writes it and looks whether it shall end; anybody reads. */
struct upkeep_progress {
  _Atomic(const char *) step; /* static: "copying", .. */
  atomic_llong done, total;   /* of the step, bytes or rows; total 0: nobody knows */
  atomic_bool cancelled;
};

static inline void upkeep_step(struct upkeep_progress *p, const char *step, int64_t total) {
  atomic_store(&p->done, 0);
  atomic_store(&p->total, total);
  atomic_store(&p->step, step);
}

/* What was looked at, and how much of it is not as it should be. */
struct upkeep_check {
  const char *name;     /* static: "rows", .. */
  int64_t seen, faults;
  char detail[200];     /* of the first fault, and what repairs it */
  bool repaired;        /* it is, or will be when a server has started */
};

enum { UPKEEP_CHECKS = 8 };

struct upkeep_report {
  struct upkeep_check checks[UPKEEP_CHECKS];
  size_t nchecks;
};

struct upkeep_state {
  bool started, running;  /* ever; now */
  enum upkeep_kind kind;
  char folder[400];       /* of the backup */
  const char *step;
  int64_t done, total;
  int64_t began_us, ended_us; /* unix time */
  /* once it has ended */
  int status;                 /* 0 or UV_E, .. */
  char error[400];            /* .. and what, where and how to repair it */
  struct upkeep_report report;
};

/* Of the database at path; backups without a folder of their own go into one named after it and
 * the time, in the folder backups, "" for none.  Both are copied; schema outlives it. */
struct upkeep *upkeep_new(const char *path, const char *backups, const struct schema *schema);
void upkeep_free(struct upkeep *upkeep); /* ends what runs; NULL is fine */

/* UV_EBUSY: something runs; UV_EAGAIN: no thread can be had; UV_ENOENT: no folder is named. */
int upkeep_start(struct upkeep *upkeep, const struct upkeep_order *order);
void upkeep_look(struct upkeep *upkeep, struct upkeep_state *state);

struct upgrade_cost {
  bool needed;
  int64_t file_bytes, disk_bytes, free_bytes; /* of the file; wanted beside it; that the disk has */
  double seconds;                             /* about */
};

/* At once; the file is only read.  0 or UV_E with the reason in error. */
int upgrade_cost(const char *path, struct upgrade_cost *cost, struct buf *error);

#endif
