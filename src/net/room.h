#ifndef MOONLEDGER_NET_ROOM_H
#define MOONLEDGER_NET_ROOM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <uv.h>

#include "net/net.h"

/* What the files of net/ share.  Nobody else includes it. */

enum {
  INPUT_BYTES = 64 << 10,
  PLAIN_BYTES = 96 << 10, /* decrypted: of INPUT_BYTES, and of a record that had begun */
  TICK_MS = 20,           /* how exact time limits are */
  KEPT_TICK_MS = 1000,    /* and that of kept connections */
};

struct net {
  struct loop *loop;
  struct trusts *trusts;
  struct opening *opening; /* links whose time is limited */
  struct call *calls;
  size_t ncalls, held_bytes; /* held: of bodies that their owners have yet to take */
  struct lookup *lookups;
  struct origin *origins; /* the one that was used last is the first */
  size_t norigins;
  uv_timer_t tick; /* active while there are links; often while ticking */
  bool has_tick, ticking;
  char *input, *plain; /* for one read, shared by all links */
};

/* net.c */
char *net_input(struct net *net);
char *net_plain(struct net *net);
void net_tick_on(struct net *net);
int64_t net_now_ms(const struct net *net);

/* link.c, call.c: whose time is up */
bool links_tick(struct net *net, int64_t now_ms); /* whether some are opening */
bool calls_tick(struct net *net, int64_t now_ms);

bool pool_tick(struct net *net, int64_t now_ms); /* pool.c; whether some are kept */
void pool_close(struct net *net);
void lookups_close(struct net *net); /* resolve.c */

#endif
