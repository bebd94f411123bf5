#include "store/file/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* The lock is a file of its own: to open the database itself anywhere but in SQLite
 * would drop SQLite's locks.  It stands beside the file that a link leads to, so
 * that every name of a database has one lock. */
int lock_take(const char *path, struct buf *error) {
  char *real = realpath(path, NULL);
  struct buf name = {0};
  buf_printf(&name, "%s-lock", real != NULL ? real : path);
  buf_putc(&name, '\0');
  free(real);
  int fd = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600), status = fd;
  if (fd < 0) {
    status = -errno;
    buf_printf(error, "%s: cannot be written (%s); choose another path or fix its permissions",
               name.data, strerror(errno));
  } else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    status = -errno;
    close(fd);
    buf_printf(error,
               "%s: another Moonledger serves this database; stop it or choose another path",
               path);
  }
  buf_clear(&name);
  return status;
}
