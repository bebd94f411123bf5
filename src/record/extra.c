#include "base/hash.h"
#include "base/number.h"
#include "base/table.h"
#include "record/json.h"
#include "record/json_scan.h"
#include "record/merge.h"
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
  if (content_is_member(b->content, name, name_len, json, json_len))
    return;
  open_extra(b, r);
  json_write_string(&b->text, name, name_len);
  buf_putc(&b->text, ':');
  content_append_rest(b->content, &b->text, json, json_len);
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

/* Copies json to copy, where the reading functions can work on it. */
static char *padded(struct buf *copy, const char *json, size_t len) {
  copy->len = 0;
  buf_append(copy, json, len);
  memset(buf_reserve(copy, JSON_PADDING), 0, JSON_PADDING);
  return copy->data;
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

static bool set_from_json(struct batch *b, struct record *r, const struct column_name *name,
                          const struct member *m) {
  struct json_error error;
  const char *why;
  bool is_integer;
  int64_t integer = 0;
  double real = 0;
  size_t len;
  char *value = (char *) m->value;
  bool is_text = b->schema->columns[name->column].type == COLUMN_STRING;
  if (*value == '"' && !is_text && memchr(value, '\\', m->value_len) != NULL)
    return false; /* decoding it would change it though it may not fit */
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

/* The same, or the column that rows show on request and r does not have. */
static const struct column_name *column_for(const struct schema *schema, const struct record *r,
                                            const struct member *m) {
  const struct column_name *name = schema_name(schema, m->name, m->name_len);
  if (name == NULL || name->column < 0 || name->alias)
    return NULL;
  const struct column *c = &schema->columns[name->column];
  bool fits = c->in_extra || ((c->is_dimension || c->is_measure) && !record_has(r, name->column));
  return fits ? name : NULL;
}

void record_put_members(struct batch *b, struct record *r, struct buf *copy, const char *json,
                        size_t len) {
  struct member m;
  for (char *p = padded(copy, json, len) + 1; (p = next_member(p, &m)) != NULL;) {
    const struct column_name *name = column_for(b->schema, r, &m);
    bool taken = name != NULL && set_from_json(b, r, name, &m);
    if (taken || content_is_member(b->content, m.name, m.name_len, m.value, m.value_len))
      continue;
    open_extra(b, r);
    buf_append(&b->text, m.name - 1, m.name_len + 2);
    buf_putc(&b->text, ':');
    content_append_rest(b->content, &b->text, m.value, m.value_len);
    close_extra(b, r);
  }
}

void record_read_extra(struct batch *b, struct record *r) {
  if (r->extra.len <= 2 || b->schema->in_extra == 0)
    return;
  struct buf copy = {0};
  struct member m;
  char *p = padded(&copy, b->text.data + r->extra.offset, r->extra.len) + 1;
  while ((p = next_member(p, &m)) != NULL) {
    const struct column_name *name = column_of(b->schema, &m);
    if (name != NULL)
      set_from_json(b, r, name, &m);
  }
  buf_clear(&copy);
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
  struct buf copy = {0};
  struct member m;
  char separator = '{';
  for (char *p = padded(&copy, json, len) + 1; (p = next_member(p, &m)) != NULL;)
    if (column_of(schema, &m) == NULL) {
      put_member(out, separator, &m);
      separator = ',';
    }
  if (separator == ',')
    buf_putc(out, '}');
  buf_clear(&copy);
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

static void read_members(char *json, struct buf *members) {
  struct member m = {0};
  for (char *p = json + 1; (p = next_member(p, &m)) != NULL;)
    buf_append(members, &m, sizeof m);
}

/* A count that came through Lua may be 0.0. */
static bool says_nothing(const struct member *m) {
  bool is_integer;
  int64_t integer;
  double real;
  if (parse_number(m->value, m->value_len, &is_integer, &integer, &real))
    return is_integer ? integer == 0 : real == 0;
  return m->value[0] == 'n' || (m->value[0] == '"' && m->value_len == 2);
}

size_t extra_count(const struct record *r, const struct buf *text, const char *const *names,
                   size_t nnames) {
  struct buf copy = {0};
  struct member m;
  size_t count = 0;
  if (r->extra.len <= 2)
    return 0;
  char *p = padded(&copy, text->data + r->extra.offset, r->extra.len) + 1;
  while ((p = next_member(p, &m)) != NULL)
    for (size_t i = 0; i < nnames; i++)
      if (strlen(names[i]) == m.name_len && memcmp(names[i], m.name, m.name_len) == 0)
        count += !says_nothing(&m);
  buf_clear(&copy);
  return count;
}

static bool is_default(const struct column *c, union value v, const struct buf *text) {
  if (c->type == COLUMN_FLOAT)
    return v.f == c->value.f;
  if (c->type != COLUMN_STRING)
    return v.i == c->value.i;
  size_t len;
  const char *s = value_text(text, v, &len), *own = c->text != NULL ? c->text : "";
  return len == strlen(own) && memcmp(s, own, len) == 0;
}

/* In a second round by aliases, which fill only what nothing else has. */
static bool take_members(struct batch *b, struct record *r, uint64_t *columns,
                         struct member *members, size_t count, bool aliases) {
  bool taken = false;
  for (size_t i = 0; i < count; i++) {
    struct member *m = &members[i];
    const struct column_name *name = schema_name(b->schema, m->name, m->name_len);
    if (m->dropped || name == NULL || name->column < 0 || name->alias != aliases ||
        !(*columns >> name->column & 1) ||
        !is_default(&b->schema->columns[name->column], r->v[name->column], &b->text))
      continue;
    m->dropped = set_from_json(b, r, name, m);
    taken |= m->dropped;
    *columns &= ~((uint64_t) m->dropped << name->column);
  }
  return taken;
}

bool record_take_members(struct batch *b, struct record *r, uint64_t columns) {
  if (r->extra.len <= 2)
    return false;
  struct buf copy = {0}, list = {0}, rest = {0};
  read_members(padded(&copy, b->text.data + r->extra.offset, r->extra.len), &list);
  struct member *members = (struct member *) list.data;
  size_t count = list.len / sizeof *members;
  bool taken = take_members(b, r, &columns, members, count, false);
  taken |= take_members(b, r, &columns, members, count, true);
  for (size_t i = 0; taken && i < count; i++)
    if (!members[i].dropped)
      put_member(&rest, rest.len == 0 ? '{' : ',', &members[i]);
  if (taken) {
    if (rest.len > 0)
      buf_putc(&rest, '}');
    union value v = batch_put_text(b, rest.data, rest.len);
    r->extra.offset = v.s.offset;
    r->extra.len = v.s.len;
  }
  buf_clear(&list);
  buf_clear(&rest);
  buf_clear(&copy);
  return taken;
}

/* Members that are none of the columns that r has. */
static void read_rest(const struct schema *schema, const struct record *r, char *json, size_t len,
                      struct buf *members) {
  struct member m = {0};
  if (len <= 2)
    return;
  for (char *p = json + 1; (p = next_member(p, &m)) != NULL;) {
    const struct column_name *name = column_of(schema, &m);
    if (name == NULL || !record_has(r, name->column))
      buf_append(members, &m, sizeof m);
  }
}

/* How many of a row's members rank below the stamp at `at`.  Where the counts do not fit the row,
 * as in one that was never merged, all are the lowest one's. */
static size_t count_below(struct told *told, size_t at, size_t count) {
  size_t sum = 0, below = 0;
  for (size_t i = 0; i < told->count; i++) {
    below = i == at ? sum : below;
    sum += i == at ? 0 : told->stamps[i].members;
  }
  if (sum == count)
    return below;
  for (size_t i = 0; i < told->count; i++)
    told->stamps[i].members = 0;
  told->stamps[at == 0].members = (uint32_t) count;
  return at == 0 ? 0 : count;
}

static void write_kept(struct buf *out, struct told *told, const struct member *m) {
  char separator = '{';
  for (size_t i = 0; i < told->count; i++) {
    uint32_t count = told->stamps[i].members, kept = 0;
    for (; count > 0; count--, m++) {
      if (m->dropped)
        continue;
      put_member(out, separator, m);
      separator = ',';
      kept++;
    }
    told->stamps[i].members = kept;
  }
  if (separator == ',')
    buf_putc(out, '}');
}

void extra_merge(struct buf *out, const struct batch *row, struct told *told, size_t at,
                 const char *later, size_t later_len) {
  const struct record *r = batch_record(row, row->count - 1);
  struct buf first = {0}, second = {0}, own = {0}, members = {0};
  const size_t size = sizeof(struct member);
  const char *extra = r->extra.len > 0 ? row->text.data + r->extra.offset : "";
  read_rest(row->schema, r, padded(&first, extra, r->extra.len), r->extra.len, &own);
  size_t below = count_below(told, at, own.len / size) * size;
  buf_append(&members, own.data, below);
  read_rest(row->schema, r, padded(&second, later, later_len), later_len, &members);
  told->stamps[at].members = (uint32_t) ((members.len - below) / size);
  buf_append(&members, own.data + below, own.len - below);
  drop_repeats((struct member *) members.data, members.len / size);
  write_kept(out, told, (const struct member *) members.data);
  buf_clear(&own);
  buf_clear(&members);
  buf_clear(&first);
  buf_clear(&second);
}
