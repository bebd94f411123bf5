#include "http/request.h"

const char *method_name(enum method method) {
  static const char *const names[METHODS] = {"GET",    "HEAD",  "POST",    "PUT",
                                             "DELETE", "PATCH", "OPTIONS", "OTHER"};
  return names[method];
}

struct slice request_header(const struct request *r, const char *name) {
  size_t len = strlen(name);
  for (size_t i = 0; i < r->nheaders; i++)
    if (r->headers[i].name.len == len && memcmp(r->headers[i].name.data, name, len) == 0)
      return r->headers[i].value;
  return (struct slice){0};
}

static bool is_ours(struct slice name, bool bare) {
  enum { BARE = 5 }; /* the first of them */
  static const struct slice ours[] = {{"content-length", 14},
                                      {"transfer-encoding", 17},
                                      {"connection", 10},
                                      {"keep-alive", 10},
                                      {"upgrade", 7},
                                      {"date", 4},
                                      {"x-request-id", 12},
                                      {"trailer", 7}};
  for (size_t i = 0; i < (bare ? BARE : sizeof ours / sizeof *ours); i++)
    if (slice_equal_nocase(name, ours[i]))
      return true;
  return false;
}

bool http_is_token(const char *s, size_t len) {
  static const bool token[256] = {
      ['!'] = true, ['#' ... '\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true,
      ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['^' ... 'z'] = true, ['|'] = true, ['~'] = true,
  };
  for (size_t i = 0; i < len; i++)
    if (!token[(unsigned char) s[i]])
      return false;
  return len > 0;
}

static bool is_value(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (((unsigned char) s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
      return false;
  return true;
}

bool response_header(struct response *response, const char *name, size_t name_len,
                     const char *value, size_t len) {
  if (!http_is_token(name, name_len) || !is_value(value, len) ||
      is_ours((struct slice){name, name_len}, response->bare))
    return false;
  struct buf *out = &response->headers;
  buf_append(out, name, name_len);
  buf_literal(out, ": ");
  buf_append(out, value, len);
  buf_literal(out, "\r\n");
  return true;
}

bool response_has_header(const struct response *response, const char *name) {
  size_t n = strlen(name);
  const char *p = response->headers.data, *end = p + response->headers.len;
  while (p < end) {
    if ((size_t) (end - p) > n && strncasecmp(p, name, n) == 0 && p[n] == ':')
      return true;
    const char *newline = memchr(p, '\n', (size_t) (end - p));
    p = newline != NULL ? newline + 1 : end;
  }
  return false;
}
