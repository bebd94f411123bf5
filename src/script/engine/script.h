#ifndef MOONLEDGER_SCRIPT_ENGINE_SCRIPT_H
#define MOONLEDGER_SCRIPT_ENGINE_SCRIPT_H

#include <lua.h>
#include <stdbool.h>

#include "loop/loop.h"

struct buf;
struct request;
struct site;
struct script; /* one generation's lua_State on one loop; that loop's thread only */
struct services;
struct settings;
struct task; /* one coroutine: a request's, or of every() */

/* A site's: starts the coroutine of r->route's handler.  The response goes out through
 * http_respond and its relatives, at once or later; an error is logged with its traceback
 * and gets 500, an overrun 503. */
void script_handle(struct site *site, struct request *r);

/* A site's: more of r's body has come.  Its task goes on if it waits for that. */
void script_arrived(struct request *r);

/* A site's: the client of r is gone.  Its task never touches r again and is ended at its
 * next yield. */
void script_cancel(struct request *r);

/* For bindings (lua_*.c) */

/* Work in flight for a task: embedded in the binding's own object. */
struct job {
  struct message message; /* post this to loop when done; script.c receives it */
  struct loop *loop;
  struct task *task;
  /* Pushes the results for Lua and returns their number; may raise. */
  int (*push)(lua_State *L, struct job *job);
  /* The task ended before the message came: asks for an early end, or NULL.  The message
   * still comes. */
  void (*cancel)(struct job *job);
  /* Releases the object; called once, also when the task is gone by then. */
  void (*free)(struct job *job);
};

/* The running task.  Raises with words that say so where a yield is not possible: load time, a sort
 * comparator, gsub, a coroutine of the script's own. */
struct task *script_task(lua_State *L, const char *what);

/* Raises while files are loaded: --check has no server that what could ask or tell. */
void script_check_serving(lua_State *L, const char *what);

/* Readies job for the running task; call before submitting it.  From here until
 * script_wait nothing may raise.  A job that could not be submitted is the binding's to
 * release; without script_wait nothing else is to do. */
void script_begin(struct task *task, struct job *job);

/* The return value of the binding: yields until the job's message has arrived, then
 * push's results are its results. */
int script_wait(lua_State *L, struct job *job);

/* The same, and then goes on there, with job as its context: that calls script_end, or raises. */
int script_wait_then(lua_State *L, struct job *job, lua_KFunction then);
void script_end(struct job *job); /* frees it */

/* What a task holds of the outside, and what must end with it: embedded in the binding's own
 * object.  end is called once, unless script_detach comes first. */
struct attached {
  void (*end)(struct attached *a);
  struct attached *next, **prev;
};

void script_attach(struct task *task, struct attached *a);
void script_detach(struct attached *a);

/* Nobody wants the rest of a request's body: if task waits for that, body:read goes on with nil and
 * a message. */
void script_stop_reading(struct task *task);

struct script *script_of(lua_State *L);
/* of its generation; not while files are loaded */
const struct settings *script_settings(lua_State *L);
const struct services *script_services(lua_State *L);
struct loop *script_loop(lua_State *L);
struct request *
script_request(lua_State *L); /* of the running task; NULL in every() or once the client is gone */

/* The bytes behind the req.body at index, which the binding may take; NULL when the value
 * is none.  Raises when the request is finished. */
struct buf *script_body(lua_State *L, int index);

/* Pushes on_record of lua/hooks.lua, or nothing and false when there is none. */
bool script_push_hook(lua_State *L);

/* The same of what lua/lib/native_prices.lua returns, where pricing.native is on. */
bool script_push_prices(lua_State *L);

/* Pushes what lua/ingest/content.lua returns. */
void script_push_content(lua_State *L);

/* What lua_request.c gives Lua as req:
 * - method, path, query, target, id, remote: texts, query raw and without "?"; now: unix seconds as
 *   a float;
 * - params: the path's own parameters as texts, until lib/route.lua assigns the validated table
 *   (the only field that takes an assignment);
 * - headers: names in lower case; repeated ones joined by ", " (cookie: "; ");
 * - body: tostring(), #, and for script_body; of a raw route read() too: the next piece, nil at the
 *   end, or nil and a message. */

#endif
