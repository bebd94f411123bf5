#include "record/ndjson.h"

#include <stdio.h>
#include <uv.h>

#include "base/number.h"
#include "base/utf8.h"
#include "record/json_scan.h"

enum { USUAL_BYTES = 512 }; /* of a record, to reserve room for a body's records at once */

struct span {
  size_t offset, len;
};

/* The body is the text of the batch while it is scanned, so a pointer into it is
 * void after something was appended: that happens when a record is finished, and
 * places that outlive it are offsets. */
struct scanner {
  struct batch *b;
  const struct schema *schema;
  const struct record_limits *limits;
  int64_t now_us;
  size_t len;              /* of the body */
  struct json_error error; /* of syntax */
  /* members of the record that have no column, as they came: {"name":value,.. */
  struct buf extra;
  /* the record's member "extra", an object, as in an exported row; len 0 for none */
  struct span members;

  bool unfit; /* a value did not fit its column: which, and why */
  int column;
  char message[100];
};

static size_t offset_of(const struct scanner *s, const char *p) {
  return (size_t) (p - s->b->text.data);
}

static char *at(const struct scanner *s, size_t offset) {
  return s->b->text.data + offset;
}

/* How much of len bytes fits in a message. */
static int shown(const char *p, size_t len) {
  return (int) (len > 40 ? utf8_valid(p, 40) : len);
}

static void note_unfit(struct scanner *s, int column, const char *why, const char *got,
                       size_t len) {
  if (s->unfit)
    return;
  s->unfit = true;
  s->column = column;
  snprintf(s->message, sizeof s->message, "expected %s, got %.*s", why, shown(got, len), got);
}

static void keep_in_extra(struct scanner *s, const char *name, size_t name_len, const char *value,
                 size_t len) {
  const struct content *content = s->b->content;
  if (content_is_member(content, name + 1, name_len - 2, value, len))
    return;
  buf_putc(&s->extra, s->extra.len == 0 ? '{' : ',');
  buf_append(&s->extra, name, name_len);
  buf_putc(&s->extra, ':');
  content_append_rest(content, &s->extra, value, len);
}

static uint64_t load_word(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return le64toh(word);
}

/* By a name's index + 1, or 0 for a record's start: index + 1 of the name that
 * followed it last.  Records of one sender have their members in one order, so a
 * look at this one usually replaces a look-up; it outlives a body, because many
 * bodies are one record. */
static _Thread_local uint16_t follower[SCHEMA_MAX_NAMES + 1];

/* Whether the name at p, behind its quote, is this one. */
static bool is_name(const char *p, const struct column_name *n) {
  size_t i = 0;
  for (; i + 8 <= n->len; i += 8)
    if (load_word(p + i) != load_word(n->name + i))
      return false;
  uint64_t rest = n->len - i, differs = load_word(p + i) ^ load_word(n->name + i);
  return (differs & ((1ull << 8 * rest) - 1)) == 0 && p[n->len] == '"';
}

/* A string with escapes, decoded beside the body; too long a one is no name, number
 * or time. */
static const char *decode_aside(const char *p, size_t *len, char room[512]) {
  struct json_error error;
  if (*len > 512 - JSON_PADDING)
    return NULL;
  memset(room, 0, 512);
  memcpy(room, p, *len);
  return json_read_string(room, len, &error) != NULL ? room + 1 : NULL;
}

static const struct column_name *look_up(const struct scanner *s, const char *p,
                                         const char *after) {
  size_t len = (size_t) (after - p);
  char room[512];
  if (memchr(p, '\\', len) == NULL)
    return schema_name(s->schema, p + 1, len - 2);
  const char *name = decode_aside(p, &len, room);
  return name != NULL ? schema_name(s->schema, name, len) : NULL;
}

/* Reads the member's name at *p and moves *p behind it. */
static const struct column_name *read_name(struct scanner *s, unsigned *previous, char **p) {
  const struct column_name *names = s->schema->names, *name;
  unsigned guess = follower[*previous];
  if (guess > 0 && guess <= s->schema->nnames && is_name(*p + 1, &names[guess - 1])) {
    *p += names[guess - 1].len + 2;
    *previous = guess;
    return &names[guess - 1];
  }
  char *after = json_skip_string(*p, &s->error);
  name = after != NULL ? look_up(s, *p, after) : NULL;
  if (name != NULL) {
    guess = (unsigned) (name - names) + 1;
    follower[*previous] = (uint16_t) guess;
    *previous = guess;
  }
  *p = after;
  return name;
}

/* The string from p to after, of a column of another type; *why says what was
 * expected if it does not fit. */
