#include "script/engine/collect.h"

#include <lua.h>

#include "base/clock.h"
#include "script/engine/report.h"
#include "script/engine/task.h"

enum { FULL_COLLECTION = 2 }; /* cycles: the first may have begun before the garbage was garbage */
enum { STEP_KIB = 16 };

void collect_begin(struct script *script) {
  if (script->cycles > 0)
    return;
  script->cycles = FULL_COLLECTION;
  script->collected_from = script->memory.used;
  scripts_turn_on(script->scripts);
}

void collect_note_external(struct script *script, size_t bytes) {
  if (!memory_note_external(&script->memory, bytes))
    return;
  if (script->scripts != NULL)
    collect_begin(script);
  else
    lua_gc(script->L, LUA_GCCOLLECT);
}

/* Whose garbage it was is not known: the accounts go down in proportion. */
static void settle_accounts(struct script *script) {
  double kept = (double) script->memory.used / (double) script->collected_from;
  for (struct task *task = script->tasks; task != NULL && kept < 1; task = task->next)
    task->bytes = (size_t) (kept * (double) task->bytes);
}

static struct task *largest_task(struct script *script) {
  struct task *found = script->tasks;
  for (struct task *task = found; task != NULL; task = task->next)
    if (task->bytes > found->bytes)
      found = task;
  return found;
}

static bool wake_those_that_wait(struct script *script) {
  bool waited = false;
  for (struct task *task = script->tasks; task != NULL; task = task->next)
    if (task->wait == WAIT_MEMORY) {
      waited = true;
      task_ready(task);
    }
  return waited;
}

static void on_collected(struct script *script) {
  settle_accounts(script);
  if (wake_those_that_wait(script) && memory_is_short(&script->memory))
    task_end(largest_task(script), TASK_MEMORY);
  else
    report_memory(script);
}

bool collect_until(struct scripts *scripts, int64_t until_ns) {
  struct script *script = scripts->list;
  while (script != NULL && script->cycles == 0)
    script = script->next;
  if (script == NULL)
    return false;
  while (script->cycles > 0 && clock_monotonic_ns() < until_ns)
    script->cycles -= (unsigned) lua_gc(script->L, LUA_GCSTEP, STEP_KIB);
  if (script->cycles == 0)
    on_collected(script);
  return true;
}
