#ifndef MOONLEDGER_BASE_CLOCK_H
#define MOONLEDGER_BASE_CLOCK_H

#include <stdint.h>

#define DAY_US INT64_C(86400000000) /* of UTC, which has no leap seconds here */

int64_t clock_now_us(void);        /* unix time, microseconds */
int64_t clock_now_s(void);         /* the same in whole seconds, at a tenth of the cost */
int64_t clock_monotonic_ns(void);  /* for deadlines and durations */
int64_t clock_thread_cpu_ns(void); /* CPU time that the calling thread has used */

#endif
