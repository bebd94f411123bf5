#include "config.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config_captures.h"
#include "config_retention.h"
#include "config_shape.h"
#include "config_shipped.h"
#include "net/allow.h"

enum setting_type { SETTING_BOOLEAN, SETTING_INTEGER, SETTING_TEXT, SETTING_CHOICE };

/* One key.  Integers are written into a field of the given width; 0: only scripts read it. */
struct setting {
  const char *section, *key; /* section NULL: top level */
  enum setting_type type;
  size_t offset, width;
  int64_t least, most, number; /* bounds and default of an integer; default of a boolean */
  const char *text;            /* default; of a choice: all words, "a|b", the default first */
  bool at_start;               /* a running server cannot take it over */
};

#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *) NULL)->member)
#define NUMBER(section, key, member, least, most, value, at_start) \
  {section, key, SETTING_INTEGER, FIELD(member), least, most, value, NULL, at_start}
#define FLAG(section, key, member, value) \
  {section, key, SETTING_BOOLEAN, FIELD(member), 0, 1, value, NULL, false}
#define FEATURE(key, value) {"features", key, SETTING_BOOLEAN, 0, 0, 0, 1, value, NULL, false}
#define TEXT(section, key, member, value)                                                \
  { section, key, SETTING_TEXT, FIELD(member), 0, 0, 0, value, true }
#define CHOICE(section, key, member, words, at_start) \
  {section, key, SETTING_CHOICE, FIELD(member), 0, 0, 0, words, at_start}

#define KiB 1024ll
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)
#define HOUR_MS 3600000ll

static const struct setting settings[] = {
    TEXT("listen", "host", host, "127.0.0.1"),
    NUMBER("listen", "port", port, 0, 65535, 8787, true),
    NUMBER(NULL, "workers", workers, 0, 64, 0, true),
    CHOICE("storage", "backend", has_storage, "sqlite|none", true),
    TEXT("storage", "path", storage.path, "data/moonledger.db"),
    TEXT("storage", "backup_folder", storage.backups, ""),
    CHOICE("storage", "durability", storage.sync, "full|normal", true),
    NUMBER("storage", "queue_bytes", storage.queue_bytes, 64 * KiB, 16 * GiB, 64 * MiB,
           true),
    NUMBER("storage", "readers", storage.readers, 1, 64, 2, true),
    NUMBER("storage", "query_deadline_ms", storage.query_deadline_ms, 1, HOUR_MS, 5000,
           true),
    NUMBER("storage", "sql_max_rows", storage.sql_max_rows, 1, 10000000, 10000, true),
    NUMBER("storage", "dedupe_hours", storage.dedupe_hours, 1, 24 * 366, 24, true),
    NUMBER("storage", "hot_days", storage.hot_days, 0, 36500, 2, true),
    NUMBER("storage", "dedupe_max_ids", storage.dedupe_max_ids, 1000, 1000000000,
           20000000, true),
    NUMBER("limits", "body_bytes", limits.body_bytes, 1 * KiB, 512 * MiB, 64 * MiB,
           false),
    NUMBER("limits", "record_bytes", limits.record_bytes, 1 * KiB, 1 * GiB, 1 * MiB,
           false),
    NUMBER("limits", "json_depth", limits.json_depth, 1, 1000, 64, false),
    NUMBER("limits", "in_flight_bytes", limits.in_flight_bytes, 1 * KiB, 64 * GiB,
           256 * MiB, false),
    NUMBER("limits", "out_bytes", limits.out_bytes, 1 * MiB, 64 * GiB, 128 * MiB, false),
    NUMBER("limits", "request_line_bytes", limits.request_line_bytes, 64, 1 * MiB,
           8 * KiB, false),
    NUMBER("limits", "header_bytes", limits.header_bytes, 256, 1 * MiB, 32 * KiB, false),
    NUMBER("limits", "header_fields", limits.header_fields, 8, 1000, 100, false),
    NUMBER("limits", "header_ms", limits.header_ms, 10, HOUR_MS, 10000, false),
    NUMBER("limits", "body_ms", limits.body_ms, 10, HOUR_MS, 60000, false),
    NUMBER("limits", "body_bytes_per_second", limits.body_bytes_per_second, 1, 1 * GiB,
           1024, false),
    NUMBER("limits", "idle_ms", limits.idle_ms, 10, 24 * HOUR_MS, 60000, false),
    NUMBER("limits", "shutdown_ms", limits.shutdown_ms, 0, HOUR_MS, 10000, false),
    NUMBER("limits", "connections", limits.connections, 1, 1000000, 10000, true),
    NUMBER("script", "burst_cpu_ms", script.burst_cpu_ms, 1, HOUR_MS, 250, false),
    NUMBER("script", "total_cpu_ms", script.total_cpu_ms, 1, HOUR_MS, 4000, false),
    NUMBER("script", "wall_ms", script.wall_ms, 1, HOUR_MS, 30000, false),
    NUMBER("script", "load_cpu_ms", script.load_cpu_ms, 1, HOUR_MS, 500, false),
    NUMBER("script", "memory_bytes", script.memory_bytes, 4 * MiB, 16 * GiB, 64 * MiB,
           false),
    NUMBER("stream", "ring_events", stream.ring_events, 16, 16777216, 65536, true),
    NUMBER("stream", "ring_bytes", stream.ring_bytes, 64 * KiB, 16 * GiB, 32 * MiB, true),
    NUMBER("stream", "max_subscribers", stream.max_subscribers, 1, 1000000, 10000, true),
    NUMBER("stream", "heartbeat_ms", stream.heartbeat_ms, 10, HOUR_MS, 15000, true),
    TEXT("metrics", "namespace", metrics.name_space, "ccproxy"),
    NUMBER("metrics", "max_series", metrics.max_series, 1, 10000000, 2000, true),
    NUMBER("metrics", "max_age", metrics.max_age, 0, INT64_C(100) * 366 * 86400, 86400, true),
    {"outside", "ca_file", SETTING_TEXT, FIELD(outside.ca_file), 0, 0, 0, "", false},
    {"pricing", "file", SETTING_TEXT, FIELD(price_file), 0, 0, 0, "", false},
    FLAG("pricing", "native", price_native, true),
    {"events", "keep", SETTING_BOOLEAN, 0, 0, 0, 1, false, NULL, false},
    {"events", "max", SETTING_INTEGER, 0, 0, 1, INT64_MAX / 2, 1000000, NULL, false},
    FEATURE("metrics_endpoint_enabled", true),
    FEATURE("logs_endpoints_enabled", true),
    FEATURE("logs_collection_enabled", true),
    FEATURE("dashboard_enabled", true),
    FEATURE("reload_enabled", false),
    CHOICE("log", "level", log_level, "info|debug|warn|error", false),
    CHOICE("log", "format", log_format, "logfmt|json", false),
    FLAG(NULL, "dev", dev, false),
    FLAG(NULL, "watch", watch, true),
};

