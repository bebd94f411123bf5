#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *file_read_all(const char *path, size_t size, size_t most, struct buf *text) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = 1;
  if (fd < 0)
    return strerror(errno);
  buf_reserve(text, (size < most ? size : most) + 1);
  while (n > 0 && text->len <= most && (size == 0 || text->len != size)) {
    char *end = buf_reserve(text, 1);
    n = read(fd, end, text->cap - text->len);
    text->len += n > 0 ? (size_t) n : 0;
  }
  const char *why = n < 0 ? strerror(errno) : text->len > most ? "is too long" : NULL;
  close(fd);
  return why;
}
