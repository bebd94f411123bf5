#include "net/trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/tls.h"

enum { ERROR_TEXT = 256 };

struct trust {
  struct trusts *owner;
  char *ca_file;
  SSL_CTX *context; /* these under the owner's lock */
  bool reading;
  char error[ERROR_TEXT];
  struct trusting *waiting;
  uv_work_t work;
  struct trust *next;
};

struct trusts {
  pthread_mutex_t lock;
  struct trust *first;
};

struct trusts *trusts_new(void) {
  struct trusts *trusts = xcalloc(1, sizeof *trusts);
  pthread_mutex_init(&trusts->lock, NULL);
  return trusts;
}

void trusts_free(struct trusts *trusts) {
  if (trusts == NULL)
    return;
  for (struct trust *t = trusts->first, *next; t != NULL; t = next) {
    next = t->next;
    if (t->context != NULL)
      SSL_CTX_free(t->context);
    free(t->ca_file);
    free(t);
  }
  pthread_mutex_destroy(&trusts->lock);
  free(trusts);
}

struct trust *trust_of(struct trusts *trusts, const char *ca_file) {
  pthread_mutex_lock(&trusts->lock);
  struct trust *t = trusts->first;
  while (t != NULL && strcmp(t->ca_file, ca_file) != 0)
    t = t->next;
  if (t == NULL) {
    t = xcalloc(1, sizeof *t);
    t->owner = trusts;
    t->ca_file = xstrdup(ca_file);
    t->next = trusts->first;
    trusts->first = t;
  }
  pthread_mutex_unlock(&trusts->lock);
  return t;
}

SSL_CTX *trust_context(struct trust *t) {
  pthread_mutex_lock(&t->owner->lock);
  SSL_CTX *context = t->context;
  pthread_mutex_unlock(&t->owner->lock);
  return context;
}

void trust_error(struct trust *t, char *out, size_t size) {
  pthread_mutex_lock(&t->owner->lock);
  snprintf(out, size, "%s", t->error);
  pthread_mutex_unlock(&t->owner->lock);
}

static const char *find_file(const char *configured) {
  static const char *const usual[] = {
      "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine */
      "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora */
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, newer */
      "/etc/ssl/cert.pem",                                 /* Alpine without the package */
  };
  if (*configured != '\0')
    return configured;
  const char *given = getenv("SSL_CERT_FILE");
  if (given != NULL && *given != '\0')
    return given;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (access(usual[i], R_OK) == 0)
      return usual[i];
  return NULL;
}

/* NULL and words in error. */
static SSL_CTX *read_context(const char *configured, char error[ERROR_TEXT]) {
  const char *file = find_file(configured);
  if (file == NULL) {
    snprintf(error, ERROR_TEXT,
             "no CA certificates: install the package ca-certificates, or name "
             "a file of them in outside.ca_file of config.lua or SSL_CERT_FILE");
    return NULL;
  }
  SSL_CTX *context = tls_context_new();
  if (SSL_CTX_load_verify_file(context, file) == 1)
    return context;
  const char *why = ERR_reason_error_string(ERR_peek_last_error());
  snprintf(error, ERROR_TEXT, "%s holds no CA certificates that can be read: %s", file,
           why != NULL ? why : "it is empty");
  ERR_clear_error();
  SSL_CTX_free(context);
  return NULL;
}

static void on_read(uv_work_t *work) {
  struct trust *t = container_of(work, struct trust, work);
  char error[ERROR_TEXT] = "";
  SSL_CTX *context = read_context(t->ca_file, error);
  pthread_mutex_lock(&t->owner->lock);
  t->context = context;
  memcpy(t->error, error, sizeof error);
  pthread_mutex_unlock(&t->owner->lock);
}

static void on_have_read(uv_work_t *work, int status) {
  (void) status;
  struct trust *t = container_of(work, struct trust, work);
  pthread_mutex_lock(&t->owner->lock);
  struct trusting *waiting = t->waiting;
  t->waiting = NULL;
  t->reading = false;
  pthread_mutex_unlock(&t->owner->lock);
  while (waiting != NULL) {
    struct trusting *next = waiting->next;
    loop_post(waiting->loop, &waiting->done);
    waiting = next;
  }
}

void trust_read(struct trust *t, struct trusting *trusting) {
  pthread_mutex_lock(&t->owner->lock);
  bool is_there = t->context != NULL; /* another loop has read it meanwhile */
  bool start = !is_there && !t->reading;
  if (!is_there) {
    trusting->next = t->waiting;
    t->waiting = trusting;
    t->reading = true;
  }
  pthread_mutex_unlock(&t->owner->lock);
  if (is_there)
    loop_post(trusting->loop, &trusting->done);
  if (start)
    uv_queue_work(&trusting->loop->uv, &t->work, on_read, on_have_read);
}
