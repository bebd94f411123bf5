#include "import/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { WIDTH = 30, INTERVAL_NS = 100000000 };

void progress_start(struct progress *p, uint64_t total) {
  *p = (struct progress){.shown = isatty(STDERR_FILENO), .started_ns = clock_monotonic_ns(), .total = total};
}

static double seconds_since(const struct progress *p) {
  return (double) (clock_monotonic_ns() - p->started_ns) / 1e9;
}

static void draw(const struct progress *p) {
  static const char bar[WIDTH + 1] = "##############################";
  double part = p->total > 0 ? (double) p->done / (double) p->total : 0, seconds = seconds_since(p);
  if (part > 1)
    part = 1;
  int filled = (int) (part * WIDTH);
  fprintf(stderr, "\r[%.*s%*s] %3d%%  %.0f records/s", filled, bar, WIDTH - filled, "", (int) (part * 100),
          (double) p->records / (seconds > 0 ? seconds : 1));
  if (part > 0.01) {
    int left = (int) (seconds / part * (1 - part) + 0.5);
    fprintf(stderr, "  %d:%02d left ", left / 60, left % 60);
  }
}

void progress_update(struct progress *p, uint64_t done, uint64_t records) {
  int64_t now = clock_monotonic_ns();
  p->done = done;
  p->records = records;
  if (!p->shown || now - p->drawn_ns < INTERVAL_NS)
    return;
  p->drawn_ns = now;
  draw(p);
}

double progress_end(struct progress *p) {
  if (p->shown)
    fprintf(stderr, "\r\033[K");
  return seconds_since(p);
}
