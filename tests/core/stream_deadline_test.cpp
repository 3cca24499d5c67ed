// Deadlines of single operations: recv_until, send_until, send_file_until.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <simul/any_task.hpp>
#include <simul/stream.hpp>
#include <simul/until.hpp>

#include "loop_access.hpp"
#include "stream_pairs.hpp"
#include "timer_wheel.hpp"
#include "tls_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

TimePoint in(Duration wait) { return time_after(Loop::current().exact_now(), wait); }

bool no_timer() { return detail::LoopAccess::timers(Loop::current()).empty(); }

template <typename Result>
std::error_code error_of(const Result& result) {
  return result ? std::error_code() : result.error();
}

}  // namespace

TEST_SUITE("stream deadlines") {
  TEST_CASE_TEMPLATE("a recv that nobody serves ends at its deadline, and loses nothing", Kind,
                     Unix, Tcp, Memory, TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      for (int round = 0; round < 3; ++round) {
        const TimePoint deadline = in(2ms);
        const auto nothing = co_await b.recv_until(deadline);
        CHECK(error_of(nothing) == std::errc::timed_out);
        CHECK(Loop::current().exact_now() >= deadline);
        CHECK((co_await a.send("abc")).has_value());
        CHECK(co_await bytes_of(b, 3) == "abc");
      }
    });
  }

  TEST_CASE("what comes before the deadline is given, with no timer left") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      Task<> sender = spawn([](Stream& to) -> Coro<> {
        co_await sleep(1s);
        (void)co_await to.send("early");
      }(far));
      const auto chunk = co_await near.recv_until(start + 5s);
      REQUIRE(chunk.has_value());
      CHECK(chunk->text() == "early");
      CHECK(Loop::current().exact_now() == start + 1s);
      CHECK(no_timer());
      co_await sender;
    });
  }

  TEST_CASE("an operation that needn't wait arms no timer, nor does one without a deadline") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      CHECK((co_await far.send_until("ready", in(1h))).has_value());
      const std::array pieces = {as_bytes(std::string_view("to ")),
                                 as_bytes(std::string_view("go"))};
      CHECK((co_await far.send_until(pieces, in(1h))).has_value());
      CHECK((co_await near.recv_until(in(1h)))->text() == "ready" + std::string("to go"));
      CHECK(near.counts().waits + far.counts().waits == 0);
      CHECK(no_timer());

      bool armed = true;
      Task<> reader = spawn(
          [&]() -> Coro<> { CHECK((co_await near.recv_until(kNever))->text() == "at last"); });
      co_await settle();
      armed = !no_timer();
      CHECK_FALSE(armed);
      CHECK((co_await far.send("at last")).has_value());
      co_await reader;
    });
  }

  TEST_CASE("bytes that are there are given after the deadline as well; else it ends at once") {
    for (const bool drained : {false, true}) {
      CAPTURE(drained);
      auto [a, b] = socket_pair();
      run([&]() -> Coro<> {
        if (drained) {  // the last attempt has shown that the next one would block
          CHECK((co_await a.send("x")).has_value());
          CHECK((co_await b.recv())->text() == "x");
        }
        const TimePoint past = Loop::current().exact_now() - 1s;
        CHECK((co_await a.send("late")).has_value());
        CHECK((co_await b.recv_until(past))->text() == "late");
        const auto nothing = co_await b.recv_until(past);
        CHECK(error_of(nothing) == std::errc::timed_out);
      }());
    }
  }

  TEST_CASE("bytes that come in the turn of the deadline are given") {
    auto [near, far] = memory_stream_pair();
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([&]() -> Coro<> {
      Task<> reader = spawn([&]() -> Coro<> {
        const auto chunk = co_await near.recv_until(in(1s));
        REQUIRE(chunk.has_value());
        CHECK(chunk->text() == "just in time");
      });
      co_await settle();
      clock.pass(2s);  // the timer is due; it fires before the reader has its turn
      CHECK((co_await far.send("just in time")).has_value());
      co_await reader;
    }());
  }

  TEST_CASE("a deadline that passes after a cancellation disturbs nobody") {
    auto [near, far] = memory_stream_pair();
    VirtualClock clock;
    Loop loop(clock);
    loop.run_until_complete([&]() -> Coro<> {
      std::string reason;
      Task<> first = spawn([&]() -> Coro<> {
        auto wait = [&]() -> Coro<> { (void)co_await near.recv_until(in(1s)); };
        reason = co_await cancel_reason(wait());
      });
      co_await settle();
      first.cancel("enough");
      clock.pass(2s);
      Task<> sender = spawn([&]() -> Coro<> {
        co_await sleep(1s);
        (void)co_await far.send("still heard");
      });
      // It waits at the stream when the timer of the other one fires.
      CHECK((co_await near.recv())->text() == "still heard");
      CHECK(reason == "enough");
      co_await sender;
    }());
  }

  TEST_CASE("the timer ends with the operation, though its awaiter may live on") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Task<> sender = spawn([](Stream& to) -> Coro<> {
        co_await sleep(1s);
        (void)co_await to.send("first");
        co_await sleep(10s);
        (void)co_await to.send("second");
      }(far));
      const auto pair = std::pair(co_await near.recv_until(in(5s)), co_await near.recv());
      CHECK(pair.first->text() == "first");
      REQUIRE(pair.second.has_value());
      CHECK(pair.second->text() == "second");
      co_await sender;
    });
  }

  TEST_CASE_TEMPLATE("a send that nobody reads ends at its deadline, and is a cut", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string much = pattern(16 << 20);
      const std::array pieces = {as_bytes(much).first(1000), Bytes(), as_bytes(much).subspan(1000)};
      const auto sent = co_await a.send_until(pieces, in(2ms));
      CHECK(error_of(sent) == std::errc::timed_out);
      const std::size_t accepted = a.bytes_accepted();
      CHECK(accepted > 0);
      CHECK(accepted < much.size());
      CHECK(error_of(co_await a.send("garbage")) == Errc::broken_stream);
      CHECK(error_of(co_await a.send_until("garbage", in(1s))) == Errc::broken_stream);
      const bool equal = co_await bytes_of(b, accepted) == much.substr(0, accepted);
      CHECK(equal);
    });
  }

  TEST_CASE("a send that timed out before its first byte has broken nothing") {
    auto [near, far] = memory_stream_pair(4);
    run_virtual([&]() -> Coro<> {
      CHECK((co_await near.send("full")).has_value());
      CHECK(error_of(co_await near.send_until("more", in(1s))) == std::errc::timed_out);
      CHECK(co_await bytes_of(far, 4) == "full");
      CHECK((co_await near.send("more")).has_value());
      CHECK(co_await bytes_of(far, 4) == "more");
    });
  }

  TEST_CASE("the deadline is one for all that is sent") {
    auto [near, far] = memory_stream_pair(10);
    run_virtual([&]() -> Coro<> {
      const TimePoint start = Loop::current().exact_now();
      Task<> reader = spawn([](Stream& from) -> Coro<> {  // ten bytes a second
        for (;;) {
          co_await sleep(1s);
          if (!co_await from.recv()) {
            co_return;
          }
        }
      }(far));
      const std::string hundred(100, 'x');
      CHECK((co_await near.send_until(hundred, start + 20s)).has_value());
      CHECK(Loop::current().exact_now() == start + 9s);
      const auto sent = co_await near.send_until(hundred, start + 12s + 500ms);
      CHECK(error_of(sent) == std::errc::timed_out);
      CHECK(Loop::current().exact_now() == start + 12s + 500ms);
      near.close();
      co_await reader;
    });
  }

  TEST_CASE("a send that TLS has accepted counts as sent, though its peer doesn't read") {
    run_virtual([]() -> Coro<> {
      const auto small = []() -> Coro<StreamPair> { co_return memory_pair({.capacity = 50}); };
      StreamPair pair = co_await tls_pair(small);
      Stream& client = *pair.far;
      const std::string text(100, 'x');
      const TimePoint deadline = in(1s);
      CHECK((co_await client.send_until(text, deadline)).has_value());
      CHECK(Loop::current().exact_now() == deadline);
      CHECK(error_of(co_await client.send_until(text, in(1s))) == std::errc::timed_out);
      Task<> reader = spawn([](Stream& from, std::string wanted) -> Coro<> {
        CHECK(co_await bytes_of(from, wanted.size()) == wanted);
      }(*pair.near, text + "!"));
      CHECK((co_await client.send("!")).has_value());  // nothing is broken
      co_await reader;
    });
  }

  TEST_CASE_TEMPLATE("a part of a file is sent under a deadline", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string text = pattern(16 << 20);
      const int file = ::memfd_create("simul-test", MFD_CLOEXEC);
      REQUIRE(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
      CHECK((co_await a.send_file_until(file, 3, 10, in(1h))).has_value());
      CHECK(co_await bytes_of(b, 10) == text.substr(3, 10));
      CHECK(no_timer());
      CHECK(error_of(co_await a.send_file_until(file, 0, text.size(), in(2ms))) ==
            std::errc::timed_out);
      CHECK(error_of(co_await a.send("garbage")) == Errc::broken_stream);
      const std::size_t accepted = a.bytes_accepted() - 10;
      const bool equal = co_await bytes_of(b, accepted) == text.substr(0, accepted);
      CHECK(equal);
      ::close(file);
    });
  }

  TEST_CASE("a task dump says how much time is left") {
    auto [near, far] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      Task<> reader =
          spawn([](Stream& from) -> Coro<> { (void)co_await from.recv_until(in(5s)); }(near));
      co_await settle();
      CHECK(AnyTask(reader).waits_for().starts_with(
          "recv, 5.000 s left at stream_deadline_test.cpp:"));
      co_await reader;
    });
  }
}
