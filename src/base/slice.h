#ifndef MOONLEDGER_BASE_SLICE_H
#define MOONLEDGER_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Bytes of another's, without a NUL behind them. */
struct slice {
  const char *data;
  size_t len;
};

static inline bool slice_is(struct slice s, const char *text) {
  return s.len == strlen(text) && (s.len == 0 || memcmp(s.data, text, s.len) == 0);
}

/* Of ASCII, in upper or lower case. */
static inline bool slice_equal_nocase(struct slice a, struct slice b) {
  return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is_nocase(struct slice s, const char *text) {
  return slice_equal_nocase(s, (struct slice){text, strlen(text)});
}

static inline bool slice_starts_nocase(struct slice s, const char *prefix) {
  size_t len = strlen(prefix);
  return s.len >= len && slice_is_nocase((struct slice){s.data, len}, prefix);
}

#endif
