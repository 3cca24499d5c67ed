#include "peer_name.hpp"

#include <simul/quote.hpp>

namespace simul::server {

std::string peer_name(const Endpoint& peer) {
  switch (peer.family()) {
    case Endpoint::Family::unspecified:
      return "a local client";
    case Endpoint::Family::local:
      return "local client " + quote(peer.path());
    default:
      return peer.to_string();
  }
}

}  // namespace simul::server
