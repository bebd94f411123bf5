#include "process.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/mem.h"

enum {
  /* of the heap: more would each keep what was once needed, and grow a page at a time */
  ARENAS = 1,
  /* twice as much stays with an arena that was given it back, see teach_heap */
  BODY_BYTES = 4 << 20,
};

/* glibc learns from blocks that are freed how large a program's usual ones are: those are
 * not mapped alone any more, and twice as much stays with an arena (mallopt(3),
 * M_MMAP_THRESHOLD).  Until then every page of a body costs a fault.  Sizes that are set
 * by mallopt would end the learning, and pages of larger responses would go on to cost
 * one. */
static void teach_heap(void) {
  mallopt(M_ARENA_MAX, ARENAS);
  free(xmalloc(BODY_BYTES));
}

/* Shells give 1,024 open files for the sake of select(), which nothing here uses. */
static void raise_file_limit(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

void process_set_up(void) {
  umask(077); /* the records are nobody else's */
  teach_heap();
  raise_file_limit();
}

/* Threads inherit that they are blocked, and nobody ever handles one: a second SIGTERM
 * cuts nothing off, however late it comes. */
int process_take_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file that may grow no more is a full disk, and no end */
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0)
    abort();
  return fd;
}
