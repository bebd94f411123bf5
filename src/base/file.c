#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

const char *file_read_all(const char *path, size_t size, size_t most, struct buf *text) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = 1;
  if (fd < 0)
    return strerror(errno);
  if (buf_try_reserve(text, (size < most ? size : most) + 1) == NULL) {
    close(fd);
    return strerror(ENOMEM);
  }
  while (n > 0 && text->len <= most && (size == 0 || text->len != size)) {
    char *end = buf_try_reserve(text, 1);
    errno = ENOMEM;
    n = end != NULL ? read(fd, end, text->cap - text->len) : -1;
    text->len += n > 0 ? (size_t) n : 0;
  }
  const char *why = n < 0 ? strerror(errno) : text->len > most ? "is too long" : NULL;
  close(fd);
  return why;
}

char *file_path(const char *file) {
  char *path = realpath(file, NULL);
  if (path != NULL || errno != ENOENT)
    return path;
  const char *slash = strrchr(file, '/');
  char *folder = slash != NULL ? xmemdup(file, (size_t) (slash - file) + 1) : xstrdup(".");
  if (slash != NULL)
    folder[slash - file] = '\0';
  char *real = realpath(*folder != '\0' ? folder : "/", NULL);
  free(folder);
  if (real == NULL)
    return NULL;
  struct buf joined = {0};
  buf_printf(&joined, "%s/%s", strcmp(real, "/") != 0 ? real : "",
             slash != NULL ? slash + 1 : file);
  buf_putc(&joined, '\0');
  free(real);
  return joined.data;
}
