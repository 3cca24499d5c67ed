// Awaitables of one's own: four ways to write a sleep
//
// "How would I go about writing my own asynchronous variant of some operation?" asks "A Conceptual Overview of
// asyncio", and answers with a watcher that polls (see async_sleep). Nothing has to poll: whatever waits needs somebody
// who says when. That is a callback, a descriptor that becomes readable, a thread that has done its work, or, where no
// allocation is to be made, a leaf of one's own. Each of these can be cancelled like everything else.
#include <sys/timerfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>
#include <utility>

#include <simul/simul.hpp>

#include "arguments.hpp"

using namespace simul;
using namespace std::chrono_literals;

// [callback]
/// Somebody calls back: a promise is what he sets.
Coro<> sleep_by_callback(Duration wait) {
  Promise<> promise;
  Future<> future = promise.future();
  Loop::current().call_later(wait,
                             [promise = std::move(promise)]() mutable { promise.set_value(); });
  co_await future;
}
// [/callback]

// [descriptor]
struct Descriptor {
  int fd;
  ~Descriptor() { ::close(fd); }
};

/// The kernel has a descriptor for it: the loop watches that.
Coro<> sleep_by_descriptor(Duration wait) {
  const Descriptor timer{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
  const itimerspec once{
      .it_interval = {},
      .it_value = {.tv_sec = seconds.count(), .tv_nsec = (wait - seconds).count()}};
  ::timerfd_settime(timer.fd, 0, &once, nullptr);
  if (auto readable = co_await wait_readable(timer.fd); !readable) {
    throw std::system_error(readable.error());
  }
}
// [/descriptor]

// [thread]
/// It is a function that blocks: another thread calls it.
Coro<> sleep_in_a_thread(Duration wait) {
  co_await to_thread([wait] { std::this_thread::sleep_for(wait); }).abandon_on_cancel();
}
// [/thread]

// [leaf]
/// A leaf is where a task really waits. simul's own sleep, recv and lock are such.
class Doze final : public Leaf {
 public:
  explicit Doze(Duration wait) : wait_(wait) {}

  bool await_ready() const {
    check_cancelled();
    return false;  // there is no result yet
  }
  void await_suspend(std::coroutine_handle<>) {
    alarm_ = loop().call_later(wait_, [this] { wake(); });  // puts the task on the ready queue
    suspend();
  }
  void await_resume() const { throw_if_cancelled(); }
  const char* waits_for() const noexcept override { return "doze"; }

 private:
  bool on_cancel() noexcept override {
    alarm_.cancel();
    return true;  // nothing will wake it any more
  }

  Duration wait_;
  CallHandle alarm_;
};

Coro<> sleep_by_leaf(Duration wait) { co_await Doze(wait); }
// [/leaf]

Coro<> try_out(const char* name, Coro<> (*sleeping)(Duration)) {
  const TimePoint start = Loop::current().exact_now();
  co_await sleeping(20ms);
  const std::chrono::duration<double, std::milli> slept = Loop::current().exact_now() - start;
  const bool in_time = co_await move_on_after(1ms, [&] { return sleeping(200ms); });
  std::printf("%s: slept %.1f ms; one of 200 ms with a limit of 1 ms was %s\n", name, slept.count(),
              in_time ? "not" : "cut off");
}

Coro<> program() {
  co_await try_out("a callback", sleep_by_callback);
  co_await try_out("a descriptor", sleep_by_descriptor);
  co_await try_out("a thread", sleep_in_a_thread);
  co_await try_out("a leaf", sleep_by_leaf);
}

int main(int argc, char** argv) {
  expect_no_arguments(argc, argv);
  run(program());
}
