#include "script/engine/handler.h"

#include <lauxlib.h>
#include <string.h>

#include "http/router.h"
#include "loop/loop.h"
#include "script/engine/generation.h"
#include "script/engine/lua_json.h"
#include "script/engine/lua_list.h"
#include "script/engine/lua_request.h"
#include "script/engine/memory.h"
#include "script/engine/task.h"

enum { WRITE_TURN = 256 * 1024 }; /* bytes streamed before others have a turn */

static void read_header(lua_State *L, struct outcome *outcome, const char *name, size_t name_len) {
  size_t len;
  const char *value = luaL_tolstring(L, -1, &len);
  if (!response_header(&outcome->response, name, name_len, value, len))
    luaL_error(
        L, "the handler returned the header '%s', which the server writes itself, or which has "
           "characters that no header may have",
        name);
  lua_pop(L, 1);
}

/* A list as value gives one header line per item. */
static void read_headers(lua_State *L, struct outcome *outcome) {
  if (!lua_istable(L, -1))
    luaL_error(L,
               "the handler returned headers that are a %s: expected a table of names "
               "and values",
               luaL_typename(L, -1));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    size_t len;
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "the handler returned a header whose name is a %s: expected a text",
                 luaL_typename(L, -2));
    const char *name = lua_tolstring(L, -2, &len);
    lua_Integer count = lua_istable(L, -1) ? (lua_Integer) lua_rawlen(L, -1) : 0;
    if (lua_istable(L, -1) && lua_list_push_key(L, -1))
      luaL_error(L, "the handler returned the header %s that is no list of texts", name);
    if (!lua_istable(L, -1))
      read_header(L, outcome, name, len);
    for (lua_Integer i = 1; i <= count; i++) {
      lua_rawgeti(L, -1, i);
      read_header(L, outcome, name, len);
      lua_pop(L, 1);
    }
  }
}

static void read_json(lua_State *L, struct outcome *outcome) {
  struct buf error = {0};
  if (lua_json_write(L, lua_gettop(L), &outcome->text, &error))
    return;
  buf_putc(&error, '\0');
  char text[200];
  snprintf(text, sizeof text, "%s", error.data);
  buf_clear(&error);
  luaL_error(L, "the handler returned json that cannot be written: %s", text);
}

/* A fragment is handed over, not copied: it may be a page of many megabytes, which would
 * otherwise wait for the collector. */
static void take_fragment(lua_State *L, struct buf *out, struct buf *fragment) {
  if (fragment->data == NULL)
    luaL_error(L, "the handler returned a fragment that has been sent before");
  buf_clear(out);
  *out = lua_json_take(L, fragment);
}

static void read_text(lua_State *L, struct buf *out, const char *field) {
  size_t len;
  struct buf *body = script_body(L, lua_gettop(L)), *fragment = lua_json_fragment(L, -1);
  if (fragment != NULL) {
    take_fragment(L, out, fragment);
    return;
  }
  if (body != NULL) {
    memory_append(L, out, body->data, body->len);
    return;
  }
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "the handler returned a %s that is a %s: expected a text", field,
               luaL_typename(L, -1));
  const char *text = lua_tolstring(L, -1, &len);
  memory_append(L, out, text, len);
}

static void read_status(lua_State *L, struct outcome *outcome) {
  int is_integer;
  lua_Integer status = lua_tointegerx(L, -1, &is_integer);
  int last = outcome->response.bare ? 999 : 599;
  if (!is_integer || status < 200 || status > last)
    luaL_error(L, "the handler returned a status that is no integer from 200 to %d", last);
  outcome->response.status = (int) status;
}

static void read_length(lua_State *L, struct outcome *outcome) {
  int is_integer;
  lua_Integer length = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || length < 0)
    luaL_error(L, "the handler returned a length that is no number of bytes");
  outcome->response.has_length = true;
  outcome->response.length = (size_t) length;
}

enum body_kind {
  CONTENT_NONE,
  CONTENT_JSON,
  CONTENT_BODY,
  CONTENT_FILE,
  CONTENT_DETAIL,
  CONTENT_STREAM
};

