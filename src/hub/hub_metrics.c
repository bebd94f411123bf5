#include "hub/hub.h"
#include "metrics/metrics.h"

static const struct {
  enum metric_kind kind;
  const char *name, *help;
  size_t offset;
} families[] = {
    {METRIC_COUNTER, "moonledger_stream_published_total", "Events published to live streams.",
     offsetof(struct hub_stats, published)},
    {METRIC_COUNTER, "moonledger_stream_delivered_total", "Events sent to subscribers.",
     offsetof(struct hub_stats, delivered)},
    {METRIC_COUNTER, "moonledger_stream_dropped_total",
     "Events that a slow subscriber was told it had missed.",
     offsetof(struct hub_stats, dropped)},
    {METRIC_GAUGE, "moonledger_stream_subscribers", "Open live streams.",
     offsetof(struct hub_stats, subscribers)},
    {METRIC_GAUGE, "moonledger_stream_groups", "Different filters among the open live streams.",
     offsetof(struct hub_stats, groups)},
    {METRIC_GAUGE, "moonledger_stream_ring_events",
     "Events kept for streams that catch up or come back.",
     offsetof(struct hub_stats, ring_events)},
    {METRIC_GAUGE, "moonledger_stream_ring_bytes", "Memory of the events that are kept.",
     offsetof(struct hub_stats, ring_bytes)},
};

enum { FAMILIES = sizeof families / sizeof *families };

static void collect_hub(struct metrics *m, void *arg) {
  struct buf error = {0};
  struct hub_stats stats;
  hub_stats(arg, &stats);
  for (size_t i = 0; i < FAMILIES; i++) {
    const uint64_t *n = (const void *) ((const char *) &stats + families[i].offset);
    struct metric *f = metrics_family(m, &(struct metric_options){
      .kind = families[i].kind, .name = families[i].name, .help = families[i].help}, &error);
    metric_set(m, f, NULL, (double) *n);
  }
}

void hub_metrics(struct hub *hub, struct metrics *m) {
  metrics_collector(m, collect_hub, hub);
  collect_hub(m, hub);
}
