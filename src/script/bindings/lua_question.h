#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_QUESTION_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_QUESTION_H

#include <lua.h>
#include <stdbool.h>

#include "store/storage.h"

/* Reads the options of storage.aggregate at index 1 into q, one question or a list of
 * them; raises what is wrong.  true when it was a list. */
bool lua_questions_read(lua_State *L, struct query *q);

/* Pushes the groups of an answered question: a list of tables with the field every where
 * it has buckets. */
void lua_question_push(lua_State *L, const struct question *question);

/* Pushes a list of tables, one for each row. */
void lua_result_push(lua_State *L, const struct result *rows);

#endif
