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

/* Which members of what a sender tells are content (prompts, answers, tool inputs): by name, by
 * what their names begin with, or because they are texts longer than longest. */
struct content {
  struct names names;
  struct prefix {
    char *text;
    size_t len;
  } *prefixes;
  size_t nprefixes;
  bool begins[256]; /* with which byte a prefix begins */
  size_t longest;
};

void content_add_prefix(struct content *content, const char *prefix, size_t len);

/* content may be NULL: then nothing is. */
bool content_has(const struct content *content, const char *name, size_t len);

void content_clear(struct content *content);

#endif
