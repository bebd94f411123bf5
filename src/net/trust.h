#ifndef MOONLEDGER_NET_TRUST_H
#define MOONLEDGER_NET_TRUST_H

#include "net/net.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* The CA certificates of one file, as a context that connections are made of.  Belongs to the
 * trusts, and lives as long.  Any thread. */
struct trust;

/* One who waits for them to be read; embedded.  done comes on loop's thread, by its mailbox. */
struct trusting {
  struct message done;
  struct loop *loop;
  struct trusting *next; /* trust.c's own */
};

/* ca_file empty: that of SSL_CERT_FILE, else the first that is there of those that Debian, Fedora
 * and Alpine have. */
struct trust *trust_of(struct trusts *trusts, const char *ca_file);

/* The context, once it has been read; NULL: call trust_read. */
struct ssl_ctx_st *trust_context(struct trust *trust);

/* Reads it on libuv's pool, because it takes tens of milliseconds, unless somebody does already.
 * t is told once, with a context or without. */
void trust_read(struct trust *t, struct trusting *trusting);

/* Why there is no context: file and repair. */
void trust_error(struct trust *trust, char *out, size_t size);

#endif
