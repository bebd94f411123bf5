#include "slow.h"

#include "base/clock.h"
#include "fuzz.h"

enum {
  KEPT_MAX = 4096,
  BEST = 32,           /* shapes that cost most for their size, to go on from */
  UNIT_MAX = 24,       /* bytes of the piece, mostly */
  AFFORDABLE = 400000, /* nanoseconds of an input whose cost is usual */
  LEAST = 512,         /* bytes of the smallest of three inputs, .. */
  MOST = 4096,         /* .. which are 1, 4 and 16 times as long */
  TRIES = 4,
  BAR = 8,         /* times as much for four times as much: 4 is linear, 16 quadratic */
  NOTICEABLE = 30, /* of the smallest input's cost; what is below cannot be told from noise */
};

struct text {
  uint8_t *data;
  size_t len;
};

/* before, unit as often as it takes, behind */
struct shape {
  struct text before, unit, behind;
  double cost; /* for each byte */
};

static struct {
  struct text kept[KEPT_MAX];
  size_t nkept, nbest, tried, size;
  struct shape best[BEST];
  uint32_t random;
  int64_t smallest_ns;
} slow;

/* Chance: xorshift32 (Marsaglia, 2003) */

static uint32_t below(size_t n) {
  slow.random ^= slow.random << 13;
  slow.random ^= slow.random >> 17;
  slow.random ^= slow.random << 5;
  return n == 0 ? 0 : (uint32_t) (slow.random % n);
}

static struct text copy_of(const uint8_t *data, size_t len) {
  struct text t = {xmalloc(len > 0 ? len : 1), len};
  if (len > 0)
    memcpy(t.data, data, len);
  return t;
}

static void shape_clear(struct shape *s) {
  free(s->before.data);
  free(s->unit.data);
  free(s->behind.data);
}

static struct text any_kept(void) {
  return slow.kept[below(slow.nkept)];
}

static struct text any_piece(struct text of, size_t most) {
  size_t len = 1 + below(of.len < most ? of.len : most);
  size_t at = below(of.len - len + 1);
  return copy_of(of.data + at, len);
}

/* What parsers stumble over, and anything. */
static uint8_t any_byte(void) {
  static const char bytes[] = " \t\r\n\\\"',:;.&=%+-/?#@*^$!<>()[]{}0a";
  return below(2) == 0 ? (uint8_t) bytes[below(sizeof bytes - 1)] : (uint8_t) below(256);
}

static struct shape shape_of_kept(void) {
  struct text of = any_kept();
  size_t most = below(8) == 0 ? of.len : UNIT_MAX;
  size_t len = 1 + below(of.len < most ? of.len : most), at = below(of.len - len + 1);
  size_t end = at + (below(3) == 0 ? 0 : len); /* it is there already, or comes beside it */
  struct shape s = {.before = copy_of(of.data, at),
                    .unit = copy_of(of.data + at, len),
                    .behind = copy_of(of.data + end, of.len - end)};
  if (below(4) == 0)
    *s.unit.data = any_byte(), s.unit.len = 1;
  return s;
}

/* The unit of one that cost much, changed; or elsewhere. */
static struct shape shape_of_best(void) {
  const struct shape *of = &slow.best[below(slow.nbest)];
  struct shape s = {copy_of(of->before.data, of->before.len),
                    copy_of(of->unit.data, of->unit.len),
                    copy_of(of->behind.data, of->behind.len), 0};
  struct text piece = any_piece(any_kept(), UNIT_MAX);
  switch (below(4)) {
  case 0: /* longer */
    s.unit.data = xrealloc(s.unit.data, s.unit.len + piece.len);
    memcpy(s.unit.data + s.unit.len, piece.data, piece.len);
    s.unit.len += piece.len;
    break;
  case 1: /* another byte */
    s.unit.data[below(s.unit.len)] = any_byte();
    break;
  case 2: /* shorter */
    s.unit.len = 1 + below(s.unit.len);
    break;
  default: /* cut off behind it */
    s.behind.len = 0;
  }
  free(piece.data);
  return s;
}

static struct text built(const struct shape *s, size_t size) {
  size_t times = 1 + size / s->unit.len;
  struct text t = {xmalloc(s->before.len + times * s->unit.len + s->behind.len), 0};
  memcpy(t.data, s->before.data, s->before.len);
  t.len = s->before.len;
  for (size_t i = 0; i < times; i++, t.len += s->unit.len)
    memcpy(t.data + t.len, s->unit.data, s->unit.len);
  memcpy(t.data + t.len, s->behind.data, s->behind.len);
  t.len += s->behind.len;
  return t;
}

