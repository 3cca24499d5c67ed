#include <simul/thrown_at.hpp>

#include <cstdint>
#include <exception>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <simul/event.hpp>
#include <simul/exception_group.hpp>
#include <simul/gather.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Without the numbers of lines.
std::string names(const std::exception_ptr& exception) {
  static const std::regex place(R"(thrown_at_test\.cpp:\d+ \(([^)]*)\))");
  return std::regex_replace(thrown_at(exception), place, "$1");
}

std::string at(std::uint_least32_t line, const std::string& function) {
  return "thrown_at_test.cpp:" + std::to_string(line) + " (" + function + ")";
}

constexpr std::uint_least32_t kInner = __LINE__ + 2;
Coro<> inner() {
  co_await sleep(1s);
  throw std::runtime_error("no such user");
}

constexpr std::uint_least32_t kOuter = __LINE__ + 1;
Coro<> outer() { co_await inner(); }

void plain() { throw std::logic_error("a plain function"); }

constexpr std::uint_least32_t kCallsPlain = __LINE__ + 1;
Coro<> calls_plain() {
  plain();
  co_return;
}

/// What leaves `coro`.
Coro<std::exception_ptr> failure_of(Coro<> coro) {
  std::exception_ptr failure;
  try {
    co_await std::move(coro);
  } catch (...) {
    failure = std::current_exception();
  }
  co_return failure;
}

/// Its std::exception doesn't lie at its beginning.
struct Second : std::string, virtual std::exception {
  Second() : std::string("second") {}
  [[nodiscard]] const char* what() const noexcept override { return c_str(); }
};

template <typename E>
Coro<> throws(E exception) {
  throw exception;
  co_return;
}

template <typename E>
Coro<> replaces_inside(Coro<> coro, E other) {
  try {
    co_await std::move(coro);
  } catch (const std::exception&) {
    throw std::move(other);
  }
}

template <typename E>
Coro<> replaces_behind(Coro<> coro, E other) {
  bool failed = false;
  try {
    co_await std::move(coro);
  } catch (const std::exception&) {
    failed = true;
  }
  if (failed) {
    throw std::move(other);
  }
}

constexpr std::uint_least32_t kThrowsAgain = __LINE__ + 4;
Coro<> throws_again_later() {
  std::exception_ptr failure;
  try {
    co_await inner();
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  co_await sleep(1s);
  std::rethrow_exception(failure);
}

Coro<> fails_at_once() {
  throw std::runtime_error("at once");
  co_return;
}
/// The other one cancels it.
Coro<> first_of_all() {
  try {
    co_await sleep(1s);
  } catch (const Cancelled&) {
    throw std::runtime_error("while it was cancelled");
  }
}

Coro<> fails_after(Duration delay, std::string text) {
  co_await sleep(delay);
  throw std::runtime_error(text);
}
Coro<> first() { co_await fails_after(1s, "first"); }
Coro<> second() { co_await fails_after(2s, "second"); }

Coro<> gathers(Event& never) {
  auto waits = [&]() -> Coro<> { co_await never.wait(); };
  co_await gather(outer(), waits());
}

Coro<> groups() {
  auto body = [](TaskGroup& group) -> Coro<> {
    group.spawn(outer());
    co_return;
  };
  co_await with_group(body);
}

Coro<> waits_for(Task<>& task) { co_await task; }

/// Its failure waits for two seconds before it goes on.
Coro<> slow_to_fail() {
  auto body = [](TaskGroup& group) -> Coro<> {
    auto tidies_up = [] -> Coro<> { co_await shielded(3s, [] -> Coro<> { co_await sleep(2s); }); };
    group.spawn(tidies_up);
    group.spawn(first());
    co_return;
  };
  co_await with_group(body);
}

Coro<> recursive(int depth) {
  if (depth == 0) {
    throw std::runtime_error("the end");
  }
  co_await recursive(depth - 1);
}

/// An ExceptionGroup.
Coro<> both() { co_await gather(first_of_all(), fails_at_once()); }

Coro<> waits_for_ever(Event& never) { co_await never.wait(); }

}  // namespace

