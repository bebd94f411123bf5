#ifndef MOONLEDGER_NOTIFY_H
#define MOONLEDGER_NOTIFY_H

#include <stdint.h>

/* What a service manager is told, in the protocol of sd_notify(3): datagrams to the socket that
 * $NOTIFY_SOCKET names.  Without it nothing happens.  Any thread. */

/* Such as "READY=1". */
void notify(const char *state);

/* How often "WATCHDOG=1" is to come, sd_watchdog_enabled(3): twice in the manager's time, in
 * milliseconds; 0: it does not wait for any. */
uint64_t notify_watchdog_ms(void);

#endif
