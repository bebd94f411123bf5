#ifndef MOONLEDGER_BENCH_RECORDS_H
#define MOONLEDGER_BENCH_RECORDS_H

#include <inttypes.h>

#include "client.h"

/* Record number i of an endless, evenly spaced log: the same bytes for the same i on
 * every machine.  All 30 public columns, about 780 bytes, like those of a proxy in use; with
 * owned also who spent it, of 200 users, 20 teams, 1,000 keys, 50 projects and 5 providers, and
 * how long the first token took. */
struct record_source {
  int64_t start_us, step_us;
  bool owned;
};

/* As the command line says; else of the 15 hours that end about now, which no day's end seals. */
static inline struct record_source record_source_of(char **argv) {
  int64_t start_us = clock_now_us() - INT64_C(15) * 3600 * 1000000;
  return (struct record_source){option_int(argv, "--start-us", start_us),
                                option_int(argv, "--step-us", 259200),
                                option_int(argv, "--owned", 0)};
}

static const char *const record_models[] = {
    "claude-sonnet-4-20250514", "claude-opus-4-20250514", "claude-3-5-haiku-20241022",
    "claude-3-7-sonnet-20250219", "gpt-4o-2024-08-06", "gpt-4.1-mini-2025-04-14",
};
static const char *const record_services[] = {"proxy_service", "sdk_service",
                                              "openai_service", "codex_service"};
static const char *const record_providers[] = {"anthropic", "openai", "bedrock", "vertex",
                                               "azure"};
