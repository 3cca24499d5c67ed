#include <simul/environment.hpp>

#include <ctime>
#include <utility>

#include <simul/detail/task_base.hpp>
#include <simul/listener.hpp>
#include <simul/open_connection.hpp>
#include <simul/socket.hpp>

namespace simul {
namespace {

class KernelListener final : public Listener {
 public:
  explicit KernelListener(SocketListener listener) noexcept : listener_(std::move(listener)) {}

  Coro<std::expected<Accepted, std::error_code>> accept() override {
    auto accepted = co_await listener_.accept();
    if (!accepted) {
      co_return std::unexpected(accepted.error());
    }
    co_return Accepted{std::make_unique<SocketStream>(std::move(accepted->stream)),
                       std::move(accepted->peer)};
  }
  void close() noexcept override { listener_.close(); }
  [[nodiscard]] Endpoint local_endpoint() const override { return listener_.local_endpoint(); }

 private:
  SocketListener listener_;
};

class RealEnvironment final : public Environment {
 public:
  TimePoint now() noexcept override {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

}  // namespace

Environment::~Environment() = default;

Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> Environment::connect(
    Endpoint endpoint, ConnectOptions options) {
  auto stream = co_await simul::connect(endpoint, options);
  if (!stream) {
    co_return std::unexpected(stream.error());
  }
  co_return std::make_unique<SocketStream>(std::move(*stream));
}

std::unique_ptr<Listener> Environment::listen(const Endpoint& endpoint,
                                              const ListenOptions& options) {
  return std::make_unique<KernelListener>(simul::listen(endpoint, options));
}

Environment& Environment::real() noexcept {
  static RealEnvironment environment;
  return environment;
}

}  // namespace simul
