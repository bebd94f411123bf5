#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/allow.h"
#include "net/call.h"
#include "net/url.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_fields.h"
#include "script/bindings/lua_http_options.h"
#include "script/bindings/lua_inflater.h"
#include "script/engine/script.h"
#include "script/services.h"
#include "script/settings.h"

/* The module http: calls to the outside. */

static const char type_name[] = "http.response";

/* What a task that waits for its call waits for. */
enum wants { WANTS_NOTHING, WANTS_HEAD, WANTS_WHOLE, WANTS_PIECE, WANTS_ROOM };

/* A call and what Lua has of it.  The userdata points here; freed with that, but not while the
 * job is under way. */
struct asked {
  struct job job;
  struct attached attached;
  struct task *task; /* NULL: not attached to one */
  struct call *call; /* NULL: it is over, or has not begun */
  bool stream;
  enum wants wants;
  bool sending; /* body() runs, and may wait */
  bool waiting, collected;
  struct net_fault fault; /* NET_FINE: none */
  int status;
  struct buf lines; /* of the request's headers; then see call_headers */
  struct buf piece;
};

enum slot { SLOT_HEADERS = 1, SLOT_LIST, SLOT_BODY, SLOTS = 3 };

static void end_call(struct asked *a) {
  if (a->task != NULL)
    script_detach(&a->attached);
  a->task = NULL;
  if (a->call != NULL)
    call_close(a->call);
  a->call = NULL;
}

static void free_asked(struct asked *a) {
  buf_clear(&a->lines);
  buf_clear(&a->piece);
  free(a);
}

static void on_job_over(struct job *job) {
  struct asked *a = container_of(job, struct asked, job);
  a->waiting = false;
  if (a->collected)
    free_asked(a);
}

static void cancel(struct job *job) {
  struct asked *a = container_of(job, struct asked, job);
  end_call(a);
  job->message.receive(&job->message);
}

static void on_task_end(struct attached *attached) {
  struct asked *a = container_of(attached, struct asked, attached);
  a->task = NULL;
  end_call(a);
}

static int l_response_gc(lua_State *L) {
  struct asked **place = lua_touserdata(L, 1), *a = *place;
  *place = NULL;
  if (a == NULL)
    return 0;
  end_call(a);
  a->collected = true;
  if (!a->waiting)
    free_asked(a);
  return 0;
}

static struct asked *push_asked(lua_State *L) {
  struct asked **place = lua_newuserdatauv(L, sizeof *place, SLOTS);
  *place = NULL;
  luaL_setmetatable(L, type_name);
  struct asked *a = *place = xcalloc(1, sizeof *a);
  a->job.free = on_job_over;
  a->job.cancel = cancel;
  return a;
}

static struct asked *asked_at(lua_State *L, int index) {
  return *(struct asked **) luaL_checkudata(L, index, type_name);
}

static bool has_come(const struct asked *a) {
  const struct call *c = a->call;
  if (call_fault(c) != NULL)
    return true;
  switch (a->wants) {
  case WANTS_HEAD:
    return call_has_head(c);
  case WANTS_PIECE:
    return call_has_piece(c) || call_has_ended(c);
  case WANTS_WHOLE:
    return call_is_complete(c);
  case WANTS_ROOM:
    return call_has_room(c) || call_has_head(c);
  case WANTS_NOTHING:
    break;
  }
  return false;
}

/* The other side has said all that it will say of the request. */
static bool is_decided(const struct asked *a) {
  return call_has_head(a->call) || call_fault(a->call) != NULL;
}

static void on_change(struct call *call, void *owner) {
  struct asked *a = owner;
  (void) call;
  if (a->sending && is_decided(a))
    script_stop_reading(a->task);
  if (a->wants == WANTS_NOTHING || !has_come(a))
    return;
  a->wants = WANTS_NOTHING;
  a->job.message.receive(&a->job.message);
}

/* Goes on in then, with a->job as its context, perhaps at once. */
static int wait_for(lua_State *L, struct asked *a, enum wants wants, lua_KFunction then) {
  struct task *task = script_task(L, "http");
  a->wants = wants;
  script_begin(task, &a->job);
  if (has_come(a)) {
    a->wants = WANTS_NOTHING;
    return then(L, LUA_OK, (lua_KContext) &a->job);
  }
  a->waiting = true;
  return script_wait_then(L, &a->job, then);
}

