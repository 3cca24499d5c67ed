#include <simul/testing/cancel_everywhere.hpp>

#include <stdexcept>

#include <simul/cancelled.hpp>
#include <simul/loop.hpp>
#include <simul/testing/virtual_clock.hpp>

#include "testing/simulated_network.hpp"

namespace simul {
namespace {

constexpr std::size_t kMostRounds = 1'000'000;

}  // namespace

/// Counts the steps of its loop, which has a network of its own.
class CutClock final : public VirtualClock {
 public:
  explicit CutClock(Cut& cut) noexcept : cut_(cut) {}
  [[nodiscard]] bool picks() const noexcept override { return true; }
  std::size_t pick(std::size_t) override {
    cut_.step();
    return 0;
  }
  void skip_to(TimePoint time) override {
    if (!cut_.step()) {
      VirtualClock::skip_to(time);
    }
  }
  Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> connect(
      Endpoint endpoint, ConnectOptions options) override {
    return network_.connect(std::move(endpoint), std::move(options));
  }
  std::unique_ptr<Listener> listen(const Endpoint& endpoint,
                                   const ListenOptions& options) override {
    return network_.listen(endpoint, options);
  }

 private:
  Cut& cut_;
  detail::SimulatedNetwork network_;
};

bool Cut::step() {
  if (victim_ == nullptr || steps_++ < round_) {
    return false;
  }
  std::exchange(victim_, nullptr)->cancel("cut");
  return true;
}

Coro<bool> Cut::run(std::function<Coro<>()> victim) {
  Task<> task = spawn(std::move(victim));
  victim_ = &task;
  bool ended = true;
  try {
    co_await task;
  } catch (const TaskCancelled&) {
    ended = false;
  }
  if (ended) {
    round_ = kMostRounds;
  }
  victim_ = nullptr;
  co_return ended;
}

std::size_t cancel_everywhere(const std::function<Coro<>(Cut&)>& scenario) {
  for (std::size_t round = 0; round < kMostRounds; ++round) {
    Cut cut(round);
    CutClock clock(cut);
    Loop loop(clock);
    loop.run_until_complete(scenario(cut));
    if (cut.round_ == kMostRounds) {
      return round;
    }
    if (cut.steps_ == 0) {
      throw std::logic_error("the scenario never called Cut::run");
    }
  }
  throw std::logic_error("the victim never comes to its end");
}

}  // namespace simul
