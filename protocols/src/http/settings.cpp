#include "http/settings.hpp"

#include <stdexcept>

#include <simul/quote.hpp>

#include "http/field_check.hpp"

namespace simul::http {

std::string make_server_line(std::string_view name) {
  if (name.empty()) {
    return {};
  }
  if (!is_field_value(name)) {
    throw std::invalid_argument("no value of the field Server: " + quote(name));
  }
  return "Server: " + std::string(name) + "\r\n";
}

}  // namespace simul::http
