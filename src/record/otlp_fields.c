#include "record/otlp_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/number.h"

bool otlp_fields_add(struct otlp_fields *fields, const char *attribute, size_t len,
                     struct otlp_source source) {
  int n = fields->nsources;
  int at = names_find(&fields->names, attribute, len);
  if (n == OTLP_MAX_SOURCES)
    return false;
  source.next = -1;
  if (at < 0) {
    names_add(&fields->names, attribute, len, n);
  } else {
    source.next = fields->sources[at].next;
    fields->sources[at].next = (int16_t) n;
  }
  fields->sources = xrealloc(fields->sources, (size_t) (n + 1) * sizeof *fields->sources);
  fields->sources[fields->nsources++] = source;
  return true;
}

void otlp_fields_clear(struct otlp_fields *fields) {
  names_clear(&fields->names);
  free(fields->sources);
  *fields = (struct otlp_fields){0};
}

static bool is_word(const struct otlp_text *text, const char *word) {
  return strlen(word) == text->len && memcmp(text->data, word, text->len) == 0;
}

/* Python's None is no text. */
static bool read_as_text(struct otlp_value *v) {
  if (v->kind == OTLP_TEXT)
    return v->text.len > 0 && !is_word(&v->text, "None");
  return v->kind == OTLP_INTEGER || v->kind == OTLP_REAL;
}

/* Spring AI and OpenLLMetry write a word where no model has answered. */
static bool read_as_name(struct otlp_value *v) {
  static const char *const none[] = {"none", "unknown"};
  for (size_t i = 0; v->kind == OTLP_TEXT && i < 2; i++)
    if (v->text.len == strlen(none[i]) && strncasecmp(v->text.data, none[i], v->text.len) == 0)
      return false;
  return read_as_text(v);
}

static bool read_as_number(struct otlp_value *v) {
  bool is_integer;
  int64_t integer;
  double real;
  if (v->kind != OTLP_TEXT)
    return v->kind == OTLP_INTEGER || v->kind == OTLP_REAL;
  struct otlp_text t = v->text;
  for (; t.len > 0 && strchr(" \t+", *t.data) != NULL && *t.data != '\0'; t.len--)
    t.data++;
  while (t.len > 0 && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
    t.len--;
  if (!parse_number(t.data, t.len, &is_integer, &integer, &real))
    return false;
  *v = is_integer ? (struct otlp_value){.kind = OTLP_INTEGER, .integer = integer}
                  : otlp_real(real);
  return v->kind != OTLP_NOTHING;
}

static bool read_as_count(struct otlp_value *v) {
  if (!read_as_number(v))
    return false;
  if (v->kind == OTLP_REAL)
    *v = otlp_real(floor(v->real));
  return v->kind == OTLP_INTEGER && v->integer >= 0;
}

static bool read_as_flag(struct otlp_value *v) {
  bool yes = false, no = false;
  if (v->kind == OTLP_BOOLEAN)
    return true;
  if (v->kind == OTLP_INTEGER) {
    yes = v->integer == 1;
    no = v->integer == 0;
  } else if (v->kind == OTLP_TEXT) {
    yes = is_word(&v->text, "true") || is_word(&v->text, "True") || is_word(&v->text, "1");
    no = is_word(&v->text, "false") || is_word(&v->text, "False") || is_word(&v->text, "0");
  }
  *v = (struct otlp_value){.kind = OTLP_BOOLEAN, .boolean = yes};
  return yes || no;
}

static bool read_as(enum otlp_reading read, struct otlp_value *v) {
  switch (read) {
  case OTLP_READ_TEXT:
    return read_as_text(v);
  case OTLP_READ_NAME:
    return read_as_name(v);
  case OTLP_READ_COUNT:
    return read_as_count(v);
  case OTLP_READ_NUMBER:
    return read_as_number(v);
  case OTLP_READ_FLAG:
    return read_as_flag(v);
  default:
    return read == OTLP_READ_ANY;
  }
}

static bool is_packed(const struct otlp_fields *fields, int at) {
  while (at >= 0 && fields->sources[at].read != OTLP_READ_PACKED)
    at = fields->sources[at].next;
  return at >= 0;
}

void otlp_number(struct otlp_reader *r, const struct otlp_fields *fields) {
  const struct otlp_attributes *list = &r->item.attributes;
  for (size_t i = 0; i < list->count; i++) {
    struct otlp_attribute *a = otlp_attribute(list, i);
    a->number = fields != NULL ? names_find(&fields->names, a->key.data, a->key.len) : -1;
    if (!a->unpacked && is_packed(fields, a->number))
      otlp_unpack(r, i);
  }
}

bool otlp_stays(const struct otlp_fields *fields, const struct otlp_attribute *a) {
  bool taken = a->unpacked;
  for (int at = a->number; at >= 0 && !taken; at = fields->sources[at].next)
    taken = !fields->sources[at].stays;
  return !taken;
}

/* Takes the attribute for each of the fields that it is a source of, where none of an earlier rank
 * was found. */
static void choose(const struct otlp_fields *fields, const struct otlp_attribute *a,
                   struct otlp_choice *choices) {
  for (int at = a->number; at >= 0; at = fields->sources[at].next) {
    const struct otlp_source *source = &fields->sources[at];
    struct otlp_choice *c = &choices[source->field];
    struct otlp_value value = a->value;
    if ((c->rank == 0 || source->rank <= c->rank) && read_as(source->read, &value))
      *c = (struct otlp_choice){source->rank, source->read, value};
  }
}

void otlp_choose(const struct otlp_reader *r, const struct otlp_fields *fields,
                 struct otlp_choice choices[OTLP_MAX_FIELDS + 1]) {
  const struct otlp_attributes *list = &r->item.attributes;
  for (int i = 1; i <= fields->nfields; i++)
    choices[i].rank = 0;
  for (size_t i = 0; i < list->count; i++)
    choose(fields, otlp_attribute(list, i), choices);
}
