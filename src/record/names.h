#ifndef MOONLEDGER_RECORD_NAMES_H
#define MOONLEDGER_RECORD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

/* A set of names, each with a number.  All zeros is an empty one.  Read by any thread once it
 * is filled. */
struct names {
  struct table table;
};

/* A name that is there keeps the number it has. */
void names_add(struct names *set, const char *name, size_t len, int number);

/* The name's number, or -1. */
int names_find(const struct names *set, const char *name, size_t len);

void names_clear(struct names *set);

#endif
