// Writes the head of a response: status line, the response's fields and those that belong to the connection.
//
//   if (response_head_size(response, framing, server_line) > output.room()) { ... send first ... }
//   write_response_head(output, response, {.length = Length::known, .size = 14}, server_line);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <simul/http/response.hpp>

#include "http/output.hpp"

namespace simul::http {

/// What the response says about the connection's future. `keep_said`: as an HTTP/1.0 client wants to hear it.
enum class Persistence : std::uint8_t { keep, keep_said, close, upgrade };

/// How the end of the body is known (RFC 9112, 6.3). `none`: from the status, or nothing is said of it.
enum class Length : std::uint8_t { none, known, chunked, until_close };

struct ResponseFraming {
  Persistence persistence = Persistence::keep;
  Length length = Length::known;
  std::uint64_t size = 0;         // if it is known
  std::string_view upgrade_to{};  // with Persistence::upgrade
};

/// An upper bound.
[[nodiscard]] std::size_t response_head_size(const Response& response,
                                             const ResponseFraming& framing,
                                             std::string_view server_line) noexcept;

/// Only when there is room for it.
void write_response_head(Output& output, const Response& response, const ResponseFraming& framing,
                         std::string_view server_line);

}  // namespace simul::http
