#include "script/engine/lua_request.h"

#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/router.h"
#include "script/engine/state.h"
#include "script/engine/task.h"

static const char request_type[] = "moonledger.request", body_type[] = "moonledger.body";

struct request_object {
  struct request *r; /* NULL: finished */
};

/* What Lua may assign or what is made at first use, as user values of req. */
enum slot { SLOT_PARAMS = 1, SLOT_HEADERS, SLOT_BODY, SLOTS = 3 };

enum field {
  FIELD_METHOD = 1,
  FIELD_PATH,
  FIELD_QUERY,
  FIELD_PARAMS,
  FIELD_HEADERS,
  FIELD_BODY,
  FIELD_NOW,
  FIELD_ID,
  FIELD_REMOTE,
  FIELD_TARGET
};

static const char *const fields[] = {"method", "path", "query", "params", "headers",
                                     "body",   "now",  "id",    "remote", "target",  NULL};

static struct request *check_live(lua_State *L, struct request_object *object) {
  if (object->r == NULL)
    luaL_error(L, "the request is finished");
  return object->r;
}

static void push_slice(lua_State *L, struct slice s) {
  lua_pushlstring(L, s.data != NULL ? s.data : "", s.len);
}

static void push_params(lua_State *L, const struct request *r) {
  const struct route *route = r->route;
  lua_createtable(L, 0, (int) route->nparams);
  for (size_t i = 0; i < route->nparams; i++) {
    push_slice(L, r->params[i]);
    lua_setfield(L, -2, route->param_names[i]);
  }
}

static void push_headers(lua_State *L, const struct request *r) {
  lua_createtable(L, 0, (int) r->nheaders);
  for (size_t i = 0; i < r->nheaders; i++) {
    struct slice name = r->headers[i].name;
    push_slice(L, name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TSTRING) {
      lua_pushstring(L, name.len == 6 && memcmp(name.data, "cookie", 6) == 0 ? "; " : ", ");
      push_slice(L, r->headers[i].value);
      lua_concat(L, 3);
    } else {
      lua_pop(L, 1);
      push_slice(L, r->headers[i].value);
    }
    lua_rawset(L, -3);
  }
}

static void push_body(lua_State *L) {
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, body_type);
}

static int push_slot(lua_State *L, const struct request *r, enum slot slot) {
  if (lua_getiuservalue(L, 1, slot) != LUA_TNIL)
    return 1;
  if (slot == SLOT_PARAMS)
    push_params(L, r);
  else if (slot == SLOT_HEADERS)
    push_headers(L, r);
  else
    push_body(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, slot);
  return 1;
}

static int l_request_index(lua_State *L) {
  struct request_object *object = lua_touserdata(L, 1);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  enum field field = (enum field) lua_tointeger(L, -1);
  if (field == 0)
    return 0;
  const struct request *r = check_live(L, object);
  switch (field) {
  case FIELD_METHOD:
    lua_pushstring(L, r->verb);
    return 1;
  case FIELD_PATH:
    push_slice(L, r->path);
    return 1;
  case FIELD_QUERY:
    push_slice(L, r->query);
    return 1;
  case FIELD_PARAMS:
    return push_slot(L, r, SLOT_PARAMS);
  case FIELD_HEADERS:
    return push_slot(L, r, SLOT_HEADERS);
  case FIELD_BODY:
    return push_slot(L, r, SLOT_BODY);
  case FIELD_NOW:
    lua_pushnumber(L, (lua_Number) r->now_us / 1e6);
    return 1;
  case FIELD_ID:
    lua_pushstring(L, r->id);
    return 1;
  case FIELD_TARGET:
    push_slice(L, r->target);
    return 1;
  case FIELD_REMOTE:
    lua_pushstring(L, r->remote);
    return 1;
  }
  return 0;
}

static int l_request_newindex(lua_State *L) {
  struct request_object *object = lua_touserdata(L, 1);
  const char *key = luaL_checkstring(L, 2);
  check_live(L, object);
  if (strcmp(key, "params") != 0)
    return luaL_error(L, "req.%s cannot be assigned: req is read-only", key);
  lua_settop(L, 3);
  lua_setiuservalue(L, 1, SLOT_PARAMS);
  return 0;
}

