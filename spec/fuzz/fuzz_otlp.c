#include "fuzz_ingest.h"

/* Input: which signal and encoding, then the body. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  int choice = (int) (fuzz_byte(&in) % 6);
  fuzz_ingest("spec/fuzz/ingest.lua", in, choice);
  return 0;
}
