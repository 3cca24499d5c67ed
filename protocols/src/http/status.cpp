#include "http/status.hpp"

#include <algorithm>
#include <array>

namespace simul::http {
namespace {

struct Status {
  int code;
  std::string_view line;
};

constexpr std::string_view kStart = "HTTP/1.1 404 ";

// In the order of their codes.
constexpr std::array kStatuses = {
#define SIMUL_STATUS(code, reason) Status{code, "HTTP/1.1 " #code " " reason "\r\n"}
    SIMUL_STATUS(100, "Continue"),
    SIMUL_STATUS(101, "Switching Protocols"),
    SIMUL_STATUS(103, "Early Hints"),
    SIMUL_STATUS(200, "OK"),
    SIMUL_STATUS(201, "Created"),
    SIMUL_STATUS(202, "Accepted"),
    SIMUL_STATUS(203, "Non-Authoritative Information"),
    SIMUL_STATUS(204, "No Content"),
    SIMUL_STATUS(205, "Reset Content"),
    SIMUL_STATUS(206, "Partial Content"),
    SIMUL_STATUS(300, "Multiple Choices"),
    SIMUL_STATUS(301, "Moved Permanently"),
    SIMUL_STATUS(302, "Found"),
    SIMUL_STATUS(303, "See Other"),
    SIMUL_STATUS(304, "Not Modified"),
    SIMUL_STATUS(307, "Temporary Redirect"),
    SIMUL_STATUS(308, "Permanent Redirect"),
    SIMUL_STATUS(400, "Bad Request"),
    SIMUL_STATUS(401, "Unauthorized"),
    SIMUL_STATUS(402, "Payment Required"),
    SIMUL_STATUS(403, "Forbidden"),
    SIMUL_STATUS(404, "Not Found"),
    SIMUL_STATUS(405, "Method Not Allowed"),
    SIMUL_STATUS(406, "Not Acceptable"),
    SIMUL_STATUS(407, "Proxy Authentication Required"),
    SIMUL_STATUS(408, "Request Timeout"),
    SIMUL_STATUS(409, "Conflict"),
    SIMUL_STATUS(410, "Gone"),
    SIMUL_STATUS(411, "Length Required"),
    SIMUL_STATUS(412, "Precondition Failed"),
    SIMUL_STATUS(413, "Content Too Large"),
    SIMUL_STATUS(414, "URI Too Long"),
    SIMUL_STATUS(415, "Unsupported Media Type"),
    SIMUL_STATUS(416, "Range Not Satisfiable"),
    SIMUL_STATUS(417, "Expectation Failed"),
    SIMUL_STATUS(421, "Misdirected Request"),
    SIMUL_STATUS(422, "Unprocessable Content"),
    SIMUL_STATUS(425, "Too Early"),
    SIMUL_STATUS(426, "Upgrade Required"),
    SIMUL_STATUS(428, "Precondition Required"),
    SIMUL_STATUS(429, "Too Many Requests"),
    SIMUL_STATUS(431, "Request Header Fields Too Large"),
    SIMUL_STATUS(451, "Unavailable For Legal Reasons"),
    SIMUL_STATUS(500, "Internal Server Error"),
    SIMUL_STATUS(501, "Not Implemented"),
    SIMUL_STATUS(502, "Bad Gateway"),
    SIMUL_STATUS(503, "Service Unavailable"),
    SIMUL_STATUS(504, "Gateway Timeout"),
    SIMUL_STATUS(505, "HTTP Version Not Supported"),
    SIMUL_STATUS(507, "Insufficient Storage"),
    SIMUL_STATUS(511, "Network Authentication Required"),
#undef SIMUL_STATUS
};
static_assert(std::ranges::is_sorted(kStatuses, {}, &Status::code));

}  // namespace

std::string_view status_line(int status) noexcept {
  if (status == 200) [[likely]] {
    return "HTTP/1.1 200 OK\r\n";
  }
  const auto* const found = std::ranges::lower_bound(kStatuses, status, {}, &Status::code);
  return found != kStatuses.end() && found->code == status ? found->line : std::string_view();
}

std::string_view reason_phrase(int status) noexcept {
  const std::string_view line = status_line(status);
  return line.empty() ? line : line.substr(kStart.size(), line.size() - kStart.size() - 2);
}

std::string status_text(int status) {
  std::string text = std::to_string(status);
  if (const std::string_view reason = reason_phrase(status); !reason.empty()) {
    text.append(" ").append(reason);
  }
  return text;
}

}  // namespace simul::http
