#include <endian.h>
#include <math.h>

#include "store/cold/parquet_encode.h"

static struct parquet_bound bound_of_number(int64_t value) {
  struct parquet_bound bound = {.len = 8};
  uint64_t little = htole64((uint64_t) value);
  memcpy(bound.bytes, &little, 8);
  return bound;
}

static struct parquet_bound bound_of_double(double value) {
  int64_t bits;
  memcpy(&bits, &value, 8);
  return bound_of_number(bits);
}

static void stats_of_integers(const struct parquet_slice *slice, struct parquet_stats *stats) {
  const int64_t *numbers = slice->fill->numbers + slice->first;
  const uint8_t *present = slice->fill->present;
  int64_t least = INT64_MAX, most = INT64_MIN;
  for (size_t i = 0; i < slice->count; i++) {
    if (present != NULL && !present[slice->first + i])
      continue;
    least = numbers[i] < least ? numbers[i] : least;
    most = numbers[i] > most ? numbers[i] : most;
  }
  stats->known = stats->values > stats->nulls;
  stats->min = bound_of_number(least);
  stats->max = bound_of_number(most);
  if (slice->fill->type == PARQUET_BOOLEAN)
    stats->min.len = stats->max.len = 1;
}

/* Not known where there is a NaN, which has no place in any order.  Zeros are taken to have
 * either sign: the format's rule. */
static void stats_of_doubles(const struct parquet_slice *slice, struct parquet_stats *stats) {
  const uint8_t *present = slice->fill->present;
  double least = INFINITY, most = -INFINITY;
  bool ordered = true;
  for (size_t i = slice->first; i < slice->first + slice->count; i++) {
    double value;
    if (present != NULL && !present[i])
      continue;
    memcpy(&value, &slice->fill->numbers[i], 8);
    ordered = ordered && value == value;
    least = value < least ? value : least;
    most = value > most ? value : most;
  }
  stats->known = ordered && stats->values > stats->nulls;
  stats->min = bound_of_double(least == 0 ? -0.0 : least);
  stats->max = bound_of_double(most == 0 ? 0.0 : most);
}

static int compare_texts(struct parquet_text a, struct parquet_text b) {
  uint32_t len = a.len < b.len ? a.len : b.len;
  int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
  return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static void put_bound(struct parquet_bound *bound, struct parquet_text text) {
  bound->len = (uint8_t) text.len;
  if (text.len > 0)
    memcpy(bound->bytes, text.data, text.len);
}

static void stats_of_texts(struct parquet_encoder *e, const struct parquet_slice *slice,
                           struct parquet_stats *stats) {
  const struct parquet_fill *fill = slice->fill;
  struct parquet_text least = {NULL, 0}, most = {NULL, 0};
  bool any = false;
  e->mark++;
  for (size_t i = slice->first; i < slice->first + slice->count; i++) {
    uint32_t code = fill->codes[i];
    if ((fill->present != NULL && !fill->present[i]) || e->marks[code] == e->mark)
      continue;
    e->marks[code] = e->mark;
    struct parquet_text text = parquet_fill_entry(fill, code);
    if (!any || compare_texts(text, least) < 0)
      least = text;
    if (!any || compare_texts(text, most) > 0)
      most = text;
    any = true;
  }
  stats->known = any && least.len <= PARQUET_MAX_BOUND && most.len <= PARQUET_MAX_BOUND;
  if (stats->known) {
    put_bound(&stats->min, least);
    put_bound(&stats->max, most);
  }
}

void parquet_stats_of(struct parquet_encoder *e, const struct parquet_slice *slice,
                      struct parquet_stats *stats) {
  const uint8_t *present = slice->fill->present;
  *stats = (struct parquet_stats){.values = slice->count};
  for (size_t i = 0; i < slice->count && present != NULL; i++)
    stats->nulls += !present[slice->first + i];
  if (parquet_is_text(slice->fill->type))
    stats_of_texts(e, slice, stats);
  else if (slice->fill->type == PARQUET_DOUBLE)
    stats_of_doubles(slice, stats);
  else
    stats_of_integers(slice, stats);
}

static int compare_bounds(const struct parquet_bound *a, const struct parquet_bound *b,
                          enum parquet_type type) {
  if (parquet_is_text(type))
    return compare_texts((struct parquet_text){a->bytes, a->len},
                         (struct parquet_text){b->bytes, b->len});
  union parquet_value x = parquet_bound_value(a, type), y = parquet_bound_value(b, type);
  if (type == PARQUET_DOUBLE)
    return x.f < y.f ? -1 : x.f > y.f;
  return x.i < y.i ? -1 : x.i > y.i;
}

void parquet_stats_add(struct parquet_stats *into, const struct parquet_stats *more,
                       enum parquet_type type) {
  bool first = into->values == into->nulls, none = more->values == more->nulls;
  uint64_t values = into->values + more->values, nulls = into->nulls + more->nulls;
  if (first && !none) {
    *into = *more;
  } else if (!none) {
    into->known = into->known && more->known;
    if (compare_bounds(&more->min, &into->min, type) < 0)
      into->min = more->min;
    if (compare_bounds(&more->max, &into->max, type) > 0)
      into->max = more->max;
  }
  into->values = values;
  into->nulls = nulls;
}
