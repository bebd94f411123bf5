#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "script/bindings/bindings.h"
#include "script/engine/lua_json.h"

/* The machine's time zones, as scripts have no files. */

#define ZONES_FOLDER "/usr/share/zoneinfo/"

enum { MAX_BYTES = 64 * 1024, LONGEST_NAME = 64 };

/* Letters of IANA's names only: a name leads nowhere but below the folder. */
static bool is_zone_name(const char *name, size_t len) {
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
  return len > 0 && len <= LONGEST_NAME && name[0] != '/' && strspn(name, letters) == len;
}

/* zone.read(name): the bytes of the zone's TZif file (RFC 8536); nil when this machine has none of
 * that name. */
static int l_zone_read(lua_State *L) {
  size_t len;
  const char *name = luaL_checklstring(L, 1, &len);
  struct buf *bytes = lua_json_push_fragment(L);
  char path[sizeof ZONES_FOLDER + LONGEST_NAME];
  struct stat st;
  luaL_pushfail(L);
  if (!is_zone_name(name, len))
    return 1;
  snprintf(path, sizeof path, ZONES_FOLDER "%s", name);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return 1;
  if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAX_BYTES)
    bytes->len = fread(buf_reserve(bytes, MAX_BYTES), 1, MAX_BYTES, file);
  fclose(file);
  if (bytes->len > 0 && memcmp(bytes->data, "TZif", 4) == 0)
    lua_pushlstring(L, bytes->data, bytes->len);
  buf_clear(bytes);
  return 1;
}

int luaopen_zone(lua_State *L) {
  static const luaL_Reg functions[] = {{"read", l_zone_read}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
