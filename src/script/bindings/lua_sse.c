#include <lauxlib.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "http/request.h"
#include "hub/hub.h"
#include "hub/streams.h"
#include "loop/loop.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_fields.h"
#include "script/engine/lua_json.h"
#include "script/engine/handler.h"
#include "script/engine/script.h"
#include "script/services.h"

static const char type_name[] = "sse.stream";

enum { MAX_TOPIC = 64 };

/* What sse.stream returns: a subscription in waiting.  Whatever is not handed over, the
 * collector releases. */
struct stream {
  struct custom_response response;
  struct streams *const *streams; /* of this loop; NULL once they are closed */
  char topic[MAX_TOPIC + 1];
  char connection_id[UUID_LENGTH + 1];
  char resume[129];
  bool has_resume;
  struct conditions *where, *replay_where;
  struct payload *hello;
};

static int l_stream_gc(lua_State *L) {
  struct stream *s = lua_touserdata(L, 1);
  conditions_unref(s->where);
  conditions_unref(s->replay_where);
  payload_unref(s->hello);
  s->where = s->replay_where = NULL;
  s->hello = NULL;
  return 0;
}

static int raise_text(lua_State *L, const struct buf *error) {
  lua_pushlstring(L, error->data, error->len);
  return luaL_argerror(L, 1, lua_tostring(L, -1));
}

/* Copies the text of a field; false when there is none. */
static bool copy_field(lua_State *L, const char *name, char *out, size_t size) {
  size_t len;
  if (lua_getfield(L, 1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  const char *s = lua_tolstring(L, -1, &len);
  if (s == NULL)
    luaL_error(L, "bad argument #1 (field %s must be a string)", name);
  if (len >= size)
    len = size - 1;
  memcpy(out, s, len);
  out[len] = '\0';
  lua_pop(L, 1);
  return true;
}

/* One line: white space between tokens may hold line breaks where a fragment brought
 * them, strings cannot. */
static void to_one_line(struct buf *json) {
  for (size_t i = 0; i < json->len; i++)
    if (json->data[i] == '\n' || json->data[i] == '\r')
      json->data[i] = ' ';
}

/* The first event; it is told the connection's id. */
static void read_hello(lua_State *L, struct stream *s) {
  struct buf *json = lua_json_push_fragment(L), *error = lua_json_push_fragment(L);
  if (lua_getfield(L, 1, "hello") == LUA_TTABLE) {
    lua_pushstring(L, s->connection_id);
    lua_setfield(L, -2, "connection_id");
    if (!lua_json_write(L, -1, json, error))
      raise_text(L, error);
    to_one_line(json);
    s->hello = payload_from_buf(json);
  }
  lua_pop(L, 3);
}

static void set_headers(struct response *response) {
  static const char *const headers[][2] = {
      {"content-type", "text/event-stream; charset=utf-8"},
      {"cache-control", "no-cache"},
      {"x-accel-buffering", "no"},
  };
  response->status = 200;
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    response_header(response, headers[i][0], strlen(headers[i][0]), headers[i][1],
                    strlen(headers[i][1]));
}

/* The subscription takes over what the collector would release. */
static void subscribe(struct streams *streams, struct stream *s, struct request *r,
                      struct response *head) {
  struct subscription subscription = {
      .topic = s->topic,
      .where = s->where,
      .replay_where = s->replay_where,
      .hello = s->hello,
      .resume = s->has_resume ? s->resume : NULL,
      .connection_id = s->connection_id,
      .chunked = !r->http10,
  };
  s->where = s->replay_where = NULL;
  s->hello = NULL;
  streams_subscribe(streams, http_become_stream(r, head), &subscription);
}

static void send_stream(struct custom_response *self, struct request *r) {
  struct stream *s = container_of(self, struct stream, response);
  struct response head = {0};
  if (r->method == METHOD_HEAD) {
    set_headers(&head);
    http_become_stream(r, &head);
  } else if (streams_admit(*s->streams) < 0) {
    http_respond_error(r, 503, "No place for another subscriber", "retry-after: 5\r\n");
  } else {
    set_headers(&head);
    subscribe(*s->streams, s, r, &head);
  }
}

static int l_sse_stream(lua_State *L) {
  static const char *const known[] = {"topic", "where", "replay_where", "hello", "resume", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_fields_check(L, 1, known);
  struct stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (struct stream){.response.send = send_stream,
                       .streams = &script_services(L)->streams[script_loop(L)->index]};
  luaL_setmetatable(L, type_name);
  uuid4(s->connection_id);
  luaL_argcheck(L, copy_field(L, "topic", s->topic, sizeof s->topic), 1,
                "field topic must be a string");
  s->has_resume = copy_field(L, "resume", s->resume, sizeof s->resume);
  s->where = lua_field_conditions(L, 1, "where");
  s->replay_where = lua_field_conditions(L, 1, "replay_where");
  read_hello(L, s);
  return 1;
}

static int l_sse_publish(lua_State *L) {
  const char *topic = luaL_checkstring(L, 1);
  luaL_checkany(L, 2);
  const struct schema *schema = script_services(L)->schema;
  if (schema != NULL && strcmp(topic, schema->topic) == 0)
    return luaL_argerror(L, 1, lua_pushfstring(L, "the topic %s is the server's own", topic));
  luaL_argcheck(L, strlen(topic) <= MAX_TOPIC, 1, "a topic has at most 64 bytes");
  struct buf *json = lua_json_push_fragment(L), *error = lua_json_push_fragment(L);
  if (!lua_json_write(L, 2, json, error)) {
    lua_pushlstring(L, error->data, error->len);
    return luaL_argerror(L, 2, lua_tostring(L, -1));
  }
  to_one_line(json);
  script_check_serving(L, "sse.publish");
  hub_publish(script_services(L)->hub, topic, json->data, json->len);
  return 0;
}

static int l_sse_stats(lua_State *L) {
  struct hub_stats stats;
  script_check_serving(L, "sse.stats");
  hub_stats(script_services(L)->hub, &stats);
  const struct {
    const char *name;
    uint64_t n;
  } fields[] = {
    {"published", stats.published}, {"delivered", stats.delivered},     {"dropped", stats.dropped},
    {"groups", stats.groups},       {"subscribers", stats.subscribers},
  };
  lua_createtable(L, 0, sizeof fields / sizeof *fields);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_pushinteger(L, (lua_Integer) fields[i].n);
    lua_setfield(L, -2, fields[i].name);
  }
  return 1;
}

int luaopen_sse(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"stream", l_sse_stream},
    {"publish", l_sse_publish},
    {"stats", l_sse_stats},
    {NULL, NULL},
  };
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, l_stream_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, type_name);
  lua_setfield(L, -2, "__metatable");
  handler_mark_custom(L);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
