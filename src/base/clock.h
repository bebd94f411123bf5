#ifndef MOONLEDGER_BASE_CLOCK_H
#define MOONLEDGER_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_us(void);        /* unix time, microseconds */
int64_t clock_monotonic_ns(void);  /* for deadlines and durations */
int64_t clock_thread_cpu_ns(void); /* CPU time that the calling thread has used */

#endif
