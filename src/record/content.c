#include "record/content.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/json_scan.h"

struct content *content_new(size_t longest) {
  struct content *content = xcalloc(1, sizeof *content);
  content->longest = longest;
  atomic_init(&content->holders, 1);
  return content;
}

const struct content *content_hold(const struct content *content) {
  if (content != NULL)
    atomic_fetch_add(&((struct content *) content)->holders, 1);
  return content;
}

void content_release(const struct content *held) {
  struct content *content = (struct content *) held;
  if (content == NULL || atomic_fetch_sub(&content->holders, 1) > 1)
    return;
  for (size_t i = 0; i < content->nprefixes; i++)
    free(content->prefixes[i].text);
  free(content->prefixes);
  names_clear(&content->names);
  free(content);
}

void content_add_name(struct content *content, const char *name, size_t len) {
  names_add(&content->names, name, len, 0);
}

/* Where among the prefixes the name belongs; *found says whether it begins with the one there. */
static size_t find_prefix(const struct content *content, const char *name, size_t len,
                          bool *found) {
  size_t low = 0, high = content->nprefixes;
  *found = false;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const struct prefix *p = &content->prefixes[middle];
    int order = memcmp(p->text, name, p->len < len ? p->len : len);
    *found = order == 0 && p->len <= len;
    if (*found)
      return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void remove_prefix(struct content *content, size_t i) {
  free(content->prefixes[i].text);
  content->nprefixes--;
  memmove(&content->prefixes[i], &content->prefixes[i + 1],
          (content->nprefixes - i) * sizeof *content->prefixes);
}

void content_add_prefix(struct content *content, const char *prefix, size_t len) {
  bool found;
  size_t at = find_prefix(content, prefix, len, &found), n;
  if (found || len == 0)
    return;
  while (at < content->nprefixes && content->prefixes[at].len > len &&
         memcmp(content->prefixes[at].text, prefix, len) == 0)
    remove_prefix(content, at);
  n = content->nprefixes++;
  content->prefixes = xrealloc(content->prefixes, content->nprefixes * sizeof *content->prefixes);
  memmove(&content->prefixes[at + 1], &content->prefixes[at],
          (n - at) * sizeof *content->prefixes);
  content->prefixes[at] = (struct prefix){.text = xmalloc(len), .len = len};
  memcpy(content->prefixes[at].text, prefix, len);
  content->begins[(unsigned char) *prefix] = true;
}

bool content_has(const struct content *content, const char *name, size_t len) {
  bool found = false;
  if (content == NULL || len == 0)
    return false;
  if (content->begins[(unsigned char) *name])
    find_prefix(content, name, len, &found);
  return found || names_find(&content->names, name, len) >= 0;
}

enum { MAX_NAME = 256 }; /* bytes with escapes: a longer one is nobody's */

static bool has_escaped(const struct content *content, const char *name, size_t len) {
  char room[MAX_NAME + 2 + JSON_PADDING] = "\"";
  struct json_error error;
  if (len > MAX_NAME)
    return false;
  memcpy(room + 1, name, len);
  room[len + 1] = '"';
  return json_read_string(room, &len, &error) != NULL && content_has(content, room + 1, len);
}

/* Bytes in UTF-8 that the escape at p stands for, half of them for half a pair; *p moves behind
 * it. */
static size_t escaped_bytes(const char **p) {
  int32_t unit = (*p)[1] == 'u' ? json_hex4(*p + 2) : 0;
  *p += (*p)[1] == 'u' ? 6 : 2;
  if (unit < 0x80)
    return 1;
  return unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
}

/* Of a text between its quotes. */
static bool is_long(const struct content *content, const char *p, size_t len) {
  const char *end = p + len;
  size_t bytes = 0;
  if (len <= content->longest)
    return false;
  while (p < end) {
    const char *escape = memchr(p, '\\', (size_t) (end - p));
    bytes += (size_t) ((escape != NULL ? escape : end) - p);
    p = escape != NULL ? escape : end;
    if (escape != NULL)
      bytes += escaped_bytes(&p);
  }
  return bytes > content->longest;
}

static bool is_long_text(const struct content *content, const char *json, size_t len) {
  return *json == '"' && is_long(content, json + 1, len - 2);
}

bool content_is_member(const struct content *content, const char *name, size_t name_len,
                       const char *json, size_t json_len) {
  if (content == NULL)
    return false;
  bool named = memchr(name, '\\', name_len) != NULL ? has_escaped(content, name, name_len)
                                                    : content_has(content, name, name_len);
  return named || is_long_text(content, json, json_len);
}

/* What is left of the text; nothing is copied that is not kept. */
struct walk {
  const struct content *content;
  struct buf *out;
  const char *end;
};

static const char *skip_space(const char *p) {
  while (json_is_space(*p))
    p++;
  return p;
}

static const char *text_end(const char *p) {
  for (p++; *p != '"'; p += *p == '\\' ? 2 : 1)
    ;
  return p + 1;
}

static const char *scalar_end(const struct walk *w, const char *p) {
  if (*p == '"')
    return text_end(p);
  while (p < w->end && !json_is_space(*p) && *p != ',' && *p != ']' && *p != '}')
    p++;
  return p;
}

static const char *value_end(const struct walk *w, const char *p) {
  unsigned depth = 0;
  do {
    if (*p == '"') {
      p = text_end(p);
      continue;
    }
    if (*p == '{' || *p == '[')
      depth++;
    else if (*p == '}' || *p == ']')
      depth--;
    else if (depth == 0)
      return scalar_end(w, p);
    p++;
  } while (depth > 0);
  return p;
}

static const char *write_value(struct walk *w, const char *p);

/* A member of a map, or an item of a list, whose text begins at p. */
static const char *write_inner(struct walk *w, const char *p, bool is_map, char *separator) {
  const char *key = p, *key_end = p;
  if (is_map) {
    key_end = text_end(key);
    p = skip_space(skip_space(key_end) + 1); /* the colon */
  }
  const char *after = *p == '"' ? text_end(p) : p;
  bool drop = is_map ? content_is_member(w->content, key + 1, (size_t) (key_end - key) - 2, p,
                                         (size_t) (after - p))
                     : is_long_text(w->content, p, (size_t) (after - p));
  if (drop)
    return value_end(w, p);
  buf_putc(w->out, *separator);
  *separator = ',';
  if (is_map) {
    buf_append(w->out, key, (size_t) (key_end - key));
    buf_putc(w->out, ':');
  }
  return write_value(w, p);
}

static const char *write_group(struct walk *w, const char *p) {
  char open = *p, close = open == '{' ? '}' : ']', separator = open;
  for (p = skip_space(p + 1); *p != close; p = skip_space(p))
    p = *p == ',' ? p + 1 : write_inner(w, p, open == '{', &separator);
  if (separator == open)
    buf_putc(w->out, open);
  buf_putc(w->out, close);
  return p + 1;
}

static const char *write_value(struct walk *w, const char *p) {
  if (*p == '{' || *p == '[')
    return write_group(w, p);
  const char *end = scalar_end(w, p);
  buf_append(w->out, p, (size_t) (end - p));
  return end;
}

void content_append_rest(const struct content *content, struct buf *out, const char *json,
                         size_t len) {
  struct walk w = {.content = content, .out = out, .end = json + len};
  bool is_group = *json == '{' || *json == '[';
  if (is_group && content != NULL)
    write_group(&w, json);
  else if (is_group)
    json_append_compact(out, json, len);
  else
    buf_append(out, json, len);
}
