#include "stall_reporter.hpp"

#include <string>
#include <utility>
#include <vector>

#include <simul/log.hpp>

#include "os/thread_signals.hpp"
#include "stall_text.hpp"

namespace simul::detail {
namespace {

std::string prefix(std::uint64_t number) { return "stall " + std::to_string(number) + ": "; }

void write(const Stall& stall) {
  const std::string before = prefix(stall.number);
  const std::string held = " has held up its event loop for " + milliseconds(stall.length);
  const std::string others = stall.unwritten == 0 ? ""
                                                  : " (" + std::to_string(stall.unwritten) +
                                                        " before it weren't written down)";
  if (stall.answer == StallProbe::Answer::over) {
    log(LogLevel::warning,
        before + "a step" + held + "; it has ended before it could be looked at" + others);
    return;
  }
  if (stall.answer == StallProbe::Answer::none) {
    log(LogLevel::warning,
        before + "a step" + held + "; no more is known, for its thread doesn't answer SIGURG: " +
            cause_and_cure(stall.state, {}, stall.computed, stall.length) + others);
    return;
  }
  const std::vector<NativeFrame> stack = without_loop(frames_of(stall.report.stack.pcs()));
  log(LogLevel::warning, before + who(stall.report) + held + ": " +
                             cause_and_cure(stall.state, stack, stall.computed, stall.length) +
                             others);
  if (const std::string awaits = await_chain(stall.report); !awaits.empty()) {
    log(LogLevel::warning, before + awaits);
  }
  for (const NativeFrame& frame : stack) {
    log(LogLevel::warning, before + "  " + frame.text());
  }
}

}  // namespace

StallReporter::~StallReporter() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  added_.notify_one();
  thread_.join();
}

void StallReporter::begin(Stall stall) {
  add([stall = std::move(stall)] { write(stall); });
}

void StallReporter::end(std::uint64_t number, Duration length) {
  add([number, length] {
    log(LogLevel::warning, prefix(number) + "went on after about " + milliseconds(length));
  });
}

void StallReporter::add(std::function<void()> report) {
  if (!thread_.joinable()) {
    const os::SignalsBlocked blocked;
    thread_ = std::thread([this] { write_all(); });
  }
  {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
  }
  added_.notify_one();
}

void StallReporter::write_all() {
  std::unique_lock lock(mutex_);
  for (;;) {
    added_.wait(lock, [this] { return ending_ || !reports_.empty(); });
    if (reports_.empty()) {
      return;
    }
    const std::function<void()> report = std::move(reports_.front());
    reports_.pop_front();
    lock.unlock();
    try {
      report();
    } catch (...) {
      // No memory for the words: nobody could be told of that either.
    }
    lock.lock();
  }
}

}  // namespace simul::detail
