#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "metrics/registry.h"

/* The families every Prometheus client library has ("Writing client libraries",
 * process metrics), from proc(5). */

static double count_fds(void) {
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL)
    return 0;
  int n = 0;
  while (readdir(dir) != NULL)
    n++;
  closedir(dir);
  return n - 3; /* ".", ".." and the folder's own */
}

/* Field 22 of stat, in clock ticks since boot; the name in parentheses before it
 * may hold blanks. */
static double start_time_seconds(void) {
  char line[1024];
  unsigned long long ticks = 0, boot = 0;
  FILE *file = fopen("/proc/self/stat", "re");
  if (file != NULL && fgets(line, sizeof line, file) != NULL && strrchr(line, ')') != NULL)
    sscanf(strrchr(line, ')') + 1,
           " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
           &ticks);
  if (file != NULL)
    fclose(file);
  file = fopen("/proc/stat", "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL &&
         sscanf(line, "btime %llu", &boot) != 1)
    continue;
  if (file != NULL)
    fclose(file);
  return (double) boot + (double) ticks / (double) sysconf(_SC_CLK_TCK);
}

static void set(struct metrics *m, const char *name, double n) {
  metric_set(m, metrics_find(m, name), NULL, n);
}

static void collect_process(struct metrics *m, void *arg) {
  (void) arg;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  set(m, "process_cpu_seconds_total",
      (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
          1e-6 * (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
  set(m, "process_open_fds", count_fds());
  set(m, "moonledger_log_dropped_total", (double) log_dropped());

  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  set(m, "process_max_fds", (double) files.rlim_cur);

  double virtual_pages = 0, resident_pages = 0, page = (double) sysconf(_SC_PAGESIZE);
  FILE *file = fopen("/proc/self/statm", "re");
  if (file != NULL && fscanf(file, "%lf %lf", &virtual_pages, &resident_pages) == 2) {
    set(m, "process_virtual_memory_bytes", virtual_pages * page);
    set(m, "process_resident_memory_bytes", resident_pages * page);
  }
  if (file != NULL)
    fclose(file);
}

void process_metrics(struct metrics *m) {
  static const struct metric_options families[] = {
      {.kind = METRIC_COUNTER, .name = "process_cpu_seconds_total",
       .help = "Total user and system CPU time spent in seconds."},
      {.kind = METRIC_GAUGE, .name = "process_open_fds",
       .help = "Number of open file descriptors."},
      {.kind = METRIC_GAUGE, .name = "process_max_fds",
       .help = "Maximum number of open file descriptors."},
      {.kind = METRIC_GAUGE, .name = "process_virtual_memory_bytes",
       .help = "Virtual memory size in bytes."},
      {.kind = METRIC_GAUGE, .name = "process_resident_memory_bytes",
       .help = "Resident memory size in bytes."},
      {.kind = METRIC_GAUGE, .name = "process_start_time_seconds",
       .help = "Start time of the process since unix epoch in seconds."},
      {.kind = METRIC_COUNTER, .name = "moonledger_log_dropped_total",
       .help = "Log lines dropped because standard error took none."},
  };
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    metrics_must(m, &families[i]);
  set(m, "process_start_time_seconds", start_time_seconds());
  metrics_collector(m, collect_process, NULL);
}
