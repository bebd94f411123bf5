#include "store/file/told.h"

#include <endian.h>
#include <string.h>

#include "store/file/database.h"

enum {
  EVENT_BITS = 3,
  QUALITY_BITS = 2,
  COLUMNS_AT = EVENT_BITS + QUALITY_BITS,
  MAX_BITS = 63 - COLUMNS_AT, /* the integer is not negative */
  BASIS_AT = 24, /* in members: what stands below counts them; basis has 7 bits, apart one */
  APART_AT = 31,
};

struct __attribute__((packed)) stored_stamp {
  int64_t end_us, what;
  uint32_t members;
};

/* The place of name in a list of names, each ended by a space; -1 when it is not there. */
static int place_in(const struct buf *list, const char *name) {
  size_t len = strlen(name);
  const char *p = list->data, *end = p + list->len;
  for (int place = 0; p < end; place++) {
    const char *space = memchr(p, ' ', (size_t) (end - p));
    if (space == NULL)
      return -1;
    if ((size_t) (space - p) == len && memcmp(p, name, len) == 0)
      return place;
    p = space + 1;
  }
  return -1;
}

static size_t length_of(const struct buf *list) {
  size_t n = 0;
  for (size_t i = 0; i < list->len; i++)
    n += list->data[i] == ' ';
  return n;
}

static void add_name(struct buf *list, const char *name, size_t max) {
  if (place_in(list, name) < 0 && length_of(list) < max)
    buf_printf(list, "%s ", name);
}

static int get_list(sqlite3 *db, const char *key, struct buf *list) {
  int rc = meta_get_bytes(db, key, list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int told_layout_prepare(sqlite3 *db, const struct schema *schema) {
  struct buf columns = {0}, events = {0};
  int rc = get_list(db, "told_columns", &columns);
  if (rc == SQLITE_OK)
    rc = get_list(db, "told_events", &events);
  for (size_t i = 0; i < schema->ncolumns; i++)
    add_name(&columns, schema->columns[i].name, MAX_BITS);
  for (size_t i = 0; i < schema->nevents; i++)
    add_name(&events, schema->events[i].name, 1 << EVENT_BITS);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, "told_columns", columns.data, columns.len);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, "told_events", events.data, events.len);
  buf_clear(&columns);
  buf_clear(&events);
  return rc;
}

int told_layout_read(struct told_layout *layout, sqlite3 *db, const struct schema *schema) {
  struct buf columns = {0}, events = {0};
  *layout = (struct told_layout){.schema = schema, .in_order = true};
  int rc = get_list(db, "told_columns", &columns);
  if (rc == SQLITE_OK)
    rc = get_list(db, "told_events", &events);
  for (size_t i = 0; i < schema->ncolumns; i++) {
    int bit = place_in(&columns, schema->columns[i].name);
    layout->column[i] = (int8_t) bit;
    layout->unplaced |= (uint64_t) (bit < 0) << i;
    layout->in_order &= bit == (int) i;
    layout->known |= bit >= 0 ? UINT64_C(1) << bit : 0;
  }
  for (size_t i = 0; i < schema->nevents; i++) {
    int bit = place_in(&events, schema->events[i].name);
    layout->event[i] = (int8_t) (bit < 0 ? 0 : bit);
  }
  buf_clear(&columns);
  buf_clear(&events);
  return rc;
}

static uint64_t to_bits(const struct told_layout *layout, uint64_t columns) {
  uint64_t bits = 0;
  if (layout->in_order)
    return columns;
  for (uint64_t left = columns & ~layout->unplaced; left != 0; left &= left - 1)
    bits |= 1ull << layout->column[__builtin_ctzll(left)];
  return bits;
}

static uint64_t from_bits(const struct told_layout *layout, uint64_t bits) {
  uint64_t columns = 0;
  if (layout->in_order)
    return layout->schema->ncolumns < 64 ? bits & ((1ull << layout->schema->ncolumns) - 1) : bits;
  for (size_t i = 0; i < layout->schema->ncolumns; i++)
    if (layout->column[i] >= 0)
      columns |= (bits >> layout->column[i] & 1) << i;
  return columns;
}

static int64_t to_integer(const struct told_layout *layout, const struct stamp *s) {
  uint64_t bits = to_bits(layout, s->columns) | (s->lost & ~layout->known);
  return (int64_t) (bits << COLUMNS_AT) | s->quality << EVENT_BITS | layout->event[s->event];
}

static struct stamp from_integer(const struct told_layout *layout, int64_t what, int64_t end_us) {
  const struct schema *schema = layout->schema;
  struct stamp s = {.end_us = end_us, .event = (uint8_t) schema->default_event};
  for (size_t i = 0; i < schema->nevents; i++)
    if (layout->event[i] == (what & ((1 << EVENT_BITS) - 1)))
      s.event = (uint8_t) i;
  s.quality = (uint8_t) (what >> EVENT_BITS & ((1 << QUALITY_BITS) - 1));
  s.columns = from_bits(layout, (uint64_t) what >> COLUMNS_AT);
  s.lost = (uint64_t) what >> COLUMNS_AT & ~layout->known;
  return s;
}