enum { SETTINGS = sizeof settings / sizeof *settings };

static const char *const without_tokens = "anyone on this network may read, write and reset";

/* What a choice's words mean, in the order of enum and words alike. */
static void set_choice(struct config *config, const struct setting *s, const char *word) {
  if (s->offset == offsetof(struct config, has_storage))
    config->has_storage = strcmp(word, "sqlite") == 0;
  else if (s->offset == offsetof(struct config, storage.sync))
    config->storage.sync = strcmp(word, "full") == 0;
  else if (s->offset == offsetof(struct config, log_format))
    config->log_format = strcmp(word, "json") == 0 ? LOG_JSON : LOG_LOGFMT;
  else
    config->log_level = *word == 'd'   ? LOG_DEBUG
                        : *word == 'w' ? LOG_WARN
                        : *word == 'e' ? LOG_ERROR
                                       : LOG_INFO;
}

static void set_number(struct config *config, const struct setting *s, int64_t n) {
  void *field = (char *) config + s->offset;
  if (s->width == 8)
    *(int64_t *) field = n;
  else if (s->width == 4)
    *(int32_t *) field = (int32_t) n;
  else if (s->width == 2)
    *(uint16_t *) field = (uint16_t) n;
  else if (s->width == 1)
    *(bool *) field = n != 0;
}

static void set_text(struct config *config, const struct setting *s, const char *text) {
  char **field = (char **) ((char *) config + s->offset);
  free(*field);
  *field = xstrdup(text);
}

static bool is_word_of(const char *words, const char *word) {
  size_t len = strlen(word);
  for (const char *p = words; len > 0 && p != NULL; p = strchr(p, '|'), p += p != NULL)
    if (strncmp(p, word, len) == 0 && (p[len] == '|' || p[len] == '\0'))
      return true;
  return false;
}

static void name_key(struct buf *out, const struct setting *s) {
  if (s->section != NULL)
    buf_printf(out, "%s.", s->section);
  buf_puts(out, s->key);
}

static void complain(struct buf *errors, const char *key, const char *format, const char *detail) {
  buf_printf(errors, "config.lua: %s: ", key);
  buf_printf(errors, format, detail);
  buf_putc(errors, '\n');
}

