// One suite for all kinds of stream: a contract, with the same words for each.
#include <simul/stream.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

struct Unix {
  static Coro<std::pair<SocketStream, SocketStream>> make() { co_return socket_pair(); }
};
struct Tcp {
  static Coro<std::pair<SocketStream, SocketStream>> make() {
    SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
    auto client = co_await connect(listener.local_endpoint());
    auto server = co_await listener.accept();
    co_return std::pair(std::move(*client), std::move(server->stream));
  }
};
struct Memory {
  static Coro<std::pair<MemoryStream, MemoryStream>> make() {
    co_return memory_stream_pair(1 << 16);
  }
};
struct TinyMemory {
  static Coro<std::pair<MemoryStream, MemoryStream>> make() { co_return memory_stream_pair(3); }
};

/// Everything up to the end of the stream, which must be a clean one.
Coro<std::string> read_all(Stream& stream) {
  std::string text;
  for (;;) {
    auto chunk = co_await stream.recv();
    if (!chunk) {
      CHECK(chunk.error() == Errc::end_of_stream);
      co_return text;
    }
    CHECK_FALSE(chunk->empty());
    text += chunk->text();
  }
}

Coro<std::string> read_exactly(Stream& stream, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    auto chunk = co_await stream.recv();
    REQUIRE(chunk.has_value());
    text += chunk->text();
  }
  co_return text;
}

/// Memory needs no real time; the kernel's sockets do, for it may deliver a little later.
template <typename Kind, typename Fn>
void with_pair(Fn fn) {
  VirtualClock clock;
  constexpr bool kVirtual = std::is_same_v<Kind, Memory> || std::is_same_v<Kind, TinyMemory>;
  Loop loop(kVirtual ? static_cast<Environment&>(clock) : Environment::real());
  loop.run_until_complete([](Fn& body) -> Coro<> {
    auto [a, b] = co_await Kind::make();
    co_await body(a, b);
  }(fn));
}

}  // namespace

