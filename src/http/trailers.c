#include "http/exchange.h"

/* Trailers are read here and thrown away; llhttp would take folded ones and such as end in
 * a bare LF, where others see the end of the message elsewhere. */

/* The next byte of a line that has not ended; NULL or what is wrong with it. */
static const char *check_byte(struct trailers *t, unsigned char c) {
  if (t->cr || c == '\n')
    return "a trailer does not end in CRLF";
  if (c == '\r') {
    t->cr = true;
    return t->len == 0 || t->colon ? NULL : "a trailer without a colon";
  }
  if (t->len++ == 0 && (c == ' ' || c == '\t'))
    return "a folded trailer";
  if (t->colon)
    return (c >= ' ' && c != 0x7f) || c == '\t' ? NULL : "a control character in a trailer";
  t->colon = c == ':';
  if (t->colon && t->len == 1)
    return "a trailer without a name";
  return t->colon || http_is_token((const char *) &c, 1) ? NULL : "not a trailer";
}

bool trailers_take(struct trailers *t, const char *data, size_t len, size_t *used,
                   const char **why) {
  *why = NULL;
  for (*used = 0; *used < len && *why == NULL;) {
    char c = data[(*used)++];
    if (!t->cr || c != '\n') {
      *why = check_byte(t, (unsigned char) c);
      continue;
    }
    bool empty = t->len == 0;
    *t = (struct trailers){0};
    if (empty)
      return true;
  }
  return false;
}
