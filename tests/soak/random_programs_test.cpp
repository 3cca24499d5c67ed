// Random programs: actors on two simulated loops that spawn, cancel, lock, wait, send, connect and give
// up at random, in a random order of events, over a network that misbehaves. Whatever they do, nothing
// may be lost, doubled, left locked or left alive. Everything follows from the seed, so a failure replays:
// SIMUL_SEED=17 test_soak.
#include <cstdlib>
#include <deque>
#include <exception>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>
#include <simul/testing.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kSeeds = 150;
constexpr std::size_t kSeedsOfALongRun = 20'000;
constexpr int kMostActors = 120;

struct Boom : std::exception {};

/// What the actors of one loop share.
struct Site {
  explicit Site(Loop& its_loop) : loop(its_loop) {}
  Loop& loop;
  Lock lock;
  int inside_lock = 0;
  Semaphore slots{3, 3};
  int inside_slots = 0;
  Event event;
  Lock condition_lock;
  Condition condition{condition_lock};
  int news = 0;  // guarded by condition_lock
  CapacityLimiter limiter{2};
  std::vector<AnyTask> tasks;
};

class Program {
 public:
  explicit Program(std::uint64_t seed)
      : world_({.seed = seed, .chaos = {.reset_within = seed % 3 == 1 ? 20'000u : 0u}}),
        may_reset_(seed % 3 == 1),
        ends_(channel<int>(seed % 5)) {
    sites_.emplace_back(world_.loop());
    sites_.emplace_back(world_.add_loop("other"));
  }

  void run() {
    world_.run([this] { return main(); });
    check(alive_ == 0, "an actor is still alive");
    for (Site& site : sites_) {
      check(!site.lock.locked() && site.inside_lock == 0, "the lock was lost");
      check(site.slots.available() == 3 && site.inside_slots == 0, "a permit was lost");
      check(!site.condition_lock.locked(), "the condition's lock was lost");
      check(site.limiter.borrowed() == 0, "a token was lost");
      check(site.loop.task_count() == 0, "a task was lost");
    }
    while (const auto item = ends_.receiver.try_recv()) {
      receive(*item);
    }
    check(accepted_ == received_, "an item was lost");
    if (!broken_.empty()) {
      throw std::logic_error(broken_);
    }
  }

 private:
  void check(bool kept, const char* otherwise) {
    if (!kept && broken_.empty()) {
      broken_ = otherwise;
    }
  }
  std::uint64_t below(std::uint64_t limit) { return world_.random().below(limit); }
  Duration a_while() { return Duration(below(30'000'000)); }

  Coro<> main() {
    std::unique_ptr<Listener> listener = open_listener(*Endpoint::parse("127.0.0.1:7000"));
    Task<> server = spawn([this, &listener] { return serve(*listener); });
    auto cast = [this](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 4; ++i) {
        group.spawn([this, i] { return act(sites_[static_cast<std::size_t>(i) % 2], 4); });
      }
      co_return;
    };
    try {
      co_await with_group(cast);
    } catch (const Boom&) {
    } catch (const ExceptionGroup&) {
    } catch (const TaskCancelled&) {
    }
    may_refuse_ = true;  // what is left of the actors meets a server that goes
    server.cancel();
  }

  /// An actor of `site`, from whichever loop it is awaited.
  Coro<> act(Site& site, int depth) {
    if (&site.loop != &Loop::current()) {
      co_await run_on(site.loop, [this, &site, depth] { return act(site, depth); });
      co_return;
    }
    struct Alive {
      explicit Alive(int& c) : count(c) { ++count; }
      ~Alive() { --count; }
      int& count;
    };
    const Alive alive(alive_);
    ++actors_;
    site.tasks.push_back(current_task());
    for (std::uint64_t i = 1 + below(6); i > 0; --i) {
      co_await step(site, depth);
    }
  }

  Coro<> step(Site& site, int depth) {
    const bool may_multiply = depth > 0 && actors_ < kMostActors;
    switch (below(may_multiply ? 22 : 13)) {
      case 0:
        co_await yield_now();
        break;
      case 1:
        co_await sleep(a_while());
        break;
      case 2:
        co_await in_lock(site);
        break;
      case 3:
        co_await in_slot(site);
        break;
      case 4:
        co_await send_some();
        break;
      case 5:
      case 6:
        co_await receive_some();
        break;
      case 7:
        cancel_somebody(site);
        break;
      case 8:
        co_await talk();
        break;
      case 9:
        co_await await_news(site);
        break;
      case 10:
        co_await tell_news(site);
        break;
      case 11:
        co_await borrow(site);
        break;
      case 12:
        if (below(8) == 0) {
          throw Boom();
        }
        break;
      case 13:
        co_await child(site, depth - 1);
        break;
      case 14:
        co_await group(site, depth - 1);
        break;
      case 15:
        co_await limited(site, depth - 1);
        break;
      case 16:
        co_await settled(site, depth - 1);
        break;
      case 17:
        co_await raced(site, depth - 1);
        break;
      case 18:
        co_await shield(site, depth - 1);
        break;
      case 19:
        co_await elsewhere(depth - 1);
        break;
      case 20:
        co_await waited(site, depth - 1);
        break;
      default:
        co_await cleaned(site, depth - 1);
        break;
    }
  }

  // --- alone --------------------------------------------------------------------------------------

  Coro<> in_lock(Site& site) {
    const Lock::Guard guard = co_await site.lock.lock();
    struct Inside {
      explicit Inside(int& c) : count(c) { ++count; }
      ~Inside() { --count; }
      int& count;
    };
    const Inside inside(site.inside_lock);
    check(site.inside_lock == 1, "two in the lock");
    co_await sleep(a_while());
    check(site.inside_lock == 1, "two in the lock");
  }

  Coro<> in_slot(Site& site) {
    const Semaphore::Permit permit = co_await site.slots.acquire();
    ++site.inside_slots;
    check(site.inside_slots <= 3, "too many in the semaphore");
    try {
      co_await sleep(a_while());
    } catch (...) {
      --site.inside_slots;
      throw;
    }
    --site.inside_slots;
  }

  Coro<> borrow(Site& site) {
    const CapacityLimiter::Token token = co_await site.limiter.acquire();
    check(site.limiter.borrowed() <= 2, "too many tokens");
    co_await sleep(a_while());
  }

  Coro<> send_some() {
    auto send = [this]() -> Coro<> {
      Sender<int> sender = ends_.sender;
      for (std::uint64_t i = below(5); i > 0; --i) {
        const int item = next_item_++;
        if (co_await sender.send(item)) {
          accepted_.insert(item);
        }
      }
    };
    co_await move_on_after(a_while(), send);
  }

  Coro<> receive_some() {
    auto receive_them = [this]() -> Coro<> {
      Receiver<int> receiver = ends_.receiver;
      for (std::uint64_t i = below(5); i > 0; --i) {
        if (const auto item = co_await receiver.recv()) {
          receive(*item);
        }
      }
    };
    co_await move_on_after(a_while(), receive_them);
  }

  void receive(int item) { check(received_.insert(item).second, "an item came twice"); }

  Coro<> await_news(Site& site) {
    auto wait = [&site]() -> Coro<> {
      Lock::Guard guard = co_await site.condition_lock.lock();
      auto some = [&site] { return site.news > 0; };
      co_await site.condition.wait(guard, some);
      --site.news;
    };
    co_await move_on_after(a_while(), wait);
    check(site.news >= 0, "news came twice");
  }

  Coro<> tell_news(Site& site) {
    const Lock::Guard guard = co_await site.condition_lock.lock();
    ++site.news;
    site.condition.notify();
  }

  void cancel_somebody(Site& site) { site.tasks[below(site.tasks.size())].cancel("at random"); }

  // --- the network --------------------------------------------------------------------------------

  static Coro<> echo(std::unique_ptr<Stream> peer) {
    while (auto chunk = co_await peer->recv()) {
      if (!co_await peer->send(*chunk)) {
        break;
      }
    }
  }

  Coro<> serve(Listener& listener) {
    while (auto peer = co_await listener.accept()) {
      spawn(echo, std::move(peer->stream));
    }
  }

  Coro<> talk() {
    auto conversation = [this]() -> Coro<> {
      auto peer = co_await open_connection(*Endpoint::parse("127.0.0.1:7000"));
      if (!peer) {
        check(may_reset_ || may_refuse_, "a connection was refused");
        co_return;
      }
      std::string question(1 + below(3000), '\0');
      for (char& letter : question) {
        letter = static_cast<char>('a' + below(26));
      }
      auto sent = co_await (*peer)->send(question);
      std::string answer;
      while (sent && answer.size() < question.size()) {
        auto chunk = co_await (*peer)->recv();
        if (!chunk) {
          check(may_reset_ || may_refuse_, "a connection was cut off");
          check(may_refuse_ || chunk.error() != Errc::end_of_stream, "a reset came as a clean end");
          co_return;
        }
        answer += chunk->text();
      }
      check(!sent || answer == question, "the echo is wrong");
      check(sent.has_value() || may_reset_ || may_refuse_, "a send failed");
    };
    co_await move_on_after(10 * a_while(), conversation);
  }

  // --- together -----------------------------------------------------------------------------------

  /// Awaits a task whatever comes of it.
  template <typename T>
  static Coro<> outcome_of(Task<T>& task) {
    try {
      co_await task;
    } catch (const std::exception&) {
    }
  }

  Coro<> child(Site& site, int depth) {
    Task<> task = spawn([this, &site, depth] { return act(site, depth); });
    if (below(2) == 0) {
      co_await sleep(a_while());
      task.cancel("by its parent");
    }
    if (below(4) != 0) {
      co_await outcome_of(task);
    }
  }

  Coro<> group(Site& site, int depth) {
    auto body = [this, &site, depth](TaskGroup& children) -> Coro<> {
      for (std::uint64_t i = below(4); i > 0; --i) {
        children.spawn([this, &site, depth] { return act(site, depth); });
      }
      if (below(3) == 0) {
        co_await sleep(a_while());
        children.cancel("the group has had enough");
      }
    };
    try {
      co_await with_group(body);
    } catch (const Boom&) {
    } catch (const ExceptionGroup&) {
    }
  }

  Coro<> limited(Site& site, int depth) {
    auto work = [this, &site, depth] { return act(site, depth); };
    try {
      co_await fail_after(a_while(), work);
    } catch (const TimedOut&) {
    } catch (const Boom&) {
    }
  }

  Coro<> settled(Site& site, int depth) {
    std::vector<Coro<>> coros;
    for (std::uint64_t i = below(4); i > 0; --i) {
      coros.push_back(act(site, depth));
    }
    const std::size_t count = coros.size();
    const auto outcomes = co_await gather_settled(std::move(coros));
    check(outcomes.size() == count, "an outcome is missing");
  }

  Coro<> raced(Site& site, int depth) {
    std::vector<Coro<>> runners;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) {
      runners.push_back(act(site, depth));
    }
    try {
      (void)co_await race(std::move(runners));
    } catch (const Boom&) {
    } catch (const TaskCancelled&) {
    }
  }

  Coro<> shield(Site& site, int depth) {
    auto work = [this, &site, depth] { return act(site, depth); };
    try {
      co_await shielded(a_while(), work);
    } catch (const Boom&) {
    }
  }

  Coro<> elsewhere(int depth) {
    Site& other = sites_[below(sites_.size())];
    try {
      co_await act(other, depth);
    } catch (const Boom&) {
    } catch (const TaskCancelled&) {
    }
  }

  Coro<> waited(Site& site, int depth) {
    std::vector<Task<>> tasks;
    for (std::uint64_t i = 1 + below(3); i > 0; --i) {
      tasks.push_back(spawn([this, &site, depth] { return act(site, depth); }));
    }
    const auto until = below(2) == 0 ? WaitFor::first_completed : WaitFor::all_completed;
    const auto [done, pending] = co_await wait(tasks, until, a_while());
    check(done.size() + pending.size() == tasks.size(), "a task is in neither set");
    for (Task<>& task : tasks) {
      task.cancel("waited long enough");
    }
  }

  Coro<> cleaned(Site& site, int depth) {
    bool was_cleaned = false;
    auto cleanup = [&]() -> Coro<> {
      was_cleaned = true;
      co_await sleep(1ms);
    };
    auto work = [this, &site, depth] { return act(site, depth); };
    std::exception_ptr failure;
    try {
      co_await on_exit(1s, cleanup, work);
    } catch (const Boom&) {
    } catch (...) {
      failure = std::current_exception();
    }
    check(was_cleaned, "nobody cleaned up");
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  Simulation world_;
  bool may_reset_;
  bool may_refuse_ = false;
  Channel<int> ends_;
  std::deque<Site> sites_;
  std::set<int> accepted_;
  std::set<int> received_;
  int next_item_ = 0;
  int alive_ = 0;
  int actors_ = 0;
  std::string broken_;
};

}  // namespace

TEST_SUITE("soak") {
  TEST_CASE("random programs lose nothing, whatever is cancelled whenever") {
    set_log_sink(
        [](LogLevel, std::string_view) {});  // failures that nobody waits for are part of it
    const bool is_long = std::getenv("SIMUL_LONG") != nullptr;
    run_seeds(is_long ? kSeedsOfALongRun : kSeeds, [](std::uint64_t seed) { Program(seed).run(); });
    set_log_sink({});
  }
}
