#include "hub/groups.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

/* Groups with an equality among their conditions are found by its value, so that a
 * thousand filters on one column cost one look-up per event. */

enum { MAX_INDEXED_VALUES = 16 };

struct entry {
  struct entry *next;
  struct group *group;
  int column;
  union value value; /* a string is in the text of the group's conditions */
};

struct key {
  int column;
  bool is_text;
  union value value;
  const struct buf *text;
};

static uint64_t key_hash(const struct key *k) {
  size_t len = sizeof k->value.i;
  const void *data = k->is_text ? (const void *) value_text(k->text, k->value, &len) : &k->value.i;
  return hash_bytes(hash_process_seed(), data, len) + (uint64_t) k->column;
}

static bool is_for(const void *item, const void *key) {
  const struct entry *e = item;
  const struct key *k = key;
  if (e->column != k->column)
    return false;
  if (!k->is_text)
    return e->value.i == k->value.i;
  size_t len = k->value.s.len;
  if (e->value.s.len != len)
    return false;
  const char *text = e->group->where->text.data;
  return len == 0 || memcmp(text + e->value.s.offset, k->text->data + k->value.s.offset, len) == 0;
}

static struct key value_key(const struct groups *groups, int column, union value v,
                            const struct buf *text) {
  return (struct key){column, groups->schema->columns[column].type == COLUMN_STRING, v, text};
}

static int find_indexable(const struct groups *groups, const struct conditions *where) {
  for (size_t i = 0; where != NULL && i < where->count; i++) {
    const struct condition *c = &where->items[i];
    if ((c->op == OP_EQ || c->op == OP_IN) && c->nvalues <= MAX_INDEXED_VALUES &&
        groups->schema->columns[c->column].type != COLUMN_FLOAT)
      return (int) i;
  }
  return -1;
}

static void index_group(struct groups *groups, struct group *g) {
  struct topic *t = g->topic;
  const struct condition *c = &g->where->items[g->indexed];
  for (size_t i = 0; i < c->nvalues; i++) {
    struct entry *e = xmalloc(sizeof *e);
    *e = (struct entry){NULL, g, c->column, c->values[i]};
    struct key key = value_key(groups, c->column, e->value, &g->where->text);
    uint64_t hash = key_hash(&key);
    struct entry *chain = table_find(&t->index, hash, is_for, &key);
    if (chain != NULL) {
      e->next = chain->next;
      chain->next = e;
    } else {
      table_insert(&t->index, hash, e);
    }
  }
  if (t->asked[c->column]++ == 0)
    t->columns |= 1ULL << c->column;
}

/* Takes g's entry out of the chain that begins at first. */
static void remove_entry(struct topic *t, uint64_t hash, struct entry *first,
                         const struct group *g) {
  if (first->group == g) {
    table_remove(&t->index, hash, first);
    if (first->next != NULL)
      table_insert(&t->index, hash, first->next);
    free(first);
    return;
  }
  struct entry *before = first;
  while (before->next->group != g)
    before = before->next;
  struct entry *e = before->next;
  before->next = e->next;
  free(e);
}

static void unindex_group(struct groups *groups, struct group *g) {
  struct topic *t = g->topic;
  const struct condition *c = &g->where->items[g->indexed];
  for (size_t i = 0; i < c->nvalues; i++) {
    struct key key = value_key(groups, c->column, c->values[i], &g->where->text);
    uint64_t hash = key_hash(&key);
    remove_entry(t, hash, table_find(&t->index, hash, is_for, &key), g);
  }
  if (--t->asked[c->column] == 0)
    t->columns &= ~(1ULL << c->column);
}

static struct topic *find_topic(struct groups *groups, const char *name) {
  struct topic *t = groups->topics;
  while (t != NULL && strcmp(t->name, name) != 0)
    t = t->next;
  return t;
}

static struct topic *find_or_add_topic(struct groups *groups, const char *name) {
  struct topic *t = find_topic(groups, name);
  if (t == NULL) {
    t = xcalloc(1, sizeof *t);
    t->name = xstrdup(name);
    t->next = groups->topics;
    groups->topics = t;
  }
  return t;
}

