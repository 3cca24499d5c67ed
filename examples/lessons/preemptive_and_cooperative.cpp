// Threads are interrupted anywhere, coroutines only where they await
//
// From the notes on Fowler's "Python Concurrency with asyncio", "What is multitasking?", and "learn-asyncio",
// "Threading vs asyncio". Two threads that compute and never give way run all the same, both of them: the operating
// system switches between them. Of two coroutines the second begins when the first has ended.
//
// So a counter that threads share needs a lock or an atomic; one that the coroutines of a loop share doesn't, as
// "the code chunk between two awaits is certainly synchronous". Who awaits in between loses updates just as well.
//
// What the seeds say of threads holds for Python: there the GIL allows one of them to run at a time. In C++ they
// run in parallel; what is about preemption is true of both.
#include <atomic>
#include <cstdio>
#include <limits>
#include <thread>
#include <utility>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;

constexpr int kIncrements = 100'000;

// [interleaving]
/// Computes until the other one has begun, or for a very long time. It never gives way.
bool sees_the_other(std::atomic<bool>& begun, const std::atomic<bool>& other_begun, long patience) {
  begun = true;
  for (long i = 0; i < patience; ++i) {
    if (other_begun) {
      return true;
    }
  }
  return false;
}

void print(const char* who, bool saw) {
  std::printf("  %s: %s\n", who,
              saw ? "the other one has begun" : "I am done, and the other one hasn't begun");
}

void two_threads() {
  constexpr long kForEver = std::numeric_limits<long>::max();
  std::atomic<bool> a = false;
  std::atomic<bool> b = false;
  bool a_saw_b = false;
  bool b_saw_a = false;
  {
    std::jthread first([&] { a_saw_b = sees_the_other(a, b, kForEver); });
    std::jthread second([&] { b_saw_a = sees_the_other(b, a, kForEver); });
  }
  print("thread 1", a_saw_b);
  print("thread 2", b_saw_a);
}

Coro<bool> look(std::atomic<bool>& begun, const std::atomic<bool>& other_begun) {
  constexpr long kLong = 1'000'000;
  co_return sees_the_other(begun, other_begun, kLong);
}

Coro<> two_coroutines() {
  std::atomic<bool> a = false;
  std::atomic<bool> b = false;
  auto [a_saw_b, b_saw_a] = co_await gather(look(a, b), look(b, a));
  print("coroutine 1", a_saw_b);
  print("coroutine 2", b_saw_a);
}
// [/interleaving]

// [counter]
int counter = 0;

Coro<> increment() {
  for (int i = 0; i < kIncrements; ++i) {
    const int seen = counter;
    counter = seen + 1;  // nobody comes in between
    co_await yield_now();
  }
}

Coro<> increment_across_an_await() {
  for (int i = 0; i < kIncrements; ++i) {
    const int seen = counter;
    co_await yield_now();  // the other one's turn: it has seen the same
    counter = seen + 1;
  }
}

Coro<> increment_under_a_lock(Lock& lock) {
  for (int i = 0; i < kIncrements; ++i) {
    Lock::Guard guard = co_await lock.lock();
    const int seen = counter;
    co_await yield_now();
    counter = seen + 1;
  }
}
// [/counter]

Coro<> counting() {
  co_await gather(increment(), increment());
  std::printf("read, write, and only then await:         %d\n", std::exchange(counter, 0));
  co_await gather(increment_across_an_await(), increment_across_an_await());
  std::printf("read, await, write:                       %d\n", std::exchange(counter, 0));
  Lock lock;
  co_await gather(increment_under_a_lock(lock), increment_under_a_lock(lock));
  std::printf("read, await, write, with a lock held:     %d\n", std::exchange(counter, 0));
}

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  std::puts("Two threads compute and never give way. Each looks whether the other one has begun:");
  two_threads();
  std::puts("Two coroutines do the same:");
  run(two_coroutines());
  std::printf("\nTwo coroutines increment a shared counter %d times each:\n", kIncrements);
  run(counting());
}
