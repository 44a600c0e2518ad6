/* A profiling hook with the clock of a computer's operating system. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 199309L
#endif

#include "xlite.h"

#ifdef _WIN32
#include <windows.h>

static uint64_t now(void) {
  LARGE_INTEGER ticks, each_second;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&each_second);
  return (uint64_t)((double)ticks.QuadPart * 1e9 / (double)each_second.QuadPart);
}
#else
#include <time.h>

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#endif

void xl_time_op(void *user, const xl_op *op, uint32_t index, int32_t done) {
  xl_timer *timer = (xl_timer *)user;
  (void)op;
  if (done) {
    timer->nanoseconds[index] += now() - timer->started;
  } else {
    timer->started = now();
  }
}
