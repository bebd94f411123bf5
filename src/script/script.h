#ifndef MOONLEDGER_SCRIPT_SCRIPT_H
#define MOONLEDGER_SCRIPT_SCRIPT_H

#include <lua.h>
#include <stdbool.h>

#include "loop.h"

struct generation;
struct request;
struct script; /* one generation's lua_State on one loop; that loop's thread only */
struct services;
struct task;   /* one coroutine: a request's, or of every() */

/* Starts the coroutine of r->route's handler.  The answer goes out through http_respond and its relatives, at once or later; an error is logged with
 * its traceback and answered with 500, an overrun with 503. */
void script_handle(struct script *script, struct request *r);

/* The client of r is gone: its task never touches r again and is ended at its next yield. */
void script_cancel(struct request *r);

/* ---- For bindings (lua_*.c) ---- */

/* Work in flight for a task: embedded in the binding's own object. */
struct job {
  struct message message;  /* post this to loop when done; script.c receives it */
  struct loop *loop;
  struct task *task;
  /* Pushes the results for Lua and answers their number; may raise. */
  int (*push)(lua_State *L, struct job *job);
  /* The task ended before the message came: asks for an early end, or NULL.  The message still comes. */
  void (*cancel)(struct job *job);
  /* Releases the object; called once, also when the task is gone by then. */
  void (*free)(struct job *job);
};

/* The running task.  Raises with words that say so where a yield is not possible: load time, a sort comparator, gsub, a coroutine of the script's
 * own. */
struct task *script_task(lua_State *L, const char *what);

/* Readies job for the running task; call before submitting it.  From here until script_wait nothing may raise. */
void script_begin(struct task *task, struct job *job);

/* The return value of the binding: yields until the job's message has arrived, then push's results are its results. */
int script_wait(lua_State *L, struct job *job);

struct script *script_of(lua_State *L);
const struct services *script_services(lua_State *L);
struct loop *script_loop(lua_State *L);
struct request *script_request(lua_State *L);  /* of the running task; NULL in every() or once the client is gone */

#endif
