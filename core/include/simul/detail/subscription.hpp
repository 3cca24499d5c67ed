// What the receivers of broadcast.hpp and watch_channel.hpp have in common: each waits for news and
// then takes its own copy. The wake-up is no result yet, so a cancellation has nothing to lose.
#pragma once

#include <cassert>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <simul/detail/shared_leaf.hpp>
#include <simul/export.hpp>

namespace simul::detail {

/// A mark in a receiver: a task waits in it. It belongs to the object and isn't copied with it.
class Claim {
 public:
  Claim() noexcept = default;
  Claim(const Claim&) noexcept {}
  Claim(Claim&& other) noexcept { other.assert_free(); }
  Claim& operator=(const Claim&) noexcept {
    assert_free();
    return *this;
  }
  Claim& operator=(Claim&& other) noexcept {
    assert_free();
    other.assert_free();
    return *this;
  }
  ~Claim() { assert_free(); }

  void take() {
    if (std::exchange(taken_, true)) {
      throw std::logic_error("another task waits in this receiver: give each task its own");
    }
  }
  void release() noexcept { taken_ = false; }

 private:
  void assert_free() const noexcept {
    assert(!taken_ && "a receiver is moved or destroyed while a task waits in it");
  }
  bool taken_ = false;
};

class SIMUL_EXPORT SubscriptionLeaf : public SharedLeaf {
 public:
  bool await_ready() {
    SharedLeaf::await_ready();
    claim_.take();
    return false;
  }

 protected:
  SubscriptionLeaf(std::mutex& mutex, SharedLeafList& waiting, Claim& claim) noexcept
      : SharedLeaf(mutex), waiting_(waiting), claim_(claim) {}
  ~SubscriptionLeaf() = default;

  /// Belongs at the start of await_resume.
  void woken() {
    claim_.release();
    throw_if_cancelled();
  }

 private:
  /// The mutex is held.
  [[nodiscard]] virtual bool has_news() const noexcept = 0;

  bool finish_or_wait(WakeList&) noexcept final {
    if (has_news()) {
      return true;
    }
    waiting_.push_back(*this);
    return false;
  }
  bool on_wake() noexcept final {
    if (scope_cancelled()) {
      mark_cancelled();
      return true;
    }
    return SharedLeaf::on_wake();
  }

  SharedLeafList& waiting_;
  Claim& claim_;
};

}  // namespace simul::detail
