#ifndef MOONLEDGER_RECORD_CONTENT_H
#define MOONLEDGER_RECORD_CONTENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "record/names.h"

/* Which members of what a sender tells are content (prompts, answers, tool inputs): by name, by
 * what their names begin with, or because they are texts longer than longest.  Nobody changes it
 * once it is filled: any thread reads it, and holds it as long as it does. */
struct content {
  atomic_uint holders;
  struct names names;
  struct prefix {
    char *text;
    size_t len;
  } *prefixes; /* sorted; none begins with another */
  size_t nprefixes;
  bool begins[256]; /* with which byte a prefix begins */
  size_t longest;   /* bytes */
};

struct content *content_new(size_t longest); /* held once */
void content_add_name(struct content *content, const char *name, size_t len);
void content_add_prefix(struct content *content, const char *prefix, size_t len);

/* NULL stands for none: nothing is content. */
const struct content *content_hold(const struct content *content);
void content_release(const struct content *content);

bool content_has(const struct content *content, const char *name, size_t len);

/* Whether a member is, by its name or because json, a valid value, is too long a text.  The name
 * stands as in JSON, without its quotes. */
bool content_is_member(const struct content *content, const char *name, size_t name_len,
                       const char *json, size_t json_len);

/* Appends a valid value without what is content inside of it, at any depth, and without the white
 * space between its tokens, so that it stands on one line. */
void content_append_rest(const struct content *content, struct buf *out, const char *json,
                         size_t len);

#endif
