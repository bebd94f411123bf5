#ifndef MOONLEDGER_SPEC_UPKEEP_FIXTURE_H
#define MOONLEDGER_SPEC_UPKEEP_FIXTURE_H

#include <unistd.h>

#include "store/upkeep.h"
#include "store_fixture.h"

static int64_t ask_number(struct store *s, const char *sql) {
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, sql);
  ask(s, q);
  CHECK(q->status == 0 && q->rows.nrows == 1);
  int64_t n = ((const struct result_value *) q->rows.values.data)->value.i;
  query_free(q);
  return n;
}

static void wait_until(struct store *s, const char *sql) {
  for (int i = 0; i < TEST_SECONDS * 100 && ask_number(s, sql) == 0; i++)
    usleep(10000);
  CHECK(ask_number(s, sql) != 0);
}

#define AT_REST "sum(state <> 1 OR taken_time < 9223372036854775807) = 0 FROM parts"

/* Does what is ordered with the database at path, to its end. */
static struct upkeep_state upkeep_do(struct store *s, const char *path,
                                     const struct upkeep_order *order) {
  struct upkeep *upkeep = upkeep_new(path, "", s->schema);
  struct upkeep_state state;
  CHECK(upkeep_start(upkeep, order) == 0);
  do {
    usleep(1000);
    upkeep_look(upkeep, &state);
  } while (state.running);
  upkeep_free(upkeep);
  return state;
}

#endif