static void put_value(struct buf *out, lua_State *L, int index) {
  int type = lua_type(L, index);
  if (type == LUA_TSTRING)
    buf_printf(out, "the text \"%.60s\"", lua_tostring(L, index));
  else if (type == LUA_TNUMBER)
    buf_printf(out, "%.17g", lua_tonumber(L, index));
  else if (type == LUA_TBOOLEAN)
    buf_puts(out, lua_toboolean(L, index) ? "true" : "false");
  else
    buf_printf(out, "a %s", lua_typename(L, type));
}

static void complain_value(struct buf *errors, lua_State *L, const struct setting *s) {
  buf_literal(errors, "config.lua: ");
  name_key(errors, s);
  if (s->type == SETTING_INTEGER)
    buf_printf(errors, ": expected an integer from %lld to %lld", (long long) s->least,
               (long long) s->most);
  else if (s->type == SETTING_BOOLEAN)
    buf_literal(errors, ": expected true or false");
  else if (s->type == SETTING_TEXT)
    buf_literal(errors, ": expected a text that is not empty");
  else
    buf_printf(errors, ": expected one of %s", s->text);
  buf_literal(errors, ", got ");
  put_value(errors, L, -1);
  buf_putc(errors, '\n');
}

/* Sets s from the value at the top of the stack; false when it does not fit. */
static bool set_value(struct config *config, lua_State *L, const struct setting *s) {
  int type = lua_type(L, -1), is_integer;
  if (s->type == SETTING_BOOLEAN) {
    set_number(config, s, lua_toboolean(L, -1));
    return type == LUA_TBOOLEAN;
  }
  if (s->type == SETTING_INTEGER) {
    lua_Integer n = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : (is_integer = 0);
    set_number(config, s, n);
    return is_integer && n >= s->least && n <= s->most;
  }
  if (type != LUA_TSTRING || (lua_rawlen(L, -1) == 0 && *s->text != '\0'))
    return false;
  const char *text = lua_tostring(L, -1);
  if (s->type == SETTING_TEXT)
    set_text(config, s, text);
  else if (is_word_of(s->text, text))
    set_choice(config, s, text);
  else
    return false;
  return true;
}

static void push_default(lua_State *L, const struct setting *s) {
  if (s->type == SETTING_BOOLEAN)
    lua_pushboolean(L, s->number != 0);
  else if (s->type == SETTING_INTEGER)
    lua_pushinteger(L, s->number);
  else
    lua_pushlstring(L, s->text, strcspn(s->text, "|"));
}

/* Pushes the table of a section, made if it is absent; false when something else stands there. */
static bool push_section(lua_State *L, const char *section) {
  if (section == NULL) {
    lua_pushvalue(L, -1);
    return true;
  }
  lua_getfield(L, -1, section);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, section);
  }
  return lua_istable(L, -1);
}

static void read_settings(struct config *config, lua_State *L, struct buf *errors) {
  for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
    if (push_section(L, s->section)) {
      lua_getfield(L, -1, s->key);
      if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        push_default(L, s);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, s->key);
      }
      if (!set_value(config, L, s))
        complain_value(errors, L, s);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
}

static bool is_known(const char *section, const char *key) {
  char name[128];
  snprintf(name, sizeof name, "%s%s%s", section != NULL ? section : "",
           section != NULL ? "." : "", key);
  for (const struct setting *s = settings; s < settings + SETTINGS; s++)
    if (strcmp(s->key, key) == 0 &&
        (section == s->section ||
         (section && s->section && strcmp(section, s->section) == 0)))
      return true;
  return config_is_shaped(name) || strcmp(name, "listen.without_tokens") == 0;
}

static bool is_section(const char *key) {
  for (const struct setting *s = settings; s < settings + SETTINGS; s++)
    if (s->section != NULL && strcmp(s->section, key) == 0)
      return true;
  return config_has_shaped(key);
}

static void refuse_unknown(lua_State *L, const char *section, struct buf *errors) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                     : "a key that is no text";
    if (section == NULL && is_section(key) && lua_istable(L, -1))
      refuse_unknown(L, key, errors);
    else if (section == NULL && is_section(key))
      complain(errors, key, "expected a table, got a %s", luaL_typename(L, -1));
    else if (!is_known(section, key))
      buf_printf(errors,
                 "config.lua: %s%s%s: unknown key; the shipped config.lua lists all of "
                 "them, and settings = {} is the "
                 "place for your scripts' own\n",
                 section != NULL ? section : "", section != NULL ? "." : "", key);
  }
}

