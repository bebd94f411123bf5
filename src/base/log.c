#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static atomic_int least_level = LOG_INFO;
static atomic_int line_format = LOG_LOGFMT;

void log_configure(enum log_level least, enum log_format format) {
  atomic_store(&least_level, least);
  atomic_store(&line_format, format);
}

struct log_field log_bytes(const char *key, const char *text, size_t len) {
  return (struct log_field) {.key = key, .type = LOG_TEXT, .text = text, .len = len};
}

struct log_field log_str(const char *key, const char *text) {
  return log_bytes(key, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

struct log_field log_int(const char *key, int64_t n) {
  return (struct log_field) {.key = key, .type = LOG_INTEGER, .integer = n};
}

struct log_field log_real(const char *key, double n) {
  return (struct log_field) {.key = key, .type = LOG_REAL, .real = n};
}

static void put_quoted(struct buf *b, const char *text, size_t len) {
  buf_putc(b, '"');
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char) text[i];
    if (c == '"' || c == '\\') {
      buf_putc(b, '\\');
      buf_putc(b, (char) c);
    } else if (c == '\n') {
      buf_literal(b, "\\n");
    } else if (c < 0x20 || c == 0x7f) {
      buf_printf(b, "\\u%04x", c);
    } else {
      buf_putc(b, (char) c);
    }
  }
  buf_putc(b, '"');
}

static void put_text(struct buf *b, const char *text, size_t len, enum log_format format) {
  bool plain = format == LOG_LOGFMT && len > 0;
  for (size_t i = 0; plain && i < len; i++)
    plain = (unsigned char) text[i] > ' ' && strchr("\"=\\\x7f", text[i]) == NULL;
  if (plain)
    buf_append(b, text, len);
  else
    put_quoted(b, text, len);
}

static void put_key(struct buf *b, const char *key, enum log_format format) {
  if (format == LOG_JSON)
    buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
  else
    buf_printf(b, "%s%s=", b->len > 0 ? " " : "", key);
}

static void put_field(struct buf *b, const struct log_field *f, enum log_format format) {
  put_key(b, f->key, format);
  if (f->type == LOG_TEXT)
    put_text(b, f->text, f->len, format);
  else if (f->type == LOG_INTEGER)
    buf_put_int(b, f->integer);
  else
    buf_printf(b, "%.9g", f->real);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  enum log_format format = (enum log_format) atomic_load(&line_format);
  if ((int) level < atomic_load(&least_level))
    return;

  int64_t now_us = clock_now_us();
  time_t seconds = (time_t) (now_us / 1000000);
  struct tm utc;
  char stamp[32], time_text[48];
  gmtime_r(&seconds, &utc);
  strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(time_text, sizeof time_text, "%s.%03dZ", stamp, (int) (now_us / 1000 % 1000));

  struct buf line = {0};
  if (format == LOG_JSON)
    buf_putc(&line, '{');
  put_field(&line, &(struct log_field) {.key = "time", .text = time_text, .len = strlen(time_text)}, format);
  put_field(&line, &(struct log_field) {.key = "level", .text = names[level], .len = strlen(names[level])}, format);
  put_field(&line, &(struct log_field) {.key = "msg", .text = message, .len = strlen(message)}, format);
  for (; fields->key != NULL; fields++)
    put_field(&line, fields, format);
  if (format == LOG_JSON)
    buf_putc(&line, '}');
  buf_putc(&line, '\n');
  ssize_t written = write(STDERR_FILENO, line.data, line.len);
  (void) written;
  buf_clear(&line);
}
