#include "fuzz.h"
#include "slow.h"

/* Runs each input of the files of spec/fuzz/corpus that it is given: FUZZER FILE ..
 * FUZZER --slow SECONDS SEED FILE .. makes inputs of them and looks for those that cost much.
 * An input is a line; \n, \r, \t, \\ and \xHH stand for bytes (corpus.lua writes them). */

static unsigned hex(char c) {
  return (unsigned) (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static size_t decode_line(char *line, size_t len) {
  size_t out = 0;
  for (size_t i = 0; i < len; i++) {
    char c = line[i];
    if (c == '\\') {
      c = line[++i];
      if (c == 'x') {
        c = (char) (hex(line[i + 1]) << 4 | hex(line[i + 2]));
        i += 2;
      } else if (c != '\\') {
        c = c == 'n' ? '\n' : c == 'r' ? '\r' : '\t';
      }
    }
    line[out++] = c;
  }
  return out;
}

static void run_line(char *line, size_t len, bool keep) {
  size_t size = decode_line(line, len);
  if (keep) {
    slow_keep((uint8_t *) line, size);
    return;
  }
  /* so that a read past its end is one past an allocation */
  uint8_t *exact = xmalloc(size > 0 ? size : 1);
  memcpy(exact, line, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static size_t run_file(FILE *file, bool keep) {
  char *line = NULL;
  size_t cap = 0, count = 0;
  for (ssize_t len; (len = getline(&line, &cap, file)) > 0; count++)
    run_line(line, (size_t) (len - (line[len - 1] == '\n')), keep);
  free(line);
  return count;
}

int main(int argc, char **argv) {
  bool slow = argc > 4 && strcmp(argv[1], "--slow") == 0;
  for (int i = slow ? 4 : 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "r");
    if (file == NULL)
      return perror(argv[i]), 1;
    size_t count = run_file(file, slow);
    fclose(file);
    printf("%s: %zu inputs\n", argv[i], count);
    if (count == 0)
      return 1;
  }
  if (slow)
    return slow_search(strtod(argv[2], NULL), (unsigned) strtoul(argv[3], NULL, 10));
  return argc > 1 ? 0 : 2;
}
