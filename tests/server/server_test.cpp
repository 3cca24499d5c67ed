#include <simul/server/server.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <simul/socket.hpp>

#include "captured_log.hpp"

namespace {

using namespace simul;
using server::ConfigurationError;
using server::Server;

class Nothing : public Protocol {
 public:
  Coro<> serve(Connection&) override { co_return; }
};

class NeverStarts final : public Nothing {
 public:
  Coro<> start(Loop&) override {
    throw std::runtime_error("no licence");
    co_return;
  }
};

/// Holds up its loop until the server has said so; then nobody needs it any more.
class Stalls final : public Nothing {
 public:
  static inline const server::testing::CapturedLog* log = nullptr;

  Coro<> start(Loop&) override {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!log->has("has held up its event loop") && std::chrono::steady_clock::now() < deadline) {
    }
    ::kill(::getpid(), SIGTERM);
    co_return;
  }
};

constexpr ProtocolType kTypes[] = {
    {.spec = {.name = "nothing"},
     .make = [](const OptionValues&) -> std::unique_ptr<Protocol> {
       return std::make_unique<Nothing>();
     }},
    {.spec = {.name = "refuses"},
     .make = [](const OptionValues&) -> std::unique_ptr<Protocol> {
       throw std::runtime_error("root: no such folder");
     }},
    {.spec = {.name = "never_starts"},
     .make = [](const OptionValues&) -> std::unique_ptr<Protocol> {
       return std::make_unique<NeverStarts>();
     }},
    {.spec = {.name = "stalls"},
     .make = [](const OptionValues&) -> std::unique_ptr<Protocol> {
       return std::make_unique<Stalls>();
     }},
};

config::Settings settings(const std::string& protocol, const std::string& address = "127.0.0.1:0") {
  config::Settings settings;
  settings.server = {.threads = 2, .max_connections = 10};
  settings.listeners.push_back(
      {.name = "test", .address = *Endpoint::parse(address), .protocol = protocol, .backlog = 16});
  return settings;
}

TEST_CASE("a protocol that refuses its options is a wrong configuration") {
  CHECK_THROWS_WITH_AS(Server(settings("refuses"), kTypes),
                       doctest::Contains("listener 'test': refuses: root: no such folder"),
                       ConfigurationError);
}

TEST_CASE("a protocol that isn't there is a wrong configuration") {
  CHECK_THROWS_WITH_AS(Server(settings("other"), kTypes),
                       doctest::Contains("listener 'test': other: there is no such protocol"),
                       ConfigurationError);
}

TEST_CASE("a protocol that can't start stops the server before it accepts") {
  const server::testing::CapturedLog log;
  Server server(settings("never_starts"), kTypes);
  CHECK_THROWS_WITH(server.run(), "listener 'test': never_starts can't start: no licence");
  CHECK_FALSE(log.has("ready"));
}

TEST_CASE("what holds up a loop is reported, and counted in the last line") {
  const server::testing::CapturedLog log;
  config::Settings wanted = settings("stalls");
  wanted.server.threads = 1;
  wanted.server.stall_threshold = std::chrono::milliseconds(10);
  Stalls::log = &log;
  Server(wanted, kTypes).run();
  CHECK(log.has("has held up its event loop for "));
  CHECK(log.has(" stalls, the longest of "));
}

TEST_CASE("a taken address names listener, address, cause and cure") {
  const server::testing::CapturedLog log;
  const SocketListener taken = listen(*Endpoint::parse("127.0.0.1:0"));
  const std::string address = taken.local_endpoint().to_string();
  Server server(settings("nothing", address), kTypes);
  CHECK_THROWS_WITH(server.run(),
                    ("listener 'test': " + address +
                     ": Address already in use; something listens there: another "
                     "listener of this configuration, or a process that `ss -lntxp` shows")
                        .c_str());
}

}  // namespace
