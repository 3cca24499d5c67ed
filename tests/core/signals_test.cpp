#include <simul/signals.hpp>

#include <csignal>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Signals stay blocked after a SignalSet; the tests put the mask back.
struct MaskGuard {
  MaskGuard() { pthread_sigmask(SIG_SETMASK, nullptr, &old); }
  ~MaskGuard() { pthread_sigmask(SIG_SETMASK, &old, nullptr); }
  sigset_t old;
};

}  // namespace

TEST_SUITE("signals") {
  TEST_CASE("a signal wakes who waits for it, and says which") {
    const MaskGuard guard;
    run([]() -> Coro<> {
      SignalSet signals({SIGUSR1, SIGUSR2});
      Task<int> waiter = spawn([&]() -> Coro<int> { co_return co_await signals.next(); });
      co_await settle();
      CHECK_FALSE(waiter.done());
      ::raise(SIGUSR2);
      CHECK(co_await waiter == SIGUSR2);
    }());
  }

  TEST_CASE("signals that came before are not lost, and neither are those between two waits") {
    const MaskGuard guard;
    run([]() -> Coro<> {
      SignalSet signals({SIGUSR1, SIGUSR2});
      for (int i = 0; i < 5; ++i) {
        ::raise(SIGUSR1);
        CHECK(co_await signals.next() == SIGUSR1);
        co_await settle();
        ::raise(SIGUSR2);
        co_await settle();
        CHECK(co_await signals.next() == SIGUSR2);
      }
    }());
  }

  TEST_CASE("a cancelled wait loses no signal") {
    const MaskGuard guard;
    run([]() -> Coro<> {
      SignalSet signals({SIGUSR1});
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await signals.next(); }));
      Task<> waiter = spawn([&]() -> Coro<> { (void)co_await signals.next(); });
      co_await settle();
      ::raise(SIGUSR1);
      waiter.cancel();
      CHECK_THROWS_AS(co_await waiter, TaskCancelled);
      CHECK(co_await signals.next() == SIGUSR1);
    }());
  }

  TEST_CASE("a set may outlive the loop") {
    const MaskGuard guard;
    SignalSet signals({SIGUSR1});
    run([](SignalSet& set) -> Coro<> {
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await set.next(); }));
    }(signals));
  }
}
