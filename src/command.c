#include "command.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/assets.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config_run.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_content.h"
#include "script/commands.h"

/* Of a command's process. */
struct command {
  char *file, *root; /* config.lua, absolute, and its folder; whether or not they are there */
  const struct options *options;
  const struct config_place *place;
  struct config *config; /* NULL: nobody has asked for it yet */
  const char *manual;    /* what of it is printed; NULL: a command runs */
  char **words;          /* the command's name and those that follow it */
  int count, code;
};

static const char command_key;

static struct command *command_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &command_key);
  struct command *command = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return command;
}

/* Pushes the function of a file beside config.lua or in the program; 0, or UV_ENOENT with nothing
 * pushed; raises. */
static int push_file(lua_State *L, const char *name) {
  const char *root = command_of(L)->root;
  struct buf text = {0};
  int rc = assets_read(root, name, &text);
  if (rc == UV_ENOENT)
    return rc;
  if (rc < 0)
    luaL_error(L, "%s/%s: %s", root, name, uv_strerror(rc));
  const char *chunk = lua_pushfstring(L, "@%s", name);
  size_t mark = utf8_mark(text.data, text.len);
  int status = luaL_loadbufferx(L, text.data + mark, text.len - mark, chunk, "t");
  buf_clear(&text);
  lua_remove(L, -2);
  return status == LUA_OK ? 0 : lua_error(L);
}

/* What options of the command line and places have made of the table at the top. */
static void set_in_force(lua_State *L, const struct config *config) {
  lua_getfield(L, -1, "listen");
  lua_pushstring(L, config->host);
  lua_setfield(L, -2, "host");
  lua_pushinteger(L, config->port);
  lua_setfield(L, -2, "port");
  lua_getfield(L, -2, "storage");
  lua_pushstring(L, config->storage.path);
  lua_setfield(L, -2, "path");
  lua_pop(L, 2);
  lua_pushinteger(L, config->workers);
  lua_setfield(L, -2, "workers");
}

static int l_load_config(lua_State *L) {
  struct command *c = command_of(L);
  struct buf errors = {0};
  const char *slash = strrchr(c->file, '/');
  if (push_file(L, slash + 1) < 0)
    luaL_error(L, "%s: no such file; --config names another file", c->file);
  lua_pushglobaltable(L);
  config_push_env(L);
  lua_setupvalue(L, -2, 1);
  lua_call(L, 0, 1);
  c->config = config_read(L, c->file, &c->options->overrides, &errors);
  if (c->config == NULL) {
    while (errors.len > 0 && errors.data[errors.len - 1] == '\n')
      errors.len--;
    lua_pushlstring(L, errors.data, errors.len);
    buf_clear(&errors);
    lua_error(L);
  }
  lua_pushliteral(L, MOONLEDGER_VERSION);
  lua_setfield(L, -2, "version");
  set_in_force(L, c->config);
  return 1;
}

static void push_module(lua_State *L, const char *name) {
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
}

const struct config *command_config(lua_State *L) {
  struct command *c = command_of(L);
  if (c->config == NULL) {
    push_module(L, "config");
    lua_pop(L, 1);
  }
  return c->config;
}

static int l_no_module(lua_State *L) {
  return luaL_error(L, "module '%s' is for routes: a command asks the server, through client",
                    lua_tostring(L, 1));
}

static int l_price_file_read(lua_State *L) {
  return lua_price_file_push(L, command_config(L)->price_file);
}

