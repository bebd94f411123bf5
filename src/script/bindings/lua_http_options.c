#include "script/bindings/lua_http_options.h"

#include <lauxlib.h>
#include <string.h>

#include "http/request.h"
#include "script/bindings/lua_fields.h"
#include "script/engine/lua_json.h"
#include "script/engine/lua_list.h"
#include "script/engine/memory.h"
#include "script/engine/script.h"

enum {
  CONNECT_MS = 5000,
  FIRST_BYTE_MS = 30000,
  TOTAL_MS = 60000,
  IDLE_MS = 60000,
  DAY_MS = 86400000,
  MAX_BYTES = 8 << 20,
  MOST_BYTES = 1 << 30,
};

const char *lua_http_text(lua_State *L, size_t *len) {
  const struct buf *buf = lua_json_fragment(L, -1);
  if (buf == NULL)
    buf = script_body(L, lua_gettop(L));
  if (buf == NULL)
    return lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, len) : NULL;
  *len = buf->len;
  return buf->len > 0 ? buf->data : "";
}

static bool is_own_header(const char *name, bool raw) {
  static const char *const own[] = {"host",       "content-length", "transfer-encoding",
                                    "connection", "keep-alive",     "te",
                                    "trailer",    "upgrade",        "expect"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcasecmp(own[i], name) == 0)
      return true;
  return !raw && strcasecmp(name, "accept-encoding") == 0;
}

/* One line, of the value at the top of the stack, which is popped. */
static void add_line(lua_State *L, struct buf *lines, const char *name) {
  size_t len;
  const char *value = lua_tolstring(L, -1, &len);
  if (value == NULL)
    luaL_error(L, "bad field headers (%s is a %s: a text or a list of texts expected)", name,
               luaL_typename(L, -1));
  for (size_t i = 0; i < len; i++)
    if (((unsigned char) value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
      luaL_error(L, "bad field headers (%s has a control character in it)", name);
  memory_append(L, lines, name, strlen(name));
  buf_literal(lines, ": ");
  memory_append(L, lines, value, len);
  buf_literal(lines, "\r\n");
  lua_pop(L, 1);
}

static void add_header(lua_State *L, struct buf *lines, bool raw) {
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
  if (!http_is_token(name, strlen(name)))
    lua_field_error(L, "headers", "names with their values expected");
  if (is_own_header(name, raw))
    luaL_error(L, "bad field headers (%s is written by the client itself)", name);
  lua_Integer count = lua_istable(L, -1) ? (lua_Integer) lua_rawlen(L, -1) : 0;
  if (lua_istable(L, -1) && lua_list_push_key(L, -1))
    lua_field_error(L, "headers", "texts, or lists of texts, by name expected");
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    add_line(L, lines, name);
  }
  if (!lua_istable(L, -1)) {
    lua_pushvalue(L, -1);
    add_line(L, lines, name);
  }
}

static void read_headers(lua_State *L, struct buf *lines, bool raw) {
  bool has_agent = raw;
  int type = lua_getfield(L, 1, "headers");
  if (type != LUA_TNIL && type != LUA_TTABLE)
    lua_field_error(L, "headers", "names with their values expected");
  if (type == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      add_header(L, lines, raw);
      has_agent = has_agent || strcasecmp(lua_tostring(L, -2), "user-agent") == 0;
    }
  if (!has_agent)
    buf_literal(lines, "User-Agent: moonledger/" MOONLEDGER_VERSION "\r\n");
  lua_pop(L, 1);
}

static const char *read_method(lua_State *L) {
  int type = lua_getfield(L, 1, "method");
  const char *method = type == LUA_TNIL      ? "GET"
                       : type == LUA_TSTRING ? lua_tostring(L, -1)
                                             : "";
  if (!http_is_token(method, strlen(method)) || strcmp(method, "CONNECT") == 0)
    lua_field_error(L, "method", "a method such as \"POST\" expected");
  return method; /* the options anchor it */
}

static void read_url(lua_State *L, struct url *url) {
  if (lua_getfield(L, 1, "url") != LUA_TSTRING)
    lua_field_error(L, "url", "a text such as \"https://example.com/path\" expected");
  const char *why = url_parse(lua_tostring(L, -1), url);
  if (why != NULL)
    lua_field_error(L, "url", why);
}

/* Leaves the body at index 3. */
static void read_body(lua_State *L, struct call_options *o) {
  lua_settop(L, 2);
  int type = lua_getfield(L, 1, "body");
  o->streamed_length = lua_field_integer(L, 1, "length", -1, -1, INT64_MAX);
  if (type == LUA_TFUNCTION)
    o->kind = CALL_STREAMED;
  else if (type != LUA_TNIL)
    o->kind = CALL_WHOLE;
  if (o->kind == CALL_WHOLE && (o->body = lua_http_text(L, &o->body_len)) == NULL)
    lua_field_error(L, "body", "a text, or a function that gives pieces, expected");
}

static void read_limits(lua_State *L, struct call_options *o) {
  bool stream = lua_field_boolean(L, 1, "stream");
  o->connect_ms = lua_field_integer(L, 1, "connect_ms", CONNECT_MS, 1, DAY_MS);
  o->first_byte_ms = lua_field_integer(L, 1, "first_byte_ms", FIRST_BYTE_MS, 1, DAY_MS);
  o->idle_ms = lua_field_integer(L, 1, "idle_ms", IDLE_MS, 1, DAY_MS);
  o->total_ms = lua_field_integer(L, 1, "total_ms", stream ? 0 : TOTAL_MS, 0, DAY_MS);
  o->max_bytes = (size_t) lua_field_integer(L, 1, "max_bytes", MAX_BYTES, 1, MOST_BYTES);
  if (stream)
    o->max_bytes = 0;
}

struct call_options lua_http_options(lua_State *L, struct buf *lines, struct url *url) {
  static const char *const known[] = {
      "method",  "url",      "headers",   "body",   "length", "connect_ms", "first_byte_ms",
      "idle_ms", "total_ms", "max_bytes", "stream", "raw",    NULL};
  lua_fields_check(L, 1, known);
  bool raw = lua_field_boolean(L, 1, "raw");
  read_headers(L, lines, raw);
  read_url(L, url);
  struct call_options o = {.url = url,
                           .method = read_method(L),
                           .headers = lines->data,
                           .headers_len = lines->len,
                           .inflates = !raw};
  read_limits(L, &o);
  read_body(L, &o);
  return o;
}
