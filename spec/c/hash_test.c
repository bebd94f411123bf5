#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "test.h"

enum { LONGEST = 70 };

/* Each length reads its bytes, all of them and no others: the block ends where they do. */
static void test_every_byte_counts(void) {
  for (size_t len = 0; len <= LONGEST; len++) {
    char *block = xmalloc(len + 1), *key = block + 1;
    memset(block, 'k', len + 1);
    uint64_t hash = hash_quickly(key, len);
    CHECK(hash == hash_quickly(key, len));
    for (size_t i = 0; i < len; i++) {
      key[i] ^= 1;
      CHECK(hash_quickly(key, len) != hash);
      key[i] ^= 1;
    }
    CHECK(len == 0 || hash_quickly(key, len - 1) != hash);
    free(block);
  }
}

/* Tables take the low bits for a place. */
static void test_low_bits_spread(void) {
  size_t places[256] = {0}, most = 0;
  for (uint64_t i = 0; i < 25600; i++)
    places[hash_quickly(&i, sizeof i) & 255]++;
  for (size_t i = 0; i < 256; i++)
    most = places[i] > most ? places[i] : most;
  CHECK(most < 200); /* of 100 on average; Poisson leaves no room for twice as many */
}

int main(void) {
  test_every_byte_counts();
  test_low_bits_spread();
  return TEST_END;
}
