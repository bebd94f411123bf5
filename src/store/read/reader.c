#include "store/read/reader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/cold/view.h"
#include "store/file/database.h"
#include "store/file/ids.h"
#include "store/file/rows.h"
#include "store/file/sketch_sql.h"

enum { STATEMENTS = 64, STEPS = 2000, COMPLAIN_EVERY_NS = 1000000000 };

struct cached {
  uint64_t hash;
  sqlite3_stmt *stmt;
};

struct reader {
  struct readers *pool;
  pthread_t thread;
  sqlite3 *db, *sql_db;
  struct cached statements[STATEMENTS];
  unsigned next_statement;
  struct batch *page;
  struct view *view, *sql_view;
  struct query *query;
  atomic_llong began_ns; /* of the query that it runs; INT64_MAX: none */
  int64_t deadline_ns;
};

/* Of one reader, with which others help. */
struct job {
  reader_work *work;
  void *arg;
  unsigned wanted, running; /* others */
  int rc;                   /* of the first of them that failed, and why */
  struct buf why;
  struct job *next;
};

struct readers {
  struct shared *shared;
  pthread_mutex_t lock;
  pthread_cond_t filled, helped;
  struct job *jobs;
  struct query *first, **last;
  unsigned queued, idle; /* queries, readers */
  bool stopping;
  int64_t complained_ns; /* 0: not yet */
  unsigned count, most; /* of readers: they start when they are needed */
  struct reader reader[];
};

static bool must_stop(void *arg) {
  struct reader *r = arg;
  bool cancelled = atomic_load_explicit(&r->query->cancelled, memory_order_relaxed);
  return cancelled || clock_monotonic_ns() > r->deadline_ns;
}

static int on_progress(void *arg) {
  return must_stop(arg);
}

static sqlite3_stmt *find_cached(struct reader *r, uint64_t hash, const struct buf *sql) {
  for (unsigned i = 0; i < STATEMENTS; i++) {
    struct cached *c = &r->statements[i];
    const char *text = c->hash == hash && c->stmt != NULL ? sqlite3_sql(c->stmt) : NULL;
    if (text != NULL && strlen(text) == sql->len && memcmp(text, sql->data, sql->len) == 0)
      return c->stmt;
  }
  return NULL;
}

int reader_statement(struct reader *r, struct buf *sql, sqlite3_stmt **stmt) {
  uint64_t hash = hash_bytes(hash_process_seed(), sql->data, sql->len);
  int rc = SQLITE_OK;
  *stmt = find_cached(r, hash, sql);
  if (*stmt == NULL) {
    struct cached *c = &r->statements[r->next_statement++ % STATEMENTS];
    sqlite3_finalize(c->stmt);
    *c = (struct cached){.hash = hash};
    rc = database_statement(r->db, sql, &c->stmt);
    *stmt = c->stmt;
  }
  buf_clear(sql);
  return rc;
}

static int run_text(struct reader *r, const char *text) {
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_puts(&sql, text);
  int rc = reader_statement(r, &sql, &stmt);
  return rc == SQLITE_OK ? statement_run(stmt) : rc;
}

int reader_begin(struct reader *r) {
  int rc = run_text(r, "BEGIN");
  return rc == SQLITE_OK ? view_refresh(r->view, r->db) : rc;
}

void reader_end(struct reader *r) {
  if (r->db != NULL && !sqlite3_get_autocommit(r->db)) /* NULL: it could not be opened */
    run_text(r, "ROLLBACK");
}

sqlite3 *reader_database(struct reader *r) {
  return r->db;
}

const struct schema *reader_schema(const struct reader *r) {
  return r->pool->shared->schema;
}

const struct storage_options *reader_options(const struct reader *r) {
  return &r->pool->shared->options;
}

struct shared *reader_shared(const struct reader *r) {
  return r->pool->shared;
}

struct ids *reader_ids(const struct reader *r) {
  return r->pool->shared->ids;
}

uint32_t reader_rebuilding(const struct reader *r) {
  return atomic_load(&r->pool->shared->rebuilding);
}

struct view *reader_view(struct reader *r) {
  return r->view;
}

struct cold_scan reader_cold_scan(struct reader *r, struct conditions *where) {
  return (struct cold_scan){.view = r->view, .db = r->db, .where = where, .from = INT64_MIN,
                            .to = INT64_MAX, .stopped = must_stop, .stopped_arg = r};
}

struct batch *reader_page(struct reader *r) {
  rows_forget(r->page);
  return r->page;
}

/* Every question of every client may come here. */
static void complain(struct readers *pool, int rc) {
  int64_t now = clock_monotonic_ns();
  pthread_mutex_lock(&pool->lock);
  bool silent = pool->complained_ns != 0 && now - pool->complained_ns < COMPLAIN_EVERY_NS;
  if (!silent)
    pool->complained_ns = now;
  pthread_mutex_unlock(&pool->lock);
  if (!silent)
    log_error("the database cannot be opened for reading; the next question tries again",
              log_str("file", pool->shared->options.path), log_str("error", sqlite3_errstr(rc)));
}