TEST_SUITE("streams") {
  TEST_CASE_TEMPLATE("bytes arrive in order, in both directions", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<> answer = spawn([&]() -> Coro<> {
        const std::string question = co_await read_exactly(b, 8);
        CHECK(question == "question");
        CHECK((co_await b.send("answer")).has_value());
      });
      CHECK((co_await a.send("question")).has_value());
      CHECK(co_await read_exactly(a, 6) == "answer");
      co_await answer;
      CHECK(a.bytes_accepted() == 8);
      CHECK(a.bytes_received() == 6);
      CHECK(b.bytes_accepted() == 6);
    });
  }

  TEST_CASE_TEMPLATE("recv fills the caller's memory, never with nothing", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<> sender = spawn([&]() -> Coro<> { CHECK((co_await a.send("hello")).has_value()); });
      std::string text;
      std::array<std::byte, 2> buffer{};
      while (text.size() < 5) {
        auto count = co_await b.recv(buffer);
        REQUIRE(count.has_value());
        CHECK(*count > 0);
        text += as_text(Bytes(buffer).first(*count));
      }
      CHECK(text == "hello");
      co_await sender;
    });
  }

  TEST_CASE_TEMPLATE("the end of the stream comes after all bytes, and again", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("last words")).has_value());
      CHECK_FALSE(a.shutdown());
      CHECK(co_await read_all(b) == "last words");
      CHECK((co_await b.recv()).error() == Errc::end_of_stream);
      std::array<std::byte, 8> buffer{};
      CHECK((co_await b.recv(buffer)).error() == Errc::end_of_stream);
    });
  }

  TEST_CASE_TEMPLATE("a half-close leaves the other direction open", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      a.shutdown();
      CHECK(co_await read_all(b) == "");
      CHECK((co_await b.send("still")).has_value());
      b.shutdown();
      CHECK(co_await read_all(a) == "still");
      auto sent = co_await a.send("no");
      REQUIRE_FALSE(sent.has_value());
      CHECK(sent.error() == std::errc::broken_pipe);
    });
  }

  TEST_CASE_TEMPLATE("a close of the peer ends the stream", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<std::string> reader =
          spawn([&]() -> Coro<std::string> { co_return co_await read_all(b); });
      co_await settle();
      CHECK((co_await a.send("bye")).has_value());
      a.close();
      a.close();  // harmless
      CHECK(co_await reader == "bye");
    });
  }

  TEST_CASE_TEMPLATE("an abort is a reset for the peer, and no clean end", Kind, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<> reader = spawn([&]() -> Coro<> {
        auto chunk = co_await b.recv();
        REQUIRE_FALSE(chunk.has_value());
        CHECK(chunk.error() == std::errc::connection_reset);
        auto sent = co_await b.send("x");
        REQUIRE_FALSE(sent.has_value());
        CHECK(sent.error() == std::errc::connection_reset);
        CHECK((co_await b.recv()).error() == std::errc::connection_reset);
        CHECK(co_await b.closed() == std::errc::connection_reset);
      });
      co_await settle();
      a.close(Stream::CloseMode::abort);
      co_await reader;
    });
  }

  TEST_CASE_TEMPLATE("close wakes reader, writer and closed() of its own side with Errc::closed",
                     Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      (void)b;
      const std::string much(16 << 20, 'x');
      int woken = 0;
      Task<> reader = spawn([&]() -> Coro<> {
        CHECK((co_await a.recv()).error() == Errc::closed);
        ++woken;
      });
      Task<> writer = spawn([&]() -> Coro<> {
        CHECK((co_await a.send(much)).error() == Errc::closed);
        ++woken;
      });
      Task<> watcher = spawn([&]() -> Coro<> {
        CHECK(co_await a.closed() == Errc::closed);
        ++woken;
      });
      co_await settle(20);
      CHECK(woken == 0);
      a.close();
      co_await reader;
      co_await writer;
      co_await watcher;
      CHECK(woken == 3);
    });
  }

  TEST_CASE_TEMPLATE("after a close everything says closed, whatever came before", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.recv(); }));
      CHECK((co_await b.send("x")).has_value());
      CHECK((co_await a.recv())->text() == "x");  // all there was: the next attempt could be spared
      a.close();
      CHECK((co_await a.recv()).error() == Errc::closed);
      CHECK((co_await a.send("x")).error() == Errc::closed);
      CHECK((co_await a.send_some(as_bytes("x"))).error() == Errc::closed);
      CHECK(co_await a.closed() == Errc::closed);
      CHECK(a.shutdown() == Errc::closed);
    });
  }

  TEST_CASE_TEMPLATE("unread gives bytes back: the next recv returns them first", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("line\nrest")).has_value());
      auto chunk = co_await b.recv();
      REQUIRE(chunk.has_value());
      CHECK(chunk->text() == "line\nrest");
      chunk->consume(5);
      b.unread(std::move(*chunk));
      CHECK((co_await a.send(" more")).has_value());
      std::array<std::byte, 2> buffer{};
      auto count = co_await b.recv(buffer);
      CHECK(as_text(Bytes(buffer).first(*count)) == "re");
      CHECK((co_await b.recv())->text() == "st");
      CHECK(co_await read_exactly(b, 5) == " more");
    });
  }

  TEST_CASE_TEMPLATE("only one piece can be given back at a time", Kind, Unix, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("ab")).has_value());
      auto first = co_await b.recv();
      Chunk second = Chunk::lease();
      second.space()[0] = std::byte{'x'};
      second.commit(1);
      b.unread(std::move(*first));
      CHECK_THROWS_AS(b.unread(std::move(second)), std::logic_error);
      b.unread(Chunk());  // nothing is always welcome
      CHECK((co_await b.recv())->text() == "ab");
    });
  }

  TEST_CASE_TEMPLATE("a stream that moves takes along what was given back, counted and cut off",
                     Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send("abc")).has_value());
      auto chunk = co_await b.recv();
      b.unread(std::move(*chunk));
      auto moved = std::move(b);
      CHECK((co_await moved.recv())->text() == "abc");
      CHECK(moved.bytes_received() == 3);
      const std::string much(16 << 20, 'x');
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.send(much); }));
      const std::uint64_t accepted = a.bytes_accepted();
      CHECK(accepted > 3);
      auto cut = std::move(a);
      CHECK(cut.bytes_accepted() == accepted);
      CHECK((co_await cut.send("x")).error() == Errc::broken_stream);
    });
  }

  TEST_CASE_TEMPLATE("pieces are sent in order, empty ones among them", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      std::vector<std::string> texts;
      std::vector<Bytes> pieces;
      std::string expected;
      for (int i = 0; i < 200; ++i) {  // more than one sendmsg takes
        texts.push_back(
            i % 7 == 0 ? ""
                       : std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
        expected += texts.back();
      }
      for (const std::string& text : texts) {
        pieces.push_back(as_bytes(text));
      }
      Task<> sender = spawn([&]() -> Coro<> {
        CHECK((co_await a.send(std::span<const Bytes>(pieces))).has_value());
        a.shutdown();
      });
      const bool equal = co_await read_all(b) == expected;
      CHECK(equal);
      co_await sender;
      CHECK(a.bytes_accepted() == expected.size());
    });
  }

  TEST_CASE_TEMPLATE("sending nothing is done at once", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto&) -> Coro<> {
      CHECK((co_await a.send("")).has_value());
      CHECK((co_await a.send(std::span<const Bytes>())).has_value());
      const std::array<Bytes, 2> empty{};
      CHECK((co_await a.send(std::span<const Bytes>(empty))).has_value());
      CHECK(co_await a.send_some({}) == 0u);
      CHECK(a.bytes_accepted() == 0);
    });
  }

  TEST_CASE_TEMPLATE("megabytes go through partial sends against a slow reader", Kind, Unix, Tcp,
                     Memory, TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::size_t size = std::is_same_v<Kind, TinyMemory> ? 100'000 : (5 << 20) + 17;
      const std::string much = pattern(size);
      Task<> sender = spawn([&]() -> Coro<> {
        CHECK((co_await a.send(much)).has_value());
        a.shutdown();
      });
      std::string got;
      std::array<std::byte, 10'007> buffer{};
      for (int turn = 0;; ++turn) {
        if (turn % 10 == 0) {
          co_await yield_now();
        }
        auto count = co_await b.recv(buffer);
        if (!count) {
          CHECK(count.error() == Errc::end_of_stream);
          break;
        }
        got += as_text(Bytes(buffer).first(*count));
      }
      const bool equal = got == much;
      CHECK(equal);
      CHECK(a.bytes_accepted() == size);
      co_await sender;
    });
  }

  TEST_CASE_TEMPLATE("both directions at once, megabytes each", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string left = pattern(2 << 20);
      const std::string right = pattern(2 << 20, 5);
      bool equal = true;
      auto send_it = [](Stream& s, const std::string& text) -> Coro<> {
        CHECK((co_await s.send(text)).has_value());
        s.shutdown();
      };
      auto expect = [&](Stream& s, const std::string& text) -> Coro<> {
        equal = co_await read_all(s) == text && equal;
      };
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        group.spawn(send_it(a, left));
        group.spawn(send_it(b, right));
        group.spawn(expect(a, right));
        group.spawn(expect(b, left));
        co_return;
      });
      CHECK(equal);
    });
  }

  TEST_CASE_TEMPLATE(
      "send_some sends at least a byte, says how many, and blocks when there is no room", Kind,
      Unix, Tcp, Memory, TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string much = pattern(16 << 20);
      std::size_t sent = 0;
      while (sent < much.size()) {
        const auto count = co_await move_on_after(1ms, [&]() -> Coro<std::size_t> {
          auto some = co_await a.send_some(as_bytes(much).subspan(sent));
          REQUIRE(some.has_value());
          CHECK(*some > 0);
          co_return *some;
        });
        if (!count) {
          break;  // it was full, and this one is cancel-safe
        }
        sent += *count;
      }
      CHECK(sent == a.bytes_accepted());
      const bool equal = co_await read_exactly(b, sent) == much.substr(0, sent);
      CHECK(equal);
      CHECK((co_await a.send("!")).has_value());  // nothing is broken
      CHECK(co_await read_exactly(b, 1) == "!");
    });
  }

  TEST_CASE_TEMPLATE(
      "a send that is cut off poisons the stream, and the stream knows how far it came", Kind, Unix,
      Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string much = pattern(16 << 20);
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.send(much); }));
      CHECK(a.bytes_accepted() > 0);
      CHECK(a.bytes_accepted() < much.size());
      CHECK((co_await a.send("garbage")).error() == Errc::broken_stream);
      CHECK((co_await a.send_some(as_bytes("garbage"))).error() == Errc::broken_stream);
      const bool equal =
          co_await read_exactly(b, a.bytes_accepted()) == much.substr(0, a.bytes_accepted());
      CHECK(equal);
      CHECK((co_await b.send("reading goes on")).has_value());
      a.shutdown();
      CHECK(co_await read_exactly(a, 15) == "reading goes on");
      CHECK(co_await read_all(b) == "");
    });
  }

  TEST_CASE_TEMPLATE("a send that is cancelled before a byte was accepted poisons nothing", Kind,
                     Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string much(1 << 20, 'x');
      while (co_await move_on_after(
          1ms, [&]() -> Coro<> { (void)co_await a.send_some(as_bytes(much)); })) {
      }
      const std::uint64_t full = a.bytes_accepted();
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await a.send("y"); }));
      CHECK(a.bytes_accepted() == full);
      (void)co_await read_exactly(b, full);
      CHECK((co_await a.send("z")).has_value());
      CHECK(co_await read_exactly(b, 1) == "z");
    });
  }

  TEST_CASE_TEMPLATE("a cancelled recv loses nothing", Kind, Unix, Tcp, Memory, TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string all = pattern(5'000);
      std::string got;
      std::size_t sent = 0;
      for (int round = 0; got.size() < all.size(); ++round) {
        Task<> reader = spawn([&]() -> Coro<> {
          for (;;) {
            auto chunk = co_await b.recv();
            REQUIRE(chunk.has_value());
            got += chunk->text();
          }
        });
        for (int i = 0; i < round % 4; ++i) {
          co_await yield_now();
        }
        const std::size_t count =
            std::min<std::size_t>(1 + static_cast<std::size_t>(round) % 97, all.size() - sent);
        if (count > 0) {
          auto some = co_await move_on_after(1ms, [&]() -> Coro<std::size_t> {
            auto moved = co_await a.send_some(as_bytes(all).subspan(sent, count));
            co_return moved.value();
          });
          sent += some.value_or(0);
        }
        for (int i = 0; i < round % 3; ++i) {
          co_await yield_now();
        }
        reader.cancel();
        CHECK_THROWS_AS(co_await reader, TaskCancelled);
      }
      CHECK(got == all);
    });
  }

  TEST_CASE_TEMPLATE("two readers, or two writers, are an error and no race", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<std::string> first =
          spawn([&]() -> Coro<std::string> { co_return co_await read_exactly(a, 1); });
      co_await settle();
      CHECK_THROWS_AS((void)co_await a.recv(), std::logic_error);
      std::array<std::byte, 1> buffer{};
      CHECK_THROWS_AS((void)co_await a.recv(buffer), std::logic_error);
      CHECK((co_await b.send("x")).has_value());
      CHECK(co_await first == "x");

      const std::string much(16 << 20, 'x');
      Task<> writer = spawn([&]() -> Coro<> { (void)co_await a.send(much); });
      co_await settle(20);
      CHECK_FALSE(writer.done());
      CHECK_THROWS_AS((void)co_await a.send("y"), std::logic_error);
      CHECK_THROWS_AS((void)co_await a.send_some(as_bytes("y")), std::logic_error);
      writer.cancel();
      CHECK_THROWS_AS(co_await writer, TaskCancelled);
      // After both have gone the stream is free for the next.
      Task<std::string> next =
          spawn([&]() -> Coro<std::string> { co_return co_await read_exactly(a, 1); });
      co_await settle();
      CHECK((co_await b.send("z")).has_value());
      CHECK(co_await next == "z");
    });
  }

  TEST_CASE_TEMPLATE("closed() waits for the end of both directions", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      Task<std::error_code> gone =
          spawn([&]() -> Coro<std::error_code> { co_return co_await b.closed(); });
      co_await settle();
      CHECK((co_await a.send("not read")).has_value());
      a.shutdown();
      co_await settle(20);
      CHECK_FALSE(gone.done());
      b.shutdown();
      CHECK(co_await gone == Errc::end_of_stream);
      CHECK(co_await read_all(b) == "not read");
    });
  }

  TEST_CASE_TEMPLATE("closed() can be cancelled and awaited again", Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await b.closed(); }));
      }
      a.shutdown();
      CHECK_FALSE(co_await move_on_after(1ms, [&]() -> Coro<> { (void)co_await b.closed(); }));
      b.shutdown();
      CHECK(co_await b.closed() == Errc::end_of_stream);
    });
  }
}

