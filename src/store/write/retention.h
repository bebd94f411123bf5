#ifndef MOONLEDGER_STORE_WRITE_RETENTION_H
#define MOONLEDGER_STORE_WRITE_RETENTION_H

#include "store/file/coverage.h"
#include "store/file/space.h"
#include "store/storage.h"
#include "store/write/pace.h"

struct writer;

/* What takes rows and cells away that have grown too old or are too much, and gives the space back.
 * The writer's thread alone: its passes are slices between groups.  Each ends by its own clock, and
 * none begins while what they have written to the WAL is not in the file. */

enum retention_step { STEP_NONE, STEP_ROWS, STEP_CELLS, STEP_PAGES };

struct retainer {
  struct retention limits; /* those that the pass goes by */
  int64_t next_ns;         /* when there is something to do */
  enum retention_step step;
  int64_t cut[TIERS], rows_cut; /* unix seconds: what is older goes; INT64_MIN: none */
  int tier;                /* of the cells that are being taken, .. */
  size_t set;              /* .. and their set */
  bool forced;             /* ids and cells were written, so that all rows can go */
  bool pressed;            /* there is too little space, and what is old makes some; .. */
  bool for_space;          /* .. so it was at some time of this pass */
  bool afloat;             /* the ballast is given up: nothing else may take its room */
  bool has_ballast, complained;
  bool tight;              /* the disk is so full that the log must stay short */
  int64_t give_back;       /* pages */
  struct coverage coverage;
  struct pace pace;
  int64_t unsafe_pages;    /* that slices have written to the WAL since it began */
  int64_t started_ns;
  struct retention_counts done; /* by this pass */
};

void retention_init(struct retainer *r);

/* How long until there is something to do, in ms; -1: for ever. */
int64_t retention_wait_ms(struct writer *w);
void retention_work(struct writer *w);       /* one slice at most */
void retention_disk_full(struct writer *w);  /* a commit failed for it: looks at once */
void retention_file_grown(struct writer *w); /* so it may be; the same where space is limited */

/* NULL, or why nothing can be stored just now. */
const char *retention_refusal(const struct retainer *r);

#endif
