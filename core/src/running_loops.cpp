#include "running_loops.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <simul/export.hpp>

#include "loop_access.hpp"

extern "C" {
/// For scripts/gdb/simul.py: where to begin.
extern SIMUL_EXPORT const void* simul_debug_loops;
const void* simul_debug_loops = nullptr;
}

namespace simul::detail {

RunningLoops& RunningLoops::instance() {
  static auto* const only = [] {
    auto* loops = new RunningLoops;
    simul_debug_loops = loops;
    return loops;
  }();
  return *only;
}

RunningLoops::RunningLoops() { survive_forks(); }

/// A fork has only the thread that called it: nobody would ever unlock what others hold at that moment.
void RunningLoops::survive_forks() noexcept {
  ::pthread_atfork(
      [] {
        instance().mutex_.lock();
        instance().forking_ = ::gettid();
      },
      [] { instance().mutex_.unlock(); },
      [] {
        instance().forget_other_threads();
        instance().mutex_.unlock();
      });
}

void RunningLoops::forget_other_threads() noexcept {
  for (Entry** link = &first_; *link != nullptr;) {
    Entry& entry = **link;
    if (entry.thread_ == forking_) {
      entry.thread_ = ::gettid();
      link = &entry.next_;
      continue;
    }
    *link = entry.next_;
    if (entry.next_ != nullptr) {
      entry.next_->link_ = link;
    }
  }
  std::construct_at(&changed_);  // the watchdog that may wait for it is not here
  work_wanted.store(false, std::memory_order_relaxed);
  asleep_.store(false, std::memory_order_relaxed);
}

RunningLoops::Entry::Entry(Loop& loop) : loop_(loop), thread_(::gettid()) {
  RunningLoops& loops = instance();
  const std::lock_guard lock(loops.mutex_);
  id_ = ++loops.last_id_;
  next_ = loops.first_;
  link_ = &loops.first_;
  if (next_ != nullptr) {
    next_->link_ = &next_;
  }
  loops.first_ = this;
}

RunningLoops::Entry::~Entry() {
  const std::lock_guard lock(instance().mutex_);
  *link_ = next_;
  if (next_ != nullptr) {
    next_->link_ = link_;
  }
}

RunningLoops::Glimpse RunningLoops::glimpse(const Entry& entry) noexcept {
  // Read one after the other they may be of two moments. Such a pair is never seen again, for its turn is
  // over: it can't be taken for a step that lasts.
  return {.id = entry.id_,
          .thread = entry.thread_,
          .turn = LoopAccess::turn(entry.loop_),
          .step = LoopAccess::step(entry.loop_)};
}

std::vector<RunningLoops::Glimpse> RunningLoops::look() {
  looks_.fetch_add(1, std::memory_order_relaxed);
  std::vector<Glimpse> all;
  const std::lock_guard lock(mutex_);
  for (const Entry* entry = first_; entry != nullptr; entry = entry->next_) {
    all.push_back(glimpse(*entry));
  }
  return all;
}

std::vector<RunningLoops::Reachable> RunningLoops::reach() {
  std::vector<Reachable> all;
  const std::lock_guard lock(mutex_);
  for (const Entry* entry = first_; entry != nullptr; entry = entry->next_) {
    all.push_back({glimpse(*entry), entry->loop_.mailbox()});
  }
  std::ranges::reverse(all);
  return all;
}

void RunningLoops::while_in(const Glimpse& step, const std::function<void(Loop&)>& fn) {
  const std::lock_guard lock(mutex_);
  for (const Entry* entry = first_; entry != nullptr; entry = entry->next_) {
    if (glimpse(*entry) == step) {
      fn(entry->loop_);
    }
  }
}

void RunningLoops::nap(Duration time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return interrupted_; });
  interrupted_ = false;
}

void RunningLoops::sleep_until_work() {
  std::unique_lock lock(mutex_);
  asleep_.store(true, std::memory_order_relaxed);
  changed_.wait(lock,
                [this] { return interrupted_ || !work_wanted.load(std::memory_order_relaxed); });
  asleep_.store(false, std::memory_order_relaxed);
  work_wanted.store(false, std::memory_order_relaxed);
  interrupted_ = false;
}

void RunningLoops::interrupt() noexcept {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

void RunningLoops::wake_watchdog() noexcept {
  RunningLoops& loops = instance();
  const std::lock_guard lock(loops.mutex_);
  work_wanted.store(false, std::memory_order_relaxed);
  loops.changed_.notify_all();
}

}  // namespace simul::detail
