#include "script/kv.h"

#include <malloc.h>
#include <uv.h>

#include "base/clock.h"
#include "script/notes.h"
#include "test.h"

static struct kv_value integer(int64_t n) {
  return (struct kv_value){.type = KV_INTEGER, .integer = n};
}

static struct kv_value text(const char *s) {
  return (struct kv_value){.type = KV_TEXT, .text = {.data = (char *) s, .len = strlen(s)}};
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

static size_t bytes_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/* Each of many values was large once. */
static void check_shrinking(void) {
  enum { LARGE = 60000, KEYS = 50 };
  static char large[LARGE];
  struct kv *kv = kv_new(2 * LARGE);
  struct kv_value big = {.type = KV_TEXT, .text = {.data = large, .len = LARGE}};
  struct kv_value small[] = {text(""), integer(1), text("abc")};
  size_t before = bytes_in_use();
  for (char key = 0; key < KEYS; key++) {
    CHECK(kv_set(kv, &key, 1, &big, 0) == 0);
    CHECK(kv_set(kv, &key, 1, &small[key % 3], 0) == 0);
  }
  CHECK(bytes_in_use() < before + 2 * LARGE);

  /* a text a little shorter keeps its room, which still counts */
  char key = 0;
  CHECK(kv_set(kv, &key, 1, &big, 0) == 0);
  big.text.len = LARGE * 3 / 4;
  CHECK(kv_set(kv, &key, 1, &big, 0) == 0);
  CHECK(kv_set(kv, "other", 5, &big, 0) == 0);
  key = 1;
  big.text.len = LARGE / 4;
  CHECK(kv_set(kv, &key, 1, &big, 0) == UV_ENOSPC);
  kv_free(kv);
}

int main(void) {
  check_notes();
  check_shrinking();
  struct kv *kv = kv_new(4096);
  struct kv_value got = {0}, v = text("hello");
  kv_get(kv, "a", 1, &got);
  CHECK(got.type == KV_NONE);

  CHECK(kv_set(kv, "a", 1, &v, 0) == 0);
  kv_get(kv, "a", 1, &got);
  CHECK(got.type == KV_TEXT);
  CHECK_BYTES(got.text.data, got.text.len, "hello");
  CHECK(kv_incr(kv, "a", 1, &(struct kv_value){.type = KV_INTEGER, .integer = 1}, 0,
                &v) == UV_EINVAL);

  v = integer(3);
  struct kv_value sum;
  CHECK(kv_incr(kv, "n", 1, &v, 0, &sum) == 0 && sum.integer == 3);
  CHECK(kv_incr(kv, "n", 1, &v, 0, &sum) == 0 && sum.integer == 6);
  v = (struct kv_value){.type = KV_REAL, .real = 0.5};
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

  v = (struct kv_value){0};
  CHECK(kv_set(kv, "c", 1, &v, 0) == 0);
  kv_get(kv, "c", 1, &got);
  CHECK(got.type == KV_NONE);

  buf_clear(&got.text);
  kv_free(kv);
  return TEST_END;
}
