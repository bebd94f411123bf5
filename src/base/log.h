#ifndef MOONLEDGER_BASE_LOG_H
#define MOONLEDGER_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* Structured lines of UTF-8 on standard error, from any thread; never waits: what nobody
 * takes is dropped.
 *
 *   log_warn("reload failed", log_str("file", path), log_int("line", line));
 *
 * gives, as logfmt:  time=2026-11-23T09:00:00.123Z level=warn msg="reload failed"
 * file=config.lua line=7 or the same members as one JSON object. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
  const char *key;  /* NULL ends a list */
  enum { LOG_TEXT, LOG_INTEGER, LOG_REAL } type;
  const char *text;
  size_t len;
  int64_t integer;
  double real;
};

void log_configure(enum log_level least, enum log_format format);
void log_write(enum log_level level, const char *message, const struct log_field *fields);
uint64_t log_dropped(void); /* lines, since the start */

struct log_field log_str(const char *key, const char *text);  /* NULL reads as empty */
struct log_field log_bytes(const char *key, const char *text, size_t len);
struct log_field log_int(const char *key, int64_t n);
struct log_field log_real(const char *key, double n);

/* What is not given is zero and ends them. */
enum { LOG_MAX_FIELDS = 15 };
#define LOG_FIELDS(...) (struct log_field[LOG_MAX_FIELDS + 1]) {__VA_ARGS__}
#define log_debug(message, ...) log_write(LOG_DEBUG, message, LOG_FIELDS(__VA_ARGS__))
#define log_info(message, ...) log_write(LOG_INFO, message, LOG_FIELDS(__VA_ARGS__))
#define log_warn(message, ...) log_write(LOG_WARN, message, LOG_FIELDS(__VA_ARGS__))
#define log_error(message, ...) log_write(LOG_ERROR, message, LOG_FIELDS(__VA_ARGS__))

#endif
