// Response: what answers a request, before it becomes bytes.
//
//   return Response{.body = "Hello, world!\n"};
//   return Response{.status = 301, .fields = "Location: /docs/\r\n", .body = text};
//   return error_response(404);
//
// Whoever writes it adds what belongs to the connection: date, length, keep-alive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "http/file.hpp"

namespace simul::http {

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

struct Response {
  /// A view must outlive the response.
  using Body = std::variant<std::string_view, std::string, File>;

  int status = 200;
  std::string_view content_type = kPlainText;
  std::string fields = {};  ///< more lines of the header, each with its CRLF
  Body body = std::string_view();

  [[nodiscard]] std::uint64_t size() const noexcept {
    return std::visit([](const auto& content) -> std::uint64_t { return content.size(); }, body);
  }
};

/// "HTTP/1.1 404 Not Found\r\n". Of a status that simul never gives: that of 500.
[[nodiscard]] std::string_view status_line(int status) noexcept;

/// A response whose body is its own status: "404 Not Found\n".
[[nodiscard]] Response error_response(int status);

}  // namespace simul::http
