// Memory streams on a bad day and in lockstep, and streams that cross wants.
#include <simul/testing/chaos.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <simul/testing/crossing_stream.hpp>

#include "../harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

/// Sizes and times of all that a reader gets of 2,000 bytes, and how it ends.
std::string story(const Chaos& chaos) {
  return run_virtual([&]() -> Coro<std::string> {
    auto [near, far] = memory_stream_pair({.capacity = 100, .chaos = chaos});
    const TimePoint start = Loop::current().exact_now();
    auto send = [](MemoryStream stream) -> Coro<> { (void)co_await stream.send(pattern(2'000)); };
    Task<> sender = spawn(send, std::move(near));
    std::string text;
    std::string got;
    for (;;) {
      auto chunk = co_await far.recv();
      const auto time = Loop::current().exact_now() - start;
      if (!chunk) {
        text += chunk.error().message();
        break;
      }
      got += chunk->text();
      text += std::to_string(chunk->size()) + "@" + std::to_string(time.count()) + " ";
    }
    CHECK(got == pattern(2'000).substr(0, got.size()));
    co_await sender;
    co_return text;
  });
}

std::pair<std::unique_ptr<CrossingStream>, std::unique_ptr<CrossingStream>> crossing_pair(
    const MemoryStreamOptions& options) {
  auto [a, b] = memory_stream_pair(options);
  return {std::make_unique<CrossingStream>(std::make_unique<MemoryStream>(std::move(a))),
          std::make_unique<CrossingStream>(std::make_unique<MemoryStream>(std::move(b)))};
}

}  // namespace

TEST_SUITE("chaos") {
  TEST_CASE("the same seed tells the same story, another one another") {
    std::vector<std::string> stories;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      stories.push_back(story({.seed = seed}));
      CHECK(story({.seed = seed}) == stories.back());
      CHECK(stories.back().ends_with("end of stream"));
    }
    std::ranges::sort(stories);
    CHECK(std::ranges::adjacent_find(stories) == stories.end());
  }

  TEST_CASE("each kind of trouble can be had alone, or not at all") {
    const Chaos none = {.splits = 0, .false_blocks = 0, .delays = 0};
    CHECK(story(none).starts_with("100@0 100@0 "));
    CHECK(story(none).find("@0 end") != std::string::npos);
    Chaos splits = none;
    splits.splits = 1;
    const std::string split = story(splits);
    CHECK(split.find("100@") == std::string::npos);
    CHECK(split.ends_with("@0 end of stream"));
    Chaos delays = none;
    delays.delays = 1;
    CHECK_FALSE(story(delays).ends_with("@0 end of stream"));
    Chaos blocks = none;
    blocks.false_blocks = 1;
    run_virtual([&]() -> Coro<> {
      auto [near, far] = memory_stream_pair({.chaos = blocks});
      std::array<std::byte, 4> buffer{};
      CHECK(near.try_send(as_bytes("x"), {}).blocked == Interest::writable);
      CHECK(near.try_send(as_bytes("x"), {}).bytes == 1);  // never twice in a row
      CHECK(far.try_recv(buffer).blocked == Interest::readable);
      CHECK(far.try_recv(buffer).bytes == 1);
      co_return;
    });
  }

  TEST_CASE("a reset comes at the seed's byte, to both ends") {
    std::vector<std::uint64_t> points;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      run_virtual([&]() -> Coro<> {
        const Chaos chaos = {.seed = seed, .reset_within = 1'000};
        auto [near, far] = memory_stream_pair({.chaos = chaos});
        std::error_code error;
        while (!error) {
          auto sent = co_await near.send_some(as_bytes("x"));
          error = sent ? std::error_code() : sent.error();
        }
        CHECK(error == std::errc::connection_reset);
        points.push_back(near.bytes_accepted());
        auto chunk = co_await far.recv();
        CHECK(chunk.error() == std::errc::connection_reset);
      });
    }
    CHECK(*std::ranges::max_element(points) <= 1'000);
    std::ranges::sort(points);
    CHECK(std::ranges::unique(points).begin() - points.begin() > 15);
  }

  TEST_CASE("resets leave a program with errors, and never with a clean end or wrong bytes") {
    run_seeds(100, [](std::uint64_t seed) {
      const std::string text = story({.seed = seed, .reset_within = 1'500});
      if (!text.ends_with("reset by peer")) {
        throw std::runtime_error(text);
      }
    });
  }

  TEST_CASE("streams may be closed and dropped while bytes are on their way") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      run_virtual([&]() -> Coro<> {
        const Chaos chaos = {.seed = seed, .delays = 1};
        auto [near, far] = memory_stream_pair({.chaos = chaos});
        (void)co_await near.send("gone");
        near.close();
        auto [other, dropped] = memory_stream_pair({.chaos = chaos});
        (void)co_await other.send("gone");
        auto chunk = co_await far.recv();
        std::string got;
        while (chunk) {
          got += chunk->text();
          chunk = co_await far.recv();
        }
        CHECK(got == "gone");
      });
    }
  }
}

TEST_SUITE("lockstep") {
  TEST_CASE("a send goes on only while somebody receives") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = memory_stream_pair({.lockstep = true});
      auto send = [&]() -> Coro<> { (void)co_await near.send("x"); };
      const bool alone = co_await move_on_after(1h, send);
      CHECK_FALSE(alone);
      CHECK(near.bytes_accepted() == 0);
      Task<> sender = spawn(send());
      co_await settle();
      CHECK_FALSE(sender.done());
      auto chunk = co_await far.recv();
      CHECK(chunk->text() == "x");
      co_await sender;
      // A reader that goes away again wants nothing any more.
      auto recv = [&]() -> Coro<> { (void)co_await far.recv(); };
      const bool got = co_await move_on_after(1s, recv);
      CHECK_FALSE(got);
      const bool sent = co_await move_on_after(1h, send);
      CHECK_FALSE(sent);
    });
  }

  TEST_CASE("a protocol that counts on buffers is a deadlock") {
    Simulation world;
    CHECK_THROWS_AS(world.run([]() -> Coro<> {
      auto [near, far] = memory_stream_pair({.lockstep = true});
      auto greet_then_listen = [](Stream& stream) -> Coro<> {
        (void)co_await stream.send("hello");
        (void)co_await stream.recv();
      };
      auto body = [&](TaskGroup& group) -> Coro<> {
        group.spawn(greet_then_listen(near));
        group.spawn(greet_then_listen(far));
        co_return;
      };
      co_await with_group(body);
    }),
                    Deadlock);
  }

  TEST_CASE("cut anywhere, no byte is lost or doubled") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [near, far] = memory_stream_pair({.lockstep = true});
      const std::string all = pattern(21);
      std::string got;
      auto send = [&]() -> Coro<> {
        for (std::size_t sent = 0; sent < all.size();) {
          sent += (co_await near.send_some(as_bytes(all).subspan(sent, 3))).value();
        }
        near.shutdown();
      };
      auto recv = [&]() -> Coro<> {
        while (auto chunk = co_await far.recv()) {
          got += chunk->text();
        }
      };
      Task<> sender = spawn(send());
      (void)co_await cut.run(recv);
      co_await recv();
      co_await sender;
      CHECK(got == all);
    });
    CHECK(rounds > 10);
  }
}

