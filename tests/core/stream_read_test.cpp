// Reads of whole units: what can't be given whole stays in the stream.
#include <array>
#include <ctime>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/connection.hpp>
#include <simul/receive.hpp>

#include "stream_pairs.hpp"

using namespace simul;
using namespace simul::test;

namespace {

constexpr std::array<std::size_t, 8> kCapacities{1, 2, 3, 4, 5, 6, 7, 1000};

/// Runs `body(near, far)` on memory streams of each capacity; `near` has been sent `text`, and its end.
template <typename Fn>
void with_text(const std::string& text, Fn body) {
  for (const std::size_t capacity : kCapacities) {
    CAPTURE(capacity);
    run_virtual([&]() -> Coro<> {
      auto [near, far] = memory_stream_pair(capacity);
      auto write = [&]() -> Coro<> {
        (void)co_await far.send(text);
        far.shutdown();
      };
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(write);
        co_await body(near);
        near.close();
      });
    });
  }
}

/// What is left in it, up to a clean end.
Coro<std::string> rest_of(Stream& stream) { co_return co_await everything_of(stream); }

/// What read_until_any promises, said in the simplest way: the shortest beginning of `text` that ends
/// with a separator.
std::optional<std::string> first_part(const std::string& text,
                                      std::span<const std::string_view> separators) {
  for (std::size_t size = 1; size <= text.size(); ++size) {
    for (const std::string_view separator : separators) {
      if (std::string_view(text).substr(0, size).ends_with(separator)) {
        return text.substr(0, size);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_SUITE("stream reads") {
  TEST_CASE_TEMPLATE("read_exactly waits for all of its bytes", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string all = pattern(50'000);
      Task<> sender = spawn([&]() -> Coro<> { (void)co_await a.send(all); });
      std::string got;
      for (const std::size_t size : {1u, 7u, 0u, 40'000u, 9'992u}) {
        std::vector<std::byte> buffer(size);
        CHECK((co_await b.read_exactly(buffer)).has_value());
        got += as_text(buffer);
      }
      const bool equal = got == all;
      CHECK(equal);
      CHECK(b.bytes_received() == all.size());
      co_await sender;
    });
  }

  TEST_CASE("read_exactly: an end before the first byte is the end, a later one is incomplete") {
    with_text("abcde", [](Stream& near) -> Coro<> {
      std::array<std::byte, 3> buffer{};
      CHECK((co_await near.read_exactly(buffer)).has_value());
      CHECK((co_await near.read_exactly(buffer)).error() == Errc::incomplete_read);
      CHECK((co_await near.read_exactly(buffer)).error() == Errc::incomplete_read);
      CHECK((co_await near.read_exactly(std::span(buffer).first(1))).has_value());
      CHECK(as_text(std::span(buffer).first(1)) == "d");
      CHECK(co_await rest_of(near) == "e");
      CHECK((co_await near.read_exactly(buffer)).error() == Errc::end_of_stream);
    });
  }

  TEST_CASE("read_exactly of nothing is done at once") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      CHECK((co_await near.read_exactly({})).has_value());
      (void)co_await far.send("x");
      (void)co_await near.recv();  // drained: the next attempt would be spared
      CHECK((co_await near.read_exactly({})).has_value());
    });
  }

  TEST_CASE_TEMPLATE("a recv into nothing is an error, and no end of the stream", Kind, Unix,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK_THROWS_AS((void)co_await a.recv(MutableBytes()), std::logic_error);
      CHECK((co_await b.send("x")).has_value());
      CHECK((co_await a.recv()).has_value());
    });
  }

  TEST_CASE("lines come without their ends, however the bytes are split") {
    with_text("one\ntwo\r\n\n\r\na\rb\r\r\nlast", [](Stream& near) -> Coro<> {
      for (const std::string_view expected : {"one", "two", "", "", "a\rb\r"}) {
        const auto line = co_await near.read_line();
        REQUIRE(line.has_value());
        CHECK(*line == expected);
      }
      CHECK((co_await near.read_line()).error() == Errc::incomplete_read);
      CHECK(co_await rest_of(near) == "last");
      CHECK((co_await near.read_line()).error() == Errc::end_of_stream);
    });
  }

  TEST_CASE("the limit is of the text, not of its separator, however the bytes are split") {
    with_text("12345\n12345\r\n123456\n", [](Stream& near) -> Coro<> {
      CHECK(co_await near.read_line(5) == "12345");
      CHECK(co_await near.read_line(5) == "12345");
      CHECK((co_await near.read_line(5)).error() == Errc::limit_overrun);
      CHECK((co_await near.read_line(5)).error() == Errc::limit_overrun);
      CHECK(co_await near.read_line(6) == "123456");
      CHECK((co_await near.read_line(0)).error() == Errc::end_of_stream);
    });
    with_text("12345\r", [](Stream& near) -> Coro<> {
      CHECK((co_await near.read_line(5)).error() == Errc::incomplete_read);  // "\n" could have come
      CHECK((co_await near.read_line(4)).error() == Errc::limit_overrun);
      CHECK((co_await near.read_until("\r", 5)) == "12345\r");
    });
  }

  TEST_CASE("a line that never ends is refused when it is over the limit, and kept") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      const std::string much = pattern(50'000);
      (void)co_await far.send(much);
      CHECK((co_await near.read_until("there is no such thing", 1000)).error() ==
            Errc::limit_overrun);
      CHECK((co_await near.read_until("there is no such thing", 30'000)).error() ==
            Errc::limit_overrun);
      std::vector<std::byte> all(much.size());
      CHECK((co_await near.read_exactly(all)).has_value());
      const bool equal = as_text(all) == much;
      CHECK(equal);
    });
  }

  TEST_CASE("read_until includes its separator, which may be split, or begin twice") {
    with_text("abcabcabd|head\r\n\r\n\r\n\r\nbody", [](Stream& near) -> Coro<> {
      CHECK(co_await near.read_until("abcabd") == "abcabcabd");
      CHECK(co_await near.read_until("\r\n\r\n") == "|head\r\n\r\n");
      CHECK(co_await near.read_until("\r\n\r\n") == "\r\n\r\n");
      CHECK((co_await near.read_until("\r\n\r\n")).error() == Errc::incomplete_read);
      CHECK(co_await rest_of(near) == "body");
    });
  }

  TEST_CASE("of several separators the first that is complete ends the read") {
    static constexpr std::array<std::string_view, 2> kLongFirst{"\r\n", "\n"};
    static constexpr std::array<std::string_view, 3> kNested{"b", "abc", "cd"};
    with_text("x\r\nyy\nz", [](Stream& near) -> Coro<> {
      CHECK(co_await near.read_until_any(kLongFirst) == "x\r\n");
      CHECK(co_await near.read_until_any(kLongFirst, 2) == "yy\n");
    });
    with_text("xabcd", [](Stream& near) -> Coro<> {
      CHECK(co_await near.read_until_any(kNested) == "xab");
      CHECK(co_await near.read_until_any(kNested) == "cd");
    });
    with_text("12345\r\n", [](Stream& near) -> Coro<> {
      CHECK(co_await near.read_until_any(kLongFirst, 5) == "12345\r\n");  // the longer one counts
    });
  }

  TEST_CASE("separators of all sorts: the result is that of the simplest search") {
    static constexpr std::array<std::array<std::string_view, 3>, 5> kSets{{
        {"ab", "ba", "aaa"},
        {"b", "bb", "abab"},
        {"aabb", "bbaa", "ababab"},
        {"bbbb", "aaaa", "abba"},
        {"ba", "aba", "babb"},
    }};
    unsigned random = 12345;
    for (int round = 0; round < 30; ++round) {
      std::string text;
      for (int i = 0; i < 40; ++i) {
        random = random * 1103515245 + 12345;
        text += (random >> 16) % 3 == 0 ? 'b' : 'a';
      }
      for (const auto& separators : kSets) {
        with_text(text, [&](Stream& near) -> Coro<> {
          std::string left = text;
          while (const auto expected = first_part(left, separators)) {
            const auto got = co_await near.read_until_any(separators);
            REQUIRE(got.has_value());
            CHECK(*got == *expected);
            left.erase(0, expected->size());
          }
          CHECK((co_await near.read_until_any(separators)).error() ==
                (left.empty() ? Errc::end_of_stream : Errc::incomplete_read));
          CHECK(co_await rest_of(near) == left);
        });
      }
    }
  }

  TEST_CASE("read_all reads up to the end, which is no error") {
    with_text("to the end", [](Stream& near) -> Coro<> {
      CHECK((co_await near.read_all(9)).error() == Errc::limit_overrun);
      CHECK(co_await near.read_all(10) == "to the end");
      CHECK(co_await near.read_all(10) == "");
    });
  }

  TEST_CASE("a separator is needed, and must not be empty") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      static constexpr std::array<std::string_view, 2> kOneEmpty{"a", ""};
      CHECK_THROWS_AS((void)near.read_until(""), std::invalid_argument);
      CHECK_THROWS_AS((void)near.read_until_any({}), std::invalid_argument);
      CHECK_THROWS_AS((void)near.read_until_any(kOneEmpty), std::invalid_argument);
      co_return;
    });
  }

  TEST_CASE("a long read in small portions takes time for its length, not for its square") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair(3);
      const std::string line = std::string(600'000, 'x') + "y";
      Task<> writer = spawn([&]() -> Coro<> { (void)co_await far.send(line); });
      const std::clock_t start = std::clock();
      const auto got = co_await near.read_until("xxxxxxxy", line.size());
      const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      const bool equal = got == line;
      CHECK(equal);
      CHECK(seconds < 15);  // one, even under a sanitizer; minutes, if it began anew each time
      co_await writer;
    });
  }

  TEST_CASE("a line in two parts costs two receives: what was drained isn't tried") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send("two ");
      Task<> reader = spawn([&]() -> Coro<> { CHECK(co_await near.read_line() == "two parts"); });
      co_await settle();
      (void)co_await far.send("parts\n");
      co_await reader;
      CHECK(near.counts().recv == 2);
    });
  }

  TEST_CASE_TEMPLATE("a reset in the middle of a line is a reset, and what had come is there", Kind,
                     Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      (void)co_await a.send("half a li");
      Task<> reader = spawn([&]() -> Coro<> {
        CHECK((co_await b.read_line()).error() == std::errc::connection_reset);
      });
      while (b.bytes_received() < 9) {
        co_await yield_now();
      }
      a.close(Stream::CloseMode::abort);
      co_await reader;
      std::array<std::byte, 10> ten{};
      CHECK((co_await b.read_exactly(ten)).error() == std::errc::connection_reset);
      CHECK((co_await b.recv())->text() == "half a li");
      CHECK((co_await b.recv()).error() == std::errc::connection_reset);
    });
  }

  TEST_CASE("a close on this side wakes who reads a line, and keeps what had come") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send("half");
      Task<> reader =
          spawn([&]() -> Coro<> { CHECK((co_await near.read_line()).error() == Errc::closed); });
      co_await settle();
      near.close();
      co_await reader;
      CHECK((co_await near.recv())->text() == "half");
      CHECK((co_await near.recv()).error() == Errc::closed);
    });
  }

  TEST_CASE("one who reads a line is a reader: a second one is an error") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      Task<> reader = spawn([&]() -> Coro<> { CHECK(co_await near.read_line() == "x"); });
      co_await settle();
      std::array<std::byte, 1> one{};
      CHECK_THROWS_AS((void)co_await near.read_line(), std::logic_error);
      CHECK_THROWS_AS((void)co_await near.read_exactly(one), std::logic_error);
      (void)co_await far.send("x\n");
      co_await reader;
    });
  }

  TEST_CASE("many lines in one receive cost no further system call") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      (void)co_await far.send("a\nb\nc\nd\n");
      for (const std::string_view expected : {"a", "b", "c", "d"}) {
        CHECK(co_await near.read_line() == expected);
      }
      CHECK(near.counts().recv == 1);
    });
  }

  TEST_CASE("a connection has them too") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair();
      Connection peer(near, Endpoint(), 1);
      static constexpr std::array<std::string_view, 2> kEnds{".", "!"};
      (void)co_await far.send("line\nxyuntil;any!all");
      far.shutdown();
      std::array<std::byte, 2> two{};
      CHECK(co_await peer.read_line() == "line");
      CHECK((co_await peer.read_exactly(two)).has_value());
      CHECK(as_text(two) == "xy");
      CHECK(co_await peer.read_until(";") == "until;");
      CHECK(co_await peer.read_until_any(kEnds) == "any!");
      CHECK(co_await peer.read_all(100) == "all");
    });
  }
}

