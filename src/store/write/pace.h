#ifndef MOONLEDGER_STORE_WRITE_PACE_H
#define MOONLEDGER_STORE_WRITE_PACE_H

#include <stdint.h>

/* How much of a long piece of work fits in a slice, learnt from the slices before: it is a
 * transaction of the writer's, between groups, and as long as its statements and its commit, which
 * on a slow disk is most of it. */
struct pace {
  int64_t items;   /* that one statement takes */
  int64_t body_ns; /* after which a slice commits */
};

#define SLICE_NS INT64_C(20000000)
#define PACE_BEGIN ((struct pace){64, SLICE_NS / 2})

void pace_statement(struct pace *pace, int64_t took_ns); /* with as many items as it had */
void pace_slice(struct pace *pace, int64_t took_ns);

#endif
