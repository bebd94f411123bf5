#ifndef MOONLEDGER_SCRIPT_ENGINE_STATE_H
#define MOONLEDGER_SCRIPT_ENGINE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "http/request.h"
#include "script/engine/limits.h"
#include "script/engine/memory.h"
#include "script/engine/script.h"

/* What the files of engine/ and reload/ share. */

/* Why a task ends before its function returns. */
enum task_end {
  TASK_GOES_ON,
  TASK_CLIENT_GONE,
  TASK_CPU,     /* used up its CPU time */
  TASK_WALL,    /* took too long */
  TASK_EXPIRED, /* its generation had to go */
  TASK_MEMORY,  /* the state is full, and most of it is its */
};

/* What a task that yielded waits for. */
enum task_wait {
  WAIT_NOTHING,
  WAIT_JOB,
  WAIT_TURN,
  WAIT_DRAIN,
  WAIT_BODY,
  WAIT_MEMORY,
  WAIT_FOR_EVER
};

enum outcome_kind {
  OUTCOME_NONE,
  OUTCOME_RESPONSE,
  OUTCOME_DETAIL,
  OUTCOME_FILE,
  OUTCOME_CUSTOM,
  OUTCOME_STREAMED,
  OUTCOME_ABORTED /* a stream that cannot be finished */
};

struct custom_response; /* handler.h */

/* What a handler returned, out of Lua's reach: nothing here leaks when Lua raises. */
struct outcome {
  enum outcome_kind kind;
  struct custom_response *custom; /* the coroutine's stack anchors it */
  struct response response;
  struct buf text; /* body; or the detail's text, the file's path, ended by a NUL */
  struct buf missing; /* what the 404 says where there is no such file, ended by a NUL */
};

struct every;

struct task {
  struct script *script;
  /* the registry has it by its address; a task at rest keeps it for the next request */
  lua_State *co;
  struct request *request;       /* NULL: none, or the client is gone */
  struct request_object *object; /* what the coroutine has as req; its stack anchors it */
  struct every *every;           /* whose turn it runs; or NULL */
  struct outcome outcome;
  bool streaming; /* the head of a stream is out */
  bool standalone; /* of no loop's turn: it waits where it stands (standalone.h) */
  bool unwanted;  /* is what it has waited for of its request's body */
  bool is_raw;    /* of a raw route: it may last, while its parts do what they must in time */

  enum task_wait wait;
  enum task_end end;
  struct job *job;
  bool job_done;              /* its message is here */
  struct attached *attached;
  /* closing: looks of the hook until __close handlers are cut off; else -1 */
  int grace;
  bool raised;                /* the hook raised in co: Lua runs no hooks in it any more */
  unsigned coroutines, depth; /* of the script's own: made, and resumed inside each other */
  unsigned stuck;             /* resumes among them that stand where nothing can yield */
  size_t written;             /* streamed since it last gave way */
  size_t bytes;               /* its account of the state's memory */

  int64_t burst_ns;     /* CPU clock when the hook first looked in this burst; 0: not yet */
  int64_t cpu_ns;       /* of earlier bursts */
  int64_t deadline_ms;  /* loop time */
  struct buf traceback; /* taken where the CPU time was up */

  struct task *next, **prev; /* among the script's live tasks */
  struct task *ready_next;
  bool ready; /* stands in the ready queue */
};

struct handler {
  int ref; /* of the compiled function */
  int64_t timeout_ms;
  char *summary;
};

struct script {
  lua_State *L;
  struct memory memory;
  struct generation *generation;
  struct loop *loop;
  struct scripts *scripts; /* of its loop; NULL: it never runs, only loads */
  const struct services *services;
  const struct snapshot *snapshot; /* the generation's; require reads it at any time */
  struct task *running;
  struct task *tasks, *resting; /* live ones; at rest, linked by next */
  size_t nresting;
  struct handler *handlers; /* by route index */
  size_t nhandlers;
  int hook; /* reference of on_record, or LUA_NOREF */
  int prices; /* of lib/native_prices.lua, or LUA_NOREF */
  int content; /* of ingest/content.lua */
  struct every *everies;
  struct script *next, **prev; /* among those that have run on the loop */

  bool loading;
  int64_t load_until_ns; /* CPU clock of the loading thread */
  bool overran_load;
  bool recycling;               /* a successor has been asked for */
  size_t work;                  /* steps of C functions since they last looked at the clock */
  unsigned cycles;              /* of the collector, still to do for a full collection */
  size_t collected_from;        /* bytes in use when it began */
  struct message leave, expire; /* generations.c's errands on the loop */
};

/* script.c: a state without libraries, and its end: no task lives in it, and no loop but
 * its own has it. */
struct script *script_new(struct generation *generation, struct loop *loop, struct scripts *scripts,
                          const struct services *services, size_t memory_bytes);
void script_free(struct script *script);
/* it becomes one of its loop's; when it first runs there */
void script_register(struct script *script);

enum { TOLD_PLACES = 64 };

/* Where a script has failed, and what the log has of it (report.c). */
struct told {
  uint64_t place;     /* a hash */
  uint64_t logged_ms; /* loop time of its newest line; 0: none */
  unsigned lines;     /* less than a minute apart */
  unsigned left_out;  /* failures since the newest line */
};

/* One loop's: what the states of all generations there share. */
struct scripts {
  struct loop *loop;
  struct script *list;
  struct task *ready, **ready_last;
  uv_idle_t turn;  /* active while tasks are ready or a state collects */
  uv_timer_t tick; /* active while tasks wait: looks at their deadlines */
  struct knock *knock;
  struct told told[TOLD_PLACES]; /* by hash: what comes to a place that is taken is there instead */
  bool closed;
};

#endif
