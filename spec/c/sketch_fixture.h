#ifndef MOONLEDGER_SPEC_SKETCH_FIXTURE_H
#define MOONLEDGER_SPEC_SKETCH_FIXTURE_H

#include "record/sketch.h"

static void sketch_add(struct sketch *s, double value, int64_t count) {
  sketch_add_bucket(s, sketch_bucket(value), count);
}

#endif
