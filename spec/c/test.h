#ifndef MOONLEDGER_SPEC_TEST_H
#define MOONLEDGER_SPEC_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a test waits for what must happen: no bar, only the end of a wait for what
 * never comes. */
#define TEST_SECONDS 60

/* A C test is a main that ends with TEST_END; a failed check prints its place and the run
 * goes on. */
static int test_failures, test_checks;

#define CHECK(condition)                                                        \
  do {                                                                          \
    test_checks++;                                                              \
    if (!(condition)) {                                                         \
      test_failures++;                                                          \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                           \
  } while (0)

#define CHECK_BYTES(actual, len, expected)                                               \
  do {                                                                                   \
    test_checks++;                                                                       \
    if ((len) != strlen(expected) || memcmp(actual, expected, len) != 0) {               \
      test_failures++;                                                                   \
      fprintf(stderr, "%s:%d: got      %.*s\n  expected %s\n", __FILE__, __LINE__,       \
              (int) (len), (actual), (expected));                                        \
    }                                                                                    \
  } while (0)

#define TEST_END (printf("%d checks, %d failures\n", test_checks, test_failures), test_failures > 0)

#endif
