#include "record/measure.h"

#include "base/number.h"
#include "record/condition.h"

int64_t measure_value(const struct measure *m, const struct schema *schema, const struct record *r,
                      const struct buf *text) {
  if (m->when != NULL && !conditions_match_row(m->when, schema, r, text))
    return 0;
  if (m->kind == MEASURE_COUNT)
    return 1;
  union value v = r->v[m->column];
  if (schema->columns[m->column].type == COLUMN_INTEGER && m->scale == 1)
    return v.i;
  return number_saturate(value_number(&schema->columns[m->column], v) * m->scale);
}

double sketched_value(const struct sketched *k, const struct schema *schema,
                      const struct record *r) {
  double n = value_number(&schema->columns[k->value], r->v[k->value]);
  return k->per >= 0 ? n / value_number(&schema->columns[k->per], r->v[k->per]) : n;
}

bool value_is_known(const struct schema *schema, const struct record *r, int column,
                    const struct buf *text) {
  const struct conditions *unknown = schema->columns[column].unknown;
  return unknown == NULL || !conditions_match_row(unknown, schema, r, text);
}
