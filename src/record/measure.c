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