static int open_price_file(lua_State *L) {
  static const luaL_Reg functions[] = {{"read", l_price_file_read}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

/* env.server(): the address at which the server of this config listens. */
static int l_env_server(lua_State *L) {
  const struct config *c = command_config(L);
  lua_pushfstring(L, strchr(c->host, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d", c->host,
                  (int) c->port);
  return 1;
}

static int open_env(lua_State *L) {
  luaopen_env(L);
  lua_pushcfunction(L, l_env_server);
  lua_setfield(L, -2, "server");
  lua_pushliteral(L, MOONLEDGER_VERSION);
  lua_setfield(L, -2, "version");
  const struct command *c = command_of(L);
  lua_createtable(L, 0, 2);
  lua_pushstring(L, c->file);
  lua_setfield(L, -2, "file");
  lua_pushstring(L, c->place->how);
  lua_setfield(L, -2, "how");
  lua_setfield(L, -2, "config");
  return 1;
}

/* Pushes what makes the module: a binding, or the function of its file. */
static void push_opener(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_getfield(L, -1, name) != LUA_TNIL)
    return;
  const char *path = lua_pushfstring(L, "lua/%s.lua", luaL_gsub(L, name, ".", "/"));
  if (push_file(L, path) < 0)
    luaL_error(L, "module '%s' not found: there is no %s, neither in %s nor in the program", name,
               path, command_of(L)->root);
}

static int l_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, 2, name) != LUA_TNIL)
    return 1;
  push_opener(L, name);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) {
    lua_pushboolean(L, 1);
    lua_replace(L, -2);
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

/* The language of routes: what is outside comes through modules. */
static void open_libraries(lua_State *L) {
  static const luaL_Reg libraries[] = {
      {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine}, {NULL, NULL}};
  static const char *const os_words[] = {"clock", "date", "difftime", "time"};
  config_open_libs(L);
  for (const luaL_Reg *library = libraries; library->name != NULL; library++) {
    luaL_requiref(L, library->name, library->func, 1);
    lua_pop(L, 1);
  }
  lua_newtable(L);
  luaopen_os(L);
  for (size_t i = 0; i < sizeof os_words / sizeof *os_words; i++) {
    lua_getfield(L, -1, os_words[i]);
    lua_setfield(L, -3, os_words[i]);
  }
  lua_pop(L, 1);
  lua_setglobal(L, "os");
}

/* What require finds without a file. */
static void preload_modules(lua_State *L) {
  static const struct binding modules[] = {{"client", luaopen_client},
                                           {"config", l_load_config},
                                           {"content", luaopen_content},
                                           {"crypto", luaopen_crypto},
                                           {"database", luaopen_database},
                                           {"env", open_env},
                                           {"file", luaopen_file},
                                           {"json", luaopen_json},
                                           {"log", luaopen_log},
                                           {"price_file", open_price_file},
                                           {"storage", luaopen_reading},
                                           {"term", luaopen_term},
                                           {"upkeep", luaopen_command_upkeep},
                                           {"zone", luaopen_zone},
                                           {NULL, NULL}};
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct binding *m = bindings; m->name != NULL; m++) {
    lua_pushcfunction(L, l_no_module);
    lua_setfield(L, -2, m->name);
  }
  for (const struct binding *m = modules; m->name != NULL; m++) {
    lua_pushcfunction(L, m->open);
    lua_setfield(L, -2, m->name);
  }
  lua_pop(L, 1);
}

static void set_global(lua_State *L, const char *name, const char *module, const char *function) {
  push_module(L, module);
  lua_getfield(L, -1, function);
  lua_setglobal(L, name);
  lua_pop(L, 1);
}

static void open_state(lua_State *L) {
  open_libraries(L);
  preload_modules(L);
  lua_pushcfunction(L, l_require);
  lua_setglobal(L, "require");
  lua_getglobal(L, "require");
  lua_setglobal(L, "later"); /* what a command requires it needs */
  set_global(L, "print", "term", "print");
  set_global(L, "sleep", "env", "sleep");
}

/* Links resolved, as the server has it. */
static void find_folder(struct command *c, const char *config_file) {
  struct buf path = {0};
  c->file = realpath(config_file, NULL);
  if (c->file == NULL) {
    char *here = getcwd(NULL, 0);
    buf_printf(&path, "%s/%s", *config_file != '/' && here != NULL ? here : "", config_file);
    buf_putc(&path, '\0');
    free(here);
    c->file = path.data;
  }
  c->root = xstrdup(c->file);
  *strrchr(c->root, '/') = '\0';
}

