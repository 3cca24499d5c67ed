#include "testing/simulated_network.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <simul/detail/task_base.hpp>
#include <simul/sleep.hpp>

namespace simul::detail {
namespace {

constexpr std::uint16_t kFirstEphemeral = 32768;  // as of Linux
constexpr std::uint16_t kEphemeralPorts = 28232;
constexpr int kSynRetries = 6;

bool is_wildcard(const Endpoint& endpoint) {
  const std::string text = endpoint.to_string();
  return text.starts_with("*:") || text.starts_with("0.0.0.0:") || text.starts_with("[::]:");
}

/// Would both get the connections to some address?
bool overlap(const Endpoint& a, const Endpoint& b) {
  if (a.port() != b.port() || a == b) {
    return a == b;
  }
  const auto takes_all = [](const Endpoint& one, const Endpoint& other) {
    return is_wildcard(one) &&
           (one.family() == Endpoint::Family::ipv6 || other.family() == one.family());
  };
  return a.family() != Endpoint::Family::local && b.family() != Endpoint::Family::local &&
         (takes_all(a, b) || takes_all(b, a));
}

}  // namespace

/// It belongs to the network while it is open, to the listener, and to who waits in accept.
struct SimulatedNetwork::Port {
  Port(Endpoint where, const ListenOptions& options)
      : endpoint(std::move(where)),
        backlog(static_cast<std::size_t>(std::max(options.backlog, 1))) {}

  void close() noexcept {
    open = false;
    for (Listener::Accepted& unseen : queue) {
      unseen.stream->close(Stream::CloseMode::abort);
    }
    queue.clear();
  }

  const Endpoint endpoint;
  const std::size_t backlog;
  std::deque<Listener::Accepted> queue;
  Leaf* accepting = nullptr;
  bool open = true;
};

class [[nodiscard]] SimulatedNetwork::Accept final : public Leaf {
 public:
  explicit Accept(Port& port) noexcept : port_(port), busy_(port.accepting != nullptr) {}

  bool await_ready() const {
    check_cancelled();
    return busy_ || attempt();
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    suspend();
    port_.accepting = this;
  }
  std::expected<Listener::Accepted, std::error_code> await_resume() {
    throw_if_cancelled();
    if (busy_) {
      return std::unexpected(std::make_error_code(std::errc::device_or_resource_busy));
    }
    if (!port_.open) {
      return std::unexpected(make_error_code(Errc::closed));
    }
    Listener::Accepted accepted = std::move(port_.queue.front());
    port_.queue.pop_front();
    return accepted;
  }
  [[nodiscard]] const char* waits_for() const noexcept override { return "accept"; }

 private:
  [[nodiscard]] bool attempt() const noexcept { return !port_.open || !port_.queue.empty(); }

  /// Being woken is no result yet: what has come is still in the queue, for this one or the next.
  bool on_wake() noexcept override {
    if (scope_cancelled()) {
      mark_cancelled();
    } else if (!attempt()) {
      return false;
    }
    port_.accepting = nullptr;
    return true;
  }
  bool on_cancel() noexcept override {
    port_.accepting = nullptr;
    return true;
  }

  Port& port_;
  const bool busy_;
};

class SimulatedNetwork::SimulatedListener final : public Listener {
 public:
  SimulatedListener(SimulatedNetwork& network, std::shared_ptr<Port> port) noexcept
      : network_(network), port_(std::move(port)) {}
  ~SimulatedListener() override { close_port(); }

  Coro<std::expected<Accepted, std::error_code>> accept() override { return accept_from(port_); }
  void close() noexcept override { close_port(); }
  [[nodiscard]] Endpoint local_endpoint() const override { return port_->endpoint; }

 private:
  static Coro<std::expected<Accepted, std::error_code>> accept_from(std::shared_ptr<Port> port) {
    co_return co_await Accept(*port);
  }
  void close_port() noexcept {
    if (port_->open) {
      port_->close();
      network_.ports_.erase(port_->endpoint.to_string());
      if (port_->accepting != nullptr) {
        port_->accepting->wake();
      }
    }
  }

  SimulatedNetwork& network_;
  std::shared_ptr<Port> port_;
};

SimulatedNetwork::~SimulatedNetwork() {
  for (const auto& [text, port] : ports_) {
    port->close();  // a listener may be kept for longer
  }
}

SimulatedNetwork::Port* SimulatedNetwork::find(const Endpoint& endpoint) const {
  for (const auto& [text, port] : ports_) {
    if (overlap(port->endpoint, endpoint)) {
      return port.get();
    }
  }
  return nullptr;
}

Endpoint SimulatedNetwork::choose_port(const Endpoint& endpoint) {
  for (int tries = 0; tries < kEphemeralPorts; ++tries) {
    const Endpoint chosen =
        endpoint.with_port(static_cast<std::uint16_t>(kFirstEphemeral + next_port_));
    next_port_ = static_cast<std::uint16_t>((next_port_ + 1) % kEphemeralPorts);
    if (find(chosen) == nullptr) {
      return chosen;
    }
  }
  throw std::system_error(EADDRINUSE, std::system_category(), endpoint.to_string());
}

Duration SimulatedNetwork::delay() {
  if (!chaos_ || !random_.one_in(chaos_->delays)) {
    return Duration::zero();
  }
  return Duration(random_.below(static_cast<std::uint64_t>(chaos_->longest_delay.count()) + 1));
}

std::unique_ptr<Listener> SimulatedNetwork::listen(const Endpoint& endpoint,
                                                   const ListenOptions& options) {
  const bool local = endpoint.family() == Endpoint::Family::local;
  const Endpoint chosen = local || endpoint.port() != 0 ? endpoint : choose_port(endpoint);
  if (find(chosen) != nullptr) {
    throw std::system_error(EADDRINUSE, std::system_category(), endpoint.to_string());
  }
  auto port = std::make_shared<Port>(chosen, options);
  ports_.emplace(chosen.to_string(), port);
  return std::make_unique<SimulatedListener>(*this, std::move(port));
}

Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> SimulatedNetwork::connect(
    Endpoint endpoint, ConnectOptions options) {
  const auto failed = [](int error) {
    return std::unexpected(std::error_code(error, std::system_category()));
  };
  const bool local = endpoint.family() == Endpoint::Family::local;
  co_await sleep(delay());  // a connection takes a turn at least
  Port* port = find(endpoint);
  // Whose queue is full doesn't answer, and is asked again, later each time.
  Duration patience = std::chrono::seconds(1);
  for (int retry = 0; port != nullptr && port->queue.size() >= port->backlog; ++retry) {
    if (local || retry == kSynRetries) {
      co_return failed(local ? EAGAIN : ETIMEDOUT);
    }
    co_await sleep(patience);
    patience *= 2;
    port = find(endpoint);
  }
  if (port == nullptr) {
    co_return failed(local ? ENOENT : ECONNREFUSED);
  }
  MemoryStreamOptions kind;
  kind.chaos = chaos_;
  if (kind.chaos) {
    kind.chaos->seed = random_.next();
  }
  auto [here, there] = memory_stream_pair(kind);
  Endpoint peer = options.source;
  if (!local) {
    if (peer.family() == Endpoint::Family::unspecified) {
      peer = endpoint;
    }
    if (peer.port() == 0 || peer == endpoint) {
      peer = choose_port(peer);
    }
  }
  port->queue.push_back({std::make_unique<MemoryStream>(std::move(there)), std::move(peer)});
  if (port->accepting != nullptr) {
    port->accepting->wake();
  }
  co_return std::make_unique<MemoryStream>(std::move(here));
}

}  // namespace simul::detail
