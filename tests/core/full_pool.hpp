// FullPool: a thread pool in which nothing goes on.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include <simul/sleep.hpp>
#include <simul/task_group.hpp>
#include <simul/to_thread.hpp>

#include "thread_jobs.hpp"

namespace simul::test {

/// Shut until somebody opens it, for threads.
class Gate {
 public:
  void open() {
    open_ = true;
    open_.notify_all();
  }
  void pass() const { open_.wait(false); }
  [[nodiscard]] bool is_open() const { return open_; }

 private:
  std::atomic<bool> open_{false};
};

/// Waits without time passing.
inline Coro<> until(std::function<bool()> true_now) {
  while (!true_now()) {
    co_await yield_now();
  }
}
inline Coro<> until_open(const Gate& gate) {
  return until([&gate] { return gate.is_open(); });
}

/// Keeps every thread of the pool busy until it is opened. It has to outlive the group.
class FullPool {
 public:
  void fill(TaskGroup& group) {
    for (std::size_t i = 0; i < limiter_.limit(); ++i) {
      group.spawn([this]() -> Coro<> {
        auto block = [this] {
          ++busy_;
          gate_.pass();
        };
        co_await to_thread(block).limited_by(limiter_);
      });
    }
  }
  Coro<> full() {
    return until([this] { return busy_ == limiter_.limit(); });
  }
  void open() { gate_.open(); }

 private:
  ThreadLimiter limiter_{detail::thread_pool_size()};
  std::atomic<std::size_t> busy_{0};
  Gate gate_;
};

}  // namespace simul::test
