// The loop's side of to_thread(): who may use the pool, and what is in it.
#pragma once

#include <cstddef>
#include <memory>

#include <uv.h>

#include <simul/detail/context.hpp>
#include <simul/detail/ready.hpp>
#include <simul/to_thread.hpp>

namespace simul::detail {

class Reactor;

/// What a ThreadLimiter counts. Jobs that were abandoned may outlive the limiter, so they share it.
class ThreadSlots {
 public:
  explicit ThreadSlots(std::size_t limit) noexcept : limit_(limit) {}

  /// Starts the leaf's job, now or when its turn has come. Throws std::logic_error if tasks of another
  /// loop use these slots.
  void take(ThreadLeaf& leaf);
  void forget(ThreadLeaf& leaf) noexcept;
  /// A job has left the pool; the next one follows it.
  void give_back() noexcept;

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::size_t running() const noexcept { return running_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

 private:
  const std::size_t limit_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  ThreadLeaf* first_ = nullptr;
  ThreadLeaf* last_ = nullptr;
  Loop* user_ = nullptr;  // while there is anything
};

/// A job on its way through the pool. libuv brings every one back to the loop, also those that it was
/// asked not to start and those that nobody waits for, and the loop doesn't end before that. In a world
/// without threads the way goes through the loop's ready queue.
class ThreadFlight final : private Ready {
 public:
  static void start(ThreadLeaf& leaf) noexcept;
  ThreadFlight(const ThreadFlight&) = delete;
  ThreadFlight& operator=(const ThreadFlight&) = delete;

  /// Takes the job back if it hasn't begun; then the leaf is forgotten.
  bool recall(std::unique_ptr<ThreadJob>& job) noexcept;
  void request_stop() noexcept { job_->request_stop(); }
  void forget_leaf() noexcept;

 private:
  explicit ThreadFlight(ThreadLeaf& leaf) noexcept;
  ~ThreadFlight() = default;
  void queue() noexcept;
  void fly() noexcept;
  void land() noexcept;
  void run_ready() noexcept override;

  uv_work_t request_{};
  const bool pooled_;
  Reactor& reactor_;
  std::unique_ptr<ThreadJob> job_;
  std::shared_ptr<ThreadSlots> slots_;
  ThreadLeaf* leaf_;  // null: nobody waits for it
  ContextRef context_;
  bool flying_ = false;  // without threads: it runs now
};

/// What one loop has in the pool.
class ThreadJobs {
 public:
  /// Those of jobs without a ThreadLimiter.
  const std::shared_ptr<ThreadSlots>& slots();

  void started() noexcept {
    ++in_pool_;
    ++awaited_;
  }
  void abandoned() noexcept { --awaited_; }
  void landed(bool was_awaited) noexcept {
    --in_pool_;
    awaited_ -= was_awaited ? 1 : 0;
  }
  [[nodiscard]] bool any() const noexcept { return in_pool_ > 0; }
  [[nodiscard]] bool any_awaited() const noexcept { return awaited_ > 0; }

 private:
  std::shared_ptr<ThreadSlots> slots_;
  std::size_t in_pool_ = 0;
  std::size_t awaited_ = 0;
};

/// Of libuv's pool, which has no way to ask for it.
[[nodiscard]] std::size_t thread_pool_size() noexcept;

}  // namespace simul::detail