static bool set_quoted(struct scanner *s, struct record *r, const struct column_name *name,
                       const char *p, const char *after, const char **why) {
  size_t len = (size_t) (after - p);
  char room[512];
  const char *text = p + 1;
  if (memchr(p, '\\', len) == NULL)
    len -= 2;
  else
    text = decode_aside(p, &len, room);
  return text != NULL && record_set_text(s->b, r, name, text, len, why);
}

static void forget(const struct scanner *s, struct record *r, int column) {
  r->v[column] = s->schema->defaults[column];
  r->present &= ~(1ull << column);
}

static char *read_string(struct scanner *s, struct record *r, int column, char *p) {
  char *stop = json_string_stop(p + 1), *after = stop + 1;
  size_t len = (size_t) (stop - p) - 1;
  if (*stop != '"' && (after = json_read_string(p, &len, &s->error)) == NULL)
    return NULL;
  r->v[column].s.offset = (uint32_t) offset_of(s, p + 1);
  r->v[column].s.len = (uint32_t) len;
  r->present |= 1ull << column;
  return after;
}

static char *read_digits(struct scanner *s, struct record *r, const struct column_name *name,
                         char *p, bool *fits, const char **why) {
  bool is_integer;
  int64_t integer = 0;
  double real = 0;
  char *after = (char *) read_number(p, at(s, s->len), &is_integer, &integer, &real);
  if (after == NULL)
    return json_fail(&s->error, p, "a value");
  *fits = record_set_number(s->b, r, name, is_integer, integer, real, why);
  return after;
}

static bool set_other(struct scanner *s, struct record *r, const struct column_name *name,
                      const char *p, const char *after, const char **why) {
  switch (*p) {
  case '"':
    return set_quoted(s, r, name, p, after, why);
  case 't':
  case 'f':
    return record_set_boolean(s->b, r, name, *p == 't', why);
  case 'n':
    if (!name->alias)
      forget(s, r, name->column);
    return true;
  default:
    return false;
  }
}

/* The value at p of the column that key names. */
static char *read_column(struct scanner *s, struct record *r, const struct column_name *name,
                         const char *key, size_t key_len, char *p) {
  const struct column *c = &s->schema->columns[name->column];
  bool is_spare = name->alias && record_has(r, name->column), fits = false;
  const char *why = NULL;
  char *after;
  if (c->type == COLUMN_STRING && *p == '"' && !is_spare)
    return read_string(s, r, name->column, p);
  if ((*p == '-' || (unsigned char) (*p - '0') < 10) && !is_spare)
    after = read_digits(s, r, name, p, &fits, &why);
  else
    after = json_skip_value(p, s->limits->depth - 1, &s->error);
  if (after == NULL || fits)
    return after;
  if (!is_spare && set_other(s, r, name, p, after, &why))
    return after;
  if (name_is_shared(s->schema, name))
    keep_in_extra(s, key, key_len, p, (size_t) (after - p));
  else
    note_unfit(s, name->column, why != NULL ? why : column_expected(c), p, (size_t) (after - p));
  return after;
}

static bool is_extra(const char *key, size_t key_len, const char *value) {
  return key_len == 7 && memcmp(key, "\"extra\"", 7) == 0 && *value == '{';
}

/* A member without a column; "type" and "event" may name the event instead. */
static char *read_other(struct scanner *s, struct record *r, const struct column_name *name,
                        const char *key, size_t key_len, char *p) {
  char *after = json_skip_value(p, s->limits->depth - 1, &s->error);
  if (after == NULL)
    return NULL;
  int event =
      name != NULL && *p == '"' ? schema_event(s->schema, p + 1, (size_t) (after - p) - 2) : -1;
  if (event >= 0)
    r->event = (uint8_t) event;
  else if (!is_extra(key, key_len, p))
    keep_in_extra(s, key, key_len, p, (size_t) (after - p));
  else
    s->members = (struct span){offset_of(s, p), (size_t) (after - p)};
  return after;
}

static char *read_member(struct scanner *s, struct record *r, unsigned *previous, char *p) {
  const char *key = p;
  const struct column_name *name = read_name(s, previous, &p);
  if (p == NULL)
    return NULL;
  size_t key_len = (size_t) (p - key);
  p = json_skip_space(p);
  if (*p != ':')
    return json_fail(&s->error, p, "a colon");
  p = json_skip_space(p + 1);
  if (name == NULL || name->column == NAME_OF_EVENT)
    return read_other(s, r, name, key, key_len, p);
  return read_column(s, r, name, key, key_len, p);
}

static char *read_object(struct scanner *s, struct record *r, char *p) {
  unsigned previous = 0;
  p = json_skip_space(p + 1);
  if (*p == '}')
    return p + 1;
  for (;;) {
    if (*p != '"')
      return json_fail(&s->error, p, "a member's name");
    if ((p = read_member(s, r, &previous, p)) == NULL)
      return NULL;
    p = json_skip_space(p);
    if (*p == '}')
      return p + 1;
    if (*p != ',')
      return json_fail(&s->error, p, "a comma or }");
    p = json_skip_space(p + 1);
  }
}

