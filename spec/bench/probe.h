#ifndef MOONLEDGER_BENCH_PROBE_H
#define MOONLEDGER_BENCH_PROBE_H

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/mem.h"

/* What the bare servers share: they listen on a free port of loopback and say which, as
 * the real one does. */

static inline void probe_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  static char block[65536];
  (void) handle, (void) suggested;
  *buf = uv_buf_init(block, sizeof block);
}

static inline void probe_accept(uv_stream_t *listener, uv_tcp_t *tcp, uv_read_cb on_read) {
  uv_tcp_init(listener->loop, tcp);
  uv_accept(listener, (uv_stream_t *) tcp);
  uv_tcp_nodelay(tcp, 1);
  uv_read_start((uv_stream_t *) tcp, probe_alloc, on_read);
}

static inline int probe_serve(uv_connection_cb on_connection) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  static uv_tcp_t listener;
  struct sockaddr_in address;
  int len = sizeof address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(uv_default_loop(), &listener);
  uv_tcp_bind(&listener, (struct sockaddr *) &address, 0);
  uv_listen((uv_stream_t *) &listener, 1024, on_connection);
  uv_tcp_getsockname(&listener, (struct sockaddr *) &address, &len);
  printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

#endif
