#ifndef MOONLEDGER_SCRIPT_KV_H
#define MOONLEDGER_SCRIPT_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Values that scripts share: across loops and generations, in memory, lost at exit.  Any thread. */
struct kv;

enum { KV_BYTES = 32 << 20 }; /* the server's */

enum kv_type { KV_NONE, KV_BOOLEAN, KV_INTEGER, KV_REAL, KV_TEXT };

struct kv_value {
  enum kv_type type;
  bool boolean;
  int64_t integer;
  double real;
  struct buf text; /* the caller's; kv copies */
};

struct kv *kv_new(size_t max_bytes);
void kv_free(struct kv *kv);

/* Fills value, whose text is empty before; KV_NONE when there is none or it has expired. */
void kv_get(struct kv *kv, const char *key, size_t len, struct kv_value *value);

/* KV_NONE removes.  ttl_ms 0: for ever.  UV_ENOSPC when max_bytes would be exceeded,
 * expired values not counted. */
int kv_set(struct kv *kv, const char *key, size_t len, const struct kv_value *value,
           int64_t ttl_ms);

/* Adds a KV_INTEGER or KV_REAL to the number at key (0 when there is none) and fills in
 * the sum.  The ttl counts only for a new value.  UV_EINVAL when something else than a
 * number stands there, UV_ENOSPC as above. */
int kv_incr(struct kv *kv, const char *key, size_t len, const struct kv_value *by, int64_t ttl_ms,
            struct kv_value *sum);

#endif
