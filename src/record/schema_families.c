#include <lua.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "record/schema_read.h"

/* The Prometheus families of lua/schema.lua. */

enum { MAX_FAMILIES = 64, MAX_LABELS = 16, MAX_BOUNDS = 64 };

/* A label's and a family's name: Prometheus data model; colons are left to recording rules. */
static bool is_metric_name(const char *s) {
  return *s != '\0' && (*s < '0' || *s > '9') &&
         s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static bool label_column(struct schema_reader *r, const char *where, struct label *label, const char *name) {
  label->column = schema_column(r->schema, name, strlen(name));
  return label->column >= 0 || reader_fail(r, where, "labels: there is no column \"%s\"", name);
}

/* The label at the top of the stack: "column", { "label", "column" } or { "label", text = "fixed" }. */
static bool read_label(struct schema_reader *r, const char *where, struct label *label) {
  static const char *const keys[] = {"text", "status_prefix", NULL};
  lua_State *L = r->L;
  label->column = -1;
  label->text = "unknown";
  if (lua_type(L, -1) == LUA_TSTRING) {
    label->name = schema_keep(r->schema, xstrdup(lua_tostring(L, -1)));
    return label_column(r, where, label, label->name);
  }
  if (!lua_istable(L, -1))
    return reader_fail(r, where,
                       "a label is \"column\", { \"label\", \"column\" } or { \"label\", text = \"fixed\" }");
  label->name = reader_item(r, where, 1, "a label's name");
  if (label->name == NULL || !reader_keys(r, where, keys) || !reader_text(r, where, "text", &label->text) ||
      !reader_text(r, where, "status_prefix", &label->prefix))
    return false;
  if (lua_rawlen(L, -1) > 1) {
    const char *column = reader_item(r, where, 2, "the name of a column");
    return column != NULL && label_column(r, where, label, column);
  }
  return strcmp(label->text, "unknown") != 0 ||
         reader_fail(r, where, "label \"%s\" needs a column or a text", label->name);
}

static bool check_label(struct schema_reader *r, const char *where, const struct family *f,
                        const char *name) {
  if (!is_metric_name(name) || strncmp(name, "__", 2) == 0 || strcmp(name, "le") == 0)
    return reader_fail(r, where, "\"%s\" cannot be a label", name);
  for (size_t i = 0; i < f->nlabels; i++)
    if (strcmp(f->labels[i].name, name) == 0)
      return reader_fail(r, where, "label \"%s\" stands there twice", name);
  return true;
}

static bool read_labels(struct schema_reader *r, const char *where, struct family *f) {
  lua_State *L = r->L;
  lua_pushliteral(L, "labels");
  int type = lua_rawget(L, -2);
  size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
  bool ok = (type == LUA_TNIL || type == LUA_TTABLE) && count <= MAX_LABELS;
  if (!ok)
    reader_fail(r, where, "labels must be a list of at most %d", MAX_LABELS);
  f->labels = schema_keep(r->schema, xcalloc(count + 1, sizeof *f->labels));
  for (size_t i = 0; ok && i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    ok = read_label(r, where, &f->labels[i]) && check_label(r, where, f, f->labels[i].name);
    f->nlabels += ok;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return ok;
}

static bool read_bounds(struct schema_reader *r, const char *where, struct family *f) {
  lua_State *L = r->L;
  lua_pushliteral(L, "bounds");
  int type = lua_rawget(L, -2);
  size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
  bool ok = f->kind == FAMILY_HISTOGRAM ? count > 0 && count <= MAX_BOUNDS : type == LUA_TNIL;
  double *bounds = schema_keep(r->schema, xcalloc(count + 1, sizeof *bounds));
  for (size_t i = 0; ok && i < count; i++) {
    ok = lua_rawgeti(L, -1, (lua_Integer) i + 1) == LUA_TNUMBER;
    bounds[i] = lua_tonumber(L, -1);
    ok = ok && isfinite(bounds[i]) && (i == 0 || bounds[i] > bounds[i - 1]);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  f->bounds = bounds;
  f->nbounds = count;
  return ok || reader_fail(r, where, "a histogram, and nothing else, has bounds: 1 to %d ascending numbers",
                           MAX_BOUNDS);
}

static bool read_family_events(struct schema_reader *r, const char *where, struct family *f) {
  lua_State *L = r->L;
  lua_pushliteral(L, "events");
  int type = lua_rawget(L, -2);
  bool ok =
      type == LUA_TNIL || type == LUA_TTABLE || reader_fail(r, where, "events must be a list of event names");
  for (size_t e = 0; type == LUA_TNIL && e < r->schema->nevents; e++)
    f->events |= (uint32_t) r->schema->events[e].stored << e;
  for (size_t i = 0, n = ok && type == LUA_TTABLE ? lua_rawlen(L, -1) : 0; ok && i < n; i++) {
    const char *name = reader_item(r, where, (int) i + 1, "an event's name");
    int event = name != NULL ? schema_event(r->schema, name, strlen(name)) : -1;
    ok = name != NULL && (event >= 0 || reader_fail(r, where, "events: there is no event \"%s\"", name));
    if (ok)
      f->events |= 1u << event;
  }
  lua_pop(L, 1);
  return ok;
}

static bool read_kind(struct schema_reader *r, const char *where, struct family *f) {
  const char *kind = reader_item(r, where, 2, "counter or histogram");
  if (kind == NULL)
    return false;
  f->kind = strcmp(kind, "histogram") == 0 ? FAMILY_HISTOGRAM : FAMILY_COUNTER;
  return f->kind == FAMILY_HISTOGRAM || strcmp(kind, "counter") == 0 ||
         reader_fail(r, where, "\"%s\" is no kind: counter or histogram", kind);
}

static bool same_family(const struct family *a, const struct family *b) {
  bool same = a->kind == b->kind && strcmp(a->help, b->help) == 0 && a->nlabels == b->nlabels &&
              a->nbounds == b->nbounds;
  for (size_t i = 0; same && i < a->nlabels; i++)
    same = strcmp(a->labels[i].name, b->labels[i].name) == 0;
  return same && memcmp(a->bounds, b->bounds, a->nbounds * sizeof *a->bounds) == 0;
}

/* Entries of one family agree and are neighbours. */
static bool check_family(struct schema_reader *r, const char *where, size_t i) {
  const struct family *families = r->schema->families, *f = &families[i];
  for (size_t k = 0; k < i; k++) {
    if (strcmp(families[k].name, f->name) != 0)
      continue;
    if (!same_family(&families[k], f))
      return reader_fail(r, where, "differs from the entry before it in kind, help, bounds or label names");
    if (strcmp(families[i - 1].name, f->name) != 0)
      return reader_fail(r, where, "entries of one family stand next to each other");
  }
  return true;
}

static bool read_family(struct schema_reader *r, const char *list_place, size_t i) {
  static const char *const keys[] = {"help", "labels", "events", "value", "scale", "when", "bounds", NULL};
  struct schema *s = r->schema;
  struct family *f = &s->families[i];
  char where[128];
  f->name = reader_item(r, list_place, 1, "a name");
  f->value = -1;
  f->scale = 1;
  f->help = "";
  if (f->name == NULL)
    return false;
  snprintf(where, sizeof where, "%s \"%.50s\"", list_place, f->name);
  if (!is_metric_name(f->name))
    return reader_fail(r, where, "a name is of a-z A-Z 0-9 _ and starts with no digit");
  s->nfamilies++; /* from here schema_free releases its condition */
  if (!reader_keys(r, where, keys) || !read_kind(r, where, f) || !reader_text(r, where, "help", &f->help) ||
      !reader_column(r, where, "value", &f->value) || !reader_number(r, where, "scale", &f->scale) ||
      !read_labels(r, where, f) || !read_bounds(r, where, f) || !read_family_events(r, where, f) ||
      !reader_conditions(r, where, "when", &f->when))
    return false;
  if (f->value < 0 && f->kind == FAMILY_HISTOGRAM)
    return reader_fail(r, where, "a histogram needs a value");
  if (f->value >= 0 && s->columns[f->value].type != COLUMN_INTEGER &&
      s->columns[f->value].type != COLUMN_FLOAT)
    return reader_fail(r, where, "value: \"%s\" is no number", s->columns[f->value].name);
  return check_family(r, where, i);
}

bool schema_read_families(struct schema_reader *r) {
  r->schema->families = schema_keep(r->schema, xcalloc(MAX_FAMILIES, sizeof *r->schema->families));
  return reader_list(r, "families", MAX_FAMILIES, read_family);
}