/* One field of what it returned, its value at the top of the stack. */
static enum body_kind read_field(lua_State *L, struct outcome *outcome, const char *key) {
  if (strcmp(key, "json") == 0)
    return read_json(L, outcome), CONTENT_JSON;
  if (strcmp(key, "status") == 0)
    return read_status(L, outcome), CONTENT_NONE;
  if (strcmp(key, "headers") == 0)
    return read_headers(L, outcome), CONTENT_NONE;
  if (strcmp(key, "body") == 0)
    return read_text(L, &outcome->text, key), CONTENT_BODY;
  if (strcmp(key, "file") == 0)
    return read_text(L, &outcome->text, key), CONTENT_FILE;
  if (strcmp(key, "missing") == 0)
    return read_text(L, &outcome->missing, key), CONTENT_NONE;
  if (strcmp(key, "detail") == 0)
    return read_text(L, &outcome->text, key), CONTENT_DETAIL;
  if (strcmp(key, "length") == 0)
    return read_length(L, outcome), CONTENT_NONE;
  if (strcmp(key, "stream") != 0)
    luaL_error(L,
               "the handler returned the unknown field '%s': known are status, headers, "
               "json, body, file, "
               "missing, stream, length and detail",
               key);
  if (!lua_isfunction(L, -1))
    luaL_error(L, "the handler returned a stream that is a %s: expected a function",
               luaL_typename(L, -1));
  return CONTENT_STREAM;
}

static enum body_kind read_fields(lua_State *L, struct outcome *outcome) {
  enum body_kind content = CONTENT_NONE;
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L,
                 "the handler returned a table with a key that is a %s: expected json = "
                 "…, body = … or the like",
                 luaL_typename(L, -2));
    enum body_kind found = read_field(L, outcome, lua_tostring(L, -2));
    if (found != CONTENT_NONE && content != CONTENT_NONE)
      luaL_error(L, "the handler returned two of json, body, file, stream and detail: "
                    "one is enough");
    content = found != CONTENT_NONE ? found : content;
  }
  return content;
}

static void set_type(struct outcome *outcome, const char *type) {
  bool has_type = response_has_header(&outcome->response, "content-type");
  outcome->response.type = has_type ? NULL : type;
}

static void on_drain(struct request *r) {
  struct task *task = r->handling;
  if (task != NULL && task->wait == WAIT_DRAIN)
    task_ready(task);
}

static int l_written(lua_State *L, int status, lua_KContext context) {
  (void) status;
  (void) context;
  lua_pushboolean(L, 1);
  return 1;
}

static int l_write(lua_State *L) {
  size_t len;
  const struct buf *fragment = lua_json_fragment(L, 1);
  const char *data = fragment != NULL ? (len = fragment->len, fragment->data)
                                      : luaL_checklstring(L, 1, &len);
  struct task *task = script_task(L, "write");
  if (!task->streaming)
    return luaL_error(L, "write belongs to another request");
  if (task->request == NULL)
    return task_wait(L, task, WAIT_FOR_EVER, l_written);
  if (task->is_raw)
    task->cpu_ns = 0; /* of each piece */
  else
    task->deadline_ms = (int64_t) uv_now(&task->script->loop->uv) +
                        task->script->generation->settings->script.wall_ms;
  bool room = len == 0 || http_stream_write(task->request, data, len);
  task->written += len;
  if (!room)
    return task_wait(L, task, WAIT_DRAIN, l_written);
  if (task->written > WRITE_TURN)
    return task_wait(L, task, WAIT_TURN, l_written);
  return l_written(L, LUA_OK, 0);
}

static int on_streamed(lua_State *L, int status, lua_KContext context) {
  (void) status;
  (void) context;
  bool aborted = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  script_of(L)->running->outcome.kind = aborted ? OUTCOME_ABORTED : OUTCOME_STREAMED;
  return 0;
}

static int start_stream(lua_State *L, struct task *task) {
  struct outcome *outcome = &task->outcome;
  lua_getfield(L, 2, "stream");
  lua_pushcfunction(L, l_write);
  if (task->request == NULL)
    return task_wait(L, task, WAIT_FOR_EVER, on_streamed);
  if (!outcome->response.bare)
    set_type(outcome, "application/octet-stream");
  outcome->response.compressible = !outcome->response.bare && !outcome->response.has_length;
  task->streaming = true;
  http_stream_start(task->request, &outcome->response, on_drain);
  outcome->response = (struct response){0};
  lua_callk(L, 1, 1, 0, on_streamed);
  return on_streamed(L, LUA_OK, 0);
}