/* The least of some tries, as the machine only adds to it. */
static int64_t cost_ns(struct text t, int tries) {
  int64_t least = INT64_MAX;
  for (int i = 0; i < tries; i++) {
    int64_t before = clock_thread_cpu_ns();
    LLVMFuzzerTestOneInput(t.data, t.len);
    int64_t took = clock_thread_cpu_ns() - before;
    least = took < least ? took : least;
  }
  return least;
}

static int64_t cost_of(const struct shape *s, size_t size, int tries) {
  struct text t = built(s, size);
  int64_t ns = cost_ns(t, tries);
  free(t.data);
  return ns;
}

static bool is_much(int64_t more, int64_t less) {
  return more > NOTICEABLE * slow.smallest_ns && more > BAR * less;
}

/* Twice in a row: once is a limit that the smaller one did not reach.  What takes a second is no
 * noise. */
static bool grows_faster(const struct shape *s) {
  for (int tries = 1; tries <= TRIES; tries++) {
    int64_t one = cost_of(s, slow.size, tries), four = cost_of(s, 4 * slow.size, tries);
    if (!is_much(four, one))
      return false;
    int64_t sixteen = cost_of(s, 16 * slow.size, tries);
    if (!is_much(sixteen, four))
      return false;
    if (sixteen > 1000000000)
      break;
  }
  return true;
}

static void print_text(const char *what, struct text t) {
  printf("  %s \"", what);
  for (size_t i = 0; i < t.len && i < 200; i++)
    printf(t.data[i] >= ' ' && t.data[i] < 0x7f ? "%c" : "\\x%02x", t.data[i]);
  printf("\"%s\n", t.len > 200 ? " .." : "");
}

static void tell(const struct shape *s) {
  printf("costs more than in proportion to its size:\n");
  print_text("before", s->before);
  print_text("again and again", s->unit);
  print_text("behind", s->behind);
  for (size_t times = 1; times <= 16; times *= 4)
    printf("  %zu bytes of it: %.3f ms\n", times * slow.size,
           (double) cost_of(s, times * slow.size, 1) / 1e6);
}

/* Among the best, when it costs more than one of those. */
static void consider(struct shape s) {
  size_t least = 0;
  for (size_t i = 0; i < slow.nbest; i++)
    least = slow.best[i].cost < slow.best[least].cost ? i : least;
  if (slow.nbest < BEST) {
    slow.best[slow.nbest++] = s;
  } else if (s.cost > slow.best[least].cost) {
    shape_clear(&slow.best[least]);
    slow.best[least] = s;
  } else {
    shape_clear(&s);
  }
}

/* So long that the usual input is no noise, and so short that many can be tried. */
static void settle_size(void) {
  int64_t sum_ns = 0;
  size_t sum = 0;
  slow.smallest_ns = cost_ns((struct text){slow.kept[0].data, 1}, 10);
  for (int i = 0; i < 8; i++) {
    struct shape s = shape_of_kept();
    sum_ns += cost_of(&s, 4 * LEAST, 2);
    sum += 4 * LEAST;
    shape_clear(&s);
  }
  size_t size = (size_t) (AFFORDABLE * (double) sum / (double) (sum_ns > 0 ? sum_ns : 1)) / 4;
  slow.size = size < LEAST ? LEAST : size > MOST ? MOST : size;
}

void slow_keep(const uint8_t *data, size_t size) {
  if (size > 0 && slow.nkept < KEPT_MAX)
    slow.kept[slow.nkept++] = copy_of(data, size);
}

int slow_search(double seconds, unsigned seed) {
  int64_t end = clock_monotonic_ns() + (int64_t) (seconds * 1e9);
  bool found = false;
  slow.random = seed * 2654435761u + 1;
  settle_size();
  while (!found && clock_monotonic_ns() < end) {
    struct shape s = slow.nbest > 0 && below(2) == 0 ? shape_of_best() : shape_of_kept();
    struct text t = built(&s, 4 * slow.size);
    s.cost = (double) cost_ns(t, 1) / (double) t.len;
    free(t.data);
    found = grows_faster(&s);
    if (found)
      tell(&s);
    slow.tried++;
    consider(s);
  }
  printf("%zu inputs of up to %zu bytes, seed %u\n", slow.tried, 16 * slow.size, seed);
  return found;
}
