// Futures: a light that somebody else switches
//
// From "A Conceptual Overview of asyncio", part 2, "Futures" and "await-ing Tasks & futures". A future is
// pending, cancelled or done. Its callbacks run in the loop's next turn, in the order in which they were
// added. The three errors that the document's code knows are asyncio's words and really happen here.
//
// The third can't happen to simul::Future: only the loop resumes who waits for it, and a coroutine that is
// driven by hand can't await it (that doesn't compile). So here is the document's own Future, on a
// RawCoroutine, and a driver that resumes it too early.
#include <cstdio>
#include <functional>
#include <optional>
#include <stdexcept>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;

const char* light(const Future<int>& future) {
  switch (future.state()) {
    case TaskState::pending:
      return "pending";
    case TaskState::cancelled:
      return "cancelled";
    default:
      return "done";
  }
}

void print_error(const std::function<void()>& attempt) {
  try {
    attempt();
  } catch (const std::exception& error) {
    std::printf("  error: %s\n", error.what());
  }
}

// [states]
Coro<> states_and_callbacks() {
  Promise<int> promise;  // the side that sets; its futures are the side that waits
  Future<int> future = promise.future();
  std::printf("A new future is %s. Its result:\n", light(future));
  print_error([&] { future.result(); });

  future.add_done_callback(
      [](const Future<int>& it) { std::printf("  first: %d\n", it.result()); });
  future.add_done_callback(
      [](const Future<int>& it) { std::printf("  second: %d\n", it.result()); });
  promise.set_value(42);
  std::printf("Set, it is %s. No callback has run yet; they do in the next turn:\n", light(future));
  co_await yield_now();
  std::puts("Set again:");
  print_error([&] { promise.set_value(43); });

  Promise<int> nobody;
  nobody.future().cancel("nobody needs it");
  std::printf("Another one is %s. Set now:\n", light(nobody.future()));
  print_error([&] { nobody.set_value(44); });
  std::puts("Its result:");
  print_error([&] { nobody.future().result(); });
}
// [/states]

// [homemade]
class HomemadeFuture;
using Step = RawCoroutine<HomemadeFuture*, std::monostate, int>;

class HomemadeFuture {  // lines 3 to 11 of the document's listing
 public:
  bool done() const { return result_.has_value(); }
  void set_result(int result) { result_ = result; }

  Step await_() {
    if (!done()) {
      co_yield this;
    }
    if (!done()) {
      throw std::runtime_error("await wasn't used with future");
    }
    co_return *result_;
  }

 private:
  std::optional<int> result_;
};

Step wait_for(HomemadeFuture& future) { co_return co_await future; }
// [/homemade]

void by_hand() {
  HomemadeFuture patient;
  Step waiting = wait_for(patient);
  const bool yielded_itself = waiting.send().yielded() == &patient;
  std::printf("By hand, without a loop: a future that isn't done yields itself to the driver: %s\n",
              yielded_itself ? "yes" : "no");
  patient.set_result(42);
  std::printf("Resumed when it is done, the coroutine returns %d.\n", waiting.send().returned());

  std::puts("Resumed too early by its driver, the coroutine is told so, in asyncio's words:");
  HomemadeFuture hasty;
  Step too_early = wait_for(hasty);
  too_early.send();
  print_error([&] { too_early.send(); });
}

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  run(states_and_callbacks());
  by_hand();
}
