#include "store/store_metrics.h"

#include <assert.h>

#include "base/mem.h"
#include "metrics/metrics.h"

static const struct store_family {
  const char *name, *help;
  enum metric_kind kind;
} families[] = {
    {"moonledger_store_rows", "Rows stored.", METRIC_GAUGE},
    {"moonledger_store_file_bytes", "Size of the database file.", METRIC_GAUGE},
    {"moonledger_store_wal_bytes", "Size of its write-ahead log.", METRIC_GAUGE},
    {"moonledger_store_queue_bytes", "Bytes that wait for the writer.", METRIC_GAUGE},
    {"moonledger_store_queue_batches", "Batches that wait for the writer.", METRIC_GAUGE},
    {"moonledger_store_queue_seconds", "How long the oldest batch has waited.", METRIC_GAUGE},
    {"moonledger_store_ids", "Fingerprints of ids in memory.", METRIC_GAUGE},
    {"moonledger_store_writable", "Whether the last commit succeeded.", METRIC_GAUGE},
    {"moonledger_store_commits_total", "Transactions committed.", METRIC_COUNTER},
    {"moonledger_store_records_total", "Records committed, merged ones included.",
     METRIC_COUNTER},
    {"moonledger_store_merged_records_total", "Records merged into the row of their id.",
     METRIC_COUNTER},
    {"moonledger_store_removed_rows_total", "Rows that retention has taken.", METRIC_COUNTER},
    {"moonledger_store_removed_cells_total", "Rollup cells that retention has taken.",
     METRIC_COUNTER},
    {"moonledger_store_removed_parts_total", "Parts of cold days that retention has taken.",
     METRIC_COUNTER},
    {"moonledger_store_given_back_bytes_total", "Bytes that retention gave back to the disk.",
     METRIC_COUNTER},
    {"moonledger_store_retention_passes_total", "Passes of retention that took something.",
     METRIC_COUNTER},
    {"moonledger_store_retention_seconds_total", "Time that the writer spent on retention.",
     METRIC_COUNTER},
    {"moonledger_store_checkpoint_seconds_total", "Time spent copying the log into the file.",
     METRIC_COUNTER},
};

enum { FAMILIES = sizeof families / sizeof *families };

struct store_metrics {
  const struct storage *storage;
  struct metric *metrics[FAMILIES];
};

static void collect_store(struct metrics *m, void *arg) {
  struct store_metrics *s = arg;
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  const double values[FAMILIES] = {
      (double) stats.rows,
      (double) stats.file_bytes,
      (double) stats.wal_bytes,
      (double) stats.queued_bytes,
      (double) stats.queued_batches,
      stats.oldest_queued_seconds,
      (double) stats.ids,
      stats.writable,
      (double) stats.commits,
      (double) stats.committed_records,
      (double) stats.merged,
      (double) stats.removed.rows,
      (double) stats.removed.cells,
      (double) stats.removed.parts,
      (double) stats.removed.bytes,
      (double) stats.passes,
      stats.retention_seconds,
      stats.checkpoint_seconds,
  };
  for (size_t i = 0; i < FAMILIES; i++)
    metric_set(m, s->metrics[i], NULL, values[i]);
}

struct store_metrics *store_metrics_new(struct metrics *metrics, const struct storage *storage) {
  struct store_metrics *s = xcalloc(1, sizeof *s);
  s->storage = storage;
  struct buf error = {0};
  for (size_t i = 0; i < FAMILIES; i++)
    s->metrics[i] = metrics_family(metrics, &(struct metric_options){
      .kind = families[i].kind, .name = families[i].name, .help = families[i].help}, &error);
  assert(error.len == 0);
  metrics_collector(metrics, collect_store, s);
  return s;
}

struct metric *store_metrics_commits(struct metrics *metrics) {
  static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                  0.05,   0.1,   0.25,   0.5,   1,    2.5};
  struct buf error = {0};
  struct metric *m = metrics_family(metrics, &(struct metric_options){
    .kind = METRIC_HISTOGRAM,
    .name = "moonledger_store_commit_seconds",
    .help = "Duration of a commit, from its first record to the disk.",
    .bounds = bounds,
    .nbounds = sizeof bounds / sizeof *bounds,
  }, &error);
  assert(m != NULL);
  return m;
}
