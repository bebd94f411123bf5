#include "fuzz.h"

/* What slow.c has to find: blanks are taken off the ends of words by looking, at each of them,
 * whether there is anything else before the word's end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static volatile size_t words;
  for (size_t i = 0; i < size; i++) {
    size_t end = i;
    while (end < size && data[end] == ' ')
      end++;
    words += end < size && data[end] == '&';
  }
  return 0;
}
