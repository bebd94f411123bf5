#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/table.h"
#include "record/json.h"
#include "record/json_scan.h"
#include "record/record.h"

/* The JSON object of what a record has beside its columns. */

static bool is_last(const struct batch *b, const struct record *r) {
  return r->extra.len > 0 && r->extra.offset + r->extra.len == b->text.len;
}

/* Opens the object for one more member, at the end of the text: it moves there when
 * something else stands behind it. */
static void open_extra(struct batch *b, struct record *r) {
  struct buf *text = &b->text;
  if (!is_last(b, r)) {
    size_t offset = text->len;
    buf_reserve(text, r->extra.len + 1);
    if (r->extra.len > 0)
      buf_append(text, text->data + r->extra.offset, r->extra.len);
    else
      buf_literal(text, "{}");
    r->extra.offset = (uint32_t) offset;
  }
  text->len--;
  if (r->extra.len > 2)
    buf_putc(text, ',');
}

static void close_extra(struct batch *b, struct record *r) {
  buf_putc(&b->text, '}');
  r->extra.len = (uint32_t) (b->text.len - r->extra.offset);
}

void record_put_extra(struct batch *b, struct record *r, const char *name, size_t name_len,
                      const char *json, size_t json_len) {
  open_extra(b, r);
  json_write_string(&b->text, name, name_len);
  buf_putc(&b->text, ':');
  json_append_compact(&b->text, json, json_len);
  close_extra(b, r);
}

void record_put_compact(struct batch *b, struct record *r, const char *name, size_t name_len,
                        const char *json, size_t json_len) {
  open_extra(b, r);
  json_write_string(&b->text, name, name_len);
  buf_putc(&b->text, ':');
  buf_append(&b->text, json, json_len);
  close_extra(b, r);
}

/* One member of an object known to be valid; texts as they stand there, the name
 * without its quotes. */
struct member {
  const char *name, *value;
  size_t name_len, value_len;
  bool dropped;
};

/* A copy that the reading functions can work on. */
static char *padded(const char *json, size_t len) {
  char *copy = xcalloc(1, len + JSON_PADDING);
  memcpy(copy, json, len);
  return copy;
}

/* Reads the next member at p, which is behind { or a comma; returns what follows
 * it, or NULL at the end. */
static char *next_member(char *p, struct member *m) {
  struct json_error error;
  p = json_skip_space(p);
  if (*p == ',')
    p = json_skip_space(p + 1);
  if (*p != '"')
    return NULL;
  m->name = p + 1;
  p = json_skip_string(p, &error);
  if (p == NULL)
    return NULL;
  m->name_len = (size_t) (p - 1 - m->name);
  p = json_skip_space(p);
  m->value = json_skip_space(p + 1);
  p = json_skip_value((char *) m->value, 1024, &error);
  m->value_len = p != NULL ? (size_t) (p - m->value) : 0;
  return p;
}

static void read_members(char *json, struct buf *members) {
  struct member m = {0};
  for (char *p = json + 1; (p = next_member(p, &m)) != NULL;)
    buf_append(members, &m, sizeof m);
}

static bool set_from_json(struct batch *b, struct record *r, const struct column_name *name,
                          const struct member *m) {
  struct json_error error;
  const char *why;
  bool is_integer;
  int64_t integer = 0;
  double real = 0;
  size_t len;
  char *value = (char *) m->value;
  if (*value == '"' && json_read_string(value, &len, &error) != NULL)
    return record_set_text(b, r, name, value + 1, len, &why);
  if (*value == 't' || *value == 'f')
    return record_set_boolean(b, r, name, *value == 't', &why);
  return parse_number(value, m->value_len, &is_integer, &integer, &real) &&
         record_set_number(b, r, name, is_integer, integer, real, &why);
}

/* The column that lives in extra under the member's name, or NULL. */
static const struct column_name *column_of(const struct schema *schema, const struct member *m) {
  const struct column_name *name = schema_name(schema, m->name, m->name_len);
  bool lives_here = name != NULL && name->column >= 0 && schema->in_extra >> name->column & 1;
  return lives_here && !name->alias ? name : NULL;
}

void record_put_members(struct batch *b, struct record *r, const char *json, size_t len) {
  char *copy = padded(json, len);
  struct member m;
  for (char *p = copy + 1; (p = next_member(p, &m)) != NULL;) {
    const struct column_name *name = column_of(b->schema, &m);
    if (name != NULL && set_from_json(b, r, name, &m))
      continue;
    open_extra(b, r);
    buf_append(&b->text, m.name - 1, m.name_len + 2);
    buf_putc(&b->text, ':');
    json_append_compact(&b->text, m.value, m.value_len);
    close_extra(b, r);
  }
  free(copy);
}

void record_read_extra(struct batch *b, struct record *r) {
  if (r->extra.len <= 2 || b->schema->in_extra == 0)
    return;
  char *copy = padded(b->text.data + r->extra.offset, r->extra.len);
  struct member m;
  for (char *p = copy + 1; (p = next_member(p, &m)) != NULL;) {
    const struct column_name *name = column_of(b->schema, &m);
    if (name != NULL)
      set_from_json(b, r, name, &m);
  }
  free(copy);
}

static bool same_name(const void *item, const void *key) {
  const struct member *a = item, *b = key;
  return a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0;
}

static void put_member(struct buf *out, char separator, const struct member *m) {
  buf_putc(out, separator);
  buf_putc(out, '"');
  buf_append(out, m->name, m->name_len);
  buf_literal(out, "\":");
  buf_append(out, m->value, m->value_len);
}

void extra_write_rest(struct buf *out, const struct schema *schema, const char *json, size_t len) {
  char *copy = padded(json, len), separator = '{';
  struct member m;
  for (char *p = copy + 1; (p = next_member(p, &m)) != NULL;)
    if (column_of(schema, &m) == NULL) {
      put_member(out, separator, &m);
      separator = ',';
    }
  if (separator == ',')
    buf_putc(out, '}');
  free(copy);
}

/* Drops what has the name of a member behind it; the last one wins. */
static void drop_repeats(struct member *members, size_t count) {
  struct table seen = {0};
  for (size_t i = count; i > 0; i--) {
    struct member *m = &members[i - 1];
    uint64_t hash = hash_bytes(hash_process_seed(), m->name, m->name_len);
    m->dropped = table_find(&seen, hash, same_name, m) != NULL;
    if (!m->dropped)
      table_insert(&seen, hash, m);
  }
  table_clear(&seen);
}

void extra_merge(struct buf *out, const char *earlier, size_t earlier_len, const char *later,
                 size_t later_len) {
  if (earlier_len <= 2 || later_len <= 2) {
    bool take_later = later_len > 2;
    buf_append(out, take_later ? later : earlier, take_later ? later_len : earlier_len);
    return;
  }
  char *first = padded(earlier, earlier_len), *second = padded(later, later_len);
  struct buf list = {0};
  read_members(first, &list);
  read_members(second, &list);
  struct member *members = (struct member *) list.data;
  size_t count = list.len / sizeof *members;
  drop_repeats(members, count);

  char separator = '{';
  for (size_t i = 0; i < count; i++) {
    if (members[i].dropped)
      continue;
    put_member(out, separator, &members[i]);
    separator = ',';
  }
  buf_putc(out, '}');
  buf_clear(&list);
  free(first);
  free(second);
}
