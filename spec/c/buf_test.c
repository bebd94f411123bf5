#include "base/buf.h"

#include <stdint.h>

#include "base/file.h"
#include "test.h"

/* Linked with --wrap=realloc: the call that next_fails counts down to is refused. */
static int next_fails;

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_realloc(void *p, size_t size) {
  return next_fails > 0 && --next_fails == 0 ? NULL : __real_realloc(p, size);
}

static void test_refused_growth(void) {
  struct buf b = {0};
  buf_puts(&b, "kept");
  next_fails = 1;
  CHECK(buf_try_reserve(&b, 1 << 20) == NULL);
  CHECK_BYTES(b.data, b.len, "kept");
  CHECK(buf_try_reserve(&b, SIZE_MAX) == NULL);
  CHECK(buf_try_reserve(&b, SIZE_MAX - 4) == NULL);
  char *end = buf_try_reserve(&b, 1 << 20);
  CHECK(end == b.data + b.len && b.cap - b.len >= 1 << 20);
  CHECK_BYTES(b.data, b.len, "kept");
  buf_clear(&b);
}

static void test_growth_that_ends_somewhere(void) {
  struct buf b = {0};
  jmp_buf refused;
  volatile int times = 0;
  buf_puts(&b, "kept");
  next_fails = 1;
  if (setjmp(refused) != 0)
    times++;
  buf_refused = &refused;
  buf_reserve(&b, 1 << 20); /* the second time there is room */
  buf_refused = NULL;
  CHECK(times == 1);
  CHECK_BYTES(b.data, b.len, "kept");
  buf_clear(&b);
}

static void test_empty(void) {
  struct buf b = {0};
  next_fails = 1;
  CHECK(buf_try_reserve(&b, 0) == NULL); /* a place, even for nothing */
  CHECK(buf_try_reserve(&b, 0) != NULL);
  buf_clear(&b);
}

/* Each allocation on the way through a file, one after another. */
static void test_file(void) {
  const char *why = "";
  for (int n = 1; why != NULL && n < 100; n++) {
    struct buf text = {0};
    next_fails = n;
    why = file_read_all("CMakeLists.txt", 0, 1 << 20, &text);
    CHECK(why == NULL ? next_fails > 0 && text.len > 1000 : strstr(why, "memory") != NULL);
    buf_clear(&text);
  }
  next_fails = 0;
  CHECK(why == NULL);
}

int main(void) {
  test_refused_growth();
  test_growth_that_ends_somewhere();
  test_empty();
  test_file();
  return TEST_END;
}
