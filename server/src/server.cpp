#include <simul/server/server.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <simul/acquire_listeners.hpp>
#include <simul/cancel_scope.hpp>
#include <simul/inspector.hpp>
#include <simul/log.hpp>
#include <simul/loop_group.hpp>
#include <simul/signals.hpp>
#include <simul/task_group.hpp>
#include <simul/to_thread.hpp>
#include <simul/units.hpp>
#include <simul/watchdog.hpp>

#include "connection_limit.hpp"
#include "descriptor_plan.hpp"
#include "service.hpp"
#include "shard.hpp"
#include "start_error.hpp"
#include "statistics.hpp"
#include "task_log.hpp"

namespace simul::server {
namespace {

using namespace std::chrono_literals;

/// Throws what the protocol says of its options.
std::unique_ptr<Protocol> make_protocol(const config::ListenerSettings& listener,
                                        std::span<const ProtocolType> protocols) {
  const auto type = std::ranges::find_if(protocols, [&](const ProtocolType& candidate) {
    return candidate.spec.name == listener.protocol;
  });
  if (type == protocols.end()) {
    throw std::runtime_error("there is no such protocol");
  }
  return type->make(listener.options);
}

/// For a log, where the severity is said already.
std::string place_and_message(const config::Diagnostic& diagnostic) {
  return fmt::format("{}:{}:{}: {}", diagnostic.file, diagnostic.line, diagnostic.column,
                     diagnostic.message);
}

void report_certificates_of(const Service& service) {
  for (const std::string& certificate : service.tls->describe()) {
    log(LogLevel::info, fmt::format("listener '{}': {}", service.settings.name, certificate));
  }
  for (const config::Diagnostic& doubt : service.tls->doubts()) {
    log(LogLevel::warning, place_and_message(doubt));
  }
}

/// What comes before its protocol, in parentheses behind it.
std::string describe_protocol(const config::ListenerSettings& listener) {
  std::string text = listener.protocol;
  if (listener.tls) {
    text += " over TLS";
  }
  if (listener.proxy_protocol != config::ProxyProtocol::off) {
    const bool required = listener.proxy_protocol == config::ProxyProtocol::required;
    text += fmt::format(", PROXY header {}", required ? "required" : "optional");
  }
  return text;
}

/// Writes down what the descriptor limit allows; gives the connections that fit.
std::uint32_t plan_connections(std::uint32_t wanted, std::size_t loops, std::size_t sockets) {
  const DescriptorPlan plan{.limit = raise_descriptor_limit(),
                            .loops = loops,
                            .sockets = sockets,
                            .max_connections = wanted};
  if (plan.room() == 0) {
    throw std::runtime_error(
        fmt::format("a descriptor limit of {} leaves no room for connections: {} are needed "
                    "besides them; raise "
                    "it (ulimit -n, LimitNOFILE=)",
                    plan.limit, plan.overhead()));
  }
  log(plan.fits() ? LogLevel::info : LogLevel::warning, plan.describe());
  return plan.allowed_connections();
}

}  // namespace

Server::Server(config::Settings settings, std::span<const ProtocolType> protocols)
    : settings_(std::move(settings)) {
  std::vector<config::Diagnostic> wrong;
  for (const config::ListenerSettings& listener : settings_.listeners) {
    std::unique_ptr<Protocol> protocol;
    try {
      protocol = make_protocol(listener, protocols);
    } catch (const std::exception& error) {
      wrong.push_back(listener.place);
      wrong.back().message =
          fmt::format("listener '{}': {}: {}", listener.name, listener.protocol, error.what());
    }
    Service& service = services_.emplace_back(listener, std::move(protocol));
    if (service.tls) {
      std::ranges::move(service.tls->load(), std::back_inserter(wrong));
    }
  }
  if (!wrong.empty()) {
    throw ConfigurationError(std::move(wrong));
  }
}

std::vector<config::Diagnostic> Server::doubts() const {
  std::vector<config::Diagnostic> doubts;
  for (const Service& service : services_) {
    if (service.tls) {
      std::ranges::move(service.tls->doubts(), std::back_inserter(doubts));
    }
  }
  return doubts;
}

Server::~Server() = default;

/// From the bound sockets to the last connection.
class Server::Run {
 public:
  Run(Server& server, std::size_t loops, std::uint32_t max_connections)
      : server_(server), loops_(loops), limit_(max_connections) {
    if (const Duration threshold = server.settings_.server.stall_threshold; threshold > 0s) {
      watchdog_.emplace(WatchdogOptions{.stall_threshold = std::max<Duration>(threshold, 1ms)});
    }
    open_inspector();
    for (std::size_t i = 0; i < loops; ++i) {
      shards_.emplace_back(loops_[i], i, loops, server.services_, limit_);
    }
  }