static void remove_topic(struct groups *groups, struct topic *t) {
  struct topic **p = &groups->topics;
  while (*p != t)
    p = &(*p)->next;
  *p = t->next;
  table_clear(&t->index);
  free(t->name);
  free(t);
}

static bool is_same(const struct groups *groups, const struct group *g,
                    const struct conditions *where, uint64_t hash) {
  if (g->where == NULL || where == NULL)
    return g->where == where;
  return g->hash == hash && conditions_equal(g->where, where, groups->schema);
}

static struct group *add_group(struct groups *groups, struct topic *t, struct conditions *where,
                               uint64_t hash) {
  struct group *g = xcalloc(1, sizeof *g);
  g->topic = t;
  g->where = where;
  g->hash = hash;
  g->indexed = find_indexable(groups, where);
  struct group **list = g->indexed >= 0 ? &t->indexed : &t->plain;
  g->next = *list;
  g->prev = list;
  if (g->next != NULL)
    g->next->prev = &g->next;
  *list = g;
  if (g->indexed >= 0)
    index_group(groups, g);
  t->ngroups++;
  return g;
}

struct group *groups_join(struct groups *groups, const char *topic, struct conditions *where,
                          bool *is_new) {
  if (where != NULL)
    conditions_normalise(where, groups->schema);
  if (where != NULL && where->count == 0) {
    conditions_unref(where);
    where = NULL;
  }
  uint64_t hash = where != NULL ? conditions_hash(where, groups->schema) : 0;
  struct topic *t = find_or_add_topic(groups, topic);
  struct group *g = find_indexable(groups, where) >= 0 ? t->indexed : t->plain;
  while (g != NULL && !is_same(groups, g, where, hash))
    g = g->next;
  *is_new = g == NULL;
  if (*is_new)
    g = add_group(groups, t, where, hash);
  else
    conditions_unref(where);
  g->members++;
  return g;
}

bool groups_leave(struct groups *groups, struct group *g) {
  if (--g->members > 0)
    return false;
  struct topic *t = g->topic;
  if (g->indexed >= 0)
    unindex_group(groups, g);
  *g->prev = g->next;
  if (g->next != NULL)
    g->next->prev = g->prev;
  if (--t->ngroups == 0)
    remove_topic(groups, t);
  conditions_unref(g->where);
  free(g->hits);
  free(g);
  return true;
}

bool event_passes(const struct event *e, const struct conditions *where,
                  const struct schema *schema) {
  return e->record == NULL || where == NULL ||
         conditions_match_event(where, schema, e->record, &e->text);
}

static void hit(struct groups *groups, struct group *g, struct event *e) {
  if (g->nhits == 0) {
    g->next_hit = groups->hit;
    groups->hit = g;
  }
  if (g->nhits == g->hits_cap) {
    g->hits_cap = g->hits_cap > 0 ? g->hits_cap * 2 : 16;
    g->hits = xrealloc(g->hits, g->hits_cap * sizeof *g->hits);
  }
  g->hits[g->nhits++] = e;
}

static void match_list(struct groups *groups, struct group *g, struct event *e) {
  for (; g != NULL; g = g->next)
    if (event_passes(e, g->where, groups->schema))
      hit(groups, g, e);
}

static void match_index(struct groups *groups, const struct topic *t, struct event *e) {
  for (uint64_t left = t->columns; left != 0; left &= left - 1) {
    int column = __builtin_ctzll(left);
    struct key key = value_key(groups, column, e->record->v[column], &e->text);
    const struct entry *entry = table_find(&t->index, key_hash(&key), is_for, &key);
    for (; entry != NULL; entry = entry->next)
      if (event_passes(e, entry->group->where, groups->schema))
        hit(groups, entry->group, e);
  }
}

void groups_match(struct groups *groups, struct event *e) {
  struct topic *t = find_topic(groups, e->topic);
  if (t == NULL)
    return;
  match_list(groups, t->plain, e);
  if (e->record == NULL)
    match_list(groups, t->indexed, e);
  else
    match_index(groups, t, e);
}

void group_clear_hits(struct group *g) {
  g->nhits = 0;
  g->next_hit = NULL;
}
