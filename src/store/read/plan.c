#include "store/read/plan.h"

#include "store/file/rollup_tables.h"

static bool narrow(struct span *window, const struct condition *item) {
  int64_t time = item->nvalues == 1 ? item->values[0].i : 0;
  int64_t after = time < INT64_MAX ? time + 1 : time;
  struct span s = {INT64_MIN, INT64_MAX};
  switch (item->op) {
  case OP_EQ: s = (struct span) {time, after}; break;
  case OP_LT: s.to = time; break;
  case OP_LE: s.to = after; break;
  case OP_GT: s.from = after; break;
  case OP_GE: s.from = time; break;
  default: return false;
  }
  if (s.from > window->from)
    window->from = s.from;
  if (s.to < window->to)
    window->to = s.to;
  return true;
}

bool plan_window(const struct conditions *where, const struct schema *schema, struct span *window) {
  *window = (struct span) {INT64_MIN, INT64_MAX};
  for (size_t i = 0; where != NULL && i < where->count; i++)
    if (where->items[i].column == schema->time && !narrow(window, &where->items[i]))
      return false;
  return true;
}

int plan_row_sign(const struct plan *plan, int64_t time) {
  for (size_t i = 0; i < plan->nrows; i++)
    if (time >= plan->rows[i].span.from && time < plan->rows[i].span.to)
      return plan->rows[i].sign;
  return 0;
}

static int64_t nearest(int64_t n, int64_t width) {
  if (n == INT64_MIN || n == INT64_MAX)
    return n;
  int64_t floor = floor_to(n, width);
  return n - floor > width / 2 ? floor + width : floor;
}

static uint64_t distance(int64_t a, int64_t b) {
  return a < b ? (uint64_t) b - (uint64_t) a : (uint64_t) a - (uint64_t) b;
}

static void cover(struct plan *plan, uint8_t tiers, int tier, struct span window, int sign);

/* What lies between an end of the window and the wide cells that stand for it: too
 * little, or from > to, too much. */
static void cover_end(struct plan *plan, uint8_t tiers, int tier, int64_t from, int64_t to,
                      int sign) {
  if (from <= to)
    cover(plan, tiers, tier, (struct span) {from, to}, sign);
  else
    cover(plan, tiers, tier, (struct span) {to, from}, -sign);
}

/* Covers the window with the widest cells that fit, and what they leave open or
 * have too much at its ends with narrower ones, the rest with rows. */
static void cover(struct plan *plan, uint8_t tiers, int tier, struct span window, int sign) {
  if (window.from >= window.to)
    return;
  while (tier >= 0 && !(tiers >> tier & 1))
    tier--;
  if (tier < 0) {
    plan->rows[plan->nrows++] = (struct row_span) {window, sign};
    return;
  }
  int64_t width = tier_seconds[tier] * 1000000;
  int64_t from = nearest(window.from, width), to = nearest(window.to, width);
  uint64_t left = distance(window.from, from) + distance(window.to, to);
  if (from >= to || left >= distance(window.from, window.to)) {
    cover(plan, tiers, tier - 1, window, sign);
    return;
  }
  plan->cells[plan->ncells++] = (struct cell_span) {(enum tier) tier, {from, to}, sign};
  cover_end(plan, tiers, tier - 1, window.from, from, sign);
  cover_end(plan, tiers, tier - 1, to, window.to, sign);
}

static uint64_t columns_of(const int *by, size_t nby) {
  uint64_t columns = 0;
  for (size_t i = 0; i < nby; i++)
    columns |= UINT64_C(1) << by[i];
  return columns;
}

/* Cells must not straddle two buckets of the question. */
static bool fits_buckets(const struct question *question, int64_t tier_s) {
  for (size_t i = 0; i < question->nbounds; i++)
    if (question->bounds[i] % tier_s != 0)
      return false;
  return question->used_every_s % tier_s == 0;
}

static uint8_t usable_tiers(const struct rollup_set *set, const struct question *question) {
  uint8_t tiers = 0;
  for (int tier = 0; tier < TIERS; tier++)
    if (set->tiers >> tier & 1 && fits_buckets(question, tier_seconds[tier]))
      tiers |= (uint8_t) (1 << tier);
  return tiers;
}

static bool is_better(const struct rollup_set *a, uint8_t a_tiers, const struct rollup_set *b,
                      uint8_t b_tiers) {
  if (b == NULL)
    return true;
  bool a_fine = a_tiers & 1 << TIER_MINUTE, b_fine = b_tiers & 1 << TIER_MINUTE;
  return a_fine != b_fine ? a_fine : a->nby < b->nby;
}

void plan_question(struct plan *plan, const struct schema *schema,
                   const struct question *question, uint64_t columns, uint32_t usable,
                   struct span window) {
  *plan = (struct plan) {0};
  uint64_t needed = columns | columns_of(question->by, question->nby);
  uint8_t tiers = 0;
  for (size_t s = 0; s < schema->nsets; s++) {
    const struct rollup_set *set = &schema->sets[s];
    uint8_t set_tiers = usable_tiers(set, question);
    bool covers = (needed & ~columns_of(set->by, set->nby)) == 0;
    if (!(usable >> s & 1) || !covers || set_tiers == 0 ||
        !is_better(set, set_tiers, plan->set, tiers))
      continue;
    plan->set = set;
    tiers = set_tiers;
  }
  cover(plan, tiers, TIERS - 1, window, 1);
}
