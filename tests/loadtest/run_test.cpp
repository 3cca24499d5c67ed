// The generator against servers that live on the same loop, well-behaved and other ones.
#include <simul/load/run.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/socket.hpp>
#include <simul/task_group.hpp>
#include <simul/testing.hpp>

#include "under_load.hpp"

namespace {

using namespace simul;
using namespace simul::load;
using namespace simul::load::test;
using namespace std::chrono_literals;

/// Runs a load test against `serve` on one loop.
Report test_load(
    const Serve& serve, const std::function<void(Options&)>& change = [](Options&) {},
    std::string_view scheme = "tcp", Environment& environment = Environment::real()) {
  SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
  Options options = quick(scheme, listener);
  change(options);
  return load_against(listener, serve, options, nullptr, environment);
}

Coro<> accept_until_closed(SocketListener& listener) {
  const Serve serve = echo;
  co_await accept_all(listener, serve);
}

TEST_CASE("a faithful echo server passes, and every message is counted") {
  const Report report = test_load(echo);
  CHECK(report.passed());
  CHECK(report.errors.empty());
  CHECK(report.messages == 10 * 20);
  CHECK(report.latency.count() == 10 * 20);
  CHECK(report.latency.min() > 0);
  CHECK(report.bytes_sent == 10 * 20 * 64);
  CHECK(report.bytes_received == 10 * 20 * 64);
  CHECK(report.verified_concurrent == 10);
  CHECK(report.unanswered == 0);
  CHECK(report.measured < 5s);
}

TEST_CASE("several messages in flight are all verified") {
  const Report report = test_load(echo, [](Options& options) {
    options.depth = 7;
    options.messages = 100;
  });
  CHECK(report.passed());
  CHECK(report.messages == 10 * 100);
}

TEST_CASE("more in flight than the sockets can hold doesn't lock up") {
  const Report report = test_load(echo, [](Options& options) {
    options.connections = 2;
    options.size = std::uint64_t{8} << 20;
    options.depth = 3;
    options.messages = 4;
  });
  CHECK(report.passed());
  CHECK(report.messages == 8);
}

TEST_CASE("a large message is verified by a server that answers only whole ones") {
  constexpr std::size_t kSize = std::size_t{6} << 20;
  const auto whole = [](Stream& peer) { return answer_whole(peer, kSize); };
  const Report report = test_load(whole, [](Options& options) {
    options.connections = 1;
    options.size = kSize;
    options.messages = 2;
  });
  CHECK(report.passed());
}

TEST_CASE("several threads share the connections, and the report adds them up") {
  SocketListener listener = listen(*Endpoint::parse("127.0.0.1:0"));
  Options options = quick("tcp", listener);
  options.connections = 31;
  options.threads = 3;
  options.messages = 50;
  Loop server;
  std::jthread thread([&] { server.run_until_complete(accept_until_closed(listener)); });
  const Report report = run(options);
  server.post([&] { listener.close(); });
  CHECK(report.passed());
  CHECK(report.messages == 31 * 50);
  CHECK(report.verified_concurrent == 31);
}

TEST_CASE("a time limit ends the test") {
  const Report report = test_load(echo, [](Options& options) {
    options.messages.reset();
    options.duration = 30ms;
    options.warmup = 10ms;
  });
  CHECK(report.passed());
  CHECK(report.measured >= 30ms);
  CHECK(report.messages > 0);
}

TEST_CASE("a single corrupted byte is found and named") {
  const auto corrupt = [](Stream& peer) -> Coro<> {
    std::size_t position = 0;
    while (auto chunk = co_await peer.recv()) {
      std::vector<std::byte> bytes(chunk->bytes().begin(), chunk->bytes().end());
      if (position <= 1000 && 1000 < position + bytes.size()) {
        bytes[1000 - position] ^= std::byte{1};
      }
      position += bytes.size();
      if (!co_await peer.send(bytes)) {
        co_return;
      }
    }
  };
  const Report report = test_load(corrupt, [](Options& options) { options.connections = 1; });
  CHECK_FALSE(report.passed());
  CHECK(errors_of(report, "wrong-bytes") == 1);
  CHECK(example_of(report, "wrong-bytes").find("byte 1000 ") != std::string::npos);
  // The first round trip is one message; 1000 / 64 = 15 were complete before that byte.
  CHECK(report.messages < 20);
}

TEST_CASE("connections whose replies are swapped are found") {
  // What one connection sends is given to the one that sent before.
  std::vector<std::byte> previous;
  const auto swap = [&previous](Stream& peer) -> Coro<> {
    while (auto chunk = co_await peer.recv()) {
      const std::vector<std::byte> bytes(chunk->bytes().begin(), chunk->bytes().end());
      const std::vector<std::byte> reply = previous.size() == bytes.size() ? previous : bytes;
      previous = bytes;
      if (!co_await peer.send(reply)) {
        co_return;
      }
    }
  };
  const Report report = test_load(swap, [](Options& options) { options.duration = 50ms; });
  CHECK_FALSE(report.passed());
  CHECK(errors_of(report, "wrong-bytes") > 0);
}

TEST_CASE("bytes that nobody sent are found") {
  const auto chatter = [](Stream& peer) -> Coro<> {
    while (auto chunk = co_await peer.recv()) {
      const std::vector<std::byte> twice(2 * chunk->size());
      if (!co_await peer.send(*chunk) || !co_await peer.send(twice)) {
        co_return;
      }
    }
  };
  const Report report = test_load(chatter, [](Options& options) { options.duration = 50ms; });
  CHECK_FALSE(report.passed());
  CHECK(errors_of(report, "wrong-bytes") > 0);
}

TEST_CASE("a server that closes after three messages is reported, and connections come back") {
  const auto short_lived = [](Stream& peer) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      auto chunk = co_await peer.recv();
      if (!chunk || !co_await peer.send(*chunk)) {
        co_return;
      }
    }
    co_await peer.recv();
  };
  const Report report = test_load(short_lived, [](Options& options) { options.connections = 2; });
  CHECK_FALSE(report.passed());
  // 20 messages: the first socket brings 2 besides its first round trip, the others 3 each; each ends
  // with one that is lost.
  CHECK(errors_of(report, "end-of-stream") == 2 * 5);
  CHECK(report.error_count() == 2 * 5);
  CHECK(report.messages == 2 * (20 - 5));
  CHECK(report.verified_concurrent == 2);
}

