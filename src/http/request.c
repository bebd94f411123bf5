#include "http/request.h"

#include <strings.h>

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
  return (struct slice) {0};
}

static bool is_ours(const char *name, size_t len, bool bare) {
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
    if (len == ours[i].len && strncasecmp(name, ours[i].data, len) == 0)
      return true;
  return false;
}

static bool is_token(const char *s, size_t len) {
  static const bool token[256] = { /* RFC 9110, 5.6.2 */
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
  if (!is_token(name, name_len) || !is_value(value, len) || is_ours(name, name_len, response->bare))
    return false;
  struct buf *out = &response->headers;
  buf_append(out, name, name_len);
  buf_literal(out, ": ");
  buf_append(out, value, len);
  buf_literal(out, "\r\n");
  return true;
}
