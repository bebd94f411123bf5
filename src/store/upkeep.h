#ifndef MOONLEDGER_STORE_UPKEEP_H
#define MOONLEDGER_STORE_UPKEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Work on a whole database, from seconds to hours: on a thread of its own, one at a time, watched
 * from any other.  It opens the file for itself, beside the server's connections. */
struct upkeep;

enum upkeep_kind {
  UPKEEP_UPGRADE, /* writes an older file anew, so that it can give space back to the disk */
};

enum { UPKEEP_NAMES = 1 };
extern const char *const upkeep_names[UPKEEP_NAMES + 1]; /* by kind, "upgrade" .., NULL */

struct upkeep_order {
  enum upkeep_kind kind;
};

/* How far it is.  The work writes it and looks whether it shall end; anybody reads. */
struct upkeep_progress {
  _Atomic(const char *) step; /* static: "copying", .. */
  atomic_llong done, total;   /* bytes or rows; total 0: nobody knows */
  atomic_bool cancelled;
};

static inline void upkeep_step(struct upkeep_progress *p, const char *step, int64_t total) {
  atomic_store(&p->done, 0);
  atomic_store(&p->total, total);
  atomic_store(&p->step, step);
}

struct upkeep_state {
  bool started, running;  /* ever; now */
  enum upkeep_kind kind;
  const char *step;
  int64_t done, total;
  int64_t began_us, ended_us; /* unix time */
  int status;                 /* once it has ended: 0 or UV_E, .. */
  char error[400];            /* .. and what, where and how to repair it */
};

/* path is the database's, copied. */
struct upkeep *upkeep_new(const char *path);
void upkeep_free(struct upkeep *upkeep); /* ends what runs; NULL is fine */

/* UV_EBUSY: something runs; UV_EAGAIN: no thread can be had. */
int upkeep_start(struct upkeep *upkeep, const struct upkeep_order *order);
void upkeep_look(struct upkeep *upkeep, struct upkeep_state *state);

/* ---- What an upgrade takes ---- */

struct upgrade_cost {
  bool needed;
  int64_t file_bytes, disk_bytes, free_bytes; /* of the file; wanted beside it; that the disk has */
  double seconds;                             /* about */
};

/* At once; the file is only read.  0 or UV_E with the reason in error. */
int upgrade_cost(const char *path, struct upgrade_cost *cost, struct buf *error);

#endif
