#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "record/json_scan.h"
#include "record/otlp_decode.h"

/* The whole body is checked once, while the lists of items are found; from then on everything is
 * read once more and no end of the text has to be feared. */

enum { DEPTH = 64 };

/* A list of items, and the values of the members "scope" and "resource" around it: offsets into
 * the text, 0 for none. */
struct list {
  uint32_t items, scope, resource;
};

struct field_name {
  const char *name;
  enum otlp_field field;
};

static const struct field_name log_fields[] = {
    {"attributes", FIELD_ATTRIBUTES},
    {"body", FIELD_BODY},
    {"eventName", FIELD_NAME},
    {"observedTimeUnixNano", FIELD_OBSERVED},
    {"spanId", FIELD_SPAN},
    {"timeUnixNano", FIELD_TIME},
    {"traceId", FIELD_TRACE},
    {NULL, FIELD_NONE},
};

static const struct field_name span_fields[] = {
    {"attributes", FIELD_ATTRIBUTES},
    {"endTimeUnixNano", FIELD_TIME},
    {"name", FIELD_NAME},
    {"parentSpanId", FIELD_PARENT},
    {"spanId", FIELD_SPAN},
    {"startTimeUnixNano", FIELD_START},
    {"status", FIELD_STATUS},
    {"traceId", FIELD_TRACE},
    {NULL, FIELD_NONE},
};

/* Lists in each other: their names, and what is said of one that is none and of its elements. */
struct shape {
  const char *lists[3], *no_list[3], *no_group[2];
};

static const struct shape log_shape = {
    {"resourceLogs", "scopeLogs", "logRecords"},
    {"resourceLogs is no array", "scopeLogs is no array", "logRecords is no array"},
    {"an element of resourceLogs is no object", "an element of scopeLogs is no object"},
};

static const struct shape span_shape = {
    {"resourceSpans", "scopeSpans", "spans"},
    {"resourceSpans is no array", "scopeSpans is no array", "spans is no array"},
    {"an element of resourceSpans is no object", "an element of scopeSpans is no object"},
};

/* what is one of a few constants. */
static void note_misfit(struct otlp_reader *r, const char *what, uint32_t items) {
  size_t i = 0;
  while (i < r->nmisfits && r->misfits[i].what != what)
    i++;
  if (i == OTLP_MAX_MISFITS)
    return;
  if (i == r->nmisfits)
    r->misfits[r->nmisfits++] = (struct otlp_misfit){.what = what};
  r->misfits[i].items += items;
}

/* Whether the value at p is none that opens so; null is as good as no member. */
static bool is_misfit(const char *p, char opening) {
  return *p != opening && *p != 'n';
}

static char *skip(char *p) {
  struct json_error error;
  return json_skip_value(p, DEPTH, &error);
}

/* The value of the member at *p, which is behind the { or behind the value before, and its name;
 * NULL at the end, then *p is behind the }. */
static char *next_member(char **p, struct otlp_text *name) {
  struct json_error error;
  char *at = json_skip_space(*p);
  if (*at == ',')
    at = json_skip_space(at + 1);
  if (*at != '"') {
    *p = at + 1;
    return NULL;
  }
  name->data = at + 1;
  at = json_skip_space(json_read_string(at, &name->len, &error));
  return json_skip_space(at + 1);
}

/* The element at *p, which is behind the [ or behind the element before; NULL at the end. */
static char *next_element(char **p) {
  char *at = json_skip_space(*p);
  if (*at == ',')
    at = json_skip_space(at + 1);
  *p = at;
  return *at != ']' ? at : NULL;
}

static bool is_name(const struct otlp_text *text, const char *name) {
  return json_is_named(text->data, text->len, name);
}

/* A string, with its escapes decoded; anything else is skipped and empty. */
static char *read_text(char *p, struct otlp_text *text) {
  struct json_error error;
  *text = (struct otlp_text){0};
  if (*p != '"')
    return skip(p);
  text->data = p + 1;
  return json_read_string(p, &text->len, &error);
}