static void record_finish(struct scanner *s, struct record *r) {
  if (s->extra.len > 0) {
    buf_putc(&s->extra, '}');
    union value v = batch_put_text(s->b, s->extra.data, s->extra.len);
    r->extra.offset = v.s.offset;
    r->extra.len = v.s.len;
  }
  if (s->members.len > 0)
    record_put_members(s->b, r, &s->extra, at(s, s->members.offset), s->members.len);
  batch_complete(s->b, r, s->now_us);
}

/* Reads the record at offset as the last of the batch and returns the offset behind
 * it; 0 when the text makes no sense, and then there is none. */
static size_t read_record(struct scanner *s, size_t offset) {
  char *p = at(s, offset), *after;
  struct record *r = batch_add(s->b);
  s->unfit = false;
  s->extra.len = s->members.len = 0;
  if (*p == '{') {
    after = read_object(s, r, p);
  } else if ((after = json_skip_value(p, s->limits->depth, &s->error)) != NULL) {
    note_unfit(s, -1, "an object", p, (size_t) (after - p));
  }
  if (after == NULL)
    batch_drop_last(s->b);
  return after != NULL ? offset_of(s, after) : 0;
}

/* Takes or rejects the last record, which was read from offset to end. */
static void settle(struct scanner *s, size_t offset, size_t end, uint32_t line) {
  struct batch *b = s->b;
  uint32_t index = b->sent++;
  struct record *r = batch_record(b, b->count - 1);
  r->position = index;
  bool is_short = end - offset <= s->limits->record_bytes;
  if (!s->unfit && is_short && b->count <= BATCH_MAX_RECORDS) {
    record_finish(s, r);
    return;
  }
  batch_drop_last(b);
  if (s->unfit)
    batch_reject(b, index, line, s->column, "%s", s->message);
  else if (!is_short)
    batch_reject(b, index, line, -1, "longer than %zu bytes", s->limits->record_bytes);
  else
    batch_reject(b, index, line, -1, "more than %d records at once", BATCH_MAX_RECORDS);
}

/* Rejects what s->error is about; start is where the bytes are counted from, end
 * where the text ends. */
static void reject_syntax(struct scanner *s, uint32_t line, size_t start, size_t end) {
  char why[JSON_WHY];
  json_describe(&s->error, at(s, start), at(s, end), why);
  batch_reject(s->b, s->b->sent++, line, -1, "%s", why);
}

/* The body as a whole is none of the shapes. */
static int refuse_body(struct scanner *s) {
  struct batch *b = s->b;
  b->records.len = b->count = b->nerrors = 0;
  b->sent = b->rejected = 0;
  reject_syntax(s, 0, 0, s->len);
  return UV_EINVAL;
}

static void scan_line(struct scanner *s, size_t start, size_t end, uint32_t line) {
  if (end - start > s->limits->record_bytes) {
    batch_reject(s->b, s->b->sent++, line, -1, "longer than %zu bytes", s->limits->record_bytes);
    return;
  }
  *at(s, end) = '\0';
  size_t next = read_record(s, start);
  if (next == 0) {
    reject_syntax(s, line, start, end);
  } else if (offset_of(s, json_skip_space(at(s, next))) != end) {
    json_fail(&s->error, json_skip_space(at(s, next)), "the end of the line");
    batch_drop_last(s->b);
    reject_syntax(s, line, start, end);
  } else {
    settle(s, start, end, line);
  }
}

/* Each line stands for itself: a NUL takes the place of its end, so that nothing
 * reads on into the next. */
static void scan_lines(struct scanner *s, size_t offset) {
  for (uint32_t line = 1; offset < s->len; line++) {
    const char *newline = memchr(at(s, offset), '\n', s->len - offset);
    size_t start = offset, end = newline != NULL ? offset_of(s, newline) : s->len;
    offset = end + 1;
    while (start < end && json_is_space(*at(s, start)))
      start++;
    while (end > start && json_is_space(*at(s, end - 1)))
      end--;
    if (start < end)
      scan_line(s, start, end, line);
  }
}

/* The items of the array at offset; returns the offset behind it, or 0. */
static size_t scan_array(struct scanner *s, size_t offset) {
  char *p = json_skip_space(at(s, offset) + 1);
  if (*p == ']')
    return offset_of(s, p) + 1;
  for (;;) {
    size_t start = offset_of(s, p), end = read_record(s, start);
    if (end == 0)
      return 0;
    settle(s, start, end, 0);
    p = json_skip_space(at(s, end));
    if (*p == ']')
      return offset_of(s, p) + 1;
    if (*p != ',') {
      json_fail(&s->error, p, "a comma or ]");
      return 0;
    }
    p = json_skip_space(p + 1);
  }
}

