#ifndef MOONLEDGER_RECORD_JSON_REPAIR_H
#define MOONLEDGER_RECORD_JSON_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What the scanner of native records tolerates, for a decoder that does not: writes the
 * text to out with U+FFFD for bytes that are not UTF-8, for half a surrogate pair and for
 * a NUL in a member's name, and with numbers that a double cannot hold (integers of more
 * than 15 digits, and what would be infinite) as strings of their digits; what only looks like a
 * number becomes "?", which is no JSON.  Returns false and leaves out empty when there is nothing
 * to repair.  Text that is no JSON stays none. */
bool json_repair(const char *text, size_t len, struct buf *out);

#endif