/* Where it is refused, the next question tries again. */
static int open_database(struct reader *r, sqlite3 **db) {
  if (*db != NULL)
    return SQLITE_OK;
  int rc = database_open(db, r->pool->shared->options.path, ACCESS_READER);
  if (rc != SQLITE_OK) {
    complain(r->pool, rc);
    sqlite3_close(*db);
    *db = NULL;
    return rc;
  }
  sqlite3_progress_handler(*db, STEPS, on_progress, r);
  sketch_sql_register(*db);
  return SQLITE_OK;
}

int reader_sql_database(struct reader *r, sqlite3 **db, struct view **view) {
  int rc = open_database(r, &r->sql_db);
  *db = r->sql_db;
  *view = r->sql_view;
  return rc;
}

static int run_query(struct reader *r, struct query *q) {
  int rc = open_database(r, &r->db);
  if (rc != SQLITE_OK)
    return rc;
  if (on_progress(r))
    return SQLITE_INTERRUPT;
  switch (q->kind) {
  case QUERY_SELECT: return query_select(r, q);
  case QUERY_COUNT: return query_count(r, q);
  case QUERY_LOOKUP: return query_lookup(r, q);
  case QUERY_AGGREGATE: return query_aggregate(r, q);
  case QUERY_SQL: return query_sql(r, q);
  case QUERY_RETAINED: return query_retained(r, q);
  }
  return SQLITE_MISUSE;
}

static void finish_query(struct reader *r, struct query *q, int rc) {
  if (rc == SQLITE_ERROR && must_stop(r))
    rc = SQLITE_INTERRUPT; /* a virtual table that was being made tells only that it was not */
  q->status = database_status(rc);
  if (q->status == UV_ECANCELED && !atomic_load(&q->cancelled)) {
    q->status = UV_ETIMEDOUT;
    snprintf(q->error, sizeof q->error, "query too slow: narrow the window");
  } else if (rc == SQLITE_CORRUPT && *view_why(r->view) != '\0') {
    snprintf(q->error, sizeof q->error, "%s", view_why(r->view));
  } else if (q->status < 0 && q->error[0] == '\0') {
    const char *why = r->db != NULL ? database_why(r->db, rc) : sqlite3_errstr(rc);
    snprintf(q->error, sizeof q->error, "%s%s",
             r->db != NULL ? "" : "the database cannot be opened for reading: ", why);
  }
  loop_post(q->loop, &q->done);
}

static struct job *open_job(const struct readers *pool) {
  struct job *job = pool->jobs;
  while (job != NULL && job->wanted == 0)
    job = job->next;
  return job;
}

/* Under the lock, but for the work.  Who leaves first has found that there is none left, or that
 * the others are wanted too. */
static void help(struct reader *r, struct job *job) {
  struct readers *pool = r->pool;
  job->wanted--;
  job->running++;
  pool->idle--;
  pthread_mutex_unlock(&pool->lock);
  int rc = job->work(r, job->arg);
  pthread_mutex_lock(&pool->lock);
  if (rc == SQLITE_CORRUPT && job->rc == SQLITE_OK)
    buf_puts(&job->why, view_why(r->view));
  job->rc = job->rc == SQLITE_OK ? rc : job->rc;
  pool->idle++;
  job->wanted = 0;
  if (--job->running == 0)
    pthread_cond_broadcast(&pool->helped);
}

static struct query *next_query(struct reader *r) {
  struct readers *pool = r->pool;
  struct job *job;
  pthread_mutex_lock(&pool->lock);
  pool->idle++;
  while (pool->first == NULL && !pool->stopping) {
    if ((job = open_job(pool)) != NULL)
      help(r, job);
    else
      pthread_cond_wait(&pool->filled, &pool->lock);
  }
  pool->idle--;
  struct query *q = pool->first;
  if (q != NULL) {
    pool->queued--;
    if ((pool->first = q->queued) == NULL)
      pool->last = &pool->first;
  }
  pthread_mutex_unlock(&pool->lock);
  return q;
}

static void forget_reader(struct reader *r) {
  view_free(r->view);
  view_free(r->sql_view);
  batch_free(r->page);
}

static void close_reader(struct reader *r) {
  for (unsigned i = 0; i < STATEMENTS; i++)
    sqlite3_finalize(r->statements[i].stmt);
  sqlite3_close(r->db);
  sqlite3_close(r->sql_db);
  forget_reader(r);
}

static void *reader_main(void *arg) {
  struct reader *r = arg;
  struct query *q;
  while ((q = next_query(r)) != NULL) {
    int64_t deadline_ms =
        q->deadline_ms > 0 ? q->deadline_ms : r->pool->shared->options.query_deadline_ms;
    r->query = q;
    r->deadline_ns = q->started_ns + deadline_ms * 1000000;
    atomic_store(&r->began_ns, clock_monotonic_ns());
    int rc = run_query(r, q);
    reader_end(r);
    atomic_store(&r->began_ns, INT64_MAX);
    finish_query(r, q, rc);
  }
  close_reader(r);
  return NULL;
}

