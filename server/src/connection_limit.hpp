// ConnectionLimit: how many connections may be served at once, counted over all loops.
//
//   ConnectionLimit::Permit permit = co_await limit.enter();   // waits while the house is full
//
// Whoever waits is woken when somebody leaves, in the order of arrival and on the own loop; nobody
// polls. It limits what is served, not what the kernel queues.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include <simul/leaf.hpp>

namespace simul::server {

class ConnectionLimit {
 public:
  explicit ConnectionLimit(std::uint32_t limit) noexcept : limit_(limit) {}

  class Permit;
  class Enter;
  /// Cancel safety: safe, a permit is either given or not taken. Thread: any loop's.
  Enter enter() noexcept;
  /// Gives a permit back, after Permit::release(). Thread: any.
  void leave() noexcept;

  [[nodiscard]] std::uint32_t current() const noexcept { return current_; }
  /// The most that there were at once.
  [[nodiscard]] std::uint32_t peak() const noexcept { return peak_; }

 private:
  bool try_enter() noexcept;
  void admit_waiting() noexcept;

  const std::uint32_t limit_;
  // Sequentially consistent, all three: whoever leaves sees who waits, or is seen by him.
  std::atomic<std::uint32_t> current_ = 0;
  std::atomic<std::uint32_t> peak_ = 0;
  std::atomic<std::uint32_t> waiting_count_ = 0;
  std::mutex mutex_;
  std::deque<Enter*> waiting_;  // at most one for each listening socket
};

/// A place that is taken until this is destroyed or released.
class ConnectionLimit::Permit {
 public:
  explicit Permit(ConnectionLimit& limit) noexcept : limit_(&limit) {}
  Permit(Permit&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)) {}
  Permit& operator=(Permit&&) = delete;
  ~Permit() {
    if (limit_ != nullptr) {
      limit_->leave();
    }
  }
  /// From now on somebody else sees to leave().
  void release() noexcept { limit_ = nullptr; }

 private:
  ConnectionLimit* limit_;
};

class [[nodiscard]] ConnectionLimit::Enter final : public Leaf {
 public:
  explicit Enter(ConnectionLimit& limit) noexcept : limit_(limit) {}
  bool await_ready() const;
  bool await_suspend(std::coroutine_handle<>);
  Permit await_resume() const;
  [[nodiscard]] const char* waits_for() const noexcept override { return "a free connection"; }

 private:
  friend class ConnectionLimit;
  void admitted();
  bool on_cancel() noexcept override;

  ConnectionLimit& limit_;
};

inline ConnectionLimit::Enter ConnectionLimit::enter() noexcept { return Enter(*this); }

}  // namespace simul::server
