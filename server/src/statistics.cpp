#include "statistics.hpp"

#include <string_view>

#include <fmt/format.h>

namespace simul::server {

Statistics& Statistics::operator+=(const Statistics& other) noexcept {
  accepted += other.accepted;
  current += other.current;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  for (std::size_t i = 0; i < closed.size(); ++i) {
    closed[i] += other.closed[i];
  }
  for (std::size_t i = 0; i < refused.size(); ++i) {
    refused[i] += other.refused[i];
  }
  return *this;
}

std::string Statistics::describe(std::uint32_t peak) const {
  static constexpr std::array<std::string_view, 4> kReasons = {"by the handler", "failed",
                                                               "idle timeout", "shutdown"};
  std::string reasons;
  for (std::size_t i = 0; i < closed.size(); ++i) {
    reasons += fmt::format("{}{} {}", i == 0 ? "" : ", ", closed[i], kReasons[i]);
  }
  std::string text =
      fmt::format("{} connections served, peak {} at once, {} bytes in, {} bytes out, closed: {}",
                  accepted, peak, bytes_in, bytes_out, reasons);
  static constexpr std::array<std::string_view, 4> kRefusals = {"PROXY header", "TLS", "timeout",
                                                                "gone"};
  std::string_view separator = "; not admitted: ";
  for (std::size_t i = 0; i < refused.size(); ++i) {
    if (refused[i] != 0) {
      text += fmt::format("{}{} {}", separator, refused[i], kRefusals[i]);
      separator = ", ";
    }
  }
  return text;
}

}  // namespace simul::server
