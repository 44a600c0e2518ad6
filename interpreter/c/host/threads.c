/* Threads that wait for work, on computers with POSIX threads. Elsewhere there are none to be had.
 *
 * Every op of a network is a few pieces of work of some microseconds, one op after the other, so a thread that has
 * nothing to do looks for the next op for a while before it sleeps. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200112L
#endif

#include <stdlib.h>

#include "xlite.h"

#if defined(__GNUC__) && !defined(_WIN32) && !defined(__wasm__)
#include <pthread.h>

enum { SPINS = 4000 }; /* some 50 microseconds */

typedef struct pool {
  xl_threads base; /* first, so that a pointer to it is one to the pool */
  xl_task task;
  void *context;
  int32_t n, grain;
  int32_t next;        /* the first piece that nobody has taken */
  int32_t open;        /* whether the fields above are those of a running call */
  int32_t active;      /* threads that may be reading them */
  int32_t generation;  /* calls so far */
  int32_t sleeping;
  int32_t stop;
  int32_t started;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pthread_t *threads;
} pool;

typedef struct start {
  pool *p;
  int32_t worker;
} start;

static int32_t load(const int32_t *x) { return __atomic_load_n(x, __ATOMIC_SEQ_CST); }
static void store(int32_t *x, int32_t value) { __atomic_store_n(x, value, __ATOMIC_SEQ_CST); }
static int32_t add(int32_t *x, int32_t value) { return __atomic_fetch_add(x, value, __ATOMIC_SEQ_CST); }

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void take_pieces(pool *p, int32_t worker) {
  for (;;) {
    const int32_t begin = add(&p->next, p->grain);
    if (begin >= p->n) return;
    p->task(p->context, begin, p->n - begin < p->grain ? p->n : begin + p->grain, worker);
  }
}

/* Until a call after `seen`, or until the pool ends. */
static void await_work(pool *p, int32_t seen) {
  for (int32_t i = 0; i < SPINS; ++i) {
    if (load(&p->generation) != seen || load(&p->stop)) return;
    pause_briefly();
  }
  pthread_mutex_lock(&p->mutex);
  add(&p->sleeping, 1);
  while (load(&p->generation) == seen && !load(&p->stop)) pthread_cond_wait(&p->wake, &p->mutex);
  add(&p->sleeping, -1);
  pthread_mutex_unlock(&p->mutex);
}

/* A thread says that it is active before it looks whether a call is open, the caller closes the call before it
 * looks who is active: so a thread that comes late finds it closed, or is waited for. */
static void *work(void *argument) {
  start *s = (start *)argument;
  pool *p = s->p;
  const int32_t worker = s->worker;
  int32_t seen = 0;
  free(s);
  for (;;) {
    await_work(p, seen);
    if (load(&p->stop)) return NULL;
    seen = load(&p->generation);
    add(&p->active, 1);
    if (load(&p->open)) take_pieces(p, worker);
    add(&p->active, -1);
  }
}

static void wake_all(pool *p) {
  pthread_mutex_lock(&p->mutex);
  pthread_cond_broadcast(&p->wake);
  pthread_mutex_unlock(&p->mutex);
}

static void run(xl_threads *threads, xl_task task, void *context, int32_t n, int32_t grain) {
  pool *p = (pool *)(void *)threads;
  p->task = task;
  p->context = context;
  p->n = n;
  p->grain = grain;
  store(&p->next, 0);
  store(&p->open, 1);
  add(&p->generation, 1);
  if (load(&p->sleeping) > 0) wake_all(p);
  take_pieces(p, 0);
  store(&p->open, 0);
  while (load(&p->active) > 0) pause_briefly();
}

xl_threads *xl_threads_new(int32_t count) {
  pool *p = (pool *)calloc(1, sizeof *p);
  if (p == NULL) return NULL;
  p->base.count = count;
  p->base.run = run;
  p->threads = (pthread_t *)calloc((size_t)count, sizeof *p->threads);
  pthread_mutex_init(&p->mutex, NULL);
  pthread_cond_init(&p->wake, NULL);
  /* Fewer threads than asked for only make it slower. */
  for (int32_t i = 1; p->threads != NULL && i < count; ++i) {
    start *s = (start *)malloc(sizeof *s);
    if (s == NULL) break;
    s->p = p;
    s->worker = i;
    if (pthread_create(&p->threads[p->started], NULL, work, s) != 0) {
      free(s);
      break;
    }
    ++p->started;
  }
  return &p->base;
}

void xl_threads_free(xl_threads *threads) {
  pool *p = (pool *)(void *)threads;
  if (p == NULL) return;
  store(&p->stop, 1);
  wake_all(p);
  for (int32_t i = 0; i < p->started; ++i) pthread_join(p->threads[i], NULL);
  pthread_cond_destroy(&p->wake);
  pthread_mutex_destroy(&p->mutex);
  free(p->threads);
  free(p);
}

#else

xl_threads *xl_threads_new(int32_t count) {
  (void)count;
  return NULL;
}

void xl_threads_free(xl_threads *threads) { (void)threads; }

#endif