TEST_SUITE("budget") {
  TEST_CASE_TEMPLATE(
      "a greedy reader lets others have their turn, after 128 attempts at the latest", Kind, Unix,
      Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::string bytes(2000, 'x');
      CHECK((co_await a.send(bytes)).has_value());
      co_await yield_now();  // a new step, a new budget
      int reads = 0;
      std::vector<int> seen;
      Task<> greedy = spawn([&]() -> Coro<> {
        std::array<std::byte, 1> byte{};
        while (reads < 2000) {
          CHECK((co_await b.recv(byte)).has_value());
          ++reads;
        }
      });
      Task<> other = spawn([&]() -> Coro<> {
        while (reads < 2000) {
          seen.push_back(reads);
          co_await yield_now();
        }
      });
      co_await greedy;
      co_await other;
      REQUIRE(seen.size() >= 15);
      CHECK(seen[0] == 128);
      CHECK(seen[1] == 256);
      CHECK(reads == 2000);  // and a yield held no result
    });
  }

  TEST_CASE("a step moves a mebibyte and little more") {
    auto [a, b] = memory_stream_pair(64 << 20);
    run_virtual([&]() -> Coro<> {
      const std::string much(8 << 20, 'x');
      Task<> sender = spawn([&]() -> Coro<> { CHECK((co_await a.send(much)).has_value()); });
      co_await sender;
      co_await yield_now();
      std::size_t got = 0;
      std::vector<std::size_t> seen;
      Task<> reader = spawn([&]() -> Coro<> {
        while (got < much.size()) {
          auto chunk = co_await b.recv();
          got += chunk->size();
        }
      });
      Task<> other = spawn([&]() -> Coro<> {
        while (got < much.size()) {
          seen.push_back(got);
          co_await yield_now();
        }
      });
      co_await reader;
      co_await other;
      REQUIRE(seen.size() >= 7);
      CHECK(seen[0] >= 1 << 20);  // looked at before each attempt, so at most one chunk more
      CHECK(seen[0] < (1 << 20) + Chunk::kCapacity);
      CHECK(seen[1] - seen[0] >= 1 << 20);
      CHECK(seen[1] - seen[0] < (1 << 20) + Chunk::kCapacity);
    });
  }

  TEST_CASE(
      "a send in small portions yields as well, and is cancelled at a yield without a lost count") {
    auto [a, b] = memory_stream_pair(1);
    run_virtual([&]() -> Coro<> {
      const std::string text = pattern(1000);
      Task<> sender = spawn([&]() -> Coro<> { (void)co_await a.send(text); });
      std::string got;
      for (int i = 0; i < 300; ++i) {
        auto chunk = co_await b.recv();
        got += chunk->text();
      }
      sender.cancel();
      CHECK_THROWS_AS(co_await sender, TaskCancelled);
      a.shutdown();
      got += co_await read_all(b);
      CHECK(got.size() == a.bytes_accepted());
      CHECK(got == text.substr(0, got.size()));
    });
  }

  TEST_CASE("a yield for the budget never holds a result: a cancellation then loses no byte") {
    auto [a, b] = memory_stream_pair(1 << 16);
    run_virtual([&]() -> Coro<> {
      const std::string text = pattern(1000);
      CHECK((co_await a.send(text)).has_value());
      std::string got;
      Task<> reader = spawn([&]() -> Coro<> {
        std::array<std::byte, 1> byte{};
        for (;;) {
          auto count = co_await b.recv(byte);
          got += as_text(Bytes(byte).first(*count));
        }
      });
      co_await yield_now();
      CHECK(got.size() == 128);
      reader.cancel();
      CHECK_THROWS_AS(co_await reader, TaskCancelled);
      a.shutdown();
      got += co_await read_all(b);
      CHECK(got == text);
    });
  }
}