static void read_strings(struct string_list *list, lua_State *L, const char *name,
                         struct buf *errors) {
  config_push_shaped(L, name);
  size_t count = lua_rawlen(L, -1);
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    if (lua_type(L, -1) == LUA_TSTRING)
      string_list_add(list, lua_tostring(L, -1));
    else
      complain(errors, name, "expected a list of texts, got a %s in it", luaL_typename(L, -1));
  }
  lua_pop(L, 1);
}

static struct config_token read_scopes(lua_State *L, struct buf *errors) {
  struct config_token token = {0};
  struct buf why = {0};
  lua_getfield(L, -1, "scopes");
  size_t count = config_is_list(L, &why) ? lua_rawlen(L, -1) : 0;
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    const char *scope = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    if (strcmp(scope, "read") == 0)
      token.may_read = true;
    else if (strcmp(scope, "ingest") == 0)
      token.may_ingest = true;
    else if (strcmp(scope, "admin") == 0)
      token.may_admin = true;
    else
      complain(errors, "tokens", "expected the scopes read, ingest or admin, got %s", scope);
  }
  lua_pop(L, 1);
  buf_clear(&why);
  if (count == 0)
    complain(errors, "tokens", "every entry needs scopes = { %s }",
             "\"read\", \"ingest\", \"admin\"");
  return token;
}