/* Calls step in a new state; the exit code, 1 after an error, which was printed. */
static int in_state(struct command *c, lua_CFunction step) {
  lua_State *L = luaL_newstate();
  find_folder(c, c->options->config);
  lua_pushlightuserdata(L, c);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &command_key);
  lua_pushcfunction(L, step);
  lua_pushlightuserdata(L, c);
  bool fine = lua_pcall(L, 1, 0, 0) == LUA_OK;
  term_wipe();
  fflush(stdout);
  if (!fine)
    fprintf(stderr, "moonledger: %s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  config_free(c->config);
  free(c->root);
  free(c->file);
  return fine ? c->code : 1;
}

static bool is_word(const char *word) {
  return *word != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool exists(const struct command *c) {
  struct buf name = {0}, text = {0};
  buf_printf(&name, "lua/commands/%s.lua", c->words[0]);
  buf_putc(&name, '\0');
  bool found = assets_read(c->root, name.data, &text) != UV_ENOENT;
  buf_clear(&name);
  buf_clear(&text);
  return found;
}

/* lib.command_line.run(word, words) -> exit code */
static int l_run(lua_State *L) {
  struct command *c = lua_touserdata(L, 1);
  if (!is_word(c->words[0]) || !exists(c)) {
    fprintf(stderr, "moonledger: %s: unexpected argument; --help shows what there is\n",
            c->words[0]);
    c->code = 2;
    return 0;
  }
  open_state(L);
  push_module(L, "lib.command_line");
  lua_getfield(L, -1, "run");
  lua_pushstring(L, c->words[0]);
  lua_createtable(L, c->count, 0);
  for (int i = 1; i < c->count; i++) {
    lua_pushstring(L, c->words[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 2, 1);
  c->code = (int) luaL_checkinteger(L, -1);
  return 0;
}

int command_run(const struct options *options, const struct config_place *place, char **words,
                int count) {
  struct command c = {.options = options, .place = place, .words = words, .count = count};
  return in_state(&c, l_run);
}

static void push_built_in(lua_State *L) {
  static const char folder[] = "lua/commands/";
  size_t count, n = sizeof folder - 1;
  const struct asset *all = assets_all(&count);
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(all[i].name);
    if (len <= n + 4 || memcmp(all[i].name, folder, n) != 0 ||
        strcmp(all[i].name + len - 4, ".lua") != 0)
      continue;
    lua_pushlstring(L, all[i].name + n, len - n - 4);
    lua_rawseti(L, -2, (lua_Integer) lua_rawlen(L, -2) + 1);
  }
}

/* A list per kind of rows: words, options, .. */
static void push_table(lua_State *L) {
  lua_newtable(L);
  for (const char *const *kind = options_kinds; *kind != NULL; kind++) {
    lua_newtable(L);
    lua_setfield(L, -2, *kind);
  }
  for (const struct options_row *row = options_table; row->name != NULL; row++) {
    lua_getfield(L, -1, options_kinds[row->kind]);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, row->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, row->value);
    lua_setfield(L, -2, "value");
    lua_pushstring(L, row->help);
    lua_setfield(L, -2, "help");
    lua_rawseti(L, -2, (lua_Integer) lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
}

/* lib.manual[what](table, folder, built_in) */
static int l_manual(lua_State *L) {
  open_state(L);
  push_module(L, "lib.manual");
  lua_getfield(L, -1, command_of(L)->manual);
  push_table(L);
  lua_pushfstring(L, "%s/lua/commands", command_of(L)->root);
  push_built_in(L);
  lua_call(L, 3, 0);
  return 0;
}

int command_manual(const struct options *options, const struct config_place *place,
                   const char *what) {
  struct command c = {.options = options, .place = place, .manual = what};
  return in_state(&c, l_manual);
}