/* The first thing in a continuation. */
static struct asked *waited(lua_KContext context) {
  struct asked *a = container_of((struct job *) context, struct asked, job);
  if (a->waiting)
    script_end(&a->job);
  return a;
}

static int push_failure(lua_State *L, const struct net_fault *fault) {
  luaL_pushfail(L);
  lua_pushstring(L, fault->text);
  lua_pushstring(L, net_reason_name(fault->reason));
  return 3;
}

static int fail(lua_State *L, struct asked *a) {
  a->fault = *call_fault(a->call);
  end_call(a);
  return push_failure(L, &a->fault);
}

/* Pushes { name = "value, value" }, or { name = { value, value } } as a list. */
static void push_headers(lua_State *L, const struct buf *lines, bool as_list) {
  lua_newtable(L);
  for (const char *p = lines->data, *end = p + lines->len; p < end;) {
    const char *name = p, *value = p + strlen(p) + 1;
    p = value + strlen(value) + 1;
    bool again = lua_getfield(L, -1, name) != LUA_TNIL;
    if (as_list) {
      if (!again) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, name);
      }
      lua_pushstring(L, value);
      lua_rawseti(L, -2, (lua_Integer) lua_rawlen(L, -2) + 1);
      lua_pop(L, 1);
      continue;
    }
    if (again)
      lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), value);
    else
      lua_pushstring(L, value);
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
  }
}

static int push_slot(lua_State *L, const struct asked *a, enum slot slot) {
  if (lua_getiuservalue(L, 1, slot) != LUA_TNIL || slot == SLOT_BODY)
    return 1;
  push_headers(L, &a->lines, slot == SLOT_LIST);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, slot);
  return 1;
}

static int l_response_index(lua_State *L) {
  struct asked *a = asked_at(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "status") == 0)
    return lua_pushinteger(L, a->status), 1;
  if (strcmp(key, "headers") == 0)
    return push_slot(L, a, SLOT_HEADERS);
  if (strcmp(key, "header_list") == 0)
    return push_slot(L, a, SLOT_LIST);
  if (strcmp(key, "body") == 0)
    return push_slot(L, a, SLOT_BODY);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

static void keep_head(struct asked *a) {
  a->status = call_status(a->call);
  a->lines.len = 0;
  buf_append(&a->lines, call_headers(a->call)->data, call_headers(a->call)->len);
}

static int on_head(lua_State *L, int status, lua_KContext context) {
  struct asked *a = waited(context);
  (void) status;
  if (!call_has_head(a->call))
    return fail(L, a);
  keep_head(a);
  lua_pushvalue(L, 2);
  return 1;
}

static int on_whole(lua_State *L, int status, lua_KContext context) {
  struct asked *a = waited(context);
  (void) status;
  if (call_fault(a->call) != NULL)
    return fail(L, a);
  keep_head(a);
  call_take(a->call, &a->piece);
  end_call(a);
  lua_pushlstring(L, a->piece.len > 0 ? a->piece.data : "", a->piece.len);
  lua_setiuservalue(L, 2, SLOT_BODY);
  buf_clear(&a->piece);
  lua_pushvalue(L, 2);
  return 1;
}

static int wait_for_response(lua_State *L, struct asked *a) {
  return a->stream ? wait_for(L, a, WANTS_HEAD, on_head) : wait_for(L, a, WANTS_WHOLE, on_whole);
}

static int on_piece_came(lua_State *L, int status, lua_KContext context);

static int read_piece(lua_State *L, struct asked *a) {
  bool fine = true;
  a->piece.len = 0;
  while (fine && a->piece.len == 0 && call_has_piece(a->call))
    fine = call_take(a->call, &a->piece);
  if (a->piece.len > 0) {
    lua_pushlstring(L, a->piece.data, a->piece.len);
    buf_clear(&a->piece);
    return 1;
  }
  if (call_has_ended(a->call)) {
    end_call(a);
    luaL_pushfail(L);
    return 1;
  }
  if (call_fault(a->call) != NULL)
    return fail(L, a);
  return wait_for(L, a, WANTS_PIECE, on_piece_came);
}

static int on_piece_came(lua_State *L, int status, lua_KContext context) {
  (void) status;
  return read_piece(L, waited(context));
}

