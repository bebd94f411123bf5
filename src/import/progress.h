#ifndef MOONLEDGER_IMPORT_PROGRESS_H
#define MOONLEDGER_IMPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* A bar with rate and remaining time on standard error, when that is a terminal; nothing otherwise. */
struct progress {
  bool shown;
  int64_t started_ns, drawn_ns;
  uint64_t total, done; /* of what the work is measured in */
  uint64_t records;
};

void progress_start(struct progress *p, uint64_t total);

/* Draws at most ten times a second. */
void progress_update(struct progress *p, uint64_t done, uint64_t records);

/* Wipes the bar; answers the seconds since the start. */
double progress_end(struct progress *p);

#endif
