#ifndef MOONLEDGER_PROCESS_H
#define MOONLEDGER_PROCESS_H

/* What the process of a server is given before anything else: a umask, a heap for its
 * sizes, as many open files as it may have. */
void process_set_up(void);

/* SIGTERM, SIGINT and SIGHUP as a descriptor to read struct signalfd_siginfo from.
 * Before the first thread. */
int process_take_signals(void);

#endif