/* A number, or a string of one. */
static char *read_number_of(char *p, struct otlp_value *value) {
  bool is_integer;
  int64_t integer;
  double real;
  struct otlp_text text = {p, 0};
  char *after = *p == '"' ? read_text(p, &text) : skip(p);
  if (*p != '"')
    text.len = (size_t) (after - p);
  value->kind = OTLP_NOTHING;
  if (text.len == 0 || !parse_number(text.data, text.len, &is_integer, &integer, &real))
    return after;
  if (is_integer)
    *value = (struct otlp_value){.kind = OTLP_INTEGER, .integer = integer};
  else
    *value = otlp_real(real);
  return after;
}

static char *read_boolean(char *p, struct otlp_value *value) {
  if (*p == 't' || *p == 'f')
    *value = (struct otlp_value){.kind = OTLP_BOOLEAN, .boolean = *p == 't'};
  return skip(p);
}

static char *read_raw(char *p, enum otlp_kind kind, struct otlp_value *value) {
  char *after = skip(p);
  if (*p == '{')
    *value = (struct otlp_value){.kind = kind, .text = {p, (size_t) (after - p)}};
  return after;
}

static char *read_member_of_any(char *p, const struct otlp_text *name, struct otlp_value *value) {
  if (is_name(name, "stringValue")) {
    struct otlp_text text;
    char *after = read_text(p, &text);
    if (text.data != NULL)
      *value = (struct otlp_value){.kind = OTLP_TEXT, .text = text};
    return after;
  }
  if (is_name(name, "intValue") || is_name(name, "doubleValue"))
    return read_number_of(p, value);
  if (is_name(name, "boolValue"))
    return read_boolean(p, value);
  if (is_name(name, "arrayValue"))
    return read_raw(p, OTLP_LIST, value);
  if (is_name(name, "kvlistValue"))
    return read_raw(p, OTLP_MAP, value);
  return skip(p);
}

/* An AnyValue. */
static char *read_any(char *p, struct otlp_value *value) {
  struct otlp_text name;
  value->kind = OTLP_NOTHING;
  if (*p != '{')
    return skip(p);
  p++;
  for (char *member; (member = next_member(&p, &name)) != NULL;)
    p = read_member_of_any(member, &name, value);
  return p;
}

/* A KeyValue. */
static char *read_pair(char *p, struct otlp_attribute *a) {
  struct otlp_text name;
  *a = (struct otlp_attribute){0};
  if (*p != '{')
    return skip(p);
  p++;
  for (char *member; (member = next_member(&p, &name)) != NULL;)
    if (is_name(&name, "key"))
      p = read_text(member, &a->key);
    else if (is_name(&name, "value"))
      p = read_any(member, &a->value);
    else
      p = skip(member);
  return p;
}

static char *read_attributes(struct otlp_reader *r, char *p, struct otlp_attributes *to) {
  if (*p != '[')
    return skip(p);
  p++;
  for (char *element; (element = next_element(&p)) != NULL;) {
    struct otlp_attribute a;
    r->broken_values += *element != '{';
    p = read_pair(element, &a);
    if (a.key.len > 0 && a.value.kind != OTLP_NOTHING)
      otlp_add(to, &a);
  }
  return p + 1;
}

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool from_base64(const struct otlp_text *text, char *out, size_t bytes) {
  uint32_t bits = 0;
  unsigned nbits = 0;
  size_t n = 0;
  for (size_t i = 0; i < text->len && text->data[i] != '='; i++) {
    int digit = base64_digit(text->data[i]);
    if (digit < 0)
      return false;
    bits = bits << 6 | (uint32_t) digit;
    nbits += 6;
    if (nbits < 8)
      continue;
    nbits -= 8;
    if (n == bytes)
      return false;
    out[n++] = (char) (bits >> nbits);
  }
  return n == bytes;
}

static bool is_hex(const struct otlp_text *text) {
  for (size_t i = 0; i < text->len; i++)
    if (!(text->data[i] >= '0' && text->data[i] <= '9') &&
        !((text->data[i] | 0x20) >= 'a' && (text->data[i] | 0x20) <= 'f'))
      return false;
  return true;
}

