// The figures of bench/runtime.cpp, taken from Boost.Asio's coroutines.
#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <thread>
#include <vector>

#include "../figure.hpp"

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using namespace std::chrono_literals;

namespace {

// Asio allows a context of one thread to go without locks; it is given every advantage it has.
constexpr int kOneThread = BOOST_ASIO_CONCURRENCY_HINT_1;

template <typename Fn>
double run(Fn fn) {
  asio::io_context context(kOneThread);
  double figure = 0;
  asio::co_spawn(context, fn(), [&](std::exception_ptr error, double result) {
    if (error) {
      std::rethrow_exception(error);
    }
    figure = result;
  });
  context.run();
  return figure;
}

awaitable<int> leaf(int value) { co_return value; }

double nested_await() {
  return run([]() -> awaitable<double> {
    constexpr int kRounds = 10'000'000;
    int sum = 0;
    const bench::Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) {
      sum += co_await leaf(1);
    }
    co_return watch.per(sum);
  });
}

double spawn_join() {
  return run([]() -> awaitable<double> {
    constexpr int kRounds = 1'000'000;
    const auto executor = co_await asio::this_coro::executor;
    int sum = 0;
    const bench::Stopwatch watch;
    for (int i = 0; i < kRounds; ++i) {
      sum += co_await asio::co_spawn(executor, leaf(1), use_awaitable);
    }
    co_return watch.per(sum);
  });
}

using Error = boost::system::error_code;

double channel() {
  return run([]() -> awaitable<double> {
    constexpr int kItems = 1'000'000;
    const auto executor = co_await asio::this_coro::executor;
    asio::experimental::channel<void(Error, int)> items(executor, 64);
    asio::co_spawn(
        executor,
        [&]() -> awaitable<void> {
          for (int i = 0; i < kItems; ++i) {
            co_await items.async_send(Error(), 1, use_awaitable);
          }
        },
        asio::detached);
    int sum = 0;
    const bench::Stopwatch watch;
    while (sum < kItems) {
      sum += co_await items.async_receive(use_awaitable);
    }
    co_return watch.per(sum);
  });
}

double channel_two_loops() {
  constexpr int kItems = 300'000;
  asio::io_context here(kOneThread);
  asio::io_context there(kOneThread);
  asio::experimental::concurrent_channel<void(Error, int)> items(here, 64);
  double figure = 0;
  asio::co_spawn(
      there,
      [&]() -> awaitable<void> {
        for (int i = 0; i < kItems; ++i) {
          co_await items.async_send(Error(), 1, use_awaitable);
        }
      },
      asio::detached);
  asio::co_spawn(
      here,
      [&]() -> awaitable<void> {
        int sum = 0;
        const bench::Stopwatch watch(CLOCK_MONOTONIC);
        while (sum < kItems) {
          sum += co_await items.async_receive(use_awaitable);
        }
        figure = watch.per(sum);
      },
      asio::detached);
  std::thread other([&] { there.run(); });
  here.run();
  other.join();
  return figure;
}

/// One timer is armed and cancelled while `others` wait.
double timers(int others) {
  asio::io_context context(kOneThread);
  std::vector<asio::steady_timer> waiting;
  waiting.reserve(static_cast<std::size_t>(others));
  for (int i = 0; i < others; ++i) {
    waiting.emplace_back(context, 1h + i * 1ms).async_wait([](const Error&) {});
  }
  constexpr int kRounds = 1'000'000;
  asio::steady_timer timer(context);
  const bench::Stopwatch watch;
  for (int i = 0; i < kRounds; ++i) {
    timer.expires_after(30min + (i % 1000) * 1s);  // cancels what is armed
    timer.async_wait([](const Error&) {});
    if (i % 1000 == 0) {
      context.poll();  // the handlers of those that were cancelled
    }
  }
  return watch.per(kRounds);
}
double timer_10000() { return timers(10'000); }
double timer_1000000() { return timers(1'000'000); }

double sleep_lateness() {
  return run([]() -> awaitable<double> {
    std::vector<double> late;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int i = 0; i < 500; ++i) {
      const auto deadline = std::chrono::steady_clock::now() + 1ms + i * 3us;
      timer.expires_at(deadline);
      co_await timer.async_wait(use_awaitable);
      late.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - deadline)
              .count());
    }
    std::ranges::sort(late);
    co_return late[late.size() * 99 / 100];
  });
}

double sleeping_task_bytes() {
  constexpr int kTasks = 100'000;
  asio::io_context context(kOneThread);
  auto sleeper = []() -> awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(use_awaitable);
  };
  const double before = bench::resident_bytes();
  for (int i = 0; i < kTasks; ++i) {
    asio::co_spawn(context, sleeper(), asio::detached);
  }
  context.poll();
  return (bench::resident_bytes() - before) / kTasks;
}

double gather() {
  return run([]() -> awaitable<double> {
    constexpr std::size_t kTasks = 100'000;
    const auto executor = co_await asio::this_coro::executor;
    using Operation = decltype(asio::co_spawn(executor, leaf(1), asio::deferred));
    const bench::Stopwatch watch;
    std::vector<Operation> operations;
    operations.reserve(kTasks);
    for (std::size_t i = 0; i < kTasks; ++i) {
      operations.push_back(asio::co_spawn(executor, leaf(1), asio::deferred));
    }
    auto [order, errors, values] =
        co_await asio::experimental::make_parallel_group(std::move(operations))
            .async_wait(asio::experimental::wait_for_one_error(), use_awaitable);
    std::size_t sum = 0;
    for (const int value : values) {
      sum += static_cast<std::size_t>(value);
    }
    co_return watch.per(static_cast<double>(sum));
  });
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv,
                     {{"nested_await", nested_await},
                      {"spawn_join", spawn_join},
                      {"channel", channel},
                      {"channel_two_loops", channel_two_loops},
                      {"timer_10000", timer_10000},
                      {"timer_1000000", timer_1000000},
                      {"sleep_lateness", sleep_lateness},
                      {"sleeping_task_bytes", sleeping_task_bytes},
                      {"gather", gather}});
}
