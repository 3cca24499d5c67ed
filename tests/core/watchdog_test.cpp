#include <simul/watchdog.hpp>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"
#include "running_loops.hpp"
#include "stall_probe.hpp"

using namespace simul;
using namespace simul::detail;
using namespace simul::test;

namespace {

constexpr WatchdogOptions kStrict{.stall_threshold = 20ms};

/// Holds up the loop until it is so, but not for ever.
[[gnu::noinline]] bool grind_until(const std::function<bool()>& reached, Duration longest = 30s) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  while (!reached()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
  }
  return true;
}

/// On a busy machine a stall may be looked at before it has come to what the test is about, or its thread gets no
/// processor to answer in time. A stall is told of once, so there has to be another.
constexpr int kMostStalls = 30;

/// Grinds for a while, or until the log has that line.
[[gnu::noinline]] bool grind_until_logged(const LogCapture& log, const std::string& text) {
  return grind_until([&] { return log.all().contains(text); }, 1s);
}

/// A thread that isn't a loop's may wait for a word of the watchdog.
void wait_for(const std::function<bool()>& reached) {
  REQUIRE(grind_until([&] {
    std::this_thread::yield();
    return reached();
  }));
}

std::atomic<int> line_of_await = 0;

Coro<bool> stalling(const LogCapture& log, std::string until) {
  for (int i = 0; i < kMostStalls; ++i) {
    line_of_await = __LINE__ + 1;
    co_await yield_now();
    if (grind_until_logged(log, until)) {
      co_return true;
    }
  }
  co_return false;
}

std::atomic<int> urgent_signals = 0;
void on_urgent(int) { ++urgent_signals; }

}  // namespace