  void run(SignalSet& signals) {
    loops_.run([&](Loop&, std::size_t index) {
      return index == 0 ? lead(signals) : shards_[index].retired();
    });
    Statistics all;
    for (const Shard& shard : shards_) {
      all += shard.statistics();
    }
    log(LogLevel::info, "stopped: " + all.describe(limit_.peak()) + describe_stalls());
  }

 private:
  /// A server that can't be looked at serves all the same.
  void open_inspector() {
    auto counters = [this] {
      return std::vector<std::pair<std::string, std::uint64_t>>{{"connections", limit_.current()}};
    };
    try {
      inspector_.emplace(InspectorOptions{.counters = std::move(counters)});
      log(LogLevel::info, "simul ps, pstree and top find it at " + inspector_->path());
    } catch (const std::system_error& error) {
      log(LogLevel::warning,
          fmt::format("simul ps, pstree and top won't find it: {}", error.what()));
    }
  }

  /// The whole story, told on the first loop.
  Coro<> lead(SignalSet& signals) {
    co_await on_every_shard([](Shard& shard) { return shard.start(); });
    co_await on_every_shard([](Shard& shard) -> Coro<> {
      shard.accept();
      co_return;
    });
    log(LogLevel::info, "ready");

    const int signal = co_await next_signal(signals);
    const Duration timeout = server_.settings_.server.shutdown_timeout;
    log(LogLevel::info,
        fmt::format("SIG{}: stopping; {} connections have {} to end, a second signal ends them now",
                    ::sigabbrev_np(signal), limit_.current(), format_duration(timeout)));
    server_.remove_socket_files();
    auto drain = [&](TaskGroup& group) -> Coro<> {
      group.spawn(lose_patience(signals, timeout));
      // First on all loops, or a place that becomes free on one would be taken on another.
      co_await on_every_shard([](Shard& shard) { return shard.stop_accepting(); });
      co_await on_every_shard([](Shard& shard) { return shard.drain(); });
      group.cancel("the last connection has ended");
    };
    co_await with_group(drain);
    co_await on_every_shard([](Shard& shard) { return shard.stop(); });
    // Not as tasks to wait for: their loops may be gone before they could answer.
    for (Shard& shard : shards_) {
      shard.loop().post([&shard] { shard.retire(); });
    }
  }

  /// The next one that asks to stop. Does meanwhile what others ask for, as often as they do.
  Coro<int> next_signal(SignalSet& signals) {
    for (;;) {
      const int signal = co_await signals.next();
      if (signal == SIGHUP) {
        reload();
      } else if (signal == SIGUSR2) {
        dump();
      } else {
        co_return signal;
      }
    }
  }

  void reload() {
    if (reloading_ &&
        !reloading_.done()) {  // a file system that doesn't answer mustn't queue them up
      log(LogLevel::warning, "SIGHUP: the certificates are still being read");
      return;
    }
    auto read = [this]() -> Coro<> {
      co_await to_thread([this] { server_.reload_certificates(); });
    };
    reloading_ = spawn(read);
  }

  void dump() {
    if (dumping_ && !dumping_.done()) {
      log(LogLevel::warning, "SIGUSR2: the tasks are still being written down");
      return;
    }
    auto write = [this]() -> Coro<> {
      log(LogLevel::info, "SIGUSR2: every task follows");
      co_await on_every_shard([](Shard&) { return log_tasks(); });
      log(LogLevel::info, "SIGUSR2: these were all tasks");
    };
    dumping_ = spawn(write);
  }

