// The snippets of docs/runtime/watching.md.
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <doctest/doctest.h>

#include <simul/simul.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

// [watchdog]
void write_report(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

Coro<> report() {
  co_await yield_now();
  write_report(300ms);  // blocks the loop: nothing else runs meanwhile
}

Coro<> program() {
  Task<> task = spawn(report());
  task.set_name("report");
  co_await task;
}

void watched() {
  const Watchdog watchdog;  // for as long as it lives
  run(program());
}
// [/watchdog]

TEST_CASE("watching: the watchdog") {
  std::mutex mutex;
  std::string text;
  set_log_sink([&](LogLevel, std::string_view line) {
    const std::lock_guard lock(mutex);
    text += std::string(line) + "\n";
  });
  watched();
  set_log_sink({});
  CAPTURE(text);
  CHECK(text.contains("stall 1: task 'report' has held up its event loop for "));
  CHECK(text.contains("it sleeps (clock_nanosleep)"));
  CHECK(text.contains("write_report("));
  CHECK(text.contains("went on after about"));
}

}  // namespace