TEST_SUITE("crossing stream") {
  TEST_CASE("recv waits to write and send waits to read") {
    run_virtual([]() -> Coro<> {
      auto [near, far] = crossing_pair({});
      const std::string much = pattern(10'000);
      auto send = [&]() -> Coro<> {
        (void)co_await near->send(much);
        near->shutdown();
      };
      Task<> sender = spawn(send());
      std::string got;
      while (auto chunk = co_await far->recv()) {
        got += chunk->text();
      }
      co_await sender;
      CHECK(got == much);
      CHECK(near->crossings().send > 5);
      CHECK(far->crossings().recv > 30);
    });
  }

  TEST_CASE("it hides bytes that nothing below tells of") {
    run_virtual([]() -> Coro<> {
      auto [a, b] = memory_stream_pair();
      CrossingStream near(std::make_unique<MemoryStream>(std::move(a)));
      auto below = std::make_unique<MemoryStream>(std::move(b));
      MemoryStream& hidden_from = *below;
      CrossingStream far(std::move(below));
      (void)co_await near.send("hello");
      std::array<std::byte, 1> one{};
      std::string got;
      for (int i = 0; i < 5; ++i) {
        const auto count = co_await far.recv(one);
        CHECK(count == 1u);
        CHECK(hidden_from.pending() == 0);
        got += as_text(one);
      }
      CHECK(got == "hello");
    });
  }

  TEST_CASE("what a send has read on its way wakes the recv that waits for it") {
    // The sender is out of credit and reads; what it finds is for the reader.
    run_seeds(50, [](std::uint64_t seed) {
      Simulation world(seed);
      world.run([]() -> Coro<> {
        auto [near, far] = crossing_pair({.capacity = 40});
        const std::string much = pattern(5'000);
        auto send = [&](Stream& stream) -> Coro<> { (void)co_await stream.send(much); };
        auto recv = [&](Stream& stream) -> Coro<> {
          std::string got;
          while (got.size() < much.size()) {
            auto chunk = co_await stream.recv();
            got += chunk.value().text();
          }
          if (got != much) {
            throw std::runtime_error("wrong bytes");
          }
        };
        auto body = [&](TaskGroup& group) -> Coro<> {
          for (CrossingStream* stream : {near.get(), far.get()}) {
            group.spawn(send(*stream));
            group.spawn(recv(*stream));
          }
          co_return;
        };
        co_await with_group(body);
      });
    });
  }

  TEST_CASE("a recv is woken though the news it waits for was taken before anybody reported it") {
    run([]() -> Coro<> {
      auto [a, b] = socket_pair();
      CrossingStream near(std::make_unique<SocketStream>(std::move(a)));
      CrossingStream far(std::make_unique<SocketStream>(std::move(b)));
      std::string got;
      auto recv = [&]() -> Coro<> { got = (co_await near.recv()).value().text(); };
      auto body = [&](TaskGroup& group) -> Coro<> {
        group.spawn(recv());
        co_await settle();
        // In one step, so that no poll of the kernel comes between.
        CHECK(far.try_send(as_bytes("hi"), {}).bytes == 2);
        CHECK(near.try_send(as_bytes("x"), {}).bytes == 1);
      };
      auto both = [&]() -> Coro<> { co_await with_group(body); };
      co_await fail_after(5s, both);
      CHECK(got == "hi");
    }());
  }

  TEST_CASE("cut anywhere, a recv loses nothing and a send_some counts right") {
    const std::size_t rounds = cancel_everywhere([](Cut& cut) -> Coro<> {
      auto [near, far] = crossing_pair({.capacity = 40});
      const std::string all = pattern(1'500);
      std::string got;
      std::size_t sent = 0;
      auto send = [&]() -> Coro<> {
        while (sent < all.size()) {
          sent += (co_await near->send_some(as_bytes(all).subspan(sent))).value();
        }
      };
      auto recv = [&]() -> Coro<> {
        while (got.size() < all.size()) {
          got += (co_await far->recv()).value().text();
        }
      };
      auto both = [&]() -> Coro<> {
        auto body = [&](TaskGroup& group) -> Coro<> {
          group.spawn(send());
          group.spawn(recv());
          co_return;
        };
        co_await with_group(body);
      };
      (void)co_await cut.run(both);
      co_await both();
      const bool whole = got == all;
      CHECK(whole);
    });
    CHECK(rounds > 100);
  }

  TEST_CASE("what is no symbol is an error") {
    run_virtual([]() -> Coro<> {
      auto [a, b] = memory_stream_pair();
      CrossingStream far(std::make_unique<MemoryStream>(std::move(b)));
      (void)co_await a.send("nonsense");
      auto chunk = co_await far.recv();
      CHECK(chunk.error() == std::errc::protocol_error);
    });
  }
}