static const char *const record_endpoints[] = {
    "/api/v1/messages", "/sdk/v1/messages",          "/api/v1/chat/completions",
    "/codex/responses", "/v1/messages/count_tokens",
};
static const int record_statuses[] = {200, 200, 200, 200, 200, 200, 200, 200,
                                      200, 200, 200, 200, 200, 429, 500, 400};

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"). */
static inline uint64_t record_random(uint64_t i) {
  uint64_t z = i * 0x9e3779b97f4a7c15u + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* What the fields of record i are thrown with. */
static inline uint64_t record_dice(uint64_t i) {
  return record_random(i + 0x5eed);
}

static inline void record_put_hex(struct buf *b, uint64_t n, int digits) {
  char *out = buf_reserve(b, digits);
  for (int k = digits - 1; k >= 0; k--, n >>= 4)
    out[k] = "0123456789abcdef"[n & 15];
  b->len += digits;
}

/* scaled / 10^decimals, with that many decimals. */
static inline void record_put_fixed(struct buf *b, int64_t scaled, int decimals) {
  int64_t unit = 1;
  for (int k = 0; k < decimals; k++)
    unit *= 10;
  buf_put_int(b, scaled / unit);
  char *out = buf_reserve(b, decimals + 1);
  out[0] = '.';
  for (int64_t rest = scaled % unit, k = decimals; k > 0; k--, rest /= 10)
    out[k] = (char) ('0' + rest % 10);
  b->len += decimals + 1;
}

static inline void record_put_number(struct buf *b, const char *name, int64_t scaled,
                                     int decimals) {
  buf_puts(b, name);
  if (decimals)
    record_put_fixed(b, scaled, decimals);
  else
    buf_put_int(b, scaled);
}

static inline void record_put_string(struct buf *b, const char *name, const char *value) {
  buf_puts(b, name);
  buf_putc(b, '"');
  buf_puts(b, value);
  buf_putc(b, '"');
}

static inline void record_put_id(struct buf *b, uint64_t i) {
  uint64_t high = record_random(i), low = record_random(~i);
  buf_literal(b, "{\"request_id\":\"");
  record_put_hex(b, high >> 32, 8);
  buf_putc(b, '-');
  record_put_hex(b, high >> 16, 4);
  buf_literal(b, "-4");
  record_put_hex(b, high, 3);
  buf_putc(b, '-');
  record_put_hex(b, low >> 48, 4);
  buf_putc(b, '-');
  record_put_hex(b, low, 12);
  buf_putc(b, '"');
}

static inline void record_put_request(struct buf *b, const struct record_source *source,
                                      uint64_t i, uint64_t r) {
  const char *endpoint = record_endpoints[(r >> 8) % 5];
  record_put_number(b, ",\"timestamp\":", source->start_us + (int64_t) i * source->step_us, 6);
  record_put_string(b, ",\"method\":", "POST");
  record_put_string(b, ",\"endpoint\":", endpoint);
  record_put_string(b, ",\"path\":", endpoint);
  record_put_string(b, ",\"query\":", "");
  record_put_number(b, ",\"client_ip\":\"10.0.3.", r >> 12 & 127, 0);
  record_put_string(b, "\",\"user_agent\":", "claude-cli/1.0.43 (external, cli)");
  record_put_string(b, ",\"service_type\":", record_services[(r >> 4) % 4]);
  record_put_string(b, ",\"model\":", record_models[r % 6]);
  buf_puts(b, r & 1 << 20 ? ",\"streaming\":true" : ",\"streaming\":false");
  record_put_number(b, ",\"status_code\":", record_statuses[r >> 21 & 15], 0);
}

static inline int64_t record_duration_us(uint64_t r) {
  return 200000 + (int64_t) (r >> 16 & 0x1fff) * (int64_t) (r >> 32 & 0x7ff);
}

static inline void record_put_usage(struct buf *b, uint64_t r) {
  int64_t duration_us = record_duration_us(r);
  record_put_number(b, ",\"duration_ms\":", duration_us, 3);
  record_put_number(b, ",\"duration_seconds\":", duration_us, 6);
  record_put_number(b, ",\"tokens_input\":", r >> 24 & 8191, 0);
  record_put_number(b, ",\"tokens_output\":", r >> 36 & 2047, 0);
  record_put_number(b, ",\"cache_read_tokens\":", r >> 40 & 16383, 0);
  record_put_number(b, ",\"cache_write_tokens\":", r >> 50 & 1023, 0);
  record_put_number(b, ",\"cost_usd\":", r >> 30 & 0x3ffff, 6);
  record_put_number(b, ",\"cost_sdk_usd\":", r >> 31 & 0x3ffff, 6);
}

static inline void record_put_session(struct buf *b, uint64_t r) {
  record_put_number(b, ",\"num_turns\":", r >> 44 & 15, 0);
  record_put_string(b, ",\"session_type\":", "session_pool");
  record_put_string(b, ",\"session_status\":", "active");
  record_put_number(b, ",\"session_age_seconds\":", r >> 45 & 0x3ffff, 3);
  record_put_number(b, ",\"session_message_count\":", r >> 46 & 63, 0);
  buf_literal(b, ",\"session_client_id\":\"");
  record_put_hex(b, record_random(r >> 56), 8);
  record_put_number(b, "\",\"session_pool_enabled\":true,\"session_idle_seconds\":",
                    r >> 38 & 0xffff, 3);
  record_put_number(b, ",\"session_error_count\":", r >> 63, 0);
  buf_puts(b, r & 1 << 22 ? ",\"session_is_new\":true" : ",\"session_is_new\":false");
}

static inline void record_put_owner(struct buf *b, uint64_t i, uint64_t r) {
  uint64_t who = record_random(i + 0x0e1);
  record_put_string(b, ",\"provider\":", record_providers[who % 5]);
  record_put_number(b, ",\"user\":\"user-", (who >> 8) % 200, 0);
  record_put_number(b, "@example.com\",\"team\":\"team-", (who >> 16) % 20, 0);
  record_put_number(b, "\",\"api_key\":\"key-", (who >> 24) % 1000, 0);
  record_put_number(b, "\",\"project\":\"project-", (who >> 40) % 50, 0);
  record_put_string(b, "\",\"host\":", "build-7");
  record_put_string(b, ",\"agent\":", "claude-code");
  record_put_string(b, ",\"tier\":", "standard");
  record_put_string(b, ",\"billing\":", "billed");
  int status = record_statuses[r >> 21 & 15];
  if (status >= 400)
    record_put_string(b, ",\"error_type\":",
                      status == 429 ? "rate_limit_error" : "api_error");
  record_put_number(b, ",\"time_to_first_token_ms\":", record_duration_us(r) / 4, 3);
}

/* Appends one line of NDJSON. */
static inline void record_write(struct buf *b, const struct record_source *source, uint64_t i) {
  uint64_t r = record_dice(i);
  record_put_id(b, i);
  record_put_request(b, source, i, r);
  record_put_usage(b, r);
  record_put_session(b, r);
  if (source->owned)
    record_put_owner(b, i, r);
  buf_literal(b, "}\n");
}

#endif