TEST_SUITE("watchdog") {
  TEST_CASE("a step that runs too long is reported while it runs, and again when it has ended") {
    const LogCapture log;
    {
      const Watchdog watchdog(kStrict);
      bool seen = false;
      run([&]() -> Coro<> {
        Task<bool> task = spawn(stalling(log, "watchdog_test.cpp:"));
        task.set_name("miller");
        seen = co_await task;
      }());
      CHECK(seen);
      wait_for([&] { return log.all().contains("went on after about"); });
      CHECK(watchdog.stalls() >= 1);  // a busy machine makes stalls of its own
      CHECK(watchdog.longest() >= kStrict.stall_threshold);
    }
    const std::string text = log.all();
    CAPTURE(text);
    CHECK(text.contains(": task 'miller' has held up its event loop for "));
    CHECK(text.contains("it went on at watchdog_test.cpp:" + std::to_string(line_of_await)));
    CHECK(text.contains("grind_until("));
    CHECK(text.contains("stalling("));
    CHECK(!text.contains("resume_until_suspended"));
    CHECK(text.contains(": went on after about "));
  }

  TEST_CASE("the chain of awaits leads to what was spawned") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    run([&]() -> Coro<> {
      auto outer = [&]() -> Coro<bool> { co_return co_await stalling(log, "called from"); };
      const bool seen = co_await outer();
      CHECK(seen);
    }());
    const std::string text = log.all();
    CAPTURE(text);
    CHECK(text.contains("_task has held up"));
    CHECK(text.contains(", called from watchdog_test.cpp:"));
  }

  TEST_CASE("a callback that runs too long is reported") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    Loop loop;
    bool seen = false;
    for (int i = 0; i < kMostStalls && !seen; ++i) {
      loop.post([&] {
        seen = grind_until_logged(log, "a callback has held up its event loop");
        loop.stop();
      });
      loop.run_forever();
    }
    CHECK(seen);
  }

  TEST_CASE("loops are watched independently of each other") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    auto stall = [&log](std::string name) {
      run([&]() -> Coro<> {
        Task<bool> task = spawn(stalling(log, "'" + name + "'"));
        task.set_name(name);
        const bool seen = co_await task;
        CHECK(seen);
      }());
    };
    std::thread other(stall, "left");
    stall("right");
    other.join();
    CHECK(watchdog.stalls() >= 2);
  }

  TEST_CASE("a loop that only waits is not reported, and nobody looks at it") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    RunningLoops& loops = RunningLoops::instance();
    Loop loop;
    std::thread thread([&] { loop.run_forever(); });
    wait_for([&] { return loops.asleep(); });
    const std::uint64_t looks = loops.looks();
    ::poll(nullptr, 0, 200);  // the time in which it would look forty times
    CHECK(loops.looks() == looks);

    // Work wakes it up.
    std::atomic<bool> seen = false;
    loop.post([&] { seen = grind_until([&] { return log.all().contains("has held up"); }); });
    wait_for([&] { return seen.load(); });
    CHECK(loops.looks() > looks);
    wait_for([&] { return loops.asleep(); });
    loop.stop();
    thread.join();
    CHECK(watchdog.stalls() >= 1);
  }

  TEST_CASE("many short steps are no stall") {
    const LogCapture log;
    const Watchdog watchdog({.stall_threshold = 100ms});
    run([]() -> Coro<> {
      const auto end = std::chrono::steady_clock::now() + 300ms;
      while (std::chrono::steady_clock::now() < end) {
        co_await yield_now();
      }
    }());
    // Unless this machine has stopped for so long.
    CHECK((log.all().empty() || log.all().contains("processor")));
  }

  TEST_CASE("a system call that blocks the loop is named, with its cure") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    const std::string named = "it sleeps (clock_nanosleep); co_await sleep()";
    run([&]() -> Coro<> {
      for (int i = 0; i < 10 * kMostStalls && !log.all().contains(named); ++i) {
        std::this_thread::sleep_for(100ms);
        co_await yield_now();
      }
    }());
    const std::string text = log.all();
    CAPTURE(text);
    CHECK(text.contains(named));
  }

  TEST_CASE("a read that blocks the loop is named with what it reads") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    auto named = [&] { return log.all().contains("(read of pipe:["); };
    std::atomic<int> stalls = 0;
    std::thread writer([&] {
      for (int i = 1; i <= kMostStalls; ++i) {
        wait_for([&] { return stalls == i || stalls == kMostStalls; });
        grind_until(named, 1s);
        CHECK(::write(ends[1], "x", 1) == 1);
      }
    });
    run([&]() -> Coro<> {
      char byte = 0;
      while (stalls < kMostStalls) {
        stalls = named() ? kMostStalls : stalls + 1;
        CHECK(::read(ends[0], &byte, 1) == 1);  // the signal doesn't cut it short
        co_await yield_now();
      }
    }());
    writer.join();
    CHECK(named());
    ::close(ends[0]);
    ::close(ends[1]);
  }

  TEST_CASE("errno survives the question") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    int error = 0;
    run([&]() -> Coro<> {
      std::atomic<bool> asked = false;
      std::thread observer([&] {
        wait_for([&] { return log.all().contains("grind_until"); });
        asked = true;
      });
      while (!asked) {
        co_await yield_now();
        errno = ENOTTY;
        grind_until([&] { return asked.load(); }, 1s);
        error = errno;
      }
      observer.join();
    }());
    CHECK(error == ENOTTY);
  }

  TEST_CASE("a thread that blocks the signal is reported without a backtrace") {
    const LogCapture log;
    const Watchdog watchdog(kStrict);
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, StallProbe::kSignal);
    ::pthread_sigmask(SIG_BLOCK, &urgent, nullptr);
    const bool seen = run(stalling(log, "its thread doesn't answer SIGURG"));
    ::pthread_sigmask(SIG_UNBLOCK, &urgent, nullptr);  // too late, and without effect
    CHECK(seen);
  }

  TEST_CASE("the handler that was there before gets the signals of others, and comes back") {
    struct sigaction mine{};
    struct sigaction before{};
    mine.sa_handler = on_urgent;
    ::sigaction(StallProbe::kSignal, &mine, &before);
    urgent_signals = 0;
    {
      const LogCapture log;
      const Watchdog watchdog(kStrict);
      ::raise(StallProbe::kSignal);
      CHECK(urgent_signals == 1);
      const bool seen = run(stalling(log, "grind_until"));
      CHECK(seen);
      CHECK(urgent_signals == 1);
    }
    ::raise(StallProbe::kSignal);
    CHECK(urgent_signals == 2);
    struct sigaction after{};
    ::sigaction(StallProbe::kSignal, &before, &after);
    CHECK((after.sa_handler == on_urgent));
  }

  TEST_CASE("a question that comes too late is no signal for the handler that was there before") {
    struct sigaction mine{};
    struct sigaction before{};
    mine.sa_handler = on_urgent;
    ::sigaction(StallProbe::kSignal, &mine, &before);
    urgent_signals = 0;
    {
      const LogCapture log;
      const Watchdog watchdog(kStrict);
      sigset_t urgent;
      sigemptyset(&urgent);
      sigaddset(&urgent, StallProbe::kSignal);
      ::pthread_sigmask(SIG_BLOCK, &urgent, nullptr);
      CHECK(run(stalling(log, "its thread doesn't answer SIGURG")));
      ::pthread_sigmask(SIG_UNBLOCK, &urgent, nullptr);  // now it comes
    }
    CHECK(urgent_signals == 0);
    ::sigaction(StallProbe::kSignal, &before, nullptr);
  }

  TEST_CASE("a process has one watchdog at a time, and a threshold that makes sense") {
    {
      const Watchdog watchdog;
      CHECK_THROWS_WITH_AS(Watchdog(),
                           "there is a Watchdog already, and it watches all loops of the process",
                           std::logic_error);
    }
    const Watchdog another;
    CHECK(another.stalls() == 0);
    CHECK_THROWS_AS(Watchdog({.stall_threshold = 0s}), std::invalid_argument);
  }

  TEST_CASE("names may be set while the watchdog asks") {
    const LogCapture log;
    const Watchdog watchdog({.stall_threshold = 1ms});
    run([]() -> Coro<> {
      Task<> task = spawn([]() -> Coro<> {
        co_await yield_now();
        TaskBase& task = co_await this_task;
        const auto end = std::chrono::steady_clock::now() + 100ms;
        for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
          task.set_name(std::string(static_cast<std::size_t>(i % 200), 'x'));
          if (i % 5000 == 0) {
            co_await yield_now();
          }
        }
      });
      co_await task;
    }());
  }

  TEST_CASE("tasks may end while the watchdog asks") {
    const LogCapture log;
    const Watchdog watchdog({.stall_threshold = 1ms});
    run([]() -> Coro<> {
      const auto end = std::chrono::steady_clock::now() + 200ms;
      while (std::chrono::steady_clock::now() < end) {
        Task<std::vector<std::string>> task = spawn([]() -> Coro<std::vector<std::string>> {
          std::vector<std::string> much(20000, std::string(40, 'x'));
          co_await yield_now();
          co_return much;
        });
        co_await task;
      }
    }());
  }

  TEST_CASE("a fork runs loops, whatever the other threads have just done, and ends the watchdog") {
    auto watchdog = std::make_unique<Watchdog>(kStrict);
    std::atomic<bool> enough = false;
    std::thread other([&] {
      while (!enough) {
        run([]() -> Coro<> { co_return; }());
      }
    });
    int failed = 0;
    for (int i = 0; i < 100; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(20);
        run([]() -> Coro<> { co_await yield_now(); }());
        watchdog.reset();
        ::_exit(RunningLoops::instance().look().empty() ? 0 : 1);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      failed += status == 0 ? 0 : 1;
      if (failed > 0) {
        break;
      }
    }
    enough = true;
    other.join();
    CHECK(failed == 0);
  }

  TEST_CASE("a handler that has stood over two watchdogs gets a signal once") {
    static struct sigaction previous;
    static int calls;
    calls = 0;
    auto watchdog = std::make_unique<Watchdog>(kStrict);
    struct sigaction action{};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int signal, siginfo_t* info, void* context) {
      ++calls;
      previous.sa_sigaction(signal, info, context);
    };
    ::sigaction(SIGURG, &action, &previous);
    watchdog.reset();
    watchdog = std::make_unique<Watchdog>(kStrict);
    ::raise(SIGURG);
    CHECK(calls == 1);
    watchdog.reset();
    ::signal(SIGURG, SIG_DFL);
  }
}
