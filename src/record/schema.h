#ifndef MOONLEDGER_RECORD_SCHEMA_H
#define MOONLEDGER_RECORD_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct conditions;

/* lua/schema.lua, compiled.  Immutable after schema_load and shared by all threads;
 * a change to it takes effect at the next start.  The core knows of a record only
 * what stands here. */

enum {
  SCHEMA_MAX_COLUMNS = 64,
  SCHEMA_MAX_EVENTS = 8,
  SCHEMA_MAX_MEASURES = 32,
  SCHEMA_MAX_SKETCHES = 4,
  SCHEMA_MAX_SETS = 32,
  SCHEMA_MAX_BY = 8,
  SCHEMA_MAX_RANKS = 3,
  SCHEMA_MAX_BASIS = 24,
  SCHEMA_MAX_NAMES = 1024, /* columns, aliases and event keys */
  SCHEMA_MAX_NAME = 47,    /* bytes of one */
};

enum column_type {
  COLUMN_STRING,
  COLUMN_INTEGER,
  COLUMN_FLOAT,
  COLUMN_BOOLEAN, /* 0 or 1 in union value's i */
  COLUMN_TIME,    /* unix microseconds in union value's i */
};

union value {
  int64_t i;
  double f;
  struct {
    /* into the text of the batch (record.h) or of the conditions (condition.h) */
    uint32_t offset, len;
  } s;
};

struct column {
  const char *name;
  size_t name_len;
  const char *json; /* "name": with its quotes and colon, as in a row */
  size_t json_len;
  enum column_type type;
  /* has a slot in a record but no column of its own: kept inside the JSON of extra */
  bool in_extra;
  bool is_public;    /* part of a row's JSON, in the order of declaration */
  bool is_dimension; /* shown on request: who a row is about .. */
  bool is_measure;   /* .. and what was measured of it */
  /* of a row: it does not know this value, though it shows one; NULL: it does */
  struct conditions *unknown;
  const char *text;  /* default of a string column */
  union value value; /* default of any other column; of a time column unused: absent means now */
  int from;          /* absent: taken from this column if that is present; -1 for none */
  double from_scale; /*   multiplied by this (numbers only) */
  double most;       /* of a float, above and below 0: more no sum of it could hold (measures) */
  int64_t *by_event; /* default of an integer column by event type, NULL for none */
};

/* Whether rows show it, at once or on request. */
static inline bool column_is_shown(const struct column *c) {
  return c->is_public || c->is_dimension || c->is_measure;
}

/* What a record says has happened: "request_start", "request_complete",
 * "request_error". */
struct event_type {
  const char *name;
  bool stored;   /* becomes a row */
  bool filtered; /* stream filters apply to it; others always pass */
  bool opens;    /* its id counts as active until a closing event or 15 minutes */
  bool closes;
  uint64_t fields;               /* columns that its data shows, bit per column */
  int order[SCHEMA_MAX_COLUMNS]; /* the same in order of declaration */
  size_t nfields;
};

enum measure_kind {
  MEASURE_COUNT, /* rows; with when: rows that match it */
  /* round(value * scale) of a column, as an integer, so that adding and taking away is exact */
  MEASURE_SUM,
};

struct measure {
  const char *name;
  enum measure_kind kind;
  int column;
  double scale;
  struct conditions *when; /* NULL: every row */
};

/* The distribution of a column, or of one per another, over the rows that match when. */
struct sketched {
  const char *name;
  int value, per;          /* columns; per: -1 for none */
  struct conditions *when; /* NULL: every row */
};

enum tier { TIER_MINUTE, TIER_HOUR, TIER_DAY, TIERS };

struct rollup_set {
  const char *name;      /* of its table: "rollup_" name */
  int by[SCHEMA_MAX_BY]; /* columns of its key */
  size_t nby;
  uint8_t tiers; /* bit per tier it keeps */
  uint32_t max_keys; /* that a bucket keeps apart; 0: all.  The rest is one of SCHEMA_OTHER */
};

/* An entry of a Prometheus family, counted for every committed record that it is
 * about.  Entries of one family (tokens_total has one per type of token) stand next
 * to each other and share name, kind, help, bounds and label names. */
enum family_kind { FAMILY_COUNTER, FAMILY_HISTOGRAM };

struct label {
  const char *name;
  int column;         /* -1: the fixed text below */
  const char *text;   /* fixed value, or what stands for an empty or absent one ("unknown") */
  /* before text is used: prefix and the status role's value, as in http_500; or NULL */
  const char *prefix;
};