TEST_SUITE("stream reads, cancelled") {
  /// Cuts `read`, which appends what it was given to `got`, everywhere: with the rest of the stream
  /// that must be all that was sent.
  template <typename Read>
  void check_conservation(const std::string& all, Read read) {
    for (const std::size_t capacity : kCapacities) {
      CAPTURE(capacity);
      const std::size_t rounds = cancel_everywhere([&](Cut& cut) -> Coro<> {
        CAPTURE(cut.round());
        auto [near, far] = memory_stream_pair(capacity);
        Task<> writer = spawn([&]() -> Coro<> {
          (void)co_await far.send(all);
          far.shutdown();
        });
        std::string got;
        auto victim = [&]() -> Coro<> { co_await read(near, got); };
        co_await cut.run(victim);
        got += co_await rest_of(near);
        CHECK(got == all);
        co_await writer;
        CHECK(near.bytes_received() == all.size());
      });
      CHECK(rounds > (capacity < 10 ? 5 : 1));
    }
  }

  TEST_CASE("read_exactly loses nothing") {
    check_conservation(pattern(29), [](Stream& near, std::string& got) -> Coro<> {
      std::array<std::byte, 10> ten{};
      while ((co_await near.read_exactly(ten)).has_value()) {
        got += as_text(ten);
      }
    });
  }

  TEST_CASE("read_line loses nothing") {
    check_conservation("a\n\nlonger\nlongest line\ntail",
                       [](Stream& near, std::string& got) -> Coro<> {
                         while (const auto line = co_await near.read_line()) {
                           got += *line + "\n";
                         }
                       });
  }

  TEST_CASE("read_until_any loses nothing, at its limit neither") {
    static constexpr std::array<std::string_view, 3> kSeparators{"\r\n", ";", "--end--"};
    check_conservation("a;bc\r\nd\re--end;--end--toolongalas",
                       [](Stream& near, std::string& got) -> Coro<> {
                         while (const auto part = co_await near.read_until_any(kSeparators, 8)) {
                           got += *part;
                         }
                       });
  }

  TEST_CASE("read_all loses nothing") {
    check_conservation(pattern(40), [](Stream& near, std::string& got) -> Coro<> {
      const auto all = co_await near.read_all(1000);
      got += *all;
    });
  }

  TEST_CASE("what fills several chunks is given back in order") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair(1 << 20);
      const std::string much = pattern(5 * Chunk::kCapacity + 123);
      std::string wanted = much;
      std::erase(wanted, '\n');
      (void)co_await far.send(wanted);
      for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(co_await move_on_after(
            1s, [&]() -> Coro<> { (void)co_await near.read_line(1 << 20); }));
        std::vector<std::byte> buffer(2 << 20);
        CHECK_FALSE(co_await move_on_after(
            1s, [&]() -> Coro<> { (void)co_await near.read_exactly(buffer); }));
      }
      (void)co_await far.send("\n");
      const bool equal = co_await near.read_line(1 << 20) == wanted;
      CHECK(equal);
    });
  }
}