static const char custom_key;

void handler_mark_custom(lua_State *L) {
  lua_pushboolean(L, true);
  lua_rawsetp(L, -2, &custom_key);
}

static struct custom_response *custom_response(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
    return NULL;
  bool marked = lua_rawgetp(L, -1, &custom_key) != LUA_TNIL;
  lua_pop(L, 2);
  return marked ? lua_touserdata(L, index) : NULL;
}

static int on_handled(lua_State *L, int status, lua_KContext context) {
  (void) status;
  (void) context;
  struct task *task = script_of(L)->running;
  struct outcome *outcome = &task->outcome;
  outcome->response.status = 200;
  outcome->response.bare = task->is_raw;
  outcome->custom = custom_response(L, 2);
  if (outcome->custom != NULL) {
    if (outcome->custom->claimed)
      return luaL_error(L, "the handler returned a stream that has been returned before: "
                           "every request needs its own");
    outcome->custom->claimed = true;
    outcome->kind = OUTCOME_CUSTOM;
    return 1; /* which anchors it */
  }
  if (!lua_istable(L, 2))
    return luaL_error(L, "the handler returned a %s: expected a table such as { json = … }",
                      luaL_typename(L, 2));
  enum body_kind content = read_fields(L, outcome);
  if (content == CONTENT_STREAM)
    return start_stream(L, task);
  outcome->kind = content == CONTENT_DETAIL ? OUTCOME_DETAIL
                 : content == CONTENT_FILE ? OUTCOME_FILE
                                           : OUTCOME_RESPONSE;
  outcome->response.compressible = !outcome->response.bare;
  if (content == CONTENT_JSON)
    set_type(outcome, "application/json");
  else if (content == CONTENT_BODY)
    set_type(outcome, "text/plain; charset=utf-8");
  else if (content != CONTENT_NONE)
    buf_putc(&outcome->text, '\0');
  return 0;
}

int handler_run(lua_State *L) {
  struct script *script = script_of(L);
  struct task *task = script->running;
  lua_request_push(L, task);
  lua_rawgeti(L, LUA_REGISTRYINDEX, script->handlers[task->request->route->index].ref);
  lua_pushvalue(L, 1);
  lua_callk(L, 1, 1, 0, on_handled);
  return on_handled(L, LUA_OK, 0);
}

void outcome_clear(struct outcome *outcome) {
  buf_clear(&outcome->response.headers);
  buf_clear(&outcome->text);
  buf_clear(&outcome->missing);
}

void handler_respond(struct request *r, struct outcome *outcome) {
  if (outcome->kind == OUTCOME_STREAMED) {
    http_stream_end(r);
  } else if (outcome->kind == OUTCOME_ABORTED) {
    http_stream_abort(r);
  } else if (outcome->kind == OUTCOME_DETAIL) {
    buf_putc(&outcome->response.headers, '\0');
    http_respond_error(r, outcome->response.status, outcome->text.data,
                       outcome->response.headers.data);
  } else if (outcome->kind == OUTCOME_FILE) {
    buf_putc(&outcome->missing, '\0');
    outcome->response.missing = outcome->missing.len > 1 ? outcome->missing.data : NULL;
    http_respond_file(r, &outcome->response, outcome->text.data);
    outcome->response = (struct response){0};
  } else {
    outcome->response.body = buf_take(&outcome->text);
    http_respond(r, &outcome->response);
    outcome->response = (struct response){0};
  }
}

void handler_respond_failure(struct request *r, bool streaming, enum task_end why) {
  static const char *const messages[] = {
      [TASK_CPU] = "The script used up its CPU time",
      [TASK_WALL] = "The script took too long",
      [TASK_EXPIRED] = "The script was replaced while it served this request",
  };
  if (streaming)
    http_stream_abort(r);
  else
    http_respond_error(r, 503, messages[why], "retry-after: 1\r\n");
}
