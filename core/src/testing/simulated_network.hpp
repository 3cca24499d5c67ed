// The network of a simulated world: who listens where, and memory streams between those who connect.
// All loops of the world share it, as the processes of one machine share its addresses.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <simul/coro.hpp>
#include <simul/endpoint.hpp>
#include <simul/listener.hpp>
#include <simul/socket.hpp>
#include <simul/testing/chaos.hpp>
#include <simul/testing/memory_stream.hpp>
#include <simul/testing/seeded_random.hpp>

namespace simul::detail {

class SimulatedNetwork {
 public:
  /// Without chaos connections are as quick as memory. With it each gets its own, from its seed.
  explicit SimulatedNetwork(std::optional<Chaos> chaos = std::nullopt) noexcept
      : chaos_(chaos), random_(chaos ? chaos->seed : 0) {}
  ~SimulatedNetwork();
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;

  // As Environment::connect and Environment::listen; the network must outlive the coroutine.
  Coro<std::expected<std::unique_ptr<Stream>, std::error_code>> connect(Endpoint endpoint,
                                                                        ConnectOptions options);
  std::unique_ptr<Listener> listen(const Endpoint& endpoint, const ListenOptions& options);

 private:
  class Accept;
  class SimulatedListener;
  struct Port;  // a listening socket

  [[nodiscard]] Port* find(const Endpoint& endpoint) const;
  Endpoint choose_port(const Endpoint& endpoint);
  Duration delay();

  std::optional<Chaos> chaos_;
  SeededRandom random_;
  std::uint16_t next_port_ = 0;                         // above the first of the ephemeral ones
  std::map<std::string, std::shared_ptr<Port>> ports_;  // by Endpoint::to_string()
};

}  // namespace simul::detail
