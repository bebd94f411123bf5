#ifndef MOONLEDGER_SCRIPT_RELOAD_GENERATIONS_H
#define MOONLEDGER_SCRIPT_RELOAD_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/site.h"
#include "loop/loop.h"

struct generations; /* the shared service: which code is current */
struct route;
struct services;

struct site *generations_current(struct generations *g); /* a reference; any thread */

/* At start, before loops run: loads config.lua and lua/ from the files.  NULL: every
 * error is in errors, as "file:line: what, what to do". */
struct generations *generations_open(const struct services *services,
                                     const char *config_file, struct buf *errors);

/* Starts the thread that reloads; what is asked for before waits for it.  0 or UV_E. */
int generations_start(struct generations *g);

/* On each loop's thread, once no request is in hand there: closes its timers, on loop 0
 * the file watcher too. No reload starts afterwards. */
void generations_stop(struct generations *g, struct loop *loop);

/* Waits for files that are just being loaded: they may still ask the store and others.  After
 * generations_stop on all loops. */
void generations_join(struct generations *g);

/* After all loops have ended. */
void generations_close(struct generations *g);

/* Loads everything as a reload would, for nobody, and throws it away.  visit (or NULL) is
 * told of every route: its file below the root, and what it is for; found (or NULL) gets
 * lines about the files in force.  Every mistake is appended to errors; true when there
 * is none. */
bool generations_rehearse(const struct services *services, const char *config_file,
                          void (*visit)(const struct route *route, const char *file,
                                        const char *summary),
                          struct buf *found, struct buf *errors);

/* Asks for a reload; requests made meanwhile collapse into one run after it.  done (or
 * NULL) is posted to loop when it is over. */
struct reload {
  struct message done;
  struct loop *loop;
  uint64_t number;   /* of the generation in force afterwards */
  struct buf errors; /* empty: it went well */

  struct message ask; /* private */
  struct generations *generations;
  struct reload *next;
};
void generations_reload(struct generations *g, struct reload *reload);

struct generations_status {
  uint64_t number;    /* of the generation in force */
  int64_t started_us; /* unix time of the server's start */
  struct buf errors;  /* lines: why the newest files are not in force; the caller's to clear */
};
void generations_status(struct generations *g, struct generations_status *status); /* any thread */

#endif
