#include "cpu_use.hpp"

#include <time.h>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace simul::load {
namespace {

Duration waiting_time() noexcept {
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  // "time on a processor, time waiting for one, number of time slices", in nanoseconds.
  const std::unique_ptr<std::FILE, Close> file(std::fopen("/proc/thread-self/schedstat", "re"));
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  if (!file || std::fscanf(file.get(), "%ld %ld", &running, &waiting) != 2) {
    return {};
  }
  return Duration(waiting);
}

}  // namespace

CpuUse CpuUse::of_this_thread() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return {.running = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec),
          .waiting = waiting_time()};
}

}  // namespace simul::load
