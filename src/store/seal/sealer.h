#ifndef MOONLEDGER_STORE_SEAL_SEALER_H
#define MOONLEDGER_STORE_SEAL_SEALER_H

#include "store/file/shared.h"
#include "store/write/chores.h"

/* The thread that makes parts of days that have closed (storage.hot_days), joins the parts of a
 * day when they are many or much of them is void, and removes the files of those that are dropped.
 * It reads through a connection of its own; what changes the database the writer does for it
 * (write/writer_cold.h). */
struct sealer;

/* When the oldest query that runs began (clock_monotonic_ns), INT64_MAX: none runs. */
typedef int64_t oldest_query(void *arg);

/* shared, chores and arg outlive it.  0 or UV_E. */
int sealer_start(struct sealer **sealer, struct shared *shared, struct chores *chores,
                 oldest_query *oldest, void *arg);

/* Before the writer; what is not finished is done anew after the next start.  NULL is allowed. */
void sealer_stop(struct sealer *sealer);

#endif
