#include "debug_mode.hpp"

#include <cstdlib>
#include <string_view>

namespace simul::detail {

bool debug_mode() noexcept {
  static const bool on = [] {
    const char* value = std::getenv("SIMUL_DEBUG");
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
  }();
  return on;
}

}  // namespace simul::detail
