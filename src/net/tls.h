#ifndef MOONLEDGER_NET_TLS_H
#define MOONLEDGER_NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/buf.h"

/* The client's side of one TLS connection, between bytes and bytes: it knows no socket. */
struct tls;

/* OpenSSL's first use; the caller's to free.  Verifies, TLS 1.2 or newer. */
SSL_CTX *tls_context_new(void);

/* host is verified and, where it is a name, sent along.  alpn, such as "http/1.1", and session, of
 * an earlier connection to the same host, may be NULL. */
struct tls *tls_new(SSL_CTX *context, const char *host, const char *alpn, SSL_SESSION *session);
void tls_free(struct tls *tls);

/* Takes bytes that came. */
void tls_feed(struct tls *tls, const char *data, size_t len);

/* Goes on with the handshake: 1 when it is done, 0 needs more bytes, -1 see tls_error. */
int tls_handshake(struct tls *tls);

/* What has come of plain text, at most size: its length, 0 when there is no more now, or -1. */
int tls_read(struct tls *tls, char *plain, size_t size);
bool tls_has_ended(const struct tls *tls); /* the other side has said so */

/* After the handshake.  false: see tls_error. */
bool tls_write(struct tls *tls, const char *plain, size_t len);
void tls_say_end(struct tls *tls);

/* Moves the bytes that must be sent to out. */
void tls_take_output(struct tls *tls, struct buf *out);

/* The newest session that the other side gave, for tls_new of the next connection: the caller's
 * reference; NULL: none since the last call. */
SSL_SESSION *tls_take_session(struct tls *tls);

/* In words.  Until the next call of OpenSSL. */
const char *tls_error(const struct tls *tls);

#endif
