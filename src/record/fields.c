#include "record/fields.h"

#include "record/measure.h"

void record_write_fields(struct buf *out, const struct schema *schema, const struct record *r,
                         const struct buf *text, const int *fields, size_t nfields) {
  char separator = '{';
  for (size_t i = 0; i < nfields; i++) {
    const struct column *c = fields[i] != FIELD_EXTRA ? &schema->columns[fields[i]] : NULL;
    buf_putc(out, separator);
    separator = ',';
    if (c == NULL) {
      buf_literal(out, "\"extra\":");
      record_write_extra_json(out, r, text);
      continue;
    }
    buf_append(out, c->json, c->json_len);
    if (value_is_known(schema, r, fields[i], text))
      value_write_json(out, c, r->v[fields[i]], text);
    else
      buf_literal(out, "null");
  }
  buf_putc(out, '}');
}
