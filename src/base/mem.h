#ifndef MOONLEDGER_BASE_MEM_H
#define MOONLEDGER_BASE_MEM_H

#include <stddef.h>

/* Allocation that cannot fail: without memory the process logs one line and aborts.  Sizes that a
 * client chooses are bounded before they come here. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
void *xmemdup(const void *p, size_t size);
void *xmap(size_t size); /* zeroed pages outside the heap, for munmap */
_Noreturn void mem_end(size_t size); /* of the process, for want of so many bytes */

/* Has bytes on their way into this core's cache that will be read soon: where they stand in no
 * order, or another core wrote them. */
static inline void mem_touch(const void *p, size_t size) {
  for (size_t at = 0; at < size; at += 64)
    __builtin_prefetch((const char *) p + at);
}

#define container_of(ptr, type, member) ((type *) ((char *) (ptr) - offsetof(type, member)))

#endif
