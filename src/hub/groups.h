#ifndef MOONLEDGER_HUB_GROUPS_H
#define MOONLEDGER_HUB_GROUPS_H

#include "base/table.h"
#include "hub/event.h"
#include "record/condition.h"

struct subscriber;
struct topic;

/* One filter on one topic of one loop, and those of its subscribers that are at the
 * tail. */
struct group {
  struct group *next, **prev; /* among the topic's; one that is indexed among those */
  struct topic *topic;
  struct conditions *where;   /* NULL: all */
  uint64_t hash;
  /* which of where->items it is found by; -1: it is tried for every event */
  int indexed;

  struct subscriber *live;
  size_t members;             /* live ones and those behind */
  uint64_t matched;           /* events so far */
  int64_t sent_ms;            /* loop time when the live ones were last sent something */

  struct group *next_hit;     /* among the groups that the stretch in hand has events for */
  struct event **hits;        /* those events; not referenced */
  size_t nhits, hits_cap;
};

struct topic {
  struct topic *next;
  char *name;
  struct group *plain, *indexed;
  struct table index;         /* of struct entry chains: who asks for this value of this column */
  int asked[SCHEMA_MAX_COLUMNS];             /* indexed conditions per column */
  uint64_t columns;           /* bit per column that is asked for */
  size_t ngroups;
};

/* All zeros is an empty one, but for the schema. */
struct groups {
  const struct schema *schema;
  struct topic *topics;
  struct group *hit;          /* see next_hit */
};

/* The group of these conditions (taken over), made when it is new, with one more
 * member. */
struct group *groups_join(struct groups *groups, const char *topic, struct conditions *where,
                          bool *is_new);

/* One member fewer; true when it was the last and the group is gone. */
bool groups_leave(struct groups *groups, struct group *g);

/* Notes e among the hits of every group that it passes. */
void groups_match(struct groups *groups, struct event *e);

void group_clear_hits(struct group *g);

/* Whether e passes a filter: conditions apply to records of filtered event types only. */
bool event_passes(const struct event *e, const struct conditions *where,
                  const struct schema *schema);

#endif