/* Where the array of { .., "records": [ .. ] } begins; NULL when p is no such object. */
static char *find_list(struct scanner *s, char *p) {
  static const char name[] = "\"records\"";
  struct json_error ignored;
  for (p = json_skip_space(p + 1); p != NULL && *p == '"'; p = json_skip_space(p + 1)) {
    char *value = json_skip_string(p, &ignored);
    if (value == NULL || *(value = json_skip_space(value)) != ':')
      return NULL;
    value = json_skip_space(value + 1);
    if (*value == '[' && strncmp(p, name, sizeof name - 1) == 0)
      return value;
    p = json_skip_value(value, s->limits->depth, &ignored);
    if (p == NULL || *(p = json_skip_space(p)) != ',')
      return NULL;
  }
  return NULL;
}

/* Past the members behind the list. */
static size_t skip_rest(struct scanner *s, size_t offset) {
  char *p = json_skip_space(at(s, offset));
  while (*p == ',') {
    p = json_skip_member(json_skip_space(p + 1), s->limits->depth, &s->error);
    if (p == NULL)
      return 0;
    p = json_skip_space(p);
  }
  if (*p == '}')
    return offset_of(s, p) + 1;
  json_fail(&s->error, p, "a comma or }");
  return 0;
}

/* Newline-separated objects under the name of JSON: a line ends where a value may
 * end, and the next one begins an object. */
static bool is_lines(const struct scanner *s, size_t offset) {
  const char *newline = memchr(at(s, offset), '\n', s->len - offset);
  if (newline == NULL || *json_skip_space((char *) newline) != '{')
    return false;
  const char *last = newline;
  while (json_is_space(*last))
    last--;
  return strchr(":[,{", *last) == NULL;
}

/* One object after another, white space between them. */
static size_t scan_objects(struct scanner *s, size_t offset) {
  for (;;) {
    size_t end = read_record(s, offset);
    if (end == 0)
      return 0;
    settle(s, offset, end, 0);
    offset = offset_of(s, json_skip_space(at(s, end)));
    if (*at(s, offset) != '{')
      return offset;
  }
}

static int scan_json(struct scanner *s, size_t offset) {
  char *p = json_skip_space(at(s, offset)), *list;
  size_t end;
  if (*p == '[') {
    end = scan_array(s, offset_of(s, p));
  } else if (*p != '{') {
    json_fail(&s->error, p, "an object or an array");
    end = 0;
  } else if (is_lines(s, offset_of(s, p))) {
    scan_lines(s, offset);
    return 0;
  } else if ((list = find_list(s, p)) != NULL) {
    end = scan_array(s, offset_of(s, list));
    end = end > 0 ? skip_rest(s, end) : 0;
  } else {
    end = scan_objects(s, offset_of(s, p));
  }
  if (end == 0)
    return refuse_body(s);
  p = json_skip_space(at(s, end));
  if (offset_of(s, p) == s->len)
    return 0;
  json_fail(&s->error, p, "the end");
  return refuse_body(s);
}

/* The body becomes the batch's text, valid UTF-8 and padded; what is appended stands behind. */
static void take_body(struct scanner *s, struct buf *body) {
  if (body->len > 0 && utf8_valid(body->data, body->len) != body->len) {
    utf8_append(&s->extra, body->data, body->len);
    buf_clear(body);
    *body = buf_take(&s->extra);
  }
  s->len = body->len;
  buf_reserve(&s->b->records, (s->len / USUAL_BYTES + 1) * batch_stride(s->schema));
  memset(buf_reserve(body, JSON_PADDING), 0, JSON_PADDING);
  body->len += JSON_PADDING;
  s->b->text = buf_take(body);
}

static int scan_body(struct scanner *s, enum record_format format) {
  size_t start = strncmp(s->b->text.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte order mark */
  if (format == FORMAT_JSON)
    return scan_json(s, start);
  scan_lines(s, start);
  return 0;
}

/* What all of it needs may be refused. */
static int scan_with_room(struct scanner *s, struct buf *body, enum record_format format) {
  jmp_buf refused;
  if (setjmp(refused) != 0) {
    buf_refused = NULL;
    return UV_ENOMEM;
  }
  buf_refused = &refused;
  take_body(s, body);
  int rc = scan_body(s, format);
  buf_refused = NULL;
  return rc;
}

int batch_scan(struct batch *b, struct buf *body, enum record_format format,
               const struct record_limits *limits, int64_t now_us) {
  struct scanner s = {.b = b, .schema = b->schema, .limits = limits, .now_us = now_us};
  int rc = scan_with_room(&s, body, format);
  buf_clear(&s.extra);
  return rc;
}
