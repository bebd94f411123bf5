#ifndef MOONLEDGER_SERVICES_H
#define MOONLEDGER_SERVICES_H

#include "base/hash.h"

struct config;
struct config_overrides;
struct generations;
struct hub;
struct kv;
struct loop;
struct metrics;
struct schema;
struct storage;

/* What all loops share.  Made by main.c in this order and released in the reverse one; each has its own locks behind a
 * narrow interface.  The pointers never change while loops run. */
struct services {
  const struct config *config; /* as it was at start; what may change live is in the generation */
  const struct config_overrides *overrides; /* the command line's, for every config read later */
  const struct schema *schema;
  struct metrics *metrics;
  struct hub *hub;
  struct kv *kv;
  struct storage *storage; /* NULL with storage.backend = "none" */
  struct generations *generations;
  struct loop *loops;
  unsigned nloops;
};

#endif
