#ifndef MOONLEDGER_SCRIPT_ENGINE_LUA_TIMER_H
#define MOONLEDGER_SCRIPT_ENGINE_LUA_TIMER_H

#include "script/engine/state.h"

int l_sleep(lua_State *L); /* sleep(ms) */
int l_every(lua_State *L); /* every(ms, fn), while files are loaded */

/* Loop 0's thread: starts the timers of a generation that is in force from now on, and
 * closes them when it is not any more. */
void timers_start(struct script *script);
void timers_stop(struct script *script);

void timer_done(struct every *every); /* the task of its turn has ended */
const char *timer_place(const struct every *every); /* FILE:LINE: where it was made */

#endif
