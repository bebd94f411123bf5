#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* The program, of whose calls one is refused: the n-th of a kind from now on.  $REFUSE names a file
 * with the order, which spec/refused_calls_spec.lua writes while the server runs.  The linker gives
 * us the calls, those of libraries too. */

enum kind { NONE, DESCRIPTOR, THREAD };

static struct order {
  atomic_int kind, left; /* left: 1 is the next one, 0 or less: it has been refused */
} *order;

__attribute__((constructor)) static void read_order(void) {
  const char *path = getenv("REFUSE");
  int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void *mapped = fd < 0 ? MAP_FAILED
                        : mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    perror("REFUSE");
    exit(2);
  }
  order = mapped;
}

static bool refuses(enum kind kind, int error) {
  bool now = order != NULL && atomic_load(&order->kind) == (int) kind &&
             atomic_fetch_sub(&order->left, 1) == 1;
  if (now)
    errno = error;
  return now;
}

#define REFUSABLE(kind, error, refused, type, name, parameters, arguments)               \
  type __real_##name parameters;                                                         \
  type __wrap_##name parameters {                                                        \
    return refuses(kind, error) ? refused : __real_##name arguments;                     \
  }

#define DESCRIPTORS(name, parameters, arguments)                                         \
  REFUSABLE(DESCRIPTOR, EMFILE, -1, int, name, parameters, arguments)

DESCRIPTORS(socket, (int domain, int type, int protocol), (domain, type, protocol))
DESCRIPTORS(accept4, (int fd, struct sockaddr *address, socklen_t *len, int flags),
            (fd, address, len, flags))
DESCRIPTORS(pipe2, (int *fds, int flags), (fds, flags))
DESCRIPTORS(eventfd, (unsigned count, int flags), (count, flags))
DESCRIPTORS(epoll_create1, (int flags), (flags))

REFUSABLE(THREAD, EAGAIN, EAGAIN, int, pthread_create,
          (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg),
          (thread, attributes, run, arg))

#define OPENS(name)                                                                      \
  int __real_##name(const char *path, int flags, ...);                                   \
  int __wrap_##name(const char *path, int flags, ...) {                                  \
    va_list more;                                                                        \
    va_start(more, flags);                                                               \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;              \
    va_end(more);                                                                        \
    return refuses(DESCRIPTOR, EMFILE) ? -1 : __real_##name(path, flags, mode);          \
  }
OPENS(open)
OPENS(open64)