struct family {
  enum family_kind kind;
  const char *name, *help; /* without the namespace */
  struct label *labels;
  size_t nlabels;
  int value;               /* column; -1 counts records */
  double scale;            /* of the value */
  struct conditions *when; /* NULL: every record */
  uint32_t events;         /* bit per event type that it counts */
  const double *bounds;
  size_t nbounds;
};

/* What stands in all columns of the key that the rest of a full bucket is counted under. */
#define SCHEMA_OTHER "(other)"

/* A member name that a client may use. */
struct column_name {
  char name[SCHEMA_MAX_NAME + 1]; /* the rest zeros, so that it compares in words */
  size_t len;
  int column;   /* or NAME_OF_EVENT */
  bool alias;   /* not the column's own name */
  double scale; /* an alias in another unit, such as seconds for milliseconds; else 1 */
};

enum { NAME_OF_EVENT = -1 }; /* the value of such a member ("type", "event") names the event type */

/* A byte in the JSON of a stream's own event where a value stands that is known only then. */
enum stream_mark { STREAM_DROPPED = 1, STREAM_CONNECTION_ID, STREAM_TIMESTAMP };

/* What merging (merge.h) goes by before anything else.  All zeros but the columns, which are -1:
 * nothing. */
struct cost {
  int column, source;      /* dollars, and where they are from */
  const char *ranks[SCHEMA_MAX_RANKS]; /* sources, the best first */
  size_t nranks;
  uint64_t split;          /* columns that one record tells together: what it leaves out is none */
  uint64_t columns;        /* all that follow the better cost: it, its source, split, and others */
  int parts;               /* dollars of what is billed with it and stands in rows of its own; -1 */
  uint64_t basis;          /* columns that a cost is computed from where they are told, .. */
  const char *basis_members[SCHEMA_MAX_BASIS]; /* .. and members of extra */
  size_t nbasis_members;
};

struct schema {
  struct column *columns;
  size_t ncolumns;                /* with the in_extra ones, which come last */
  size_t nstored;                 /* without them */
  union value *defaults;          /* a slot per column; texts are empty */
  int id, time, duration, status; /* the roles */
  int other_id; /* the same request in another sender's words; in extra; -1: there is none */
  /* columns that have a from, a by_event, .. ; bit per column */
  uint64_t derived, by_event, texts, in_extra, publics;
  uint64_t strings, rescaled; /* the latter are their source in another unit */
  struct cost cost;

  struct column_name *names; /* columns, aliases and event keys */
  size_t nnames;
  uint16_t *slots; /* hash table: index into names, plus 1 */
  size_t nslots;   /* a power of two */

  struct event_type events[SCHEMA_MAX_EVENTS];
  size_t nevents;
  int default_event;

  struct measure *measures;
  size_t nmeasures;
  struct sketched *sketches; /* that each cell keeps */
  size_t nsketches;
  struct rollup_set *sets;
  size_t nsets;

  struct family *families;
  size_t nfamilies;

  const char *topic;                 /* that committed records are published to */
  const char *overflow, *disconnect; /* a stream's own events: JSON with an enum stream_mark */

  uint64_t text_hash; /* of the file it was read from; set by config_load_schema */
  struct buf blocks;  /* pointers to all that the schema has allocated; private */
};

/* A value that does not fit is no fault of the record's where other senders may mean something
 * else by the name: extra keeps it then. */
static inline bool name_is_shared(const struct schema *schema, const struct column_name *name) {
  const struct column *c = &schema->columns[name->column];
  return name->alias || c->is_dimension || c->is_measure;
}

/* For schema_load (script/engine/schema_load.h), which fills an empty one, then indexes
 * its names. */
struct schema *schema_new(void);
void *schema_keep(struct schema *schema, void *p); /* owns p from now on; returns it */
void schema_index(struct schema *schema);

void schema_free(struct schema *schema); /* NULL is allowed */

/* Gives every family of records one more label, a column of that name; false when there is none. */
bool schema_add_label(struct schema *schema, const char *column);

int schema_column(const struct schema *schema, const char *name, size_t len); /* -1: not there */

/* Any name that a client may use; NULL: not there. */
const struct column_name *schema_name(const struct schema *schema, const char *name, size_t len);

int schema_event(const struct schema *schema, const char *name, size_t len);   /* -1: not there */
int schema_measure(const struct schema *schema, const char *name, size_t len); /* -1: not there */

#endif
