#include <simul/protocols/builtin.hpp>

#include <array>

#include <simul/protocols/discard.hpp>
#include <simul/protocols/echo.hpp>
#include <simul/protocols/http.hpp>

namespace simul {

std::span<const ProtocolType> builtin_protocols() {
  static const std::array kTypes = {echo_protocol(), discard_protocol(), http_protocol()};
  return kTypes;
}

}  // namespace simul
