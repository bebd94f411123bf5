#ifndef MOONLEDGER_HUB_SUBSCRIBER_H
#define MOONLEDGER_HUB_SUBSCRIBER_H

#include "base/uuid.h"
#include "hub/frames.h"
#include "hub/groups.h"
#include "hub/ring.h"
#include "hub/streams.h"
#include "loop/loop.h"

struct replay;

/* A stretch of the ring on its way to those at the tail, some of them a turn of the
 * loop. */
struct delivery {
  bool under_way;
  struct stretch stretch;
  struct group *group;     /* whose turn it is; others that have events follow by next_hit */
  struct subscriber *next; /* of its members */
  struct frames frames;    /* of its events */
  uint64_t sent;           /* writes to its members */
};

struct streams {
  struct loop *loop;
  struct hub *hub;
  struct listener listener;
  uv_timer_t timer;
  struct groups groups;
  struct delivery delivery;
  uint64_t cursor;            /* every event before it has been delivered */
  struct place place;         /* of the newest of those */
  struct subscriber *behind;  /* all that are not live */
  size_t count;
  bool closing;
  unsigned handles;           /* open ones; the last close callback frees */
};

enum subscriber_state {
  SUBSCRIBER_LIVE,      /* at the tail: gets what its group gets */
  SUBSCRIBER_BEHIND,    /* has a cursor of its own and reads the ring when its socket has room */
  SUBSCRIBER_REPLAYING, /* is sent stored rows */
};

struct subscriber {
  struct streams *streams;
  struct conn *conn;
  struct group *group;
  struct subscriber *next, **prev; /* in group->live or streams->behind */
  uint64_t cursor;      /* behind: number of its next event */
  uint64_t seen;        /* behind: what group->matched was there */
  struct replay *replay; /* while what it reads was published before it came */
  size_t queue_size;    /* of the socket, when it last changed */
  int64_t progress_ms;
  enum subscriber_state state;
  bool chunked;
  char connection_id[UUID_LENGTH];
};

/* Sends text, whole frames, which is emptied.  The subscriber may be gone
 * afterwards: ask the conn. */
void subscriber_send_text(struct subscriber *sub, struct buf *text);

/* Sends an overflow event whose id is place. */
void subscriber_tell_dropped(struct subscriber *sub, uint64_t dropped, struct place place);

/* From cursor on, it reads the ring. */
void subscriber_read_from(struct subscriber *sub, uint64_t cursor);

/* Moves it between the lists. */
void subscriber_set_state(struct subscriber *sub, enum subscriber_state state);

typedef void visit_group(struct streams *s, struct group *g, void *arg);
void streams_each_group(struct streams *s, visit_group *visit, void *arg);
void streams_leave_group(struct streams *s, struct group *g); /* one member fewer */

/* delivery.c: what is published goes to those at the tail */

bool delivery_go_on(struct streams *s);  /* true when there is more to do in the next turn */
void delivery_finish(struct streams *s); /* what is under way, at once */

/* replay.c: what was published before the subscriber came */

/* Goes on after the event id; where is taken over, NULL: all. */
void replay_begin(struct subscriber *sub, const char *id, struct conditions *where);
void replay_go_on(struct subscriber *sub); /* its socket has room */
bool replay_covers(const struct replay *replay, uint64_t number);
const struct conditions *replay_where(const struct replay *replay);
void replay_end(struct subscriber *sub);   /* also when there is none */

#endif
