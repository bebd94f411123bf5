#include <lauxlib.h>

#include "base/sha256.h"
#include "base/uuid.h"
#include "script/bindings/bindings.h"

static int push_hex(lua_State *L, const unsigned char bytes[SHA256_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  char hex[2 * SHA256_BYTES];
  for (int i = 0; i < SHA256_BYTES; i++) {
    hex[2 * i] = digits[bytes[i] >> 4];
    hex[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

static int l_crypto_sha256(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  struct sha256 h;
  unsigned char out[SHA256_BYTES];
  sha256_init(&h);
  sha256_add(&h, text, len);
  sha256_final(&h, out);
  return push_hex(L, out);
}

static int l_crypto_hmac(lua_State *L) {
  size_t key_len, len;
  const char *key = luaL_checklstring(L, 1, &key_len);
  const char *text = luaL_checklstring(L, 2, &len);
  unsigned char out[SHA256_BYTES];
  hmac_sha256(key, key_len, text, len, out);
  return push_hex(L, out);
}

static int push_uuid(lua_State *L, void (*make)(char out[UUID_LENGTH])) {
  char text[UUID_LENGTH];
  make(text);
  lua_pushlstring(L, text, sizeof text);
  return 1;
}

static int l_crypto_uuid4(lua_State *L) {
  return push_uuid(L, uuid4);
}

static int l_crypto_uuid7(lua_State *L) {
  return push_uuid(L, uuid7);
}

int luaopen_crypto(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"sha256", l_crypto_sha256},
    {"hmac", l_crypto_hmac},
    {"uuid4", l_crypto_uuid4},
    {"uuid7", l_crypto_uuid7},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
