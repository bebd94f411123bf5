#include "fuzz_ingest.h"

/* Input: which format, then text of that: LiteLLM's, ccproxy's, transcripts, access logs. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  int choice = 6 + (int) (fuzz_byte(&in) % 8);
  fuzz_ingest("spec/fuzz/ingest.lua", in, choice);
  return 0;
}
