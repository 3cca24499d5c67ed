// What all conversations of a listener have in common.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <simul/clock.hpp>

#include "http/access_log.hpp"
#include "http/failure_log.hpp"
#include "http/request_parser.hpp"

namespace simul::http {

struct Settings {
  RequestLimits limits;
  Duration header_timeout;      ///< from the first byte of a request to the end of its header
  Duration keep_alive_timeout;  ///< between two requests; zero: that of the connection alone
  std::uint64_t min_rate;       ///< bytes a second, of bodies both ways; zero: any
  Duration rate_grace;          ///< how long it may be slower
  std::string server_line;      ///< "Server: simul\r\n", or nothing
  std::unique_ptr<AccessLog> access_log;  ///< may be null
  std::unique_ptr<FailureLog> failures = std::make_unique<FailureLog>();

  /// When `bytes` that begin to move now must have moved.
  [[nodiscard]] TimePoint deadline(TimePoint now, std::uint64_t bytes) const noexcept {
    if (min_rate == 0) {
      return kNever;
    }
    constexpr std::uint64_t kYears = 1'000'000'000;
    return time_after(now, rate_grace + std::chrono::seconds(std::min(bytes / min_rate, kYears)));
  }
};

/// "Server: simul\r\n", or nothing. Throws std::invalid_argument for what can't be the value of a field.
[[nodiscard]] std::string make_server_line(std::string_view name);

}  // namespace simul::http
