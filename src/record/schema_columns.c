#include <lua.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "record/schema_read.h"

/* The columns and the event types of lua/schema.lua. */

static const char *const types[] = {"string", "integer", "float", "boolean", "time"};

static bool is_identifier(const char *s) {
  size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return len > 0 && s[len] == '\0' && (*s < '0' || *s > '9') && len <= SCHEMA_MAX_NAME;
}

static bool read_type(struct schema_reader *r, const char *where, enum column_type *type) {
  const char *name = reader_item(r, where, 2, "a type");
  if (name == NULL)
    return false;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    *type = (enum column_type) i;
    if (strcmp(name, types[i]) == 0)
      return true;
  }
  return reader_fail(r, where, "\"%s\" is no type: string, integer, float, boolean or time", name);
}

static bool read_role(struct schema_reader *r, const char *where, int column, enum column_type type) {
  struct schema *s = r->schema;
  const struct {
    const char *name;
    int *at;
    enum column_type type;
  } roles[] = {{"id", &s->id, COLUMN_STRING},
               {"time", &s->time, COLUMN_TIME},
               {"duration", &s->duration, COLUMN_FLOAT},
               {"status", &s->status, COLUMN_INTEGER}};
  const char *role = NULL;
  if (!reader_text(r, where, "role", &role))
    return false;
  if (role == NULL)
    return true;
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    if (strcmp(role, roles[i].name) != 0)
      continue;
    if (*roles[i].at >= 0)
      return reader_fail(r, where, "column \"%s\" has the role %s already", s->columns[*roles[i].at].name,
                         role);
    if (type != roles[i].type)
      return reader_fail(r, where, "the role %s needs the type %s", role, types[roles[i].type]);
    *roles[i].at = column;
    return true;
  }
  return reader_fail(r, where, "\"%s\" is no role: id, time, duration or status", role);
}

static bool read_default(struct schema_reader *r, const char *where, struct column *c) {
  bool flag = false, whole;
  double number = 0;
  switch (c->type) {
  case COLUMN_STRING:
    return reader_text(r, where, "default", &c->text);
  case COLUMN_BOOLEAN:
    if (!reader_flag(r, where, "default", &flag))
      return false;
    c->value.i = flag;
    return true;
  case COLUMN_TIME:
    lua_pushliteral(r->L, "default");
    whole = lua_rawget(r->L, -2) == LUA_TNIL;
    lua_pop(r->L, 1);
    return whole || reader_fail(r, where, "a time has no default: an absent one is now");
  case COLUMN_INTEGER:
  case COLUMN_FLOAT:
    break;
  }
  if (!reader_number(r, where, "default", &number))
    return false;
  if (c->type == COLUMN_FLOAT)
    c->value.f = number;
  else
    c->value.i = (int64_t) number;
  whole = c->type == COLUMN_FLOAT ? isfinite(number) : fabs(number) < 0x1p53 && number == rint(number);
  return whole || reader_fail(r, where, "the default must be a %s",
                              c->type == COLUMN_FLOAT ? "number" : "whole number");
}

static bool read_column(struct schema_reader *r, const char *where, size_t i) {
  static const char *const keys[] = {"role",  "default", "by_event", "from",
                                     "scale", "aliases", "in_extra", "dimension", "measure", "unknown", NULL};
  struct schema *s = r->schema;
  struct column *c = &s->columns[i];
  const char *name = reader_item(r, where, 1, "a name");
  char place[128];
  if (name == NULL)
    return false;
  snprintf(place, sizeof place, "%s \"%.50s\"", where, name);
  if (!is_identifier(name) || strcmp(name, "extra") == 0 || strcmp(name, "row") == 0)
    return reader_fail(r, place, "a name is at most %d of a-z 0-9 _, and neither extra nor row",
                       SCHEMA_MAX_NAME);
  if (schema_column(s, name, strlen(name)) >= 0)
    return reader_fail(r, place, "there is a column of that name already");

  c->name = name;
  c->name_len = strlen(name);
  char *json = schema_keep(s, xmalloc(c->name_len + 4));
  c->json_len = (size_t) sprintf(json, "\"%s\":", name);
  c->json = json;
  c->from = -1;
  c->from_scale = 1;
  c->text = "";
  if (!reader_keys(r, place, keys) || !read_type(r, place, &c->type) ||
      !read_role(r, place, (int) i, c->type) || !reader_flag(r, place, "in_extra", &c->in_extra) ||
      !reader_flag(r, place, "dimension", &c->is_dimension) || !reader_flag(r, place, "measure", &c->is_measure) ||
      !reader_number(r, place, "scale", &c->from_scale) || !read_default(r, place, c))
    return false;

  if (i > s->nstored && !c->in_extra)
    return reader_fail(r, place, "columns of their own stand before those in_extra");
  s->nstored += !c->in_extra;
  c->is_public = !c->in_extra && !c->is_dimension && !c->is_measure;
  s->ncolumns++;
  s->in_extra |= (uint64_t) c->in_extra << i;
  s->texts |= (uint64_t) (c->type == COLUMN_STRING && *c->text != '\0') << i;
  if (c->type != COLUMN_STRING)
    s->defaults[i] = c->value;
  return true;
}

