#ifndef MOONLEDGER_RECORD_MEASURE_H
#define MOONLEDGER_RECORD_MEASURE_H

#include "record/record.h"

/* What r adds to a measure: rounded and saturated; 1 for a count; 0 where its
 * condition does not hold. */
int64_t measure_value(const struct measure *m, const struct schema *schema, const struct record *r,
                      const struct buf *text);

/* What r shows of a distribution that it is in. */
double sketched_value(const struct sketched *k, const struct schema *schema,
                      const struct record *r);

/* Whether r knows the value that it shows in a column (schema.lua, unknown). */
bool value_is_known(const struct schema *schema, const struct record *r, int column,
                    const struct buf *text);

#endif