TEST_CASE("a reset is a reset") {
  const auto reset = [](Stream& peer) -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      auto chunk = co_await peer.recv();
      if (!chunk || !co_await peer.send(*chunk)) {
        co_return;
      }
    }
    co_await peer.recv();
    peer.close(Stream::CloseMode::abort);
  };
  const Report report = test_load(reset, [](Options& options) {
    options.connections = 2;
    options.messages = 3;
  });
  CHECK(errors_of(report, "reset") == 2);
  CHECK(report.messages == 2 * 2);
}

TEST_CASE("a server that never answers is given up after the timeout") {
  VirtualClock clock;
  const auto silent = [](Stream& peer) -> Coro<> {
    while (co_await peer.recv()) {
    }
  };
  const TimePoint begin = clock.now();
  const Report report = test_load(
      silent,
      [](Options& options) {
        options.timeout = 3s;
        options.duration = 10s;
      },
      "tcp", clock);
  CHECK_FALSE(report.passed());
  CHECK(report.messages == 0);
  CHECK(report.verified_concurrent == 0);
  CHECK(errors_of(report, "timeout") >= 10);
  CHECK(example_of(report, "timeout").find("no reply within 3s") != std::string::npos);
  CHECK(clock.now() - begin < 1min);
}

TEST_CASE("one reply that is late enough is a timeout, the others count") {
  VirtualClock clock;
  int served = 0;
  const auto slow = [&served](Stream& peer) -> Coro<> {
    while (auto chunk = co_await peer.recv()) {
      co_await sleep(++served == 50 ? 5s : 1ms);
      if (!co_await peer.send(*chunk)) {
        co_return;
      }
    }
  };
  const Report report = test_load(
      slow,
      [](Options& options) {
        options.timeout = 2s;
        options.duration = 10s;
      },
      "tcp", clock);
  CHECK(errors_of(report, "timeout") == 1);
  CHECK(report.error_count() == 1);
  CHECK(report.messages == 10 * 20 - 1);
}

TEST_CASE("a port at which nobody listens is said at once") {
  Endpoint endpoint;
  {
    const SocketListener closed = listen(*Endpoint::parse("127.0.0.1:0"));
    endpoint = closed.local_endpoint();
  }
  const Options options{.target = *Target::parse("tcp://" + endpoint.to_string()), .duration = 5s};
  Loop loop;
  const Report report = loop.run_until_complete(run_here(options));
  CHECK_FALSE(report.passed());
  CHECK(report.unreachable == "Connection refused");
  CHECK(errors_of(report, "connect-refused") > 0);
  CHECK(report.measured < 1s);
  CHECK(to_text(report).find("Is the server running?") != std::string::npos);
}