TEST_SUITE("thrown_at") {
  TEST_CASE("an exception has the coroutines that it has left, the innermost first") {
    run_virtual([]() -> Coro<> {
      const std::exception_ptr failure = co_await failure_of(outer());
      CHECK(thrown_at(failure) == at(kInner, "inner") + ", called from " + at(kOuter, "outer"));
      CHECK(describe_with_place(failure) == "no such user; thrown at " + thrown_at(failure));
    });
  }

  TEST_CASE("what a plain function throws has left the coroutine that called it") {
    run_virtual([]() -> Coro<> {
      CHECK(thrown_at(co_await failure_of(calls_plain())) == at(kCallsPlain, "calls_plain"));
    });
  }

  TEST_CASE("nothing is known of what no coroutine has thrown, nor of a cancellation") {
    CHECK(thrown_at(nullptr).empty());
    CHECK(thrown_at(std::make_exception_ptr(std::runtime_error("none"))).empty());
    CHECK(describe_with_place(std::make_exception_ptr(std::runtime_error("none"))) == "none");
    run_virtual([]() -> Coro<> {
      Event never;
      Task<std::exception_ptr> task = spawn(failure_of(waits_for_ever(never)));
      co_await settle();
      task.cancel();
      co_await sleep(1s);
      CHECK(describe_with_place(task.result()) == "cancelled: cancelled");
    });
  }

  TEST_CASE("an exception may be of any type") {
    run_virtual([]() -> Coro<> {
      CHECK(names(co_await failure_of(throws(5))) == "throws");
      CHECK(names(co_await failure_of(throws(static_cast<const char*>("text")))) == "throws");
      CHECK(names(co_await failure_of(throws(Second()))) == "throws");
      CHECK(names(co_await failure_of(replaces_behind(outer(), Second()))) == "replaces_behind");
    });
  }

  TEST_CASE("an exception that replaces another has a way of its own") {
    run_virtual([]() -> Coro<> {
      const std::runtime_error other("other");
      // Behind the handler it may lie where the first one has lain.
      for (int i = 0; i < 3; ++i) {
        CHECK(names(co_await failure_of(replaces_inside(outer(), other))) == "replaces_inside");
        CHECK(names(co_await failure_of(replaces_behind(outer(), other))) == "replaces_behind");
        CHECK(names(co_await failure_of(replaces_behind(
                  outer(), std::logic_error("no such user")))) == "replaces_behind");
      }
    });
  }

  TEST_CASE("the same failure again begins anew") {
    run_virtual([]() -> Coro<> {
      for (int i = 0; i < 3; ++i) {
        CHECK(names(co_await failure_of(outer())) == "inner, called from outer");
        Task<> task = spawn(outer());
        CHECK(names(co_await failure_of(waits_for(task))) ==
              "inner, called from outer, called from waits_for");
      }
    });
  }

  TEST_CASE("a coroutine that throws on later has the place where the exception came to it") {
    run_virtual([]() -> Coro<> {
      const std::string way = thrown_at(co_await failure_of(throws_again_later()));
      CHECK(way == at(kInner, "inner") + ", called from " + at(kThrowsAgain, "throws_again_later"));
    });
  }

  TEST_CASE("the way goes on through tasks that are waited for") {
    run_virtual([]() -> Coro<> {
      Event never;
      CHECK(names(co_await failure_of(gathers(never))) ==
            "inner, called from outer, called from gathers");
      CHECK(names(co_await failure_of(groups())) == "inner, called from outer, called from groups");
    });
  }

  TEST_CASE("each failure of a group has its own way") {
    run_virtual([]() -> Coro<> {
      const std::exception_ptr failure = co_await failure_of(both());
      CHECK(names(failure) == "both");
      try {
        std::rethrow_exception(failure);
      } catch (const ExceptionGroup& group) {
        REQUIRE(group.exceptions().size() == 2);
        CHECK(names(group.exceptions()[0]) == "fails_at_once");
        CHECK(names(group.exceptions()[1]) == "first_of_all");
      }
    });
  }

  TEST_CASE("failures that overtake each other keep their ways") {
    run_virtual([]() -> Coro<> {
      Task<std::exception_ptr> slow = spawn(failure_of(slow_to_fail()));
      Task<std::exception_ptr> quick = spawn(failure_of(second()));
      CHECK(names(co_await quick) == "fails_after, called from second");
      CHECK_FALSE(slow.done());
      CHECK(names(co_await slow) == "fails_after, called from first, called from slow_to_fail");
      CHECK(names(co_await quick) == "fails_after, called from second");
    });
  }

  TEST_CASE("a long way keeps its inner end") {
    run_virtual([]() -> Coro<> {
      const std::string way = names(co_await failure_of(recursive(1000)));
      CHECK(way.starts_with("recursive, called from recursive"));
      CHECK(way.ends_with(" and others"));
      CHECK(way.size() < 1000);
    });
  }

  TEST_CASE("another thread knows nothing of it") {
    std::exception_ptr failure;
    std::thread([&] {
      failure = run_virtual([]() -> Coro<std::exception_ptr> {
        const std::exception_ptr caught = co_await failure_of(outer());
        CHECK_FALSE(thrown_at(caught).empty());
        co_return caught;
      });
    }).join();
    CHECK(describe_with_place(failure) == "no such user");
  }
}
