#include "base/number.h"
#include "http/exchange.h"

/* Once, in place.  An encoded slash would be a separator to some and a letter to others. */
static const char *decode(char *path, size_t *len) {
  char *out = memchr(path, '%', *len), *end = path + *len;
  if (out == NULL)
    return NULL;
  for (char *p = out; p < end; p++) {
    if (*p != '%') {
      *out++ = *p;
      continue;
    }
    if (end - p < 3 || hex_digit(p[1]) < 0 || hex_digit(p[2]) < 0)
      return "a % in the path without two hex digits";
    char byte = (char) (hex_digit(p[1]) << 4 | hex_digit(p[2]));
    if (byte == '\0')
      return "%00 in the path";
    *out++ = byte != '/' ? byte : ENCODED_SLASH;
    p += 2;
  }
  *len = (size_t) (out - path);
  return NULL;
}

/* RFC 3986, 5.2.4, after decoding, so that %2e is a dot too. */
static void remove_dots(char *path, size_t *len) {
  if (memmem(path, *len, "/.", 2) == NULL)
    return;
  size_t out = 0;
  for (size_t i = 0, end; i < *len; i = end) {
    for (end = i + 1; end < *len && path[end] != '/';)
      end++;
    bool dot = end - i == 2 && path[i + 1] == '.';
    bool dots = end - i == 3 && path[i + 1] == '.' && path[i + 2] == '.';
    if (dots)
      while (out > 0 && path[--out] != '/')
        ;
    if (!dot && !dots) {
      memmove(path + out, path + i, end - i);
      out += end - i;
    } else if (end == *len) {
      path[out++] = '/';
    }
  }
  if (out == 0)
    path[out++] = '/';
  *len = out;
}

/* The part behind http://, when target is of that form (RFC 9112, 3.2.2). */
static char *absolute(char *target, size_t len) {
  if (len > 7 && strncasecmp(target, "http://", 7) == 0)
    return target + 7;
  if (len > 8 && strncasecmp(target, "https://", 8) == 0)
    return target + 8;
  return NULL;
}

/* Before the path is changed where it stands. */
static void keep_target(struct exchange *e, const char *target, size_t len) {
  struct request *r = &e->request;
  e->target.len = 0;
  r->target = (struct slice){target, len};
  if (memchr(target, '%', len) == NULL && memmem(target, len, "/.", 2) == NULL &&
      memmem(target, len, "//", 2) == NULL)
    return;
  buf_append(&e->target, target, len);
  r->target.data = e->target.data;
}

int target_parse(struct request *r, const char **why) {
  struct exchange *e = exchange_of(r);
  char *p = (char *) e->in.target.data, *end = p + e->in.target.len; /* it lies in e->head */
  static char root[] = "/";
  *why = "a request target of a form that is not served";
  if (p == end || memchr(p, '#', e->in.target.len) != NULL)
    return 400;

  char *authority = absolute(p, e->in.target.len);
  if (authority != NULL) {
    for (p = authority; p < end && *p != '/' && *p != '?';)
      p++;
    r->host = (struct slice){authority, (size_t) (p - authority)};
  }
  keep_target(e, p, (size_t) (end - p));
  char *question = memchr(p, '?', (size_t) (end - p));
  size_t len = (size_t) ((question != NULL ? question : end) - p);
  if (question != NULL)
    r->query = (struct slice){question + 1, (size_t) (end - question - 1)};
  if (len == 0 && authority != NULL) {
    r->path = (struct slice){root, 1};
    return 0;
  }
  bool asterisk = len == 1 && *p == '*' && r->method == METHOD_OPTIONS;
  if (!asterisk && (len == 0 || *p != '/'))
    return 400;
  *why = decode(p, &len);
  if (*why != NULL)
    return 400;
  remove_dots(p, &len);
  r->path = (struct slice){p, len};
  return 0;
}