TEST_CASE("connections that never open are not called concurrent") {
  int accepted = 0;
  const auto only_five = [&accepted](Stream& peer) -> Coro<> {
    if (++accepted <= 5) {
      co_await echo(peer);
    }
  };
  const Report report = test_load(only_five, [](Options& options) {
    options.messages.reset();
    options.duration = 50ms;
  });
  CHECK_FALSE(report.passed());
  CHECK(report.verified_concurrent == 5);
  CHECK(report.error_count() >= 5);
}

TEST_CASE("one connection at a time is not concurrency, however many are opened") {
  // Each is answered once and closed before the next is taken.
  const auto one_shot = [](Stream& peer) -> Coro<> {
    if (auto chunk = co_await peer.recv()) {
      (void)co_await peer.send(*chunk);
    }
  };
  const Report report = test_load(one_shot, [](Options& options) {
    options.messages.reset();
    options.duration = 50ms;
  });
  CHECK(report.verified_concurrent == 0);
  CHECK_FALSE(report.passed());
}

TEST_CASE("connections are opened evenly over the ramp") {
  VirtualClock clock;
  std::vector<TimePoint> opened;
  const auto note = [&](Stream& peer) -> Coro<> {
    opened.push_back(clock.now());
    co_await echo(peer);
  };
  const Report report = test_load(note, [](Options& options) { options.ramp = 10s; }, "tcp", clock);
  CHECK(report.passed());
  REQUIRE(opened.size() == 10);
  for (std::size_t i = 1; i < opened.size(); ++i) {
    CHECK(opened[i] - opened[i - 1] == 1s);
  }
  CHECK(report.ramp == 9s);
}

TEST_CASE("replies that are out when the time is up are waited for, and then reported") {
  VirtualClock clock;
  const auto slow = [](Stream& peer) -> Coro<> {
    for (int i = 0; auto chunk = co_await peer.recv(); ++i) {
      co_await sleep(i < 5 ? 300ms : 100s);
      if (!co_await peer.send(*chunk)) {
        co_return;
      }
    }
  };
  const Report report = test_load(
      slow,
      [](Options& options) {
        options.messages.reset();
        options.duration = 2s;
      },
      "tcp", clock);
  CHECK(report.errors.empty());
  CHECK(report.messages == 10 * 4);
  CHECK(report.unanswered == 10);
  CHECK(report.oldest_unanswered == 3s - 4 * 300ms);
  CHECK(report.latency.percentile(50) == 300'000'000);
}

TEST_CASE("HTTP responses are counted by status, and bad ones are errors") {
  int served = 0;
  const auto web = [&served](Stream& peer) -> Coro<> {
    while (auto chunk = co_await peer.recv()) {
      // With depth 1 every chunk is one request.
      const std::string_view response = ++served % 10 == 0
                                            ? "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
                                            : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      if (!co_await peer.send(response)) {
        co_return;
      }
    }
  };
  const Report report = test_load(
      web,
      [](Options& options) {
        options.connections = 1;
        options.messages = 100;
      },
      "http");
  CHECK(report.statuses.at(200) == 90);
  CHECK(report.statuses.at(503) == 10);
  CHECK(report.messages == 90);
  CHECK(errors_of(report, "status") == 10);
  CHECK(example_of(report, "status") == "HTTP status 503");
  CHECK_FALSE(report.passed());
}

TEST_CASE("an HTTP server that closes each connection in order passes") {
  const auto web = [](Stream& peer) -> Coro<> {
    if (co_await peer.recv()) {
      (void)co_await peer.send(
          std::string_view("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"));
    }
  };
  const Report report = test_load(web, [](Options& options) { options.connections = 1; }, "http");
  CHECK(report.errors.empty());
  CHECK(report.messages == 20);
}

TEST_CASE("a JSON report is JSON, and says the same as the report") {
  const Report report = test_load(echo);
  const auto json = nlohmann::json::parse(to_json(report));
  CHECK(json["passed"] == true);
  CHECK(json["messages"] == report.messages);
  CHECK(json["connections"]["verified_concurrent"] == 10);
  CHECK(json["latency_ns"]["p99.9"] == report.latency.percentile(99.9));
  CHECK(json["options"]["messages"] == 20);
  CHECK(json["errors"].empty());
}

}  // namespace
