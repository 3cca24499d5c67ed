// Gate: closed until somebody opens it, then open for ever; those who wait pass in the order they came.
#pragma once

#include <algorithm>
#include <coroutine>
#include <utility>
#include <vector>

#include <simul/leaf.hpp>

namespace simul::load {

class Gate {
 public:
  [[nodiscard]] bool is_open() const noexcept { return open_; }

  /// Thread: the loop's.
  void open() noexcept {
    open_ = true;
    for (Leaf* leaf : std::exchange(waiting_, {})) {
      leaf->wake();
    }
  }

  class [[nodiscard]] Wait final : public Leaf {
   public:
    explicit Wait(Gate& gate) noexcept : gate_(gate) {}
    bool await_ready() const {
      check_cancelled();
      return gate_.open_;
    }
    void await_suspend(std::coroutine_handle<>) {
      gate_.waiting_.push_back(this);
      suspend();
    }
    void await_resume() const { throw_if_cancelled(); }
    [[nodiscard]] const char* waits_for() const noexcept override { return "gate"; }

   private:
    bool on_cancel() noexcept override {
      const auto place = std::ranges::find(gate_.waiting_, this);
      if (place != gate_.waiting_.end()) {
        *place = gate_.waiting_.back();
        gate_.waiting_.pop_back();
      }
      return true;
    }
    Gate& gate_;
  };

  /// Cancel safety: nothing to lose.
  Wait wait() noexcept { return Wait(*this); }

 private:
  std::vector<Leaf*> waiting_;
  bool open_ = false;
};

}  // namespace simul::load
