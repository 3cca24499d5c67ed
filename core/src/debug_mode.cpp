#include "debug_mode.hpp"

#include <cstdlib>
#include <string_view>

namespace simul::detail {

bool debug_mode() noexcept {
  static const bool on = [] {
    const char* const value = std::getenv("SIMUL_DEBUG");
    return value != nullptr && std::string_view(value) != "" && std::string_view(value) != "0";
  }();
  return on;
}

}  // namespace simul::detail
