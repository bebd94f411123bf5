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

#define container_of(ptr, type, member) ((type *) ((char *) (ptr) - offsetof(type, member)))

#endif