int64_t told_of_record(const struct told_layout *layout, const struct record *r,
                       const struct buf *text) {
  struct stamp stamp = record_stamp(layout->schema, r, text);
  return to_integer(layout, &stamp);
}

static bool is_default(const struct schema *schema, const struct record *r, int column,
                       const struct buf *text) {
  const struct column *c = &schema->columns[column];
  if (c->in_extra)
    return !record_has(r, column);
  if (column == schema->time)
    return false;
  if (c->type == COLUMN_FLOAT)
    return r->v[column].f == c->value.f;
  if (c->type != COLUMN_STRING)
    return r->v[column].i == c->value.i;
  size_t len;
  const char *s = value_text(text, r->v[column], &len);
  return len == strlen(c->text) && memcmp(s, c->text, len) == 0;
}

static uint64_t not_default(const struct schema *schema, const struct record *r,
                            const struct buf *text) {
  uint64_t columns = 0;
  for (size_t i = 0; i < schema->ncolumns; i++)
    columns |= (uint64_t) !is_default(schema, r, (int) i, text) << i;
  return columns;
}

static void read_blob(struct told *told, const struct told_layout *layout, const char *data,
                      size_t len) {
  struct stored_stamp in;
  for (; len >= sizeof in; data += sizeof in, len -= sizeof in) {
    memcpy(&in, data, sizeof in);
    struct stamp stamp = from_integer(layout, (int64_t) le64toh((uint64_t) in.what),
                                      (int64_t) le64toh((uint64_t) in.end_us));
    uint32_t members = le32toh(in.members);
    stamp.members = members & ((UINT32_C(1) << BASIS_AT) - 1);
    stamp.basis = (uint8_t) (members >> BASIS_AT & STAMP_MOST_BASIS);
    stamp.apart = members >> APART_AT != 0;
    told_insert(told, told->count, &stamp);
  }
}

struct stored_told told_column(sqlite3_stmt *stmt, int index) {
  if (sqlite3_column_type(stmt, index) == SQLITE_INTEGER)
    return (struct stored_told){.is_integer = true, .integer = sqlite3_column_int64(stmt, index)};
  const void *blob = sqlite3_column_blob(stmt, index);
  return (struct stored_told){.blob = blob, .len = (size_t) sqlite3_column_bytes(stmt, index)};
}

void told_read(struct told *told, const struct told_layout *layout, struct stored_told stored,
               struct record *r, const struct buf *text) {
  const struct schema *schema = layout->schema;
  uint64_t guessed = not_default(schema, r, text);
  told->count = 0;
  if (stored.is_integer) {
    struct stamp stamp = from_integer(layout, stored.integer, r->v[schema->time].i);
    stamp.basis = record_basis(schema, r, text, &stamp);
    told_insert(told, 0, &stamp);
  } else {
    read_blob(told, layout, stored.blob, stored.len);
  }
  if (told->count == 0) {
    r->present = guessed;
    struct stamp stamp = record_stamp(schema, r, text);
    stamp.basis = record_basis(schema, r, text, &stamp);
    told_insert(told, 0, &stamp);
  }
  told->stamps[0].columns |= guessed & layout->unplaced;
  r->present = told_columns(told);
}

/* With more members than the bits can count they are all the lowest stamp's (extra.c). */
static uint32_t members_of(const struct stamp *s) {
  uint32_t most = (UINT32_C(1) << BASIS_AT) - 1;
  return (s->members < most ? s->members : most) | (uint32_t) s->basis << BASIS_AT |
         (uint32_t) s->apart << APART_AT;
}

static void bind_blob(sqlite3_stmt *stmt, int index, const struct told *told,
                      const struct told_layout *layout) {
  struct buf data = {0};
  for (size_t i = 0; i < told->count; i++) {
    const struct stamp *s = &told->stamps[i];
    struct stored_stamp out = {.end_us = (int64_t) htole64((uint64_t) s->end_us),
                               .what = (int64_t) htole64((uint64_t) to_integer(layout, s)),
                               .members = htole32(members_of(s))};
    buf_append(&data, &out, sizeof out);
  }
  sqlite3_bind_blob(stmt, index, data.data, (int) data.len, SQLITE_TRANSIENT);
  buf_clear(&data);
}

void told_bind(sqlite3_stmt *stmt, int index, const struct told *told,
               const struct told_layout *layout, const struct record *r) {
  const struct stamp *only = &told->stamps[0];
  if (told->count == 1 && only->end_us == r->v[layout->schema->time].i)
    sqlite3_bind_int64(stmt, index, to_integer(layout, only));
  else
    bind_blob(stmt, index, told, layout);
}
