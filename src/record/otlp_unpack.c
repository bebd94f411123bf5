#include <stdlib.h>

#include "base/buf.h"
#include "base/number.h"
#include "record/json_scan.h"
#include "record/otlp_decode.h"

/* Attributes whose texts are JSON: Langfuse's, MLflow's, the Vercel AI SDK's. */

enum { MAX_DEPTH = 4, MAX_NAME = 200, JSON_DEPTH = 16 };

struct otlp_block {
  struct otlp_block *next;
  char data[];
};

static char *new_block(struct otlp_reader *r, size_t size) {
  struct otlp_block *block = malloc(sizeof *block + size);
  if (block != NULL) {
    block->next = r->blocks;
    r->blocks = block;
    return block->data;
  }
  buf_refuse(size);
}

void otlp_free_blocks(struct otlp_reader *r) {
  while (r->blocks != NULL) {
    struct otlp_block *next = r->blocks->next;
    free(r->blocks);
    r->blocks = next;
  }
}

static struct otlp_text keep(struct otlp_reader *r, const char *s, size_t len) {
  struct otlp_text kept = {new_block(r, len + 1), len};
  memcpy(kept.data, s, len);
  return kept;
}

/* Where members go, and the names on the way to them. */
struct path {
  struct otlp_reader *r;
  char name[MAX_NAME];
  size_t len;
};

/* Puts a name behind the others and answers the length before; false when it does not fit. */
static bool step(struct path *path, const struct otlp_text *name, size_t *before) {
  *before = path->len;
  if (name->len + 1 > sizeof path->name - path->len)
    return false;
  if (path->len > 0)
    path->name[path->len++] = '.';
  memcpy(path->name + path->len, name->data, name->len);
  path->len += name->len;
  return true;
}

static void add(struct path *path, const struct otlp_value *value) {
  struct otlp_attribute added = {.value = *value, .unpacked = true};
  added.key = keep(path->r, path->name, path->len);
  if (value->kind == OTLP_TEXT)
    added.value.text = keep(path->r, value->text.data, value->text.len);
  otlp_add(&path->r->item.attributes, &added);
}

static char *unpack_object(struct path *path, char *p, unsigned depth);

static struct otlp_value number_at(const char *p, size_t len) {
  bool is_integer;
  int64_t integer;
  double real;
  if (!parse_number(p, len, &is_integer, &integer, &real))
    return (struct otlp_value){.kind = OTLP_NOTHING};
  return is_integer ? (struct otlp_value){.kind = OTLP_INTEGER, .integer = integer}
                    : otlp_real(real);
}

/* Adds the value at p, if it is a plain one, or what stands in it; the byte behind it. */
static char *unpack_value(struct path *path, char *p, unsigned depth) {
  struct json_error error;
  struct otlp_value value = {.kind = OTLP_NOTHING};
  if (*p == '{' && depth < MAX_DEPTH)
    return unpack_object(path, p, depth + 1);
  char *after = json_skip_value(p, JSON_DEPTH, &error);
  if (*p == '"') {
    value = (struct otlp_value){.kind = OTLP_TEXT, .text = {p + 1, 0}};
    after = json_read_string(p, &value.text.len, &error);
  } else if (*p == 't' || *p == 'f') {
    value = (struct otlp_value){.kind = OTLP_BOOLEAN, .boolean = *p == 't'};
  } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
    value = number_at(p, (size_t) (after - p));
  }
  if (value.kind != OTLP_NOTHING)
    add(path, &value);
  return after;
}

/* The object at p, which is valid JSON. */
static char *unpack_object(struct path *path, char *p, unsigned depth) {
  struct json_error error;
  for (p = json_skip_space(p + 1); *p == '"';) {
    struct otlp_text name = {p + 1, 0};
    size_t before;
    char *value = json_skip_space(json_read_string(p, &name.len, &error));
    value = json_skip_space(value + 1);
    p = step(path, &name, &before) ? unpack_value(path, value, depth)
                                   : json_skip_value(value, JSON_DEPTH, &error);
    path->len = before;
    p = json_skip_space(p);
    if (*p == ',')
      p = json_skip_space(p + 1);
  }
  return p + 1;
}

/* What Python's str makes of a dict of numbers, as JSON. */
static void translate(char *text) {
  static const char *const words[][2] = {
    {"'", "\""}, {"None", "null"}, {"True", "true"}, {"False", "false"},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    for (char *p = text; (p = strstr(p, words[i][0])) != NULL;)
      memcpy(p, words[i][1], strlen(words[i][1]));
}

static bool is_json(char *p) {
  struct json_error error;
  char *after = json_skip_value(p, JSON_DEPTH, &error);
  return after != NULL && *json_skip_space(after) == '\0';
}

static void unpack_text(struct path *path, const struct otlp_text *text) {
  char *copy = new_block(path->r, text->len + JSON_PADDING + 1);
  memcpy(copy, text->data, text->len);
  memset(copy + text->len, 0, JSON_PADDING + 1);
  char *p = json_skip_space(copy);
  bool is_read = is_json(p);
  if (!is_read && *p == '{') {
    translate(p);
    is_read = is_json(p);
  }
  if (is_read)
    unpack_value(path, p, 0);
}

static void unpack_map(struct path *path, const struct otlp_value *map, unsigned depth) {
  struct otlp_inside in;
  struct otlp_attribute member;
  size_t before;
  otlp_enter(path->r, map, &in);
  while (otlp_next_inside(&in, &member)) {
    if (!step(path, &member.key, &before))
      continue;
    if (member.value.kind == OTLP_MAP && depth < MAX_DEPTH)
      unpack_map(path, &member.value, depth + 1);
    else if (member.value.kind != OTLP_MAP && member.value.kind != OTLP_LIST)
      add(path, &member.value);
    path->len = before;
  }
}

void otlp_unpack(struct otlp_reader *r, size_t i) {
  const struct otlp_attribute a = *otlp_attribute(&r->item.attributes, i);
  struct path path = {.r = r};
  size_t before;
  if (!step(&path, &a.key, &before))
    return;
  if (a.value.kind == OTLP_TEXT)
    unpack_text(&path, &a.value.text);
  else if (a.value.kind == OTLP_MAP)
    unpack_map(&path, &a.value, 1);
}
