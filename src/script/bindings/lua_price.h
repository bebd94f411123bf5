#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_PRICE_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_PRICE_H

#include <lua.h>

#include "record/record.h"

/* Prices the records of a batch that have tokens and tell no cost, where pricing.native is on: by
 * rates that lua/lib/native_prices.lua resolves once per model, provider and tier of this
 * generation.  What has no known price is said to be unknown.  Runs Lua, and may raise. */
void lua_price_batch(lua_State *L, struct batch *b);

bool lua_price_is_on(lua_State *L);

#endif