TEST_SUITE("memory stream") {
  TEST_CASE("it holds its capacity and not a byte more") {
    auto [a, b] = memory_stream_pair(10);
    run_virtual([&]() -> Coro<> {
      CHECK(co_await a.send_some(as_bytes("0123456789abc")) == 10u);
      CHECK(b.pending() == 10);
      CHECK_FALSE(co_await move_on_after(1s, [&]() -> Coro<> { (void)co_await a.send("x"); }));
      CHECK((co_await b.recv())->text() == "0123456789");
    });
  }

  TEST_CASE("it counts attempts and waits") {
    auto [a, b] = memory_stream_pair(10);
    run_virtual([&]() -> Coro<> {
      Task<> reader = spawn([&]() -> Coro<> { (void)co_await b.recv(); });
      co_await settle();
      CHECK(b.counts().recv == 1);
      CHECK(b.counts().waits == 1);
      (void)co_await a.send("x");
      co_await reader;
      CHECK(b.counts().recv == 2);
      CHECK(a.counts().send == 1);
    });
  }

  TEST_CASE("an abort overtakes what is on its way") {
    auto [a, b] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      (void)co_await a.send("lost");
      a.close(Stream::CloseMode::abort);
      CHECK((co_await b.recv()).error() == std::errc::connection_reset);
    });
  }

  TEST_CASE("a send to a closed end fails at once, and that is the reader's end as well") {
    auto [a, b] = memory_stream_pair();
    run_virtual([&]() -> Coro<> {
      (void)co_await a.send("before");
      a.close();
      CHECK((co_await b.send("x")).error() == std::errc::broken_pipe);
      CHECK((co_await b.recv())->text() == "before");
      CHECK((co_await b.recv()).error() == std::errc::broken_pipe);
    });
  }
}
