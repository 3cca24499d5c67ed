// RunningLoops: every loop of the process that runs now, and what a watchdog may see of it from its own thread.
// A loop that runs says what it does in two words that others may read; nothing is counted or timed for that.
//
//   const RunningLoops::Entry entry(loop);            // a loop, while it runs
//
//   RunningLoops& loops = RunningLoops::instance();   // a watchdog
//   for (const RunningLoops::Glimpse& now : loops.look()) if (now.in_step()) ...
//   loops.sleep_until_work(mutex ...);
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <simul/clock.hpp>
#include <simul/detail/mailbox.hpp>
#include <simul/detail/ready.hpp>
#include <simul/loop.hpp>

namespace simul::detail {

class RunningLoops {
 public:
  /// Outlives everything.
  static RunningLoops& instance();

  /// A loop's, on its thread, while it runs.
  class Entry {
   public:
    explicit Entry(Loop& loop);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    friend class RunningLoops;
    friend struct DebugLayout;
    Loop& loop_;
    pid_t thread_;
    std::uint64_t id_ = 0;
    Entry* next_ = nullptr;
    Entry** link_ = nullptr;
  };

  /// What a loop does at this moment.
  struct Glimpse {
    std::uint64_t id = 0;  ///< of this run of the loop; never used again
    pid_t thread = 0;
    std::uint64_t turn = 0;
    const Ready* step = nullptr;

    [[nodiscard]] bool in_step() const noexcept { return turn % 2 == 0; }
    /// The same step, or the same wait, that isn't over?
    bool operator==(const Glimpse&) const noexcept = default;
  };
  [[nodiscard]] std::vector<Glimpse> look();
  /// A loop, and the way to it, which stays when the loop has gone.
  struct Reachable {
    Glimpse glimpse;
    std::shared_ptr<Mailbox> mailbox;
  };
  /// In the order in which they began to run.
  [[nodiscard]] std::vector<Reachable> reach();
  /// How often somebody has looked.
  [[nodiscard]] std::uint64_t looks() const noexcept {
    return looks_.load(std::memory_order_relaxed);
  }

  /// Calls `fn` while the loop can't end its run, if it is still in this step.
  void while_in(const Glimpse& step, const std::function<void(Loop&)>& fn);

  // --- a watchdog's naps ---------------------------------------------------------------------

  /// Until the time is over; earlier if interrupt() was called.
  void nap(Duration time);
  /// From now on a loop that comes out of the kernel says so.
  void ask_for_work() noexcept { work_wanted.store(true, std::memory_order_relaxed); }
  /// Until one has said so since ask_for_work(), or interrupt() is called.
  void sleep_until_work();
  /// Ends the current or the next nap or sleep. Thread: any.
  void interrupt() noexcept;
  /// Does the watchdog sleep until there is work?
  [[nodiscard]] bool asleep() const noexcept { return asleep_.load(std::memory_order_relaxed); }

  /// Each turn of a loop.
  static void tell_of_work() noexcept {
    if (work_wanted.load(std::memory_order_relaxed)) [[unlikely]] {
      wake_watchdog();
    }
  }

 private:
  friend struct DebugLayout;
  RunningLoops();
  static void survive_forks() noexcept;
  void forget_other_threads() noexcept;
  static void wake_watchdog() noexcept;
  static Glimpse glimpse(const Entry& entry) noexcept;

  static constinit inline std::atomic<bool> work_wanted{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
  Entry* first_ = nullptr;
  std::uint64_t last_id_ = 0;
  pid_t forking_ = 0;  // the thread in fork(), which holds the mutex
  std::atomic<bool> asleep_{false};
  std::atomic<std::uint64_t> looks_{0};
};

}  // namespace simul::detail
