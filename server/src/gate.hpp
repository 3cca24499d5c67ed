// Gate: something that is so or isn't, to wait for: "there is no session", "this loop may end".
//
//   co_await gate.passed();     // returns at once while the gate is open
//   gate.open();                // wakes who waits; close() shuts it again
//
// For one loop and one waiter.
#pragma once

#include <cassert>
#include <coroutine>
#include <utility>

#include <simul/leaf.hpp>

namespace simul::server {

class Gate {
 public:
  enum class State : bool { closed, open };

  explicit Gate(State state) noexcept : state_(state) {}

  void open() noexcept {
    state_ = State::open;
    if (waiting_ != nullptr) {
      std::exchange(waiting_, nullptr)->wake();
    }
  }
  void close() noexcept { state_ = State::closed; }

  class Passed;
  /// Cancel safety: nothing to lose.
  Passed passed() noexcept;

 private:
  State state_;
  Leaf* waiting_ = nullptr;
};

class [[nodiscard]] Gate::Passed final : public Leaf {
 public:
  explicit Passed(Gate& gate) noexcept : gate_(gate) {}
  bool await_ready() const {
    check_cancelled();
    return gate_.state_ == State::open;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    assert(gate_.waiting_ == nullptr && "one waiter at a time");
    gate_.waiting_ = this;
    suspend();
  }
  void await_resume() const { throw_if_cancelled(); }
  [[nodiscard]] const char* waits_for() const noexcept override { return "a gate"; }

 private:
  bool on_cancel() noexcept override {
    gate_.waiting_ = nullptr;
    return true;
  }

  Gate& gate_;
};

inline Gate::Passed Gate::passed() noexcept { return Passed(*this); }

}  // namespace simul::server
