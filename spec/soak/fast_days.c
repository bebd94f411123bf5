#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* The program, with a wall clock on which days pass sooner: $FAST_DAYS is "SINCE RATE", a unix time
 * and how many of its seconds a second from then on takes.  Deadlines and durations, which are of
 * the other clocks, stay as they are.  The linker gives us all calls, those of libraries too. */

int __real_clock_gettime(clockid_t id, struct timespec *t);

static const long long second = 1000000000;
static long long since;
static int rate = 1;

__attribute__((constructor)) static void read_rate(void) {
  const char *told = getenv("FAST_DAYS");
  if (told == NULL || sscanf(told, "%lld %d", &since, &rate) != 2) {
    fprintf(stderr, "FAST_DAYS=\"SINCE RATE\" is wanted\n");
    exit(2);
  }
  since *= second;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *t) {
  int rc = __real_clock_gettime(id, t);
  if (rc == 0 && id == CLOCK_REALTIME) {
    long long ns = since + (t->tv_sec * second + t->tv_nsec - since) * rate;
    *t = (struct timespec){ns / second, ns % second};
  }
  return rc;
}

int __wrap_gettimeofday(struct timeval *now, void *zone) {
  struct timespec t;
  (void) zone;
  int rc = __wrap_clock_gettime(CLOCK_REALTIME, &t);
  *now = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
  return rc;
}

time_t __wrap_time(time_t *seconds) {
  struct timespec t;
  __wrap_clock_gettime(CLOCK_REALTIME, &t);
  if (seconds != NULL)
    *seconds = t.tv_sec;
  return t.tv_sec;
}