static bool numeric(enum column_type type) {
  return type == COLUMN_INTEGER || type == COLUMN_FLOAT;
}

/* from may name a column that comes later. */
static bool read_from(struct schema_reader *r, const char *where, size_t i) {
  struct column *c = &r->schema->columns[i];
  if (!reader_column(r, where, "from", &c->from))
    return false;
  if (c->from < 0)
    return true;
  enum column_type source = r->schema->columns[c->from].type;
  if (source != c->type && !(numeric(source) && numeric(c->type)))
    return reader_fail(r, where, "from: \"%s\" has another type", r->schema->columns[c->from].name);
  if ((c->from_scale != 1 && !numeric(c->type)) || !(c->from_scale > 0) || isinf(c->from_scale))
    return reader_fail(r, where, "scale must be a positive number, and is for numbers only");
  r->schema->derived |= 1ull << i;
  return true;
}

static bool add_name(struct schema_reader *r, const char *where, const char *name, int column, bool alias,
                     double scale) {
  size_t len = strlen(name);
  if (len == 0 || len > SCHEMA_MAX_NAME)
    return reader_fail(r, where, "the name \"%.60s\" must have 1 to %d bytes", name, SCHEMA_MAX_NAME);
  for (size_t i = 0; i < r->schema->nnames; i++)
    if (r->schema->names[i].len == len && memcmp(r->schema->names[i].name, name, len) == 0)
      return reader_fail(r, where, "the name \"%s\" is taken already", name);
  if (r->schema->nnames == SCHEMA_MAX_NAMES)
    return reader_fail(r, where, "more than %d names", SCHEMA_MAX_NAMES);
  struct column_name *n = &r->schema->names[r->schema->nnames++];
  *n = (struct column_name) {.len = len, .column = column, .alias = alias, .scale = scale};
  memcpy(n->name, name, len);
  return true;
}

/* One pair of the table aliases: { "name" } or { name = scale }. */
static bool read_alias(struct schema_reader *r, const char *where, size_t i) {
  lua_State *L = r->L;
  const struct column *c = &r->schema->columns[i];
  if (lua_type(L, -2) == LUA_TNUMBER && lua_type(L, -1) == LUA_TSTRING)
    return add_name(r, where, lua_tostring(L, -1), (int) i, true, 1);
  if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TNUMBER || !(lua_tonumber(L, -1) > 0))
    return reader_fail(r, where, "aliases are \"name\" or name = scale");
  if (c->type != COLUMN_FLOAT)
    return reader_fail(r, where, "aliases: a scale is for floats only");
  return add_name(r, where, lua_tostring(L, -2), (int) i, true, lua_tonumber(L, -1));
}

static bool read_aliases(struct schema_reader *r, const char *where, size_t i) {
  lua_State *L = r->L;
  lua_pushliteral(L, "aliases");
  int type = lua_rawget(L, -2);
  bool ok = type == LUA_TNIL || type == LUA_TTABLE || reader_fail(r, where, "aliases must be a list");
  if (ok && type == LUA_TTABLE) {
    for (lua_pushnil(L); ok && lua_next(L, -2) != 0; lua_pop(L, 1))
      ok = read_alias(r, where, i);
    if (!ok)
      lua_pop(L, 1); /* the key: the loop has dropped its value */
  }
  lua_pop(L, 1);
  return ok;
}

static bool read_links(struct schema_reader *r, const char *where, size_t i) {
  char place[128];
  snprintf(place, sizeof place, "%s \"%s\"", where, r->schema->columns[i].name);
  return read_from(r, place, i) && read_aliases(r, place, i);
}

static bool own_name(struct schema_reader *r, const char *where, size_t i) {
  return add_name(r, where, r->schema->columns[i].name, (int) i, false, 1);
}

/* Its conditions may be about any column. */
static bool read_unknown(struct schema_reader *r, const char *where, size_t i) {
  return reader_conditions(r, where, "unknown", &r->schema->columns[i].unknown);
}

bool schema_read_columns(struct schema_reader *r) {
  struct schema *s = r->schema;
  size_t count = reader_length(r, "columns");
  if (count == 0 || count > SCHEMA_MAX_COLUMNS)
    return reader_fail(r, "columns", "expected a list of 1 to %d columns", SCHEMA_MAX_COLUMNS);
  s->columns = schema_keep(s, xcalloc(count, sizeof *s->columns));
  s->defaults = schema_keep(s, xcalloc(count, sizeof *s->defaults));
  s->names = schema_keep(s, xmalloc(SCHEMA_MAX_NAMES * sizeof *s->names));
  if (!reader_list(r, "columns", count, read_column) || !reader_list(r, "columns", count, own_name) ||
      !reader_list(r, "columns", count, read_links) ||
      !reader_list(r, "columns", count, read_unknown))
    return false;
  const char *missing = s->id < 0 ? "id" : s->time < 0 ? "time" : s->duration < 0 ? "duration" : "status";
  if (s->id < 0 || s->time < 0 || s->duration < 0 || s->status < 0)
    return reader_fail(r, "columns", "no column has the role %s", missing);
  uint64_t roles = 1ull << s->id | 1ull << s->time | 1ull << s->duration | 1ull << s->status;
  if ((s->in_extra & roles) != 0)
    return reader_fail(r, "columns", "a column with a role cannot be in_extra");
  return true;
}

