#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <simul/send.hpp>

#include "stream_pairs.hpp"

using namespace simul;
using namespace simul::test;

TEST_SUITE("stream sends") {
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
      const bool equal = co_await everything_of(b) == expected;
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
        equal = co_await everything_of(s) == text && equal;
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
      const bool equal = co_await bytes_of(b, sent) == much.substr(0, sent);
      CHECK(equal);
      CHECK((co_await a.send("!")).has_value());  // nothing is broken
      CHECK(co_await bytes_of(b, 1) == "!");
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
          co_await bytes_of(b, a.bytes_accepted()) == much.substr(0, a.bytes_accepted());
      CHECK(equal);
      CHECK((co_await b.send("reading goes on")).has_value());
      a.shutdown();
      CHECK(co_await bytes_of(a, 15) == "reading goes on");
      CHECK(co_await everything_of(b) == "");
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
      (void)co_await bytes_of(b, full);
      CHECK((co_await a.send("z")).has_value());
      CHECK(co_await bytes_of(b, 1) == "z");
    });
  }
}

namespace {

/// A file with these bytes that nobody else can see.
class File {
 public:
  explicit File(const std::string& bytes) : fd_(::memfd_create("simul-test", MFD_CLOEXEC)) {
    REQUIRE(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(fd_); }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace

TEST_SUITE("stream sends a file") {
  TEST_CASE_TEMPLATE("a part of a file arrives, against a slow reader too", Kind, Unix, Tcp, Memory,
                     TinyMemory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const std::size_t size = std::is_same_v<Kind, TinyMemory> ? 60'000 : (5 << 20) + 17;
      const std::string all = pattern(size);
      const File file(all);
      Task<> sender = spawn([&]() -> Coro<> {
        CHECK((co_await a.send("head ")).has_value());
        CHECK((co_await a.send_file(file.fd(), 11, size - 22)).has_value());
        CHECK((co_await a.send_file(file.fd(), 0, 0)).has_value());
        CHECK((co_await a.send(" tail")).has_value());
        a.shutdown();
      });
      const bool equal = co_await everything_of(b) == "head " + all.substr(11, size - 22) + " tail";
      CHECK(equal);
      CHECK(a.bytes_accepted() == size - 22 + 10);
      CHECK(::lseek(file.fd(), 0, SEEK_CUR) == static_cast<off_t>(size));  // where it was
      co_await sender;
    });
  }

  TEST_CASE_TEMPLATE("a file that is too short is an error, and what was sent can't be taken back",
                     Kind, Unix, Tcp, Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const File file("0123456789");
      CHECK((co_await a.send_file(file.fd(), 10, 1)).error() == Errc::short_file);
      CHECK((co_await a.send("still fine ")).has_value());  // nothing was sent of it
      CHECK((co_await a.send_file(file.fd(), 5, 6)).error() == Errc::short_file);
      CHECK((co_await a.send("garbage")).error() == Errc::broken_stream);
      CHECK((co_await a.send_file(file.fd(), 0, 1)).error() == Errc::broken_stream);
      a.shutdown();
      CHECK(co_await everything_of(b) == "still fine 56789");
    });
  }

  TEST_CASE_TEMPLATE("what is wrong with the file is no fault of the stream", Kind, Unix, Tcp,
                     Memory) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      CHECK((co_await a.send_file(-1, 0, 1)).error() == std::errc::bad_file_descriptor);
      const int folder = ::open("/", O_RDONLY | O_CLOEXEC);
      CHECK((co_await a.send_file(folder, 0, 1)).error() == std::errc::is_a_directory);
      ::close(folder);
      std::array<int, 2> pipe{};
      REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
      CHECK((co_await a.send_file(pipe[0], 0, 1)).error() == std::errc::invalid_seek);
      ::close(pipe[0]);
      ::close(pipe[1]);
      CHECK((co_await a.send("fine")).has_value());
      CHECK(co_await bytes_of(b, 4) == "fine");
    });
  }

  TEST_CASE("files that the kernel can't send by itself are read: those of /proc") {
    with_pair<Tcp>([](auto& a, auto& b) -> Coro<> {
      const int file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
      CHECK((co_await a.send_file(file, 0, 5)).has_value());
      ::close(file);
      CHECK(co_await bytes_of(b, 5) == "Name:");
    });
  }

  TEST_CASE_TEMPLATE("a peer that is gone is an error, and no signal", Kind, Unix, Tcp) {
    with_pair<Kind>([](auto& a, auto& b) -> Coro<> {
      const File file(std::string(1 << 20, 'x'));
      b.close(Stream::CloseMode::abort);
      std::error_code error;
      for (int i = 0; i < 100 && !error; ++i) {
        auto sent = co_await a.send_file(file.fd(), 0, 1 << 20);
        error = sent ? std::error_code() : sent.error();
      }
      CHECK((error == std::errc::broken_pipe || error == std::errc::connection_reset));
    });
  }

  TEST_CASE("cancelled anywhere: what arrives is what the stream says it took, and no more") {
    const std::string all = pattern(40);
    const File file(all);
    for (const std::size_t capacity : {1u, 2u, 3u, 5u, 7u}) {
      CAPTURE(capacity);
      cancel_everywhere([&](Cut& cut) -> Coro<> {
        auto [a, b] = memory_stream_pair(capacity);
        Task<std::string> reader = spawn([&]() -> Coro<std::string> {
          std::string got;
          while (auto chunk = co_await b.recv()) {
            got += chunk->text();
          }
          co_return got;
        });
        auto victim = [&]() -> Coro<> {
          const auto sent = co_await a.send_file(file.fd(), 0, all.size());
          CHECK(sent.has_value());
        };
        const bool ended = co_await cut.run(victim);
        const std::size_t accepted = a.bytes_accepted();
        CHECK(ended == (accepted == all.size()));
        const auto after = co_await a.send("!");
        CHECK(after.has_value() == (ended || accepted == 0));
        a.shutdown();
        CHECK(co_await reader == all.substr(0, accepted) + (after ? "!" : ""));
      });
    }
  }
}
