#ifndef MOONLEDGER_SCRIPT_SERVICES_H
#define MOONLEDGER_SCRIPT_SERVICES_H

struct binding;
struct buf;
struct hub;
struct kv;
struct loop;
struct lua_State;
struct metrics;
struct net;
struct notes;
struct schema;
struct settings;
struct storage;
struct streams;
struct upkeep;

/* What scripts work with.  Filled in by app.c before the first generation is loaded; each
 * part has its own locks behind a narrow interface. */
struct services {
  struct loop *loops;
  unsigned nloops;
  const struct schema *schema;
  struct metrics *metrics;
  struct hub *hub;
  struct streams **streams; /* by loop index, each its loop's alone; NULL once they are closed */
  struct net **nets;        /* by loop index, each its loop's alone */
  struct kv *kv;
  struct notes *notes;
  struct storage *storage;  /* NULL with storage.backend = "none" .. */
  struct upkeep *upkeep;    /* .. as this */
  const struct binding *bindings; /* ended by a NULL name */

  /* Another generation is in force, but the first.  The loader's thread. */
  void (*changed)(void *arg);
  void *changed_arg;

  /* Reads config.lua's table at the top of L's stack, fills in its defaults, and leaves
   * it there.  NULL when it is wrong: every mistake is appended to errors, a line each.
   * file is config.lua's absolute path.  The loader's thread. */
  struct settings *(*read_settings)(void *arg, struct lua_State *L, const char *file,
                                    struct buf *errors);
  /* Replaces the globals at the top of L's stack by those that config.lua runs with. */
  void (*push_settings_env)(struct lua_State *L);
  void (*free_settings)(struct settings *settings);
  void *settings_arg;
};

#endif