struct readers *readers_open(struct shared *shared) {
  unsigned most = shared->options.readers > 0 ? shared->options.readers : 1;
  struct readers *pool = xcalloc(1, sizeof *pool + most * sizeof pool->reader[0]);
  pool->most = most;
  pool->shared = shared;
  pool->last = &pool->first;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->filled, NULL);
  pthread_cond_init(&pool->helped, NULL);
  return pool;
}

void readers_close(struct readers *pool) {
  if (pool == NULL)
    return;
  pthread_mutex_lock(&pool->lock);
  pool->stopping = true;
  pthread_cond_broadcast(&pool->filled);
  pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 0; i < pool->count; i++)
    pthread_join(pool->reader[i].thread, NULL);
  pthread_mutex_destroy(&pool->lock);
  pthread_cond_destroy(&pool->filled);
  pthread_cond_destroy(&pool->helped);
  free(pool);
}

/* Under the lock. */
static void start_reader(struct readers *pool) {
  struct reader *r = &pool->reader[pool->count];
  r->pool = pool;
  r->page = batch_new(pool->shared->schema);
  r->view = view_new(pool->shared->parts, pool->shared->schema);
  r->sql_view = view_new(pool->shared->parts, pool->shared->schema);
  atomic_store(&r->began_ns, INT64_MAX);
  if (pthread_create(&r->thread, NULL, reader_main, r) == 0)
    pool->count++;
  else
    forget_reader(r);
}

static void open_for_others(struct readers *pool, struct job *job) {
  pthread_mutex_lock(&pool->lock);
  job->next = pool->jobs;
  pool->jobs = job;
  for (unsigned idle = pool->idle; idle < job->wanted && pool->count < pool->most; idle++)
    start_reader(pool);
  pthread_cond_broadcast(&pool->filled);
  pthread_mutex_unlock(&pool->lock);
}

static void wait_for_others(struct readers *pool, struct job *job) {
  struct job **place = &pool->jobs;
  pthread_mutex_lock(&pool->lock);
  job->wanted = 0;
  while (job->running > 0)
    pthread_cond_wait(&pool->helped, &pool->lock);
  while (*place != job)
    place = &(*place)->next;
  *place = job->next;
  pthread_mutex_unlock(&pool->lock);
}

int reader_together(struct reader *r, unsigned others, reader_work *work, void *arg) {
  struct job job = {.work = work, .arg = arg, .wanted = others};
  if (others == 0)
    return work(r, arg);
  open_for_others(r->pool, &job);
  int rc = work(r, arg);
  wait_for_others(r->pool, &job);
  if (rc == SQLITE_OK && job.rc == SQLITE_CORRUPT) {
    buf_append(view_begin_why(r->view), job.why.data, job.why.len);
    view_fail(r->view);
  }
  buf_clear(&job.why);
  return rc == SQLITE_OK ? job.rc : rc;
}

static bool is_wanted(void *arg) {
  struct reader *r = arg;
  pthread_mutex_lock(&r->pool->lock);
  bool wanted = r->pool->queued > r->pool->idle;
  pthread_mutex_unlock(&r->pool->lock);
  return wanted;
}

struct cold_scan reader_share_scan(struct reader *r, const struct cold_scan *scan) {
  struct cold_scan own = *scan;
  if (r->view == scan->view)
    return own;
  own.view = r->view;
  own.leaves = is_wanted;
  own.leaves_arg = r;
  return own;
}

unsigned reader_helpers(const struct reader *r, size_t shares) {
  size_t others = r->pool->most - 1;
  return (unsigned) (shares <= others ? shares - (shares > 0) : others);
}

int64_t readers_oldest(void *arg) {
  struct readers *pool = arg;
  int64_t oldest = INT64_MAX;
  pthread_mutex_lock(&pool->lock);
  for (unsigned i = 0; i < pool->count; i++) {
    int64_t began = atomic_load(&pool->reader[i].began_ns);
    oldest = began < oldest ? began : oldest;
  }
  pthread_mutex_unlock(&pool->lock);
  return oldest;
}

void readers_submit(struct readers *pool, struct query *q) {
  q->queued = NULL;
  q->started_ns = clock_monotonic_ns();
  pthread_mutex_lock(&pool->lock);
  if (pool->queued >= pool->idle && pool->count < pool->most)
    start_reader(pool);
  bool taken = pool->count > 0;
  if (taken) {
    *pool->last = q;
    pool->last = &q->queued;
    pool->queued++;
    pthread_cond_signal(&pool->filled);
  }
  pthread_mutex_unlock(&pool->lock);
  if (taken)
    return;
  q->status = UV_EAGAIN;
  snprintf(q->error, sizeof q->error, "no thread can be started to read");
  loop_post(q->loop, &q->done);
}
