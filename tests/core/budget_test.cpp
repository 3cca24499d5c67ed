// What one step of a task may do before it lets the others run.
#include <array>
#include <string>
#include <vector>

#include <simul/stream.hpp>

#include "stream_pairs.hpp"

using namespace simul;
using namespace simul::test;

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
      got += co_await everything_of(b);
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
      got += co_await everything_of(b);
      CHECK(got == text);
    });
  }
}
