// StallReporter: writes down what the watchdog has seen, on a thread of its own: to find functions and lines takes
// long the first time (all debug information is read), and the watchdog must not look away meanwhile.
//
//   reporter.begin({.number = 1, .length = 104ms, ...});   // returns at once
//   reporter.end(1, 523ms);                                // written after that
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include <simul/clock.hpp>

#include "os/thread_state.hpp"
#include "stall_probe.hpp"

namespace simul::detail {

/// A stall, as it was found.
struct Stall {
  std::uint64_t number = 0;
  Duration length{0};    ///< so far
  Duration computed{0};  ///< for so much of it the thread had a processor
  os::ThreadState state{};
  StallProbe::Answer answer = StallProbe::Answer::none;
  StallReport report{};         ///< if there is an answer
  std::uint64_t unwritten = 0;  ///< stalls before it that nobody was told of
};

class StallReporter {
 public:
  StallReporter() = default;
  /// Writes what is left.
  ~StallReporter();
  StallReporter(const StallReporter&) = delete;
  StallReporter& operator=(const StallReporter&) = delete;

  void begin(Stall stall);
  void end(std::uint64_t number, Duration length);

 private:
  void add(std::function<void()> report);
  void write_all();

  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<std::function<void()>> reports_;
  bool ending_ = false;
  std::thread thread_;  // from the first report on
};

}  // namespace simul::detail
