#ifndef MOONLEDGER_IMPORT_TARGET_H
#define MOONLEDGER_IMPORT_TARGET_H

#include <stdint.h>

#include "base/buf.h"
#include "config.h"

/* Where imported records go: a running server, or the database file itself. */
struct target;

struct target_counts {
  uint64_t accepted, merged, rejected;
};

/* With url NULL the file of config is opened and locked; when a server has it, that server is used at the
 * address of config.  NULL: error says why. */
struct target *target_open(const struct config *config, const char *url, const char *token,
                           struct buf *error);

/* Takes lines of records, which are len bytes at data and stay the caller's, looks for their ids among all
 * that are stored, and adds to counts.  0, or a negative UV_E.. with error. */
int target_send(struct target *t, const char *data, size_t len, struct target_counts *counts,
                struct buf *error);

const char *target_name(const struct target *t);
void target_close(struct target *t);

#endif
