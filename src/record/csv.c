#include "record/csv.h"

#include "record/fields.h"
#include "record/measure.h"

/* U+FF1D, U+FF0B, U+FF0D and U+FF20: the full-width forms, which some read as the others. */
static bool is_wide_sign(const char *s, size_t len) {
  return len >= 3 && memcmp(s, "\xef\xbc", 2) == 0 && memchr("\x9d\x8b\x8d\xa0", s[2], 4) != NULL;
}

/* Leading white space (U+3000 is the full-width one) does not keep a spreadsheet from seeing
 * the formula behind it. */
static bool is_formula(const char *s, size_t len) {
  while (len > 0 && (*s == ' ' || (len >= 3 && memcmp(s, "\xe3\x80\x80", 3) == 0))) {
    size_t blank = *s == ' ' ? 1 : 3;
    s += blank, len -= blank;
  }
  return len > 0 && (memchr("=+-@\t\r\n", *s, 7) != NULL || is_wide_sign(s, len));
}

static bool needs_quotes(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (s[i] == '"' || s[i] == ',' || s[i] == '\n' || s[i] == '\r')
      return true;
  return len > 0 && (s[0] == ' ' || s[len - 1] == ' ');
}

static void write_text(struct buf *out, const char *s, size_t len) {
  bool quoted = needs_quotes(s, len);
  if (quoted)
    buf_putc(out, '"');
  if (is_formula(s, len))
    buf_putc(out, '\'');
  for (size_t i = 0; i < len; i++) {
    if (s[i] == '"')
      buf_putc(out, '"');
    buf_putc(out, s[i]);
  }
  if (quoted)
    buf_putc(out, '"');
}

/* Times come as the JSON form has them, without its quotes. */
static void write_time(struct buf *out, const struct column *c, union value v,
                       const struct buf *text) {
  size_t start = out->len;
  value_write_json(out, c, v, text);
  memmove(out->data + start, out->data + start + 1, out->len - start - 2);
  out->len -= 2;
}

static void write_value(struct buf *out, const struct column *c, union value v,
                        const struct buf *text) {
  if (c->type == COLUMN_STRING) {
    size_t len;
    const char *s = value_text(text, v, &len);
    write_text(out, s, len);
  } else if (c->type == COLUMN_TIME) {
    write_time(out, c, v, text);
  } else {
    value_write_json(out, c, v, text);
  }
}

static void write_field(struct buf *out, const struct schema *schema, const struct record *r,
                        const struct buf *text, int field) {
  if (field == FIELD_EXTRA && r->extra.len > 0)
    write_text(out, text->data + r->extra.offset, r->extra.len);
  else if (field != FIELD_EXTRA && value_is_known(schema, r, field, text))
    write_value(out, &schema->columns[field], r->v[field], text);
}

static void write_public(struct buf *out, const struct schema *schema, const struct record *r,
                         const struct buf *text) {
  const char *separator = "";
  for (size_t i = 0; i < schema->nstored; i++) {
    if (!schema->columns[i].is_public)
      continue;
    buf_puts(out, separator);
    write_value(out, &schema->columns[i], r->v[i], text);
    separator = ",";
  }
}

void csv_write_row(struct buf *out, const struct schema *schema, const struct record *r,
                   const struct buf *text, const int *fields, size_t nfields) {
  if (nfields == 0)
    write_public(out, schema, r, text);
  for (size_t i = 0; i < nfields; i++) {
    buf_puts(out, i > 0 ? "," : "");
    write_field(out, schema, r, text, fields[i]);
  }
  buf_literal(out, "\r\n");
}
