#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_HTTP_OPTIONS_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_HTTP_OPTIONS_H

#include <lua.h>

#include "base/buf.h"
#include "net/call.h"
#include "net/url.h"

/* Reads the options of http.request from the table at index 1, which anchors their texts, leaves
 * body at index 3, and writes the headers to lines, of which the answer has the bytes.  Raises what
 * is wrong with them.  A response that is to be streamed has no max_bytes (0); outside is the
 * caller's to set. */
struct call_options lua_http_options(lua_State *L, struct buf *lines, struct url *url);

/* A text of Lua's, a fragment of json, or a request's body, at the top of the stack; NULL: it is
 * none of these. */
const char *lua_http_text(lua_State *L, size_t *len);

#endif
