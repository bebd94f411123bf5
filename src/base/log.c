#include "base/log.h"

#include <limits.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

static atomic_int least_level = LOG_INFO;
static atomic_int line_format = LOG_LOGFMT;
static atomic_ullong dropped;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static bool cut; /* the last line has no end; under writing */

void log_configure(enum log_level least, enum log_format format) {
  atomic_store(&least_level, least);
  atomic_store(&line_format, format);
}

struct log_field log_bytes(const char *key, const char *text, size_t len) {
  return (struct log_field){.key = key, .type = LOG_TEXT, .text = text, .len = len};
}

struct log_field log_str(const char *key, const char *text) {
  return log_bytes(key, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

struct log_field log_int(const char *key, int64_t n) {
  return (struct log_field){.key = key, .type = LOG_INTEGER, .integer = n};
}

struct log_field log_real(const char *key, double n) {
  return (struct log_field){.key = key, .type = LOG_REAL, .real = n};
}

static void put_quoted(struct buf *b, const char *text, size_t len) {
  buf_putc(b, '"');
  for (size_t i = 0, n; i < len; i += n > 0 ? n : 1) {
    unsigned char c = (unsigned char) text[i];
    n = utf8_sequence(text + i, len - i);
    if (n == 0) {
      buf_literal(b, UTF8_REPLACEMENT);
    } else if (c == '"' || c == '\\') {
      buf_putc(b, '\\');
      buf_putc(b, (char) c);
    } else if (c == '\n') {
      buf_literal(b, "\\n");
    } else if (c < 0x20 || c == 0x7f) {
      buf_printf(b, "\\u%04x", c);
    } else {
      buf_append(b, text + i, n);
    }
  }
  buf_putc(b, '"');
}

static void put_text(struct buf *b, const char *text, size_t len, enum log_format format) {
  bool plain = format == LOG_LOGFMT && len > 0;
  if (plain && utf8_valid(text, len) < len)
    plain = false;
  for (size_t i = 0; plain && i < len; i++)
    plain = (unsigned char) text[i] > ' ' && strchr("\"=\\\x7f", text[i]) == NULL;
  if (plain)
    buf_append(b, text, len);
  else
    put_quoted(b, text, len);
}

/* A key may be a script's: in logfmt, which quotes none, what would end it is an underscore. */
static void put_key(struct buf *b, const char *key, enum log_format format) {
  if (format == LOG_JSON) {
    if (b->len > 1)
      buf_putc(b, ',');
    put_quoted(b, key, strlen(key));
    buf_putc(b, ':');
    return;
  }
  if (b->len > 0)
    buf_putc(b, ' ');
  for (; *key != '\0'; key++)
    buf_putc(b, (unsigned char) *key > ' ' && (unsigned char) *key < 0x7f &&
                        strchr("\"=\\", *key) == NULL
                    ? *key
                    : '_');
  buf_putc(b, '=');
}

static void put_field(struct buf *b, const struct log_field *f, enum log_format format) {
  put_key(b, f->key, format);
  if (f->type == LOG_TEXT)
    put_text(b, f->text, f->len, format);
  else if (f->type == LOG_INTEGER)
    buf_put_int(b, f->integer);
  else
    buf_printf(b, isfinite(f->real) || format != LOG_JSON ? "%.9g" : "\"%g\"", f->real);
}

/* A line that nobody takes is dropped and counted: a pipe that is not read must not stop
 * the server.  A pipe that is ready takes PIPE_BUF bytes without waiting (pipe(7)). */
static void write_line(const char *line, size_t len) {
  struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
  ssize_t n = 1;
  pthread_mutex_lock(&writing);
  if (cut && poll(&ready, 1, 0) > 0)
    cut = write(STDERR_FILENO, "\n", 1) != 1;
  size_t left = cut ? 0 : len;
  while (left > 0 && n > 0 && poll(&ready, 1, 0) > 0) {
    n = write(STDERR_FILENO, line, left < PIPE_BUF ? left : PIPE_BUF);
    line += n > 0 ? n : 0;
    left -= n > 0 ? (size_t) n : 0;
  }
  if (left > 0 || cut)
    atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
  if (left > 0 && left < len)
    cut = true;
  pthread_mutex_unlock(&writing);
}

uint64_t log_dropped(void) {
  return atomic_load_explicit(&dropped, memory_order_relaxed);
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
  put_field(
      &line,
      &(struct log_field){.key = "time", .text = time_text, .len = strlen(time_text)},
      format);
  put_field(&line,
            &(struct log_field){
                .key = "level", .text = names[level], .len = strlen(names[level])},
            format);
  put_field(&line,
            &(struct log_field){.key = "msg", .text = message, .len = strlen(message)},
            format);
  for (; fields->key != NULL; fields++)
    put_field(&line, fields, format);
  if (format == LOG_JSON)
    buf_putc(&line, '}');
  buf_putc(&line, '\n');
  write_line(line.data, line.len);
  buf_clear(&line);
}
