#ifndef MOONLEDGER_RECORD_MEASURE_H
#define MOONLEDGER_RECORD_MEASURE_H

#include "record/record.h"

/* What r adds to a measure: rounded and saturated; 1 for a count; 0 where its
 * condition does not hold. */
int64_t measure_value(const struct measure *m, const struct schema *schema, const struct record *r,
                      const struct buf *text);

#endif
