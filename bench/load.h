// What the load generators share: clocks, latencies, arguments.
#pragma once

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

static const uint64_t kSecond = 1000000000;

static inline _Noreturn void die(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", program_invocation_short_name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

static inline uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) < 0) die("clock_gettime: %s", strerror(errno));
  return (uint64_t)time.tv_sec * kSecond + (uint64_t)time.tv_nsec;
}

static inline uint64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

// Of all threads of a process; 0 of process 0.
static inline uint64_t cpu_time_of(pid_t process) {
  clockid_t clock;
  if (process == 0) return 0;
  if (clock_getcpuclockid(process, &clock) != 0) die("no process %d", process);
  return read_clock(clock);
}

static inline double positive(const char* text, double least) {
  char* end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= least && value <= 1e9)) {
    die("'%s' is no number from %g to 1e9", text, least);
  }
  return value;
}

// --- Latencies: a histogram, linear within each power of two -------------------------------------

enum { kSubBuckets = 128 };  // per power of two: latencies within 0.8 %
static uint64_t latencies[64 * kSubBuckets];

static inline void record(uint64_t nanoseconds) {
  unsigned shift = 0;
  while ((nanoseconds >> shift) >= 2 * kSubBuckets)
    ++shift;
  ++latencies[shift * kSubBuckets + (nanoseconds >> shift)];
}

static inline double percentile_us(double fraction) {
  uint64_t total = 0;
  for (size_t i = 0; i < 64 * kSubBuckets; ++i)
    total += latencies[i];
  uint64_t rank = (uint64_t)(fraction * (double)total);
  if (rank >= total && total > 0) rank = total - 1;
  for (size_t i = 0; i < 64 * kSubBuckets; ++i) {
    if (rank < latencies[i]) {
      unsigned shift = i < 2 * kSubBuckets ? 0 : (unsigned)(i / kSubBuckets) - 1;
      return (double)((i - shift * kSubBuckets) << shift) / 1e3;
    }
    rank -= latencies[i];
  }
  return 0;
}
