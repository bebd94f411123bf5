#include "base/table.h"

#include "base/hash.h"
#include "test.h"

static bool same(const void *item, const void *key) {
  return *(const int *) item == *(const int *) key;
}

int main(void) {
  enum { COUNT = 5000 };
  static int keys[COUNT];
  struct hash_seed seed = {1, 2};
  struct table t = {0};

  for (int i = 0; i < COUNT; i++) {
    keys[i] = i;
    table_insert(&t, hash_bytes(&seed, &keys[i], sizeof keys[i]), &keys[i]);
  }
  for (int i = 0; i < COUNT; i += 3)
    table_remove(&t, hash_bytes(&seed, &keys[i], sizeof keys[i]), &keys[i]);
  for (int i = 0; i < COUNT; i++) {
    int *found = table_find(&t, hash_bytes(&seed, &i, sizeof i), same, &i);
    CHECK(found == (i % 3 == 0 ? NULL : &keys[i]));
  }
  CHECK(t.len == COUNT - (COUNT + 2) / 3);
  table_clear(&t);

  /* Reference value of SipHash-1-3 over bytes 0..7 with key 00..0f, from the authors'
   * test program. */
  struct hash_seed reference = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  unsigned char empty = 0;
  CHECK(hash_bytes(&reference, &empty, 0) == 0xabac0158050fc4dc);
  return TEST_END;
}