  /// Ends the connections at the deadline or at the second signal, and the process at the next one.
  Coro<> lose_patience(SignalSet& signals, Duration timeout) {
    auto second_signal = [&]() -> Coro<> { co_await next_signal(signals); };
    const bool asked = co_await move_on_after(timeout, second_signal);
    log(limit_.current() > 0 ? LogLevel::warning : LogLevel::info,
        fmt::format("{}: {} connections are ended",
                    asked ? "second signal" : "shutdown_timeout is over", limit_.current()));
    co_await on_every_shard([](Shard& shard) -> Coro<> {
      shard.end_sessions();
      co_return;
    });
    co_await next_signal(signals);
    log(LogLevel::error, fmt::format("another signal: exiting with {} connections that don't end",
                                     limit_.current()));
    std::_Exit(EXIT_FAILURE);
  }

  [[nodiscard]] std::string describe_stalls() const {
    if (!watchdog_ || watchdog_->stalls() == 0) {
      return {};
    }
    const auto longest = std::chrono::round<std::chrono::milliseconds>(watchdog_->longest());
    return fmt::format("; {} stalls, the longest of {}", watchdog_->stalls(),
                       format_duration(longest));
  }

  /// Runs it on all loops at the same time; waits for all, then throws the first failure.
  template <typename Fn>
  Coro<> on_every_shard(Fn fn) {
    std::vector<Task<>> tasks;
    tasks.reserve(shards_.size());
    for (Shard& shard : shards_) {
      tasks.push_back(spawn(shard.loop(), fn, std::ref(shard)));
    }
    std::exception_ptr failure;
    for (Task<>& task : tasks) {
      try {
        co_await task;
      } catch (...) {
        failure = failure ? failure : std::current_exception();
      }
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  Server& server_;
  LoopGroup loops_;
  ConnectionLimit limit_;
  std::deque<Shard> shards_;
  std::optional<Watchdog> watchdog_;
  std::optional<Inspector> inspector_;
  Task<> reloading_;
  Task<> dumping_;
};

void Server::run() {
  // First, so that the threads of the loops inherit the blocked signals.
  SignalSet signals({SIGTERM, SIGINT, SIGHUP, SIGUSR2});
  report_certificates();
  const std::size_t loops = settings_.server.threads.value_or(usable_processors());
  log(LogLevel::info, fmt::format("threads: {}, each with an event loop", loops));
  const std::uint32_t max_connections =
      plan_connections(settings_.server.max_connections, loops, loops * services_.size());
  bind(loops);
  Run(*this, loops, max_connections).run(signals);
}

void Server::bind(std::size_t loops) {
  std::vector<ListenerConfig> configs;
  configs.reserve(settings_.listeners.size());
  for (const config::ListenerSettings& listener : settings_.listeners) {
    configs.push_back({.name = listener.name,
                       .endpoint = listener.address,
                       .options = {.backlog = listener.backlog}});
  }
  std::vector<AcquiredListener> acquired;
  try {
    acquired = acquire_listeners(configs, loops);
  } catch (const std::system_error& error) {
    throw std::runtime_error(explain_start_error(error));
  }
  for (std::size_t i = 0; i < acquired.size(); ++i) {
    services_[i].sockets = std::move(acquired[i].sockets);
    services_[i].endpoint = acquired[i].endpoint;
    log(LogLevel::info,
        fmt::format("listening on {} ({}) as '{}'", services_[i].endpoint.to_string(),
                    describe_protocol(settings_.listeners[i]), acquired[i].name));
  }
}

void Server::report_certificates() const {
  for (const Service& service : services_) {
    if (service.tls) {
      report_certificates_of(service);
    }
  }
}

/// A listener whose files are wrong keeps the certificates that it has.
void Server::reload_certificates() {
  log(LogLevel::info,
      "SIGHUP: reading the certificates again (a changed configuration needs a restart)");
  for (Service& service : services_) {
    if (!service.tls) {
      continue;
    }
    const std::vector<config::Diagnostic> wrong = service.tls->load();
    for (const config::Diagnostic& diagnostic : wrong) {
      log(LogLevel::error, place_and_message(diagnostic));
    }
    if (wrong.empty()) {
      report_certificates_of(service);
    } else {
      log(LogLevel::error,
          fmt::format("listener '{}' keeps its certificates as they were", service.settings.name));
    }
  }
}

/// While the sockets are still open, so that it can't be the file of a successor.
void Server::remove_socket_files() {
  for (const Service& service : services_) {
    if (!service.endpoint.path().empty()) {
      ::unlink(std::string(service.endpoint.path()).c_str());
    }
  }
}

}  // namespace simul::server
