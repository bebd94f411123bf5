#include "store/cold/parquet_meta.h"

#include <endian.h>
#include <stdlib.h>

bool parquet_is_text(enum parquet_type type) {
  return type == PARQUET_TEXT || type == PARQUET_BYTES;
}

union parquet_value parquet_bound_value(const struct parquet_bound *bound,
                                        enum parquet_type type) {
  union parquet_value value = {.s = {0}};
  uint64_t bits = 0;
  memcpy(&bits, bound->bytes, bound->len < 8 ? bound->len : 8);
  value.i = (int64_t) le64toh(bits);
  if (parquet_is_text(type))
    value.s = (struct parquet_text){bound->bytes, bound->len};
  return value;
}

void parquet_meta_clear(struct parquet_meta *meta) {
  for (size_t i = 0; i < meta->ncolumns; i++)
    free((char *) meta->columns[i].name);
  for (size_t i = 0; i < meta->ngroups; i++)
    free(meta->groups[i].chunks);
  for (size_t i = 0; i < 2 * meta->nnotes; i++)
    free(meta->notes[i]);
  free(meta->columns);
  free(meta->groups);
  free(meta->notes);
  *meta = (struct parquet_meta){0};
}
