#ifndef MOONLEDGER_SCRIPT_ENGINE_PATTERN_H
#define MOONLEDGER_SCRIPT_ENGINE_PATTERN_H

#include <stddef.h>

/* Lua's patterns (manual, 6.4.1) with a matcher that can stop anywhere and go on later: a
 * pattern like
 * ".-.-.-b" takes hours on a text of some thousand bytes, and the library's own matcher
 * cannot be interrupted.  What is left to try stands in a list instead of C's stack; as
 * patterns have no nested repetitions it is never longer than the pattern. */

enum { PATTERN_CAPTURES = 32, PATTERN_CHOICES = 64 };

enum pattern_result { PATTERN_FAILED, PATTERN_MATCHED, PATTERN_PAUSED, PATTERN_WRONG };

enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct capture {
  const char *start;
  ptrdiff_t len; /* or one of the above */
};

struct choice;

struct pattern {
  const char *subject, *subject_end;
  /* without the ^ of an anchor; a NUL follows, as in a Lua string */
  const char *pattern, *pattern_end;
  const char *s, *p;                 /* where it goes on; s is the end of the match */
  const char *scan;                  /* how far a repeated item has got that was paused; or NULL */
  const char *error;                 /* of PATTERN_WRONG; static */
  int level;
  struct capture captures[PATTERN_CAPTURES];
  int nchoices;
  struct choice {
    enum { CHOICE_OPTIONAL, CHOICE_GREEDY, CHOICE_LAZY, CHOICE_OPENED, CHOICE_CLOSED } kind;
    int capture;
    const char *s, *p; /* goes on with p at s */
    /* greedy: the least s; lazy: the item that may take another byte, p is behind it */
    const char *other;
  } choices[PATTERN_CHOICES];
};

/* The next pattern_run tries to match at s. */
void pattern_start(struct pattern *m, const char *s);

/* Goes on until *steps, which it counts down, are used up; a step takes some nanoseconds.
 * What is left is for the next attempt. */
enum pattern_result pattern_run(struct pattern *m, long *steps);

#endif
