#include <simul/listener.hpp>

#include <simul/loop.hpp>

namespace simul {

Listener::~Listener() = default;

std::unique_ptr<Listener> open_listener(const Endpoint& endpoint, const ListenOptions& options) {
  return Loop::current().environment().listen(endpoint, options);
}

}  // namespace simul