static void read_tokens(struct config *config, lua_State *L, struct buf *errors) {
  static const char *const known[] = {"token", "env", "scopes", NULL};
  config_push_shaped(L, "tokens");
  size_t count = lua_rawlen(L, -1);
  config->tokens = xcalloc(count + 1, sizeof *config->tokens);
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    if (!lua_istable(L, -1)) {
      complain(
          errors, "tokens",
          "expected entries such as { token = \"...\", scopes = { \"read\" } }, got a %s",
          luaL_typename(L, -1));
      continue;
    }
    config_check_keys(L, "tokens", known, errors);
    struct config_token entry = read_scopes(L, errors);
    lua_getfield(L, -1, "env");
    lua_getfield(L, -2, "token");
    const char *env = lua_tostring(L, -2), *token = env != NULL ? getenv(env) : lua_tostring(L, -1);
    if (env == NULL && (token == NULL || strlen(token) < 8))
      complain(errors, "tokens", "every entry needs env = \"NAME\" or a token of %s",
               "at least 8 characters");
    else if (token != NULL && *token != '\0') {
      entry.text = xstrdup(token);
      config->tokens[config->ntokens++] = entry;
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static bool is_loopback(const char *host) {
  return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
         strcmp(host, "localhost") == 0;
}

/* Prometheus data model, "Metric names and labels"; empty: names have nothing in front. */
static bool is_namespace(const char *s) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return s[strspn(s, letters)] == '\0' && !(*s >= '0' && *s <= '9');
}

static void check_together(struct config *config, struct buf *errors) {
  bool remote = !is_loopback(config->host);
  if (remote && config->ntokens == 0 && !config->allow_remote_without_tokens)
    buf_printf(errors,
               "config.lua: listen.host: %s is reachable from other machines and no "
               "token is set: set "
               "MOONLEDGER_ADMIN_TOKEN (or another of tokens), or say "
               "listen.without_tokens = \"%s\"\n",
               config->host, without_tokens);
  for (size_t i = 0; remote && i < config->ntokens; i++)
    if (strlen(config->tokens[i].text) < 16) /* here anyone may guess */
      buf_printf(errors,
                 "config.lua: listen.host: %s is reachable from other machines and a "
                 "token has fewer than 16 "
                 "characters: take one such as openssl rand -hex 16 makes\n",
                 config->host);
  if (!is_namespace(config->metrics.name_space))
    complain(errors, "metrics.namespace", "expected letters, digits and _, no digit first, got %s",
             config->metrics.name_space);
}

static void apply_overrides(struct config *config, const struct config_overrides *overrides) {
  if (overrides == NULL)
    return;
  if (overrides->host != NULL) {
    free(config->host);
    config->host = xcalloc(1, overrides->host_len + 1);
    memcpy(config->host, overrides->host, overrides->host_len);
    config->port = overrides->port;
  }
  if (overrides->database != NULL) {
    free(config->storage.path);
    config->storage.path = xstrdup(overrides->database);
  }
  if (overrides->workers > 0)
    config->workers = overrides->workers;
}

static void make_absolute(char **path, const char *root) {
  struct buf absolute = {0};
  buf_printf(&absolute, "%s/%s", root, *path);
  buf_putc(&absolute, '\0');
  free(*path);
  *path = absolute.data;
}

/* A path in config.lua is relative to that file; one on the command line to the working folder. */
static void resolve_paths(struct config *config, const char *file,
                          const struct config_overrides *overrides) {
  config->file = xstrdup(file);
  config->root = xstrdup(file);
  char *slash = strrchr(config->root, '/');
  *(slash != NULL ? slash : config->root) = '\0';

  if (*config->price_file != '\0' && *config->price_file != '/')
    make_absolute(&config->price_file, config->root);
  if (*config->outside.ca_file != '\0' && *config->outside.ca_file != '/')
    make_absolute(&config->outside.ca_file, config->root);
  const char *data = overrides != NULL && overrides->data != NULL ? overrides->data : config->root;
  if (*config->storage.path != '/' && (overrides == NULL || overrides->database == NULL))
    make_absolute(&config->storage.path, data);
  if (*config->storage.backups != '\0' && *config->storage.backups != '/')
    make_absolute(&config->storage.backups, data);
}

static void read_without_tokens(struct config *config, lua_State *L, struct buf *errors) {
  lua_getfield(L, -1, "listen");
  lua_getfield(L, -1, "without_tokens");
  const char *words = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  config->allow_remote_without_tokens = strcmp(words, without_tokens) == 0;
  if (!lua_isnil(L, -1) && !config->allow_remote_without_tokens)
    complain(errors, "listen.without_tokens", "expected the words \"%s\"", without_tokens);
  lua_pop(L, 2);
}

/* Here so that a mistake is told with all others. */
static void read_outside(struct config *config, lua_State *L, struct buf *errors) {
  struct allow *allow = allow_new();
  read_strings(&config->outside.allow, L, "outside.allow", errors);
  for (size_t i = 0; i < config->outside.allow.count; i++) {
    const char *entry = config->outside.allow.items[i], *why = allow_add(allow, entry);
    if (why != NULL)
      buf_printf(errors, "config.lua: outside.allow: %.100s: %s\n", entry, why);
  }
  allow_free(allow);
}

struct config *config_read(lua_State *L, const char *file, const struct config_overrides *overrides,
                           struct buf *errors) {
  size_t before = errors->len;
  if (!lua_istable(L, -1)) {
    buf_printf(errors, "config.lua: expected it to return a table, got a %s\n",
               luaL_typename(L, -1));
    return NULL;
  }
  struct config *config = xcalloc(1, sizeof *config);
  luaL_checkstack(L, 16, NULL);
  refuse_unknown(L, NULL, errors);
  config_fill(L);
  config_check_shapes(L, errors);
  read_settings(config, L, errors);
  if (errors->len == before) {
    read_without_tokens(config, L, errors);
    config_read_retention(config, L, errors);
    read_strings(&config->hosts, L, "hosts", errors);
    read_strings(&config->metrics.labels, L, "metrics.labels", errors);
    read_outside(config, L, errors);
    read_strings(&config->cors_origins, L, "cors.origins", errors);
    read_tokens(config, L, errors);
    config_read_routes(config, L, errors);
    config_read_captures(config, L, errors);
    apply_overrides(config, overrides);
    resolve_paths(config, file, overrides);
    check_together(config, errors);
  }
  if (errors->len > before) {
    config_free(config);
    return NULL;
  }
  return config;
}

void config_free(struct config *config) {
  if (config == NULL)
    return;
  for (const struct setting *s = settings; s < settings + SETTINGS; s++)
    if (s->type == SETTING_TEXT)
      free(*(char **) ((char *) config + s->offset));
  for (size_t i = 0; i < config->ntokens; i++)
    free(config->tokens[i].text);
  config_free_routes(config);
  free(config->tokens);
  string_list_clear(&config->hosts);
  string_list_clear(&config->metrics.labels);
  string_list_clear(&config->cors_origins);
  string_list_clear(&config->outside.allow);
  string_list_clear(&config->outside.captured);
  free(config->file);
  free(config->root);
  free(config);
}

void config_restart_keys(const struct config *running, const struct config *wanted,
                         struct buf *out) {
  for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
    const char *a = (const char *) running + s->offset, *b = (const char *) wanted + s->offset;
    bool same = s->type == SETTING_TEXT ? strcmp(*(char *const *) a, *(char *const *) b) == 0
                                        : memcmp(a, b, s->width) == 0;
    if (!s->at_start || same)
      continue;
    if (out->len > 0)
      buf_literal(out, ", ");
    name_key(out, s);
  }
}
