#ifndef MOONLEDGER_FUZZ_SLOW_H
#define MOONLEDGER_FUZZ_SLOW_H

#include <stddef.h>
#include <stdint.h>

/* Looks for inputs whose cost grows faster than their size: a piece of a kept input is repeated,
 * between what stood before and behind it, and CPU time of four and of sixteen times as many is
 * held against that of one. */

/* An input to begin with, copied. */
void slow_keep(const uint8_t *data, size_t size);

/* For so many seconds; tells what it found.  Returns 0 when that is nothing, 1 else. */
int slow_search(double seconds, unsigned seed);

#endif
