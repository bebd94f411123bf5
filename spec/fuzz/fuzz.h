#ifndef MOONLEDGER_FUZZ_H
#define MOONLEDGER_FUZZ_H

#include <sanitizer/common_interface_defs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

/* A small fuzzer guided by coverage: FUZZER [SECONDS] [FILE].  An input that reaches a
 * branch that none reached before joins the corpus; inputs are mutations of those.  A
 * crash leaves its input in FUZZER.crash; given as FILE it is run once. */

/* What a fuzzer defines: its first inputs, ended by NULL, and the code under test. */
extern const char *const fuzz_seeds[];
static void fuzz_one(const char *data, size_t len);

#define FUZZ_CHECK(condition)                                                            \
  ((condition) ? (void) 0 : (fprintf(stderr, "not true: %s\n", #condition), abort()))

enum { FUZZ_MAP = 1 << 14, FUZZ_LONGEST = 4096 };

static struct {
  uint8_t reached[FUZZ_MAP], ever[FUZZ_MAP];
  uintptr_t last;
  struct buf *corpus;
  size_t ncorpus, cap, runs;
  struct buf input;
  const char *name;
  uint64_t random;
} fuzz;

/* gcc's -fsanitize-coverage=trace-pc calls this in every block. */
void __sanitizer_cov_trace_pc(void) {
  uintptr_t here = (uintptr_t) __builtin_return_address(0);
  fuzz.reached[(here ^ fuzz.last) % FUZZ_MAP] = 1;
  fuzz.last = here >> 1;
}

static uint64_t fuzz_random(uint64_t below) {
  fuzz.random ^= fuzz.random << 13;
  fuzz.random ^= fuzz.random >> 7;
  fuzz.random ^= fuzz.random << 17;
  return fuzz.random % below;
}

static void fuzz_keep(const char *data, size_t len) {
  if (fuzz.ncorpus == fuzz.cap) {
    fuzz.cap = fuzz.cap ? fuzz.cap * 2 : 64;
    fuzz.corpus = xrealloc(fuzz.corpus, fuzz.cap * sizeof *fuzz.corpus);
  }
  struct buf *b = &fuzz.corpus[fuzz.ncorpus++];
  *b = (struct buf){0};
  buf_append(b, data, len);
}

/* Runs the input; true when it went where none had gone. */
static bool fuzz_run(void) {
  bool news = false;
  memset(fuzz.reached, 0, sizeof fuzz.reached);
  /* so that a read past its end is one past an allocation */
  char *exact = xmemdup(fuzz.input.data, fuzz.input.len);
  fuzz_one(exact, fuzz.input.len);
  free(exact);
  fuzz.runs++;
  for (size_t i = 0; i < FUZZ_MAP; i++)
    if (fuzz.reached[i] && !fuzz.ever[i]) {
      fuzz.ever[i] = 1;
      news = true;
    }
  return news;
}

static void fuzz_replace(size_t at, size_t drop, const char *data, size_t len) {
  struct buf made = {0};
  buf_append(&made, fuzz.input.data, at);
  buf_append(&made, data, len);
  buf_append(&made, fuzz.input.data + at + drop, fuzz.input.len - at - drop);
  buf_clear(&fuzz.input);
  fuzz.input = made;
}

static void fuzz_mutate(void) {
  static const char *const words[] = {"\0",
                                      "\xff",
                                      "\"",
                                      "\\",
                                      "\\u",
                                      "\\ud800",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      ":",
                                      ",",
                                      "\n",
                                      "\r\n",
                                      "null",
                                      "true",
                                      "1e999",
                                      "-0",
                                      "9223372036854775808",
                                      "0.1",
                                      "%",
                                      "\xc3\x28",
                                      "\xef\xbb\xbf"};
  size_t len = fuzz.input.len, at = fuzz_random(len + 1), rest = len - at;
  char byte = (char) fuzz_random(256);
  const char *word = words[fuzz_random(sizeof words / sizeof *words)];
  const struct buf *other = &fuzz.corpus[fuzz_random(fuzz.ncorpus)];
  size_t from = fuzz_random(other->len + 1);
  switch (fuzz_random(5)) {
  case 0:
    fuzz_replace(at, rest > 0, &byte, 1);
    break;
  case 1:
    fuzz_replace(at, fuzz_random(rest + 1), NULL, 0);
    break;
  case 2:
    fuzz_replace(at, 0, word, *word ? strlen(word) : 1);
    break;
  case 3:
    fuzz_replace(at, fuzz_random(rest + 1), other->data + from, fuzz_random(other->len - from + 1));
    break;
  default:
    if (rest > 0)
      fuzz.input.data[at] ^= (char) (1 << fuzz_random(8));
  }
  if (fuzz.input.len > FUZZ_LONGEST)
    fuzz.input.len = FUZZ_LONGEST;
}

static void fuzz_on_death(void) {
  struct buf path = {0};
  buf_printf(&path, "%s.crash", fuzz.name);
  buf_putc(&path, '\0');
  FILE *file = fopen(path.data, "wb");
  if (file) {
    fwrite(fuzz.input.data, 1, fuzz.input.len, file);
    fclose(file);
  }
  fprintf(stderr, "the input is in %s\n", path.data);
}

static int fuzz_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return perror(path), 1;
  fuzz.input.len = fread(buf_reserve(&fuzz.input, 1 << 20), 1, 1 << 20, file);
  fclose(file);
  fuzz_run();
  return 0;
}

int main(int argc, char **argv) {
  fuzz.name = argv[0];
  fuzz.random = (uint64_t) clock_monotonic_ns() | 1;
  __sanitizer_set_death_callback(fuzz_on_death);
  if (argc > 2)
    return fuzz_file(argv[2]);
  for (const char *const *seed = fuzz_seeds; *seed; seed++) {
    fuzz_keep(*seed, strlen(*seed));
    fuzz_replace(0, fuzz.input.len, *seed, strlen(*seed));
    fuzz_run();
  }
  int64_t until = clock_monotonic_ns() + (argc > 1 ? atoll(argv[1]) : 60) * 1000000000;
  while (clock_monotonic_ns() < until) {
    const struct buf *start = &fuzz.corpus[fuzz_random(fuzz.ncorpus)];
    fuzz_replace(0, fuzz.input.len, start->data, start->len);
    for (uint64_t i = fuzz_random(4); i < 4; i++)
      fuzz_mutate();
    if (fuzz_run())
      fuzz_keep(fuzz.input.data, fuzz.input.len);
  }
  printf("%s: %zu runs, %zu inputs kept\n", fuzz.name, fuzz.runs, fuzz.ncorpus);
  return 0;
}

#endif
