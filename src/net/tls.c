#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct tls {
  SSL *ssl;
  BIO *in, *out; /* the SSL's */
  SSL_SESSION *session;
  const char *error; /* of the last call; NULL: ask OpenSSL's verification */
};

/* Called on the thread of a connection; returning 1 keeps the reference. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct tls *tls = SSL_get_app_data(ssl);
  SSL_SESSION_free(tls->session);
  tls->session = session;
  return 1;
}

/* No openssl.cnf: it could name libraries to load, which a static program cannot. */
SSL_CTX *tls_context_new(void) {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (context == NULL)
    abort();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  return context;
}

static bool is_address(const char *host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static void name_host(SSL *ssl, const char *host) {
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    return;
  }
  SSL_set1_host(ssl, host);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set_tlsext_host_name(ssl, host);
}

static void offer_protocol(SSL *ssl, const char *alpn) {
  unsigned char wire[32];
  size_t len = strlen(alpn);
  wire[0] = (unsigned char) len;
  memcpy(wire + 1, alpn, len);
  SSL_set_alpn_protos(ssl, wire, (unsigned) len + 1);
}

struct tls *tls_new(SSL_CTX *context, const char *host, const char *alpn, SSL_SESSION *session) {
  struct tls *tls = xcalloc(1, sizeof *tls);
  tls->ssl = SSL_new(context);
  tls->in = BIO_new(BIO_s_mem());
  tls->out = BIO_new(BIO_s_mem());
  if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL)
    abort();
  SSL_set_bio(tls->ssl, tls->in, tls->out);
  SSL_set_app_data(tls->ssl, tls);
  SSL_set_connect_state(tls->ssl);
  name_host(tls->ssl, host);
  if (alpn != NULL)
    offer_protocol(tls->ssl, alpn);
  if (session != NULL)
    SSL_set_session(tls->ssl, session);
  return tls;
}

void tls_free(struct tls *tls) {
  if (tls == NULL)
    return;
  SSL_free(tls->ssl);
  SSL_SESSION_free(tls->session);
  free(tls);
}

void tls_feed(struct tls *tls, const char *data, size_t len) {
  BIO_write(tls->in, data, (int) len);
}

/* What a call that returned rc means: 0 to wait for more, -1 an error. */
static int outcome(struct tls *tls, int rc) {
  int kind = SSL_get_error(tls->ssl, rc);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE || kind == SSL_ERROR_ZERO_RETURN)
    return 0;
  unsigned long code = ERR_peek_last_error();
  tls->error = ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED
                   ? NULL
                   : ERR_reason_error_string(code);
  if (tls->error == NULL && SSL_get_verify_result(tls->ssl) == X509_V_OK)
    tls->error = "the connection failed";
  ERR_clear_error();
  return -1;
}

int tls_handshake(struct tls *tls) {
  ERR_clear_error();
  int rc = SSL_do_handshake(tls->ssl);
  return rc == 1 ? 1 : outcome(tls, rc);
}

int tls_read(struct tls *tls, char *plain, size_t size) {
  ERR_clear_error();
  int rc = SSL_read(tls->ssl, plain, (int) size);
  return rc > 0 ? rc : outcome(tls, rc);
}

bool tls_has_ended(const struct tls *tls) {
  return SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN;
}

bool tls_write(struct tls *tls, const char *plain, size_t len) {
  ERR_clear_error();
  int rc = SSL_write(tls->ssl, plain, (int) len);
  return rc > 0 || outcome(tls, rc) == 0;
}

void tls_say_end(struct tls *tls) {
  ERR_clear_error();
  SSL_shutdown(tls->ssl);
  ERR_clear_error();
}

void tls_take_output(struct tls *tls, struct buf *out) {
  char *data;
  long len = BIO_get_mem_data(tls->out, &data);
  buf_append(out, data, (size_t) len);
  BIO_reset(tls->out);
}

SSL_SESSION *tls_take_session(struct tls *tls) {
  SSL_SESSION *session = tls->session;
  tls->session = NULL;
  return session;
}

const char *tls_error(const struct tls *tls) {
  return tls->error != NULL ? tls->error
                            : X509_verify_cert_error_string(SSL_get_verify_result(tls->ssl));
}
