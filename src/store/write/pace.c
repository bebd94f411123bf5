#include "store/write/pace.h"

enum {
  LEAST_ITEMS = 8,
  MOST_ITEMS = 4096,
  STATEMENTS = 4, /* of a slice, about */
};

/* As many as take a part of the time that a slice has. */
void pace_statement(struct pace *pace, int64_t took_ns) {
  int64_t wanted = pace->body_ns / STATEMENTS;
  int64_t fits = pace->items * wanted / (took_ns > 0 ? took_ns : 1);
  int64_t most = pace->items * 2;
  pace->items = fits > most ? most : fits;
  if (pace->items < LEAST_ITEMS)
    pace->items = LEAST_ITEMS;
  if (pace->items > MOST_ITEMS)
    pace->items = MOST_ITEMS;
}

void pace_slice(struct pace *pace, int64_t took_ns) {
  int64_t fits = pace->body_ns * SLICE_NS / (took_ns > 0 ? took_ns : 1);
  int64_t most = pace->body_ns + pace->body_ns / 4;
  pace->body_ns = fits > most ? most : fits;
  if (pace->body_ns < SLICE_NS / 100)
    pace->body_ns = SLICE_NS / 100;
  if (pace->body_ns > SLICE_NS * 3 / 4)
    pace->body_ns = SLICE_NS * 3 / 4;
}
