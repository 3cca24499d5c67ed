#include <simul/testing/simulation.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include <simul/log.hpp>
#include <simul/task_group.hpp>
#include <simul/testing/virtual_clock.hpp>

#include "loop_access.hpp"
#include "testing/simulated_network.hpp"
#include "timer_wheel.hpp"

namespace simul {
namespace {

constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));
constexpr std::uint64_t kTeardownSteps = 1'000'000;

std::optional<Chaos> chaos_of(const SimulationOptions& options) {
  if (options.seed == 0) {
    return std::nullopt;
  }
  Chaos chaos = options.chaos;
  chaos.seed = SeededRandom(options.seed ^ 0x6e6574776f726b).next();
  return chaos;
}

std::string seconds(Duration time) {
  return std::to_string(std::chrono::duration<double>(time).count()) + " s";
}

}  // namespace

SimulationStuck::~SimulationStuck() = default;
Deadlock::~Deadlock() = default;
Livelock::~Livelock() = default;

/// The loops, what they take for the world, and who steps them.
class Simulation::World final : public Environment {
 public:
  explicit World(const SimulationOptions& options)
      : options_(options),
        order_(options.seed),
        programs_random_(SeededRandom(options.seed ^ 0x70726f6772616d).next()),
        network_(chaos_of(options)) {
    add_loop("main");
  }

  // --- for the loops ---

  TimePoint now() noexcept override { return now_; }
  [[nodiscard]] bool virtual_time() const noexcept override { return true; }
  void skip_to(TimePoint) override {
    throw std::logic_error("a loop of a simulation is run by Simulation::run");
  }
  [[nodiscard]] bool picks() const noexcept override { return shuffled(); }
  [[nodiscard]] bool has_threads() const noexcept override { return false; }
  std::size_t pick(std::size_t ready) override { return order_.below(ready); }

  Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> connect(
      Endpoint endpoint, ConnectOptions options) override {
    return network_.connect(std::move(endpoint), std::move(options));
  }
  std::unique_ptr<Listener> listen(const Endpoint& endpoint,
                                   const ListenOptions& options) override {
    return network_.listen(endpoint, options);
  }

  // --- for the simulation ---

  Loop& add_loop(std::string name) {
    loops_.push_back({std::move(name), std::make_unique<Loop>(*this)});
    return *loops_.back().loop;
  }
  [[nodiscard]] Loop& first() noexcept { return *loops_.front().loop; }

  /// Steps the loops until `main` has ended. Throws Deadlock or Livelock.
  void run_until_ended(const Task<>& main) {
    const std::uint64_t last_step = steps_ + options_.step_limit;
    const TimePoint deadline = time_after(now_, options_.time_limit);
    while (!main.done()) {
      if (!advance()) {
        throw Deadlock(report("deadlock: nothing can happen any more"));
      }
      if (steps_ > last_step || now_ > deadline) {
        throw Livelock(report(steps_ > last_step ? "the limit of steps is reached"
                                                 : "the limit of time is reached"));
      }
    }
  }

  /// Cancels and joins all tasks of all loops.
  void end_all() noexcept {
    // Shields hold for as long as time can pass, and then no more.
    for (const bool pierce : {false, true}) {
      for (const Member& member : loops_) {
        (void)member.loop->exact_now();  // from which the grace of a shield counts
        detail::LoopAccess::cancel_all(*member.loop, pierce);
      }
      const std::uint64_t last = steps_ + kTeardownSteps;
      while ((tasks() > 0 || !quiet()) && steps_ < last && advance()) {
      }
      if (tasks() == 0) {
        for (const Member& member : loops_) {
          detail::LoopAccess::renew(*member.loop);
        }
        return;
      }
    }
    // What something can still reach must not be destroyed, so there is no way on from here.
    log(LogLevel::error, report("tasks don't end though they are cancelled"));
    std::abort();
  }