/* response:read(): the next piece of a response that was asked for with stream. */
static int l_response_read(lua_State *L) {
  struct asked *a = asked_at(L, 1);
  lua_settop(L, 1);
  if (a->call != NULL) {
    if (script_task(L, "response:read") != a->task)
      return luaL_error(L, "the response belongs to another request");
    return read_piece(L, a);
  }
  if (a->fault.reason != NET_FINE)
    return push_failure(L, &a->fault);
  luaL_pushfail(L);
  return 1;
}

static int l_response_close(lua_State *L) {
  end_call(asked_at(L, 1));
  return 0;
}

/* body() has returned a piece, or nil at its end, or nil and why there is no more.  -1: go on,
 * else the number of results. */
static int take_body_piece(lua_State *L, struct asked *a) {
  size_t len;
  a->sending = false;
  if (a->call == NULL)
    return luaL_error(L, "the response was closed by its own body");
  if (is_decided(a))
    return wait_for_response(L, a);
  if (lua_isnil(L, 4) && !lua_isnil(L, 5)) {
    end_call(a);
    luaL_pushfail(L);
    lua_pushvalue(L, 5);
    lua_pushliteral(L, "closed");
    return 3;
  }
  if (lua_isnil(L, 4)) {
    call_finish(a->call);
    return wait_for_response(L, a);
  }
  lua_settop(L, 4);
  const char *piece = lua_http_text(L, &len);
  if (piece == NULL)
    return luaL_error(L, "body() returned a %s: a text or nil expected", luaL_typename(L, 4));
  call_write(a->call, piece, len);
  lua_settop(L, 3);
  return -1;
}

static int on_body_piece(lua_State *L, int status, lua_KContext context);
static int on_room(lua_State *L, int status, lua_KContext context);

/* A response that comes before the request is whole means that nobody wants the rest. */
static int send_pieces(lua_State *L, struct asked *a) {
  int results;
  do {
    if (is_decided(a))
      return wait_for_response(L, a);
    if (!call_has_room(a->call))
      return wait_for(L, a, WANTS_ROOM, on_room);
    a->sending = true;
    lua_pushvalue(L, 3);
    lua_callk(L, 0, 2, (lua_KContext) a, on_body_piece);
    results = take_body_piece(L, a);
  } while (results < 0);
  return results;
}

static int on_room(lua_State *L, int status, lua_KContext context) {
  (void) status;
  return send_pieces(L, waited(context));
}

static int on_body_piece(lua_State *L, int status, lua_KContext context) {
  struct asked *a = (struct asked *) context;
  (void) status;
  int results = take_body_piece(L, a);
  return results >= 0 ? results : send_pieces(L, a);
}

/* http.request(options) */
static int l_http_request(lua_State *L) {
  struct task *task = script_task(L, "http.request");
  struct net_fault fault;
  struct url url;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct asked *a = push_asked(L); /* 2 */
  struct call_options o = lua_http_options(L, &a->lines, &url); /* 3 */
  a->stream = o.max_bytes == 0;
  o.outside = &script_settings(L)->outside;
  struct net *net = script_services(L)->nets[script_loop(L)->index];
  a->call = call_open(net, &o, on_change, a, &fault);
  if (a->call == NULL)
    return push_failure(L, &fault);
  a->attached.end = on_task_end;
  a->task = task;
  script_attach(task, &a->attached);
  return o.kind == CALL_STREAMED ? send_pieces(L, a) : wait_for_response(L, a);
}

/* http.get(url, options) */
static int l_http_get(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 2);
  lua_newtable(L);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 2);) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, 3);
    }
  }
  lua_pushvalue(L, 1);
  lua_setfield(L, 3, "url");
  lua_replace(L, 1);
  return l_http_request(L);
}

/* http.names(entry, url) */
static int l_http_names(lua_State *L) {
  struct url url;
  const char *entry = luaL_checkstring(L, 1), *why = url_parse(luaL_checkstring(L, 2), &url);
  if (why != NULL) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  struct allow *allow = allow_new();
  bool named = allow_add(allow, entry) == NULL && allow_host(allow, url.host, url.port);
  allow_free(allow);
  lua_pushboolean(L, named);
  return 1;
}

int luaopen_http(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"read", l_response_read}, {"close", l_response_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", l_response_gc}, {"__close", l_response_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"request", l_http_request},
                                       {"get", l_http_get},
                                       {"names", l_http_names},
                                       {"inflater", l_http_inflater},
                                       {NULL, NULL}};
  lua_inflaters_open(L);
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, l_response_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  luaL_newlib(L, functions);
  return 1;
}
