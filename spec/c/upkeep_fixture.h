#ifndef MOONLEDGER_SPEC_UPKEEP_FIXTURE_H
#define MOONLEDGER_SPEC_UPKEEP_FIXTURE_H

#include <unistd.h>

#include "store/upkeep.h"
#include "store_fixture.h"

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
