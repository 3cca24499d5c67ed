// The snippets of docs/runtime/watching.md.
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

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

// [inspector]
void run_so_that_simul_top_can_look(Coro<> program) {
  const Inspector inspector;  // a thread and a socket, as long as it lives
  run(std::move(program));
}
// [/inspector]

// [call-graph]
Coro<> fetch(Event& answer) { co_await answer.wait(); }

Coro<> worker(Event& answer) { co_await fetch(answer); }

Coro<> look(std::FILE* file) {
  Event answer;
  Task<> task = spawn(worker(answer));
  Task<> waiter = spawn([&]() -> Coro<> { co_await task; });
  co_await yield_now();

  print_call_graph(task, file);  // what it awaits, and who awaits it

  answer.set();
  co_await waiter;
}
// [/call-graph]

TEST_CASE("watching: the call graph") {
  std::FILE* file = std::tmpfile();
  run(look(file));
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  CHECK(text.starts_with("worker_task\n  worker() at watching.cpp:"));
  CHECK(text.contains("\n  waits for event\n  awaited by\n    lambda in look_task\n"));
}

TEST_CASE("watching: the inspector") {
  bool ran = false;
  auto program = [&]() -> Coro<> {
    ran = true;
    co_return;
  };
  run_so_that_simul_top_can_look(program());
  CHECK(ran);
}

TEST_CASE("watching: the watchdog") {
  std::mutex mutex;
  std::string text;
  set_log_sink([&](LogLevel, std::string_view line) {
    const std::lock_guard lock(mutex);
    text += std::string(line) + "\n";
  });
  // On a busy machine the watchdog may get no processor in time.
  for (int i = 0; i < 20 && !(text.contains("write_report(") && text.contains("it sleeps") &&
                              text.contains("went on after about"));
       ++i) {
    watched();
  }
  set_log_sink({});
  CAPTURE(text);
  CHECK(text.contains("task 'report' has held up its event loop for "));
  CHECK(text.contains("it sleeps (clock_nanosleep)"));
  CHECK(text.contains("write_report("));
  CHECK(text.contains("went on after about"));
}

}  // namespace
