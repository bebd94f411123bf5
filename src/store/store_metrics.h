#ifndef MOONLEDGER_STORE_STORE_METRICS_H
#define MOONLEDGER_STORE_STORE_METRICS_H

#include "store/storage.h"

struct metric;
struct store_metrics;

/* The families moonledger_store_*: brought up to date at each render.  The caller
 * frees it once nothing renders. */
struct store_metrics *store_metrics_new(struct metrics *metrics, const struct storage *storage);

/* Of the writer: how long a transaction takes. */
struct metric *store_metrics_commits(struct metrics *metrics);

#endif
