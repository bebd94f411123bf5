#include "script/engine/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool wrong(struct pattern *m, const char *error) {
  m->error = error;
  return false;
}

/* One item: a byte, a class or a set */

static bool in_class(int c, int class) {
  bool in;
  switch (tolower(class)) {
  case 'a':
    in = isalpha(c);
    break;
  case 'c':
    in = iscntrl(c);
    break;
  case 'd':
    in = isdigit(c);
    break;
  case 'g':
    in = isgraph(c);
    break;
  case 'l':
    in = islower(c);
    break;
  case 'p':
    in = ispunct(c);
    break;
  case 's':
    in = isspace(c);
    break;
  case 'u':
    in = isupper(c);
    break;
  case 'w':
    in = isalnum(c);
    break;
  case 'x':
    in = isxdigit(c);
    break;
  case 'z':
    in = c == 0;
    break;
  default:
    return class == c;
  }
  return in != (isupper(class) != 0);
}

/* p is at the [, close at its ]. */
static bool in_set(int c, const char *p, const char *close) {
  bool found = p[1] != '^';
  p += found ? 1 : 2;
  while (p < close) {
    int first = (unsigned char) *p++;
    if (first == '%' && in_class(c, (unsigned char) *p++))
      return found;
    if (first == '%')
      continue;
    if (*p == '-' && p + 1 < close) {
      if (first <= c && c <= (unsigned char) p[1])
        return found;
      p += 2;
    } else if (first == c) {
      return found;
    }
  }
  return !found;
}

/* NULL when the item does not end. */
static const char *item_end(struct pattern *m, const char *p) {
  if (*p == '%') {
    if (p + 1 < m->pattern_end)
      return p + 2;
    wrong(m, "malformed pattern (ends with '%')");
    return NULL;
  }
  if (*p++ != '[')
    return p;
  if (*p == '^')
    p++;
  const char *first = p; /* where a ] stands for itself */
  while (p < m->pattern_end && (*p != ']' || p == first))
    p += *p == '%' && p + 1 < m->pattern_end ? 2 : 1;
  if (p < m->pattern_end)
    return p + 1;
  wrong(m, "malformed pattern (missing ']')");
  return NULL;
}

static bool takes(const struct pattern *m, const char *s, const char *p, const char *end) {
  if (s >= m->subject_end)
    return false;
  int c = (unsigned char) *s;
  if (*p == '.')
    return true;
  if (*p == '%')
    return in_class(c, (unsigned char) p[1]);
  return *p == '[' ? in_set(c, p, end - 1) : (unsigned char) *p == c;
}

/* A set is read from its start each time. */
static long steps_of(const char *p, const char *end) {
  return 1 + (end - p) / 8;
}

static bool push_choice(struct pattern *m, struct choice choice) {
  if (m->nchoices == PATTERN_CHOICES)
    return wrong(m, "pattern too complex");
  m->choices[m->nchoices++] = choice;
  return true;
}

/* Goes back to the last place where something else can be tried. */
static bool backtrack(struct pattern *m, long *steps) {
  while (m->nchoices > 0) {
    struct choice *c = &m->choices[m->nchoices - 1];
    if (c->kind == CHOICE_LAZY)
      *steps -= steps_of(c->other, c->p);
    if (c->kind == CHOICE_LAZY && !takes(m, c->s, c->other, c->p - 1)) {
      m->nchoices--;
      continue;
    }
    if (c->kind == CHOICE_OPENED || c->kind == CHOICE_CLOSED) {
      if (c->kind == CHOICE_OPENED)
        m->level--;
      else
        m->captures[c->capture].len = CAPTURE_OPEN;
      m->nchoices--;
      continue;
    }
    c->s += c->kind == CHOICE_LAZY ? 1 : c->kind == CHOICE_GREEDY ? -1 : 0;
    m->s = c->s;
    m->p = c->p;
    if (c->kind == CHOICE_OPTIONAL || (c->kind == CHOICE_GREEDY && c->s == c->other))
      m->nchoices--;
    return true;
  }
  return false;
}

static bool open_capture(struct pattern *m, ptrdiff_t len, const char *next) {
  if (m->level == PATTERN_CAPTURES)
    return wrong(m, "too many captures");
  m->captures[m->level++] = (struct capture){m->s, len};
  m->p = next;
  return push_choice(m, (struct choice){.kind = CHOICE_OPENED});
}

static bool close_capture(struct pattern *m) {
  int i = m->level - 1;
  while (i >= 0 && m->captures[i].len != CAPTURE_OPEN)
    i--;
  if (i < 0)
    return wrong(m, "invalid pattern capture");
  m->captures[i].len = m->s - m->captures[i].start;
  m->p++;
  return push_choice(m, (struct choice){.kind = CHOICE_CLOSED, .capture = i});
}

