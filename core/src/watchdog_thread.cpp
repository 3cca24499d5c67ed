#include "watchdog_thread.hpp"

#include <algorithm>
#include <utility>

#include "os/thread_signals.hpp"

namespace simul::detail {
namespace {

using namespace std::chrono_literals;

/// Looks within a threshold.
constexpr int kLooks = 4;
/// After so many looks at loops that all wait it goes to sleep.
constexpr int kIdleLooks = 2 * kLooks;
/// The end of a stall is dated to so much, or to a fiftieth of its length.
constexpr Duration kFine = 5ms;
/// Reports that are written at once, and further ones per second.
constexpr double kMostAtOnce = 10;

TimePoint real_now() noexcept {
  return TimePoint(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

WatchdogThread::WatchdogThread(Duration threshold)
    : threshold_(threshold),
      loops_(RunningLoops::instance()),
      allowed_(kMostAtOnce),
      allowed_at_(real_now()) {
  const os::SignalsBlocked blocked;
  thread_ = std::thread([this] { watch(); });
}

WatchdogThread::~WatchdogThread() {
  stopping_.store(true, std::memory_order_relaxed);
  loops_.interrupt();
  thread_.join();
}

void WatchdogThread::watch() {
  int idle = 0;
  for (;;) {
    const bool last = stopping_.load(std::memory_order_relaxed);  // tells what has ended since
    try {
      idle = look() ? 0 : idle + 1;
    } catch (...) {
      idle = 0;  // no memory: the next look may find some
    }
    if (last) {
      break;
    }
    if (idle > kIdleLooks) {
      loops_.sleep_until_work();
      idle = 0;
      continue;
    }
    if (idle == kIdleLooks) {
      // A loop that has just missed this is seen in the next look: by then it is no news any more.
      loops_.ask_for_work();
    }
    loops_.nap(next_nap(real_now()));
  }
}

/// False: all loops wait, as they did the last time.
bool WatchdogThread::look() {
  const std::vector<RunningLoops::Glimpse> glimpses = loops_.look();
  const TimePoint now = real_now();
  bool busy = false;
  std::vector<Sighting> before = std::exchange(sightings_, {});
  for (const RunningLoops::Glimpse& glimpse : glimpses) {
    const auto known = std::ranges::find(before, glimpse, &Sighting::what);
    if (known != before.end()) {
      sightings_.push_back(*known);
      before.erase(known);
    } else {
      sightings_.push_back(
          {.what = glimpse, .since = now, .processor_time = os::processor_time(glimpse.thread)});
      busy = true;
    }
    busy = busy || glimpse.in_step();
  }
  for (const Sighting& over : before) {
    if (over.stall != 0) {
      end_stall(over, now);
    }
  }
  for (Sighting& sighting : sightings_) {
    if (sighting.what.in_step() && sighting.stall == 0 && now - sighting.since >= threshold_) {
      begin_stall(sighting, now);
    }
  }
  return busy;
}

void WatchdogThread::begin_stall(Sighting& sighting, TimePoint now) {
  sighting.stall = stalls_.fetch_add(1, std::memory_order_relaxed) + 1;
  count_length(now - sighting.since);
  sighting.written = may_write(now);
  if (!sighting.written) {
    ++unwritten_;
    return;
  }
  const pid_t thread = sighting.what.thread;
  Stall stall{.number = sighting.stall,
              .length = now - sighting.since,
              .computed = os::processor_time(thread) - sighting.processor_time,
              .state = os::thread_state(thread),  // before the signal changes it
              .unwritten = std::exchange(unwritten_, 0)};
  stall.answer = probe_.ask(sighting.what);
  if (stall.answer == StallProbe::Answer::here) {
    stall.report = probe_.report();
  }
  reporter_.begin(std::move(stall));
}

void WatchdogThread::end_stall(const Sighting& sighting, TimePoint now) {
  const Duration length = now - sighting.since;
  count_length(length);
  if (sighting.written) {
    reporter_.end(sighting.stall, length);
  }
}

void WatchdogThread::count_length(Duration length) {
  longest_.store(std::max(longest(), length), std::memory_order_relaxed);
}

/// A program that stalls all the time must not fill the log.
bool WatchdogThread::may_write(TimePoint now) {
  const std::chrono::duration<double> passed = now - std::exchange(allowed_at_, now);
  allowed_ = std::min(allowed_ + passed.count(), kMostAtOnce);
  if (allowed_ < 1) {
    return false;
  }
  allowed_ -= 1;
  return true;
}

Duration WatchdogThread::next_nap(TimePoint now) const {
  Duration nap = threshold_ / kLooks;
  for (const Sighting& sighting : sightings_) {
    if (sighting.stall != 0) {
      nap = std::min(nap, std::max(kFine, (now - sighting.since) / 50));
    }
  }
  return nap;
}

}  // namespace simul::detail