static bool read_fields(struct schema_reader *r, const char *where, struct event_type *e) {
  lua_State *L = r->L;
  lua_pushliteral(L, "fields");
  bool ok = lua_rawget(L, -2) == LUA_TTABLE || reader_fail(r, where, "fields must be a list of columns");
  for (size_t i = 0, n = ok ? lua_rawlen(L, -1) : 0; ok && i < n; i++) {
    const char *name = reader_item(r, where, (int) i + 1, "the name of a column");
    int column = name != NULL ? schema_column(r->schema, name, strlen(name)) : -1;
    ok = name != NULL && (column >= 0 || reader_fail(r, where, "fields: there is no column \"%s\"", name)) &&
         (!(e->fields >> column & 1) || reader_fail(r, where, "fields: \"%s\" stands there twice", name));
    if (!ok)
      break;
    e->fields |= 1ull << column;
    e->order[e->nfields++] = column;
  }
  lua_pop(L, 1);
  return ok;
}

static bool read_event(struct schema_reader *r, const char *where, size_t i) {
  static const char *const keys[] = {"default", "stored", "filtered", "opens", "closes", "fields", NULL};
  struct schema *s = r->schema;
  struct event_type *e = &s->events[i];
  bool is_default = false;
  e->name = reader_item(r, where, 1, "a name");
  if (e->name == NULL || !reader_keys(r, where, keys) || !reader_flag(r, where, "default", &is_default) ||
      !reader_flag(r, where, "stored", &e->stored) || !reader_flag(r, where, "filtered", &e->filtered) ||
      !reader_flag(r, where, "opens", &e->opens) || !reader_flag(r, where, "closes", &e->closes) ||
      !read_fields(r, where, e))
    return false;
  if (schema_event(s, e->name, strlen(e->name)) >= 0)
    return reader_fail(r, where, "there is an event \"%s\" already", e->name);
  if (is_default && s->default_event >= 0)
    return reader_fail(r, where, "the event \"%s\" is the default already", s->events[s->default_event].name);
  if (is_default)
    s->default_event = (int) i;
  s->nevents++;
  return true;
}

static bool read_by_event(struct schema_reader *r, const char *where, size_t i) {
  lua_State *L = r->L;
  struct column *c = &r->schema->columns[i];
  lua_pushliteral(L, "by_event");
  int type = lua_rawget(L, -2);
  bool ok = type == LUA_TNIL || (type == LUA_TTABLE && c->type == COLUMN_INTEGER) ||
            reader_fail(r, where, "by_event is a table of integer columns");
  if (ok && type == LUA_TTABLE) {
    c->by_event = schema_keep(r->schema, xcalloc(SCHEMA_MAX_EVENTS, sizeof *c->by_event));
    r->schema->by_event |= 1ull << i;
    for (size_t e = 0; ok && e < r->schema->nevents; e++) {
      double value = (double) c->value.i;
      ok = reader_number(r, where, r->schema->events[e].name, &value) &&
           ((fabs(value) < 0x1p53 && value == rint(value)) ||
            reader_fail(r, where, "by_event: expected whole numbers"));
      if (ok)
        c->by_event[e] = (int64_t) value;
    }
  }
  lua_pop(L, 1);
  return ok;
}

static bool read_event_keys(struct schema_reader *r) {
  lua_State *L = r->L;
  lua_pushliteral(L, "event_keys");
  int type = lua_rawget(L, -2);
  bool ok =
      type == LUA_TNIL || type == LUA_TTABLE || reader_fail(r, "event_keys", "expected a list of names");
  for (size_t i = 0, n = ok && type == LUA_TTABLE ? lua_rawlen(L, -1) : 0; ok && i < n; i++) {
    const char *name = reader_item(r, "event_keys", (int) i + 1, "a name");
    ok = name != NULL && add_name(r, "event_keys", name, NAME_OF_EVENT, false, 1);
  }
  lua_pop(L, 1);
  return ok;
}

bool schema_read_events(struct schema_reader *r) {
  struct schema *s = r->schema;
  if (!reader_list(r, "events", SCHEMA_MAX_EVENTS, read_event))
    return false;
  if (s->default_event < 0 || !s->events[s->default_event].stored)
    return reader_fail(r, "events", "one event must be the default, and stored");
  return read_event_keys(r) && reader_list(r, "columns", SCHEMA_MAX_COLUMNS, read_by_event);
}