static int l_request_tostring(lua_State *L) {
  const struct request_object *object = luaL_checkudata(L, 1, request_type);
  if (object->r == NULL)
    lua_pushliteral(L, "request (finished)");
  else
    lua_pushfstring(L, "request %s", object->r->id);
  return 1;
}

struct buf *script_body(lua_State *L, int index) {
  if (luaL_testudata(L, index, body_type) == NULL)
    return NULL;
  lua_getiuservalue(L, index, 1);
  struct request_object *object = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return &check_live(L, object)->body;
}

static struct buf *check_body(lua_State *L) {
  struct buf *body = script_body(L, 1);
  if (body == NULL) {
    luaL_typeerror(L, 1, "a request's body");
    __builtin_unreachable(); /* it raises */
  }
  return body;
}

static int l_body_tostring(lua_State *L) {
  const struct buf *body = check_body(L);
  lua_pushlstring(L, body->len > 0 ? body->data : "", body->len);
  return 1;
}

static int on_arrived(lua_State *L, int status, lua_KContext context);

/* body:read(), of a raw route: the next piece; nil at the end; or nil and a message. */
static int l_body_read(lua_State *L) {
  struct task *task = script_task(L, "body:read");
  struct buf *body = check_body(L);
  struct request *r = container_of(body, struct request, body);
  if (!task->is_raw || task->request != r)
    return luaL_error(L, "only a raw route reads its body in pieces: this one has it whole");
  if (body->len > 0) {
    lua_pushlstring(L, body->data, body->len);
    buf_clear(body);
    http_body_taken(r);
    return 1;
  }
  switch (http_body_state(r)) {
  case BODY_COMING:
    lua_settop(L, 1);
    return task_wait(L, task, WAIT_BODY, on_arrived);
  case BODY_BROKEN:
    luaL_pushfail(L);
    lua_pushliteral(L, "the request ended early");
    return 2;
  case BODY_WHOLE:
    break;
  }
  luaL_pushfail(L);
  return 1;
}

static int on_arrived(lua_State *L, int status, lua_KContext context) {
  struct task *task = script_of(L)->running;
  (void) status;
  (void) context;
  if (!task->unwanted)
    return l_body_read(L);
  task->unwanted = false;
  luaL_pushfail(L);
  lua_pushliteral(L, "nobody wants the rest of the request");
  return 2;
}

static int l_body_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer) check_body(L)->len);
  return 1;
}

void lua_request_open(lua_State *L) {
  static const luaL_Reg request_methods[] = {
      {"__newindex", l_request_newindex}, {"__tostring", l_request_tostring}, {NULL, NULL}};
  static const luaL_Reg body_methods[] = {
      {"__tostring", l_body_tostring}, {"__len", l_body_len}, {NULL, NULL}};
  static const luaL_Reg body_functions[] = {{"read", l_body_read}, {NULL, NULL}};

  luaL_newmetatable(L, request_type);
  luaL_setfuncs(L, request_methods, 0);
  lua_newtable(L);
  for (int i = 0; fields[i] != NULL; i++) {
    lua_pushinteger(L, i + 1);
    lua_setfield(L, -2, fields[i]);
  }
  lua_pushcclosure(L, l_request_index, 1);
  lua_setfield(L, -2, "__index");
  lua_rawsetp(L, LUA_REGISTRYINDEX, request_type);
  luaL_newmetatable(L, body_type);
  luaL_setfuncs(L, body_methods, 0);
  luaL_newlib(L, body_functions);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void lua_request_push(lua_State *L, struct task *task) {
  struct request_object *object = lua_newuserdatauv(L, sizeof *object, SLOTS);
  object->r = task->request;
  task->object = object;
  lua_rawgetp(L, LUA_REGISTRYINDEX, request_type);
  lua_setmetatable(L, -2);
}

void lua_request_finish(struct task *task) {
  if (task->object != NULL)
    task->object->r = NULL;
  if (task->request != NULL)
    task->request->handling = NULL;
  task->object = NULL;
  task->request = NULL;
}
