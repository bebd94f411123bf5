#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void mem_end(size_t size) {
  fprintf(stderr, "level=error msg=\"out of memory\" bytes=%zu\n", size);
  abort();
}

static void *checked(void *p, size_t size) {
  if (p == NULL && size > 0)
    mem_end(size);
  return p;
}

void *xmalloc(size_t size) {
  return checked(malloc(size), size);
}

void *xcalloc(size_t count, size_t size) {
  return checked(calloc(count, size), count * size);
}

void *xrealloc(void *p, size_t size) {
  return checked(realloc(p, size), size);
}

void *xmemdup(const void *p, size_t size) {
  void *copy = size > 0 ? xmalloc(size) : NULL;
  if (copy != NULL)
    memcpy(copy, p, size);
  return copy;
}

void *xmap(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return checked(p != MAP_FAILED ? p : NULL, size);
}

char *xstrdup(const char *s) {
  return xmemdup(s, strlen(s) + 1);
}
