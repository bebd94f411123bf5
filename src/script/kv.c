#include "script/kv.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/table.h"

struct entry {
  uint64_t hash;
  int64_t expires_ns; /* monotonic; 0: never */
  struct kv_value value;
  size_t len;
  char key[];
};

struct kv {
  pthread_mutex_t lock;
  struct table entries;
  size_t bytes, max_bytes;
};

struct key {
  const char *data;
  size_t len;
};

static bool entry_equal(const void *item, const void *key) {
  const struct entry *e = item;
  const struct key *k = key;
  return e->len == k->len && memcmp(e->key, k->data, k->len) == 0;
}

static size_t entry_bytes(size_t key_len, size_t text_cap) {
  return sizeof(struct entry) + sizeof(struct table_slot) + key_len + text_cap;
}

static void remove_entry(struct kv *kv, struct entry *e) {
  table_remove(&kv->entries, e->hash, e);
  kv->bytes -= entry_bytes(e->len, e->value.text.cap);
  buf_clear(&e->value.text);
  free(e);
}

static struct entry *find_entry(struct kv *kv, struct key key) {
  struct entry *e = table_find(&kv->entries,
                               hash_bytes(hash_process_seed(), key.data, key.len),
                               entry_equal, &key);
  if (e == NULL || e->expires_ns == 0 || e->expires_ns > clock_monotonic_ns())
    return e;
  remove_entry(kv, e);
  return NULL;
}

/* Removing moves slots, so a slot is looked at again after it. */
static void remove_expired(struct kv *kv) {
  int64_t now = clock_monotonic_ns();
  for (size_t i = 0; i < kv->entries.cap;) {
    struct entry *e = kv->entries.slots[i].item;
    if (e != NULL && e->expires_ns != 0 && e->expires_ns <= now)
      remove_entry(kv, e);
    else
      i++;
  }
}

static bool make_room(struct kv *kv, size_t bytes) {
  if (kv->bytes + bytes > kv->max_bytes)
    remove_expired(kv);
  return kv->bytes + bytes <= kv->max_bytes;
}

static void copy_value(struct kv_value *to, const struct kv_value *from) {
  struct buf text = to->text;
  *to = *from;
  to->text = text;
  to->text.len = 0;
  buf_append(&to->text, from->text.data, from->text.len);
}

/* What an entry that holds a buffer of cap bytes will hold once the text is len bytes. */
static size_t fitting_cap(size_t cap, size_t len) {
  return cap < len || cap > 2 * len ? len : cap;
}

static void store_value(struct kv_value *held, const struct kv_value *value) {
  size_t cap = fitting_cap(held->text.cap, value->text.len);
  if (cap != held->text.cap) {
    buf_clear(&held->text);
    if (cap > 0)
      held->text = (struct buf){.data = xmalloc(cap), .cap = cap};
  }
  copy_value(held, value);
}

static int64_t expiry(int64_t ttl_ms) {
  return ttl_ms > 0 ? clock_monotonic_ns() + ttl_ms * 1000000 : 0;
}

static int insert(struct kv *kv, struct key key, const struct kv_value *value, int64_t ttl_ms) {
  size_t bytes = entry_bytes(key.len, value->text.len);
  if (!make_room(kv, bytes))
    return UV_ENOSPC;
  struct entry *e = xcalloc(1, sizeof *e + key.len);
  e->hash = hash_bytes(hash_process_seed(), key.data, key.len);
  e->expires_ns = expiry(ttl_ms);
  e->len = key.len;
  memcpy(e->key, key.data, key.len);
  store_value(&e->value, value);
  table_insert(&kv->entries, e->hash, e);
  kv->bytes += bytes;
  return 0;
}

struct kv *kv_new(size_t max_bytes) {
  struct kv *kv = xcalloc(1, sizeof *kv);
  pthread_mutex_init(&kv->lock, NULL);
  kv->max_bytes = max_bytes;
  return kv;
}

void kv_free(struct kv *kv) {
  for (size_t i = 0; i < kv->entries.cap; i++) {
    struct entry *e = kv->entries.slots[i].item;
    if (e != NULL)
      buf_clear(&e->value.text);
    free(e);
  }
  table_clear(&kv->entries);
  pthread_mutex_destroy(&kv->lock);
  free(kv);
}

void kv_get(struct kv *kv, const char *key, size_t len, struct kv_value *value) {
  pthread_mutex_lock(&kv->lock);
  struct entry *e = find_entry(kv, (struct key){key, len});
  if (e != NULL)
    copy_value(value, &e->value);
  else
    value->type = KV_NONE;
  pthread_mutex_unlock(&kv->lock);
}

static int replace(struct kv *kv, struct entry *e, const struct kv_value *value, int64_t ttl_ms) {
  size_t before = e->value.text.cap, after = fitting_cap(before, value->text.len);
  int64_t expires_ns = e->expires_ns;
  e->expires_ns = 0; /* making room must not take it */
  if (after > before && !make_room(kv, after - before)) {
    e->expires_ns = expires_ns;
    return UV_ENOSPC;
  }
  e->expires_ns = expiry(ttl_ms);
  kv->bytes += after - before;
  store_value(&e->value, value);
  return 0;
}

int kv_set(struct kv *kv, const char *key, size_t len, const struct kv_value *value,
           int64_t ttl_ms) {
  int rc = 0;
  pthread_mutex_lock(&kv->lock);
  struct entry *e = find_entry(kv, (struct key){key, len});
  if (e != NULL && value->type != KV_NONE)
    rc = replace(kv, e, value, ttl_ms);
  else if (e != NULL)
    remove_entry(kv, e);
  else if (value->type != KV_NONE)
    rc = insert(kv, (struct key){key, len}, value, ttl_ms);
  pthread_mutex_unlock(&kv->lock);
  return rc;
}

static bool is_number(const struct kv_value *v) {
  return v->type == KV_INTEGER || v->type == KV_REAL;
}

static void add_number(struct kv_value *to, const struct kv_value *by) {
  if (to->type == KV_INTEGER && by->type == KV_INTEGER) {
    to->integer = (int64_t) ((uint64_t) to->integer + (uint64_t) by->integer);
    return;
  }
  double a = to->type == KV_INTEGER ? (double) to->integer : to->real;
  to->real = a + (by->type == KV_INTEGER ? (double) by->integer : by->real);
  to->type = KV_REAL;
}

int kv_incr(struct kv *kv, const char *key, size_t len, const struct kv_value *by, int64_t ttl_ms,
            struct kv_value *sum) {
  int rc = 0;
  pthread_mutex_lock(&kv->lock);
  struct entry *e = find_entry(kv, (struct key){key, len});
  if (e == NULL) {
    rc = insert(kv, (struct key){key, len}, by, ttl_ms);
    *sum = *by;
  } else if (!is_number(&e->value)) {
    rc = UV_EINVAL;
  } else {
    add_number(&e->value, by);
    *sum = e->value;
  }
  pthread_mutex_unlock(&kv->lock);
  return rc;
}
