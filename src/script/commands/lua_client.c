#include <lauxlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/http_client.h"
#include "script/commands.h"

/* The module client: HTTP to a running server. */

enum { TIMEOUT_S = 60, MAX_BODY = 256 * 1024 * 1024 };

static const char type_name[] = "client";

struct client {
  struct http_client *http; /* NULL: closed */
  const char *url, *token;  /* anchored as user values */
  struct buf headers, body; /* here, so that an error of Lua's frees them */
};

enum { URL = 1, TOKEN };

static struct client *client_at(lua_State *L, int index) {
  struct client *c = luaL_checkudata(L, index, type_name);
  if (c->http == NULL)
    luaL_error(L, "the client is closed");
  return c;
}

static void refuse_unknown(lua_State *L, int index, const char *const *known) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    const char *const *name = known;
    while (*name != NULL && strcmp(*name, key) != 0)
      name++;
    if (*name == NULL)
      luaL_error(L, "unknown option '%s'", key);
  }
}

static void check_line(lua_State *L, const char *text) {
  for (const char *p = text; *p != '\0'; p++)
    if ((unsigned char) *p < ' ' || *p == 0x7f)
      luaL_error(L, "a target or header cannot hold a control character: %s", text);
}

/* options.headers, the table at index, and the token as lines. */
static void write_headers(lua_State *L, struct client *c, int index) {
  c->headers.len = 0;
  if (c->token != NULL)
    buf_printf(&c->headers, "Authorization: Bearer %s\r\n", c->token);
  if (lua_isnil(L, index))
    return;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING && lua_isstring(L, -1), index,
                  "headers are name = value");
    const char *name = lua_tostring(L, -2), *value = lua_tostring(L, -1);
    check_line(L, name);
    check_line(L, value);
    buf_printf(&c->headers, "%s: %s\r\n", name, value);
  }
}

static int push_client_fault(lua_State *L, const char *why) {
  luaL_pushfail(L);
  lua_pushstring(L, why);
  return 2;
}

static void push_headers(lua_State *L, const struct buf *headers) {
  lua_newtable(L);
  for (const char *p = headers->data, *end = p + headers->len; p < end;) {
    const char *value = p + strlen(p) + 1;
    lua_pushstring(L, value);
    lua_setfield(L, -2, p);
    p = value + strlen(value) + 1;
  }
}

/* NULL, or what went wrong. */
static const char *read_whole(struct client *c) {
  const char *piece;
  size_t len;
  int rc;
  c->body.len = 0;
  while ((rc = http_client_read(c->http, &piece, &len)) > 0) {
    if (c->body.len + len > MAX_BODY)
      return "the response is too large: read it with stream = true";
    buf_append(&c->body, piece, len);
  }
  return rc == 0 ? NULL : http_client_error(c->http);
}

/* Sends method, target and body, options at index 4, and pushes the response. */
static int request(lua_State *L, const char *method, const char *target, const char *body,
                   size_t len) {
  static const char *const known[] = {"headers", "stream", NULL};
  struct client *c = client_at(L, 1);
  bool stream = false;
  check_line(L, target);
  lua_settop(L, 4);
  if (!lua_isnil(L, 4)) {
    luaL_checktype(L, 4, LUA_TTABLE);
    refuse_unknown(L, 4, known);
    lua_getfield(L, 4, "stream");
    stream = lua_toboolean(L, -1);
    lua_getfield(L, 4, "headers");
  } else {
    lua_pushnil(L);
  }
  write_headers(L, c, lua_gettop(L));
  bool fine = http_client_request(c->http, method, target, &c->headers, body, len);
  const char *why = !fine ? http_client_error(c->http) : stream ? NULL : read_whole(c);
  if (why != NULL)
    return push_client_fault(L, why);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, http_client_status(c->http));
  lua_setfield(L, -2, "status");
  push_headers(L, http_client_headers(c->http));
  lua_setfield(L, -2, "headers");
  if (!stream) {
    lua_pushlstring(L, c->body.data, c->body.len);
    lua_setfield(L, -2, "body");
    buf_clear(&c->body);
  }
  return 1;
}

/* client:get(target, options) */
static int l_client_get(lua_State *L) {
  const char *target = luaL_checkstring(L, 2);
  lua_settop(L, 3);
  lua_pushnil(L);
  lua_insert(L, 3);
  return request(L, "GET", target, "", 0);
}

/* client:post(target, body, options) */
static int l_client_post(lua_State *L) {
  size_t len;
  const char *target = luaL_checkstring(L, 2), *body = luaL_optlstring(L, 3, "", &len);
  return request(L, "POST", target, body, len);
}

/* client:read(): the next piece of a response that was asked for with stream. */
static int l_client_read(lua_State *L) {
  struct client *c = client_at(L, 1);
  const char *piece;
  size_t len;
  int rc = http_client_read(c->http, &piece, &len);
  if (rc < 0)
    return push_client_fault(L, http_client_error(c->http));
  if (rc == 0)
    luaL_pushfail(L);
  else
    lua_pushlstring(L, piece, len);
  return 1;
}

static int l_client_close(lua_State *L) {
  struct client *c = luaL_checkudata(L, 1, type_name);
  http_client_free(c->http);
  c->http = NULL;
  buf_clear(&c->headers);
  buf_clear(&c->body);
  return 0;
}

/* client.open(url, options) */
static int l_client_open(lua_State *L) {
  static const char *const known[] = {"token", "timeout", NULL};
  const char *url = luaL_checkstring(L, 1), *token = NULL;
  lua_Number timeout = TIMEOUT_S;
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    refuse_unknown(L, 2, known);
    lua_getfield(L, 2, "timeout");
    timeout = luaL_optnumber(L, -1, TIMEOUT_S);
    lua_getfield(L, 2, "token");
    token = luaL_optstring(L, -1, NULL);
  }
  luaL_argcheck(L, timeout >= 0 && timeout <= 86400, 2,
                "timeout is in seconds, 0 for none, at most a day");
  if (token != NULL)
    check_line(L, token);
  struct client *c = lua_newuserdatauv(L, sizeof *c, 2);
  *c = (struct client){.url = url, .token = token};
  luaL_setmetatable(L, type_name);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, URL);
  lua_pushstring(L, token);
  c->token = lua_tostring(L, -1);
  lua_setiuservalue(L, -2, TOKEN);
  c->http = http_client_new(url, (unsigned) (timeout * 1000));
  return c->http != NULL ? 1 : push_fault(L, url, "expected http://HOST:PORT or https://HOST");
}

int luaopen_client(lua_State *L) {
  static const luaL_Reg methods[] = {{"get", l_client_get},
                                     {"post", l_client_post},
                                     {"read", l_client_read},
                                     {"close", l_client_close},
                                     {"__gc", l_client_close},
                                     {"__close", l_client_close},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", l_client_open}, {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