/* An id of so many bytes; one that is neither hexadecimal nor base64 stays as it is. */
static void put_id(char out[OTLP_MAX_ID + 1], const struct otlp_text *text, size_t bytes) {
  char decoded[TRACE_ID_BYTES];
  size_t n = 0;
  if (text->len == 0 || text->len > OTLP_MAX_ID)
    return;
  if (!(text->len == 2 * bytes && is_hex(text)) && text->len <= (bytes + 2) / 3 * 4 &&
      from_base64(text, decoded, bytes)) {
    otlp_put_id(out, decoded, bytes);
    return;
  }
  bool any = false;
  for (; n < text->len; n++) {
    char c = text->data[n];
    out[n] = c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
    any = any || c != '0';
  }
  out[any ? n : 0] = '\0';
}

static char *read_id(char *p, char out[OTLP_MAX_ID + 1], size_t bytes) {
  struct otlp_text text;
  p = read_text(p, &text);
  put_id(out, &text, bytes);
  return p;
}

static char *read_clock(char *p, int64_t *to) {
  struct otlp_value value;
  p = read_number_of(p, &value);
  if (value.kind == OTLP_INTEGER)
    *to = otlp_clock(value.integer);
  else if (value.kind == OTLP_REAL)
    *to = otlp_clock(number_saturate(value.real));
  return p;
}

static char *read_code(char *p, bool *failed) {
  static const char name[] = "STATUS_CODE_ERROR";
  size_t len = sizeof name - 1;
  struct otlp_value code;
  if (*p == '"' && strncmp(p + 1, name, len) == 0 && p[1 + len] == '"') {
    *failed = true;
    return p + len + 2;
  }
  p = read_number_of(p, &code);
  *failed = code.kind == OTLP_INTEGER && code.integer == STATUS_ERROR;
  return p;
}

static char *read_status(char *p, struct otlp_item *item) {
  struct otlp_text name;
  if (*p != '{')
    return skip(p);
  p++;
  for (char *member; (member = next_member(&p, &name)) != NULL;) {
    if (is_name(&name, "message"))
      p = read_text(member, &item->message);
    else if (is_name(&name, "code"))
      p = read_code(member, &item->failed);
    else
      p = skip(member);
  }
  return p;
}

static enum otlp_field field_of(const struct field_name *fields, const struct otlp_text *name) {
  while (fields->name != NULL && !is_name(name, fields->name))
    fields++;
  return fields->field;
}

static char *read_field(struct otlp_reader *r, enum otlp_field field, char *p) {
  struct otlp_item *item = &r->item;
  switch (field) {
  case FIELD_TIME:
    return read_clock(p, &item->time);
  case FIELD_OBSERVED:
    return read_clock(p, &item->observed);
  case FIELD_START:
    return read_clock(p, &item->start);
  case FIELD_TRACE:
    return read_id(p, item->trace_id, TRACE_ID_BYTES);
  case FIELD_SPAN:
    return read_id(p, item->span_id, SPAN_ID_BYTES);
  case FIELD_PARENT:
    return read_id(p, item->parent_id, SPAN_ID_BYTES);
  case FIELD_NAME:
    return read_text(p, &item->name);
  case FIELD_BODY:
    return read_any(p, &item->body);
  case FIELD_STATUS:
    if (is_misfit(p, '{'))
      item->fault = "status is no object";
    return read_status(p, item);
  case FIELD_ATTRIBUTES:
    if (is_misfit(p, '['))
      item->fault = "attributes is no array";
    return read_attributes(r, p, &item->attributes);
  default:
    return skip(p);
  }
}

static char *read_item(struct otlp_reader *r, char *p) {
  const struct field_name *fields = r->signal == OTLP_LOGS ? log_fields : span_fields;
  struct otlp_text name;
  if (*p != '{') {
    r->item.fault = "an item is no object";
    return skip(p);
  }
  p++;
  for (char *member; (member = next_member(&p, &name)) != NULL;)
    p = read_field(r, field_of(fields, &name), member);
  return p;
}

