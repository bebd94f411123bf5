#ifndef MOONLEDGER_BASE_UTF8_H
#define MOONLEDGER_BASE_UTF8_H

#include <stddef.h>

#include "base/buf.h"

/* Stands for what is not well-formed: U+FFFD. */
#define UTF8_REPLACEMENT "\xEF\xBF\xBD"

/* Length of the well-formed sequence at s, of which len bytes are there; 0 when there is
 * none (Unicode 15, table 3-7: no surrogates, nothing overlong, nothing above U+10FFFF). */
size_t utf8_sequence(const char *s, size_t len);

/* Copies at most cap bytes of s to out, whole characters only, with U+FFFD for every byte
 * that is not well-formed and for NUL; returns the length. */
size_t utf8_copy(char *out, size_t cap, const char *s, size_t len);

/* How many bytes at the start of s are well-formed; len when all are. */
size_t utf8_valid(const char *s, size_t len);

/* Appends s with U+FFFD for every byte that is not well-formed. */
void utf8_append(struct buf *out, const char *s, size_t len);

/* Length of the byte order mark that some editors put in front: 3 or 0. */
size_t utf8_mark(const char *s, size_t len);

/* Writes code (not a surrogate, at most 0x10FFFF) at out; returns its length, 1 to 4. */
size_t utf8_encode(char *out, unsigned code);

#endif
