// What the runtime itself costs: one figure per run, in nanoseconds per operation unless its name says
// something else. bench/runtime_against_asio.py runs them beside Boost.Asio's.
#include <algorithm>
#include <thread>
#include <vector>

#include <simul/channel.hpp>
#include <simul/gather.hpp>
#include <simul/simul.hpp>

#include "figure.hpp"

using namespace simul;
using namespace std::chrono_literals;

namespace {

Coro<int> leaf(int value) { co_return value; }

double nested_await() {
  return run([]() -> Coro<double> {
    constexpr int kRounds = 10'000'000;
    int sum = 0;
    const bench::Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) {
      sum += co_await leaf(1);
    }
    co_return watch.per(sum);
  }());
}

double spawn_join() {
  return run([]() -> Coro<double> {
    constexpr int kRounds = 1'000'000;
    int sum = 0;
    const bench::Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) {
      Task<int> task = spawn(leaf(1));
      sum += co_await task;
    }
    co_return watch.per(sum);
  }());
}

Coro<> send_ones(Sender<int> sender, int count) {
  for (int i = 0; i < count; ++i) {
    (void)co_await sender.send(1);
  }
}

Coro<double> receive_ones(Receiver<int> receiver, clockid_t clock) {
  int sum = 0;
  const bench::Stopwatch watch(clock);
  while (const auto item = co_await receiver.recv()) {
    sum += *item;
  }
  co_return watch.per(sum);
}

double channel_of_one_loop() {
  return run([]() -> Coro<double> {
    auto [sender, receiver] = channel<int>(64);
    Task<> sending = spawn(send_ones, std::move(sender), 1'000'000);
    co_return co_await receive_ones(std::move(receiver), CLOCK_THREAD_CPUTIME_ID);
  }());
}

double channel_two_loops() {
  auto [sender, receiver] = channel<int>(64);
  std::thread other(
      [sending = std::move(sender)]() mutable { run(send_ones(std::move(sending), 300'000)); });
  const double figure = run(receive_ones(std::move(receiver), CLOCK_MONOTONIC));
  other.join();
  return figure;
}

/// One timer is armed and cancelled while `others` wait.
double timers(int others) {
  Loop loop;
  const TimePoint start = loop.exact_now();
  for (int i = 0; i < others; ++i) {
    loop.call_at(start + 1h + i * 1ms, [] {});
  }
  constexpr int kRounds = 1'000'000;
  const bench::Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    loop.call_at(start + 30min + (i % 1000) * 1s, [] {}).cancel();
  }
  return watch.per(kRounds);
}
double timer_10000() { return timers(10'000); }
double timer_1000000() { return timers(1'000'000); }

double sleep_lateness() {
  return run([]() -> Coro<double> {
    std::vector<double> late;
    Loop& loop = Loop::current();
    for (int i = 0; i < 500; ++i) {
      const TimePoint deadline = loop.exact_now() + 1ms + i * 3us;
      co_await sleep_until(deadline);
      late.push_back(
          std::chrono::duration<double, std::micro>(loop.exact_now() - deadline).count());
    }
    std::ranges::sort(late);
    co_return late[late.size() * 99 / 100];
  }());
}

double sleeping_task_bytes() {
  return run([]() -> Coro<double> {
    constexpr int kTasks = 100'000;
    auto sleeper = []() -> Coro<> { co_await sleep(1h); };
    const double before = bench::resident_bytes();
    for (int i = 0; i < kTasks; ++i) {
      spawn(sleeper());
    }
    co_await yield_now();
    co_await yield_now();
    co_return (bench::resident_bytes() - before) / kTasks;
  }());
}

double gather_100000() {
  return run([]() -> Coro<double> {
    constexpr int kTasks = 100'000;
    const bench::Stopwatch watch;
    std::vector<Coro<int>> coros;
    coros.reserve(kTasks);
    for (int i = 0; i < kTasks; ++i) {
      coros.push_back(leaf(1));
    }
    int sum = 0;
    for (const int value : co_await gather(std::move(coros))) {
      sum += value;
    }
    co_return watch.per(sum);
  }());
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv,
                     {{"nested_await", nested_await},
                      {"spawn_join", spawn_join},
                      {"channel", channel_of_one_loop},
                      {"channel_two_loops", channel_two_loops},
                      {"timer_10000", timer_10000},
                      {"timer_1000000", timer_1000000},
                      {"sleep_lateness", sleep_lateness},
                      {"sleeping_task_bytes", sleeping_task_bytes},
                      {"gather", gather_100000}});
}