  [[nodiscard]] const SimulationOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }
  [[nodiscard]] SeededRandom& programs_random() noexcept { return programs_random_; }

 private:
  struct Member {
    std::string name;
    std::unique_ptr<Loop> loop;
  };

  [[nodiscard]] bool shuffled() const noexcept { return options_.seed != 0; }
  [[nodiscard]] std::size_t tasks() const noexcept {
    std::size_t count = 0;
    for (const Member& member : loops_) {
      count += member.loop->task_count();
    }
    return count;
  }
  /// Has what was posted on all loops been done?
  [[nodiscard]] bool quiet() const noexcept {
    return std::ranges::all_of(loops_, [](const Member& member) {
      detail::ReadyQueue& ready = detail::LoopAccess::ready(*member.loop);
      member.loop->mailbox()->collect(ready);
      return ready.empty();
    });
  }

  /// Lets one loop make a turn, or some steps of one, or time pass if none has anything to do. False:
  /// nothing can happen any more.
  bool advance() {
    runnable_.clear();
    TimePoint next = kNever;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      Loop& loop = *loops_[i].loop;
      loop.mailbox()->collect(detail::LoopAccess::ready(loop));
      const TimePoint timer = detail::LoopAccess::timers(loop).next();
      if (!detail::LoopAccess::ready(loop).empty() || timer <= now_) {
        runnable_.push_back(i);
      }
      next = std::min(next, timer);
    }
    if (runnable_.empty()) {
      now_ = next == kNever ? now_ : next;
      return next != kNever;
    }
    if (shuffled()) {
      last_ = runnable_[order_.below(runnable_.size())];
    } else {  // in turns
      const auto after = std::ranges::upper_bound(runnable_, last_);
      last_ = after == runnable_.end() ? runnable_.front() : *after;
    }
    Loop& loop = *loops_[last_].loop;
    const std::size_t ready = detail::LoopAccess::ready(loop).size();
    const std::size_t steps = shuffled() && ready > 0 ? 1 + order_.below(ready) : ready;
    detail::LoopAccess::run_turn(loop, steps);
    steps_ += steps;
    note(last_);
    note(steps);
    note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    return true;
  }

  void note(std::uint64_t number) noexcept {
    fingerprint_ = SeededRandom(fingerprint_ ^ number).next();
  }

  [[nodiscard]] std::string report(const std::string& what) const {
    std::string text = what + " (seed " + std::to_string(options_.seed) + ", " +
                       seconds(now_ - kStart) + ", " + std::to_string(steps_) + " steps)";
    for (const Member& member : loops_) {
      for (const AnyTask& task : member.loop->all_tasks()) {
        text += "\n  on loop '" + member.name + "' ";
        text += task.name().empty() ? "a task" : "task '" + std::string(task.name()) + "'";
        text += " waits for " + task.waits_for();
      }
    }
    return text;
  }

  const SimulationOptions options_;
  SeededRandom order_;
  SeededRandom programs_random_;
  detail::SimulatedNetwork network_;
  TimePoint now_ = kStart;
  std::uint64_t steps_ = 0;
  std::uint64_t fingerprint_ = 0;
  std::size_t last_ = 0;               // who had its turn
  std::vector<std::size_t> runnable_;  // kept for its memory
  std::vector<Member> loops_;          // last: tasks may hold what the network gave them
};

Simulation::Simulation(const SimulationOptions& options)
    : world_(std::make_unique<World>(options)) {}

Simulation::~Simulation() { world_->end_all(); }

Loop& Simulation::loop() noexcept { return world_->first(); }
Loop& Simulation::add_loop(std::string name) { return world_->add_loop(std::move(name)); }

void Simulation::run_main(Coro<> main) {
  Task<> task = detail::spawn_into(loop(), detail::root_group_of(loop()), std::move(main));
  task.set_name("main");
  try {
    world_->run_until_ended(task);
  } catch (...) {
    world_->end_all();
    throw;
  }
  world_->end_all();
}

std::uint64_t Simulation::seed() const noexcept { return world_->options().seed; }
TimePoint Simulation::now() const noexcept { return world_->now(); }
std::uint64_t Simulation::steps() const noexcept { return world_->steps(); }
SeededRandom& Simulation::random() noexcept { return world_->programs_random(); }
std::uint64_t Simulation::fingerprint() const noexcept { return world_->fingerprint(); }

}  // namespace simul
