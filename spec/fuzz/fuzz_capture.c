#include "fuzz_ingest.h"

/* Input: whose answer it is and how it comes, then the answer's body. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  int choice = (int) fuzz_byte(&in);
  fuzz_ingest("spec/fuzz/capture.lua", in, choice);
  return 0;
}
