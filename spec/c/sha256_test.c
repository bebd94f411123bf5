#include "base/sha256.h"

#include "test.h"

static void to_hex(char hex[65], const unsigned char *bytes) {
  for (int i = 0; i < SHA256_BYTES; i++)
    snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static void check_hash(const char *text, size_t times, const char *expected) {
  struct sha256 h;
  unsigned char out[SHA256_BYTES];
  char hex[65];
  sha256_init(&h);
  for (size_t i = 0; i < times; i++)
    sha256_add(&h, text, strlen(text));
  sha256_final(&h, out);
  to_hex(hex, out);
  CHECK_BYTES(hex, 64, expected);
}

static void check_hmac(const char *key, size_t key_len, const char *text, const char *expected) {
  unsigned char out[SHA256_BYTES];
  char hex[65];
  hmac_sha256(key, key_len, text, strlen(text), out);
  to_hex(hex, out);
  CHECK_BYTES(hex, 64, expected);
}

int main(void) {
  /* FIPS 180-4's examples, and both sides of the padding's border */
  check_hash("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  check_hash("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  check_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  check_hash("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  check_hash("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  check_hash("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");

  /* RFC 4231, cases 1, 2 and 6 */
  static char key[131];
  memset(key, 0x0b, 20);
  check_hmac(key, 20, "Hi There",
             "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  check_hmac("Jefe", 4, "what do ya want for nothing?",
             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xaa, 131);
  check_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
             "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  return TEST_END;
}
