#include "script/kv.h"

#include <uv.h>

#include "base/clock.h"
#include "script/notes.h"
#include "test.h"

static struct kv_value integer(int64_t n) {
  return (struct kv_value) {.type = KV_INTEGER, .integer = n};
}

static struct kv_value text(const char *s) {
  return (struct kv_value) {.type = KV_TEXT, .text = {.data = (char *) s, .len = strlen(s)}};
}

static void check_notes(void) {
  static const char path[] = "/tmp/moonledger-notes-test";
  struct notes *notes = notes_new(path), *later = notes_new(path);
  struct notes *nowhere = notes_new("/nowhere/at/all"), *homeless = notes_new(NULL);
  int64_t until = clock_now_us() + 3600 * INT64_C(1000000);
  char out[MAX_NOTE], large[MAX_NOTE] = "";
  CHECK(notes_get(notes, "a", 1, out) == -1);
  CHECK(notes_put(notes, "a", 1, "one", 3, until) == 0);
  CHECK(notes_put(notes, "a", 1, "two", 3, until) == 0);
  CHECK(notes_put(notes, "b", 1, "", 0, until) == 0);
  CHECK(notes_put(notes, "old", 3, "x", 1, 1) == 0);
  CHECK(notes_put(notes, "a", 1, large, sizeof large, until) == UV_E2BIG);
  CHECK(notes_get(notes, "a", 1, out) == 3 && memcmp(out, "two", 3) == 0);
  CHECK(notes_get(notes, "old", 3, out) == -1);
  remove(path);
  CHECK(notes_load(later) == UV_ENOENT);
  CHECK(notes_save(later) == 0 && notes_load(later) == UV_ENOENT);
  CHECK(notes_save(notes) == 0);
  CHECK(notes_load(later) == 0);
  CHECK(notes_get(later, "a", 1, out) == 3 && memcmp(out, "two", 3) == 0);
  CHECK(notes_get(later, "b", 1, out) == 0);
  notes_clear(later);
  CHECK(notes_get(later, "a", 1, out) == -1 && notes_load(later) == UV_ENOENT);
  CHECK(notes_put(later, "a", 1, "one", 3, until) == 0 && notes_get(later, "a", 1, out) == 3);
  CHECK(notes_put(nowhere, "a", 1, "one", 3, until) == 0 && notes_save(nowhere) == UV_ENOENT);
  CHECK(notes_put(homeless, "a", 1, "one", 3, until) == 0 && notes_save(homeless) == 0);
  CHECK(notes_load(homeless) == UV_ENOENT);
  notes_free(notes);
  notes_free(later);
  notes_free(nowhere);
  notes_free(homeless);
}

int main(void) {
  check_notes();
  struct kv *kv = kv_new(4096);
  struct kv_value got = {0}, v = text("hello");
  kv_get(kv, "a", 1, &got);
  CHECK(got.type == KV_NONE);

  CHECK(kv_set(kv, "a", 1, &v, 0) == 0);
  kv_get(kv, "a", 1, &got);
  CHECK(got.type == KV_TEXT);
  CHECK_BYTES(got.text.data, got.text.len, "hello");
  CHECK(kv_incr(kv, "a", 1, &(struct kv_value) {.type = KV_INTEGER, .integer = 1}, 0,
                &v) == UV_EINVAL);

  v = integer(3);
  struct kv_value sum;
  CHECK(kv_incr(kv, "n", 1, &v, 0, &sum) == 0 && sum.integer == 3);
  CHECK(kv_incr(kv, "n", 1, &v, 0, &sum) == 0 && sum.integer == 6);
  v = (struct kv_value) {.type = KV_REAL, .real = 0.5};
  CHECK(kv_incr(kv, "n", 1, &v, 0, &sum) == 0 && sum.type == KV_REAL && sum.real == 6.5);

  static char large[5000];
  struct kv_value big = {.type = KV_TEXT, .text = {.data = large, .len = sizeof large}};
  CHECK(kv_set(kv, "a", 1, &big, 0) == UV_ENOSPC);
  kv_get(kv, "a", 1, &got);
  CHECK_BYTES(got.text.data, got.text.len, "hello");

  /* what has expired makes room */
  big.text.len = 3500;
  CHECK(kv_set(kv, "b", 1, &big, 1) == 0);
  int rc;
  for (int i = 0; i < TEST_SECONDS * 1000 && (rc = kv_set(kv, "c", 1, &big, 0)) == UV_ENOSPC; i++)
    uv_sleep(1);
  CHECK(rc == 0);
  kv_get(kv, "b", 1, &got);
  CHECK(got.type == KV_NONE);

  v = (struct kv_value) {0};
  CHECK(kv_set(kv, "c", 1, &v, 0) == 0);
  kv_get(kv, "c", 1, &got);
  CHECK(got.type == KV_NONE);

  buf_clear(&got.text);
  kv_free(kv);
  return TEST_END;
}