struct finder {
  struct otlp_reader *r;
  struct json_error *error;
  const struct shape *shape;
};

static uint32_t offset_of(const struct finder *f, const char *p) {
  return (uint32_t) (p - f->r->text->data);
}

static void note_around(struct finder *f, unsigned level, size_t first, uint32_t offset) {
  struct list *lists = (struct list *) f->r->lists.data;
  for (size_t i = first; i < f->r->lists.len / sizeof *lists; i++)
    if (level == 0)
      lists[i].resource = offset;
    else
      lists[i].scope = offset;
}

/* Where the resource or scope stands that value is; before, where it is none. */
static uint32_t find_around(struct finder *f, unsigned level, const char *value, uint32_t before) {
  if (is_misfit(value, '{'))
    note_misfit(f->r, level == 0 ? "resource is no object" : "scope is no object", 0);
  return *value == '{' ? offset_of(f, value) : before;
}

static char *find_group(struct finder *f, char *p, unsigned level);

/* Goes through the list of resources or scopes at p. */
static char *find_groups(struct finder *f, char *p, unsigned level) {
  p = json_skip_space(p + 1);
  while (*p != ']') {
    if (*p != '{')
      note_misfit(f->r, f->shape->no_group[level], 1);
    p = *p == '{' ? find_group(f, p, level) : json_skip_value(p, DEPTH, f->error);
    if (p == NULL)
      return NULL;
    p = json_skip_space(p);
    if (*p != ',' && *p != ']')
      return json_fail(f->error, p, "a comma or ]");
    if (*p == ',' && *(p = json_skip_space(p + 1)) == ']')
      return json_fail(f->error, p, "a value");
  }
  return p + 1;
}

/* Checks the value at p and notes the lists of items in it.  level is that of the object around
 * it: 0 for a resource, 1 for a scope, 2 for the request. */
static char *find_in_member(struct finder *f, const struct otlp_text *name, char *value,
                            unsigned level) {
  unsigned list = level == 2 ? 0 : level + 1;
  bool is_list = is_name(name, f->shape->lists[list]);
  if (!is_list || *value != '[') {
    char *after = json_skip_value(value, DEPTH, f->error);
    if (after == NULL || !is_list || *value == 'n')
      return after;
    if (list == 0) /* JSON, but refused as a whole: nowhere */
      return json_fail(f->error, NULL, f->shape->no_list[0]);
    note_misfit(f->r, f->shape->no_list[list], 1);
    return after;
  }
  if (list < 2)
    return find_groups(f, value, list);
  struct list found = {.items = offset_of(f, value)};
  buf_append(&f->r->lists, &found, sizeof found);
  return json_skip_value(value, DEPTH, f->error);
}

/* Checks the object at p, which is a resource, a scope or the request. */
static char *find_group(struct finder *f, char *p, unsigned level) {
  size_t first = f->r->lists.len / sizeof(struct list);
  uint32_t around = 0;
  p = json_skip_space(p + 1);
  while (*p != '}') {
    struct otlp_text name = {p + 1, 0};
    if (*p != '"')
      return json_fail(f->error, p, "a member's name");
    if ((p = json_skip_string(p, f->error)) == NULL)
      return NULL;
    name.len = (size_t) (p - 1 - name.data);
    p = json_skip_space(p);
    if (*p != ':')
      return json_fail(f->error, p, "a colon");
    char *value = json_skip_space(p + 1);
    if (level < 2 && is_name(&name, level == 0 ? "resource" : "scope"))
      around = find_around(f, level, value, around);
    if ((p = find_in_member(f, &name, value, level)) == NULL)
      return NULL;
    p = json_skip_space(p);
    if (*p != ',' && *p != '}')
      return json_fail(f->error, p, "a comma or }");
    if (*p == ',' && *(p = json_skip_space(p + 1)) == '}')
      return json_fail(f->error, p, "a member's name");
  }
  if (level < 2)
    note_around(f, level, first, around);
  return p + 1;
}