static bool balance(struct pattern *m, long *steps) {
  const char *p = m->p + 2;
  if (p + 1 >= m->pattern_end)
    return wrong(m, "malformed pattern (missing arguments to '%b')");
  if (m->s >= m->subject_end || *m->s != *p)
    return false;
  int open = 1;
  for (const char *s = m->s + 1; s < m->subject_end; s++, --*steps) {
    if (*s == p[1]) {
      if (--open > 0)
        continue;
      m->s = s + 1;
      m->p = p + 2;
      return true;
    }
    open += *s == *p;
  }
  return false;
}

static bool frontier(struct pattern *m, long *steps) {
  const char *p = m->p + 2;
  if (*p != '[')
    return wrong(m, "missing '[' after '%f' in pattern");
  const char *end = item_end(m, p);
  if (end == NULL)
    return false;
  *steps -= 3 * steps_of(p, end);
  int before = m->s == m->subject ? 0 : (unsigned char) m->s[-1];
  int here = m->s == m->subject_end ? 0 : (unsigned char) *m->s;
  m->p = end;
  return !in_set(before, p, end - 1) && in_set(here, p, end - 1);
}

static bool repeat_capture(struct pattern *m, long *steps) {
  int i = m->p[1] - '1';
  if (i < 0 || i >= m->level || m->captures[i].len == CAPTURE_OPEN)
    return wrong(m, "invalid capture index in pattern");
  if (m->captures[i].len == CAPTURE_POSITION)
    return false;
  size_t len = (size_t) m->captures[i].len;
  *steps -= (long) len / 16;
  if ((size_t) (m->subject_end - m->s) < len || memcmp(m->s, m->captures[i].start, len) != 0)
    return false;
  m->s += len;
  m->p += 2;
  return true;
}

/* Where the steps are used up it stays at its item, and goes on from m->scan. */
static bool repeat_greedily(struct pattern *m, const char *end, long *steps) {
  const char *least = m->s + (*end == '+'), *s = m->scan != NULL ? m->scan : m->s;
  long each = steps_of(m->p, end);
  while (takes(m, s, m->p, end)) {
    s++;
    *steps -= each;
    if (*steps < 0) {
      m->scan = s;
      return true;
    }
  }
  m->scan = NULL;
  if (s < least)
    return false;
  m->s = s;
  m->p = end + 1;
  return s == least ||
         push_choice(m, (struct choice){
                     .kind = CHOICE_GREEDY, .s = s, .p = end + 1, .other = least});
}

static bool take_item(struct pattern *m, long *steps) {
  const char *end = item_end(m, m->p), *item = m->p;
  if (end == NULL)
    return false;
  char suffix = end < m->pattern_end ? *end : '\0';
  *steps -= steps_of(item, end);
  if (suffix == '*' || suffix == '+')
    return repeat_greedily(m, end, steps);
  if (suffix == '-') {
    m->p = end + 1;
    return push_choice(
        m, (struct choice){.kind = CHOICE_LAZY, .s = m->s, .p = end + 1, .other = item});
  }
  bool taken = takes(m, m->s, item, end);
  if (suffix == '?') {
    m->p = end + 1;
    return !taken ||
           (push_choice(m, (struct choice){.kind = CHOICE_OPTIONAL, .s = m->s, .p = end + 1}) &&
            m->s++);
  }
  m->s += taken;
  m->p = end;
  return taken;
}

static bool advance(struct pattern *m, long *steps) {
  const char *p = m->p;
  if (*p == '(')
    return p[1] == ')' ? open_capture(m, CAPTURE_POSITION, p + 2)
                       : open_capture(m, CAPTURE_OPEN, p + 1);
  if (*p == ')')
    return close_capture(m);
  if (*p == '$' && p + 1 == m->pattern_end) {
    m->p++;
    return m->s == m->subject_end;
  }
  if (*p == '%' && p[1] == 'b')
    return balance(m, steps);
  if (*p == '%' && p[1] == 'f')
    return frontier(m, steps);
  if (*p == '%' && isdigit((unsigned char) p[1]))
    return repeat_capture(m, steps);
  return take_item(m, steps);
}

void pattern_start(struct pattern *m, const char *s) {
  m->s = s;
  m->p = m->pattern;
  m->level = 0;
  m->nchoices = 0;
  m->scan = NULL;
  m->error = NULL;
}

enum pattern_result pattern_run(struct pattern *m, long *steps) {
  while (m->p < m->pattern_end) {
    if (*steps < 0)
      return PATTERN_PAUSED;
    --*steps;
    if (!advance(m, steps) && (m->error != NULL || !backtrack(m, steps)))
      return m->error != NULL ? PATTERN_WRONG : PATTERN_FAILED;
  }
  return PATTERN_MATCHED;
}
