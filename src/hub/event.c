#include "hub/event.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/number.h"

/* The bytes of an id line beside the name: "id: ", two hyphens, two numbers, the
 * line's end. */
enum { ID_ROOM = 4 + 2 + 2 * NUMBER_MAX + 1 };

static size_t texts_len(const struct schema *schema, const struct record *r) {
  size_t len = 0;
  for (size_t i = 0; r != NULL && i < schema->ncolumns; i++)
    if (schema->columns[i].type == COLUMN_STRING)
      len += r->v[i].s.len;
  return len;
}

/* Copies r and the strings that it refers to; returns the first byte behind both. */
static char *copy_record(struct event *e, char *p, const struct schema *schema,
                         const struct record *r, const struct buf *text) {
  size_t stride = sizeof *r + schema->ncolumns * sizeof(union value);
  e->record = (struct record *) p;
  memcpy(e->record, r, stride);
  e->record->extra.len = 0;
  e->text.data = p + stride;
  for (size_t i = 0; i < schema->ncolumns; i++) {
    union value *v = &e->record->v[i];
    if (schema->columns[i].type != COLUMN_STRING)
      continue;
    if (v->s.len > 0)
      memcpy(e->text.data + e->text.len, text->data + v->s.offset, v->s.len);
    v->s.offset = (uint32_t) e->text.len;
    e->text.len += v->s.len;
  }
  return e->text.data + e->text.len;
}

static struct event *event_new(const struct schema *schema, const char *topic,
                               const struct record *r, const struct buf *text, const char *json,
                               size_t len, size_t name_len) {
  size_t record =
      r != NULL ? sizeof *r + schema->ncolumns * sizeof(union value) + texts_len(schema, r) : 0;
  size_t topic_size = strlen(topic) + 1, id = ID_ROOM + name_len;
  size_t bytes = sizeof(struct event) + record + topic_size + id + 6 + len + 2;
  struct event *e = xmalloc(bytes);
  *e = (struct event){.bytes = bytes};
  atomic_init(&e->refs, 1);
  char *p = (char *) (e + 1);
  if (r != NULL)
    p = copy_record(e, p, schema, r, text);
  e->topic = memcpy(p, topic, topic_size);
  p += topic_size + id;
  e->frame = p; /* the id goes in front of it when it is known */
  p = (char *) memcpy(p, "data: ", 6) + 6;
  p = (char *) memcpy(p, json, len) + len;
  p = (char *) memcpy(p, "\n\n", 2) + 2;
  e->frame_len = (size_t) (p - e->frame);
  return e;
}

struct event *event_of_record(const struct schema *schema, const struct record *r,
                              const struct buf *text, const struct buf *json, size_t name_len) {
  struct event *e = event_new(schema, schema->topic, r, text, json->data, json->len, name_len);
  e->place.row = r->row;
  if (!schema->events[r->event].filtered)
    e->record = NULL;
  return e;
}

struct event *event_of_json(const char *topic, const char *json, size_t len, size_t name_len) {
  return event_new(NULL, topic, NULL, NULL, json, len, name_len);
}

static size_t format_id(char *out, const char *name, size_t name_len, struct place place) {
  char *p = (char *) memcpy(out, "id: ", 4) + 4;
  p = (char *) memcpy(p, name, name_len) + name_len;
  *p++ = '-';
  p += format_int(p, place.row);
  *p++ = '-';
  p += format_int(p, place.n);
  *p++ = '\n';
  return (size_t) (p - out);
}

void event_stamp(struct event *e, const char *name, struct place place) {
  char id[ID_ROOM + EVENT_MAX_NAME];
  size_t len = format_id(id, name, strlen(name), place);
  e->place = place;
  e->frame = memcpy((char *) e->frame - len, id, len);
  e->frame_len += len;
}

void event_write_id(struct buf *out, const char *name, struct place place) {
  size_t name_len = strlen(name);
  out->len += format_id(buf_reserve(out, ID_ROOM + name_len), name, name_len, place);
}

struct event *event_ref(struct event *e) {
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
  return e;
}

void event_unref(struct event *e) {
  if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
    free(e);
}