bool otlp_open_json(struct otlp_reader *r, char why[OTLP_WHY]) {
  struct json_error error = {0};
  struct finder f = {.r = r, .error = &error};
  f.shape = r->signal == OTLP_LOGS ? &log_shape : &span_shape;
  char *text = r->text->data, *end = text + r->text->len, *p = json_skip_space(text);
  p = *p == '{' ? find_group(&f, p, 2) : json_fail(&error, p, "an object");
  if (p != NULL && (p = json_skip_space(p)) != end)
    p = json_fail(&error, p, "the end");
  if (p == NULL && error.at == NULL)
    snprintf(why, OTLP_WHY, "%s", error.what);
  else if (p == NULL)
    json_describe(&error, text, end, why);
  return p != NULL;
}

static void read_resource(struct otlp_reader *r, char *p) {
  struct otlp_text name;
  otlp_empty(&r->resource);
  r->new_resource = true;
  if (p == NULL)
    return;
  p++;
  for (char *member; (member = next_member(&p, &name)) != NULL;)
    if (is_name(&name, "attributes")) {
      if (is_misfit(member, '['))
        note_misfit(r, "resource: attributes is no array", 0);
      p = read_attributes(r, member, &r->resource);
    } else {
      p = skip(member);
    }
}

static void read_scope(struct otlp_reader *r, char *p) {
  struct otlp_text name;
  r->scope = (struct otlp_text){0};
  r->new_scope = true;
  if (p == NULL)
    return;
  p++;
  for (char *member; (member = next_member(&p, &name)) != NULL;)
    if (is_name(&name, "name"))
      p = read_text(member, &r->scope);
    else
      p = skip(member);
}

/* Goes to the next list of items; false when there is none. */
static bool next_list(struct otlp_reader *r) {
  const struct list *lists = (const struct list *) r->lists.data;
  size_t n = r->lists.len / sizeof *lists, i = r->at_list;
  if (i == n)
    return false;
  const struct list *list = &lists[i];
  char *text = r->text->data;
  /* nothing is read twice: strings are decoded in place */
  if (i == 0 || list->resource == 0 || list->resource != lists[i - 1].resource)
    read_resource(r, list->resource != 0 ? text + list->resource : NULL);
  if (i == 0 || list->scope == 0 || list->scope != lists[i - 1].scope)
    read_scope(r, list->scope != 0 ? text + list->scope : NULL);
  r->p = text + list->items + 1;
  r->at_list++;
  return true;
}

bool otlp_next_json(struct otlp_reader *r) {
  char *item;
  while (r->p == NULL || (item = next_element(&r->p)) == NULL)
    if (!next_list(r))
      return false;
  r->p = read_item(r, item);
  return true;
}

/* The text of a value that may be read again: where reading would change it, a copy of it. */
static char *reread(struct otlp_reader *r, const struct otlp_text *text) {
  const struct buf *copy = &r->scratch;
  bool is_copy = copy->len > 0 && text->data >= copy->data && text->data < copy->data + copy->len;
  if (is_copy || memchr(text->data, '\\', text->len) == NULL)
    return text->data;
  r->scratch.len = 0;
  buf_append(&r->scratch, text->data, text->len);
  memset(buf_reserve(&r->scratch, JSON_PADDING + 1), 0, JSON_PADDING + 1);
  return r->scratch.data;
}

void otlp_enter_json(struct otlp_reader *r, const struct otlp_value *value,
                     struct otlp_inside *in) {
  struct otlp_text name;
  char *p = reread(r, &value->text) + 1;
  for (char *member; (member = next_member(&p, &name)) != NULL; p = skip(member))
    if (is_name(&name, "values") && *member == '[') {
      in->at.p = member + 1;
      return;
    }
}

bool otlp_next_inside_json(struct otlp_inside *in, struct otlp_attribute *member) {
  for (char *element; in->at.p != NULL && (element = next_element(&in->at.p)) != NULL;) {
    member->key = (struct otlp_text){"", 0};
    if (in->is_map)
      in->at.p = read_pair(element, member);
    else
      in->at.p = read_any(element, &member->value);
    if (member->value.kind != OTLP_NOTHING && (!in->is_map || member->key.len > 0))
      return true;
  }
  return false;
}
