#include "http/response.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace simul::http {
namespace {

struct Status {
  int code;
  std::string_view line;
  std::string_view text;
};

constexpr std::array kStatuses = {
#define SIMUL_STATUS(code, reason) \
  Status{code, "HTTP/1.1 " #code " " reason "\r\n", #code " " reason "\n"}
    SIMUL_STATUS(200, "OK"),
    SIMUL_STATUS(301, "Moved Permanently"),
    SIMUL_STATUS(400, "Bad Request"),
    SIMUL_STATUS(403, "Forbidden"),
    SIMUL_STATUS(404, "Not Found"),
    SIMUL_STATUS(405, "Method Not Allowed"),
    SIMUL_STATUS(408, "Request Timeout"),
    SIMUL_STATUS(413, "Content Too Large"),
    SIMUL_STATUS(414, "URI Too Long"),
    SIMUL_STATUS(417, "Expectation Failed"),
    SIMUL_STATUS(431, "Request Header Fields Too Large"),
    SIMUL_STATUS(500, "Internal Server Error"),
    SIMUL_STATUS(501, "Not Implemented"),
    SIMUL_STATUS(503, "Service Unavailable"),
    SIMUL_STATUS(505, "HTTP Version Not Supported"),
#undef SIMUL_STATUS
};

const Status& status_of(int code) noexcept {
  const auto* const found = std::ranges::find(kStatuses, code, &Status::code);
  return found != kStatuses.end() ? *found : *std::ranges::find(kStatuses, 500, &Status::code);
}

}  // namespace

std::string_view status_line(int status) noexcept { return status_of(status).line; }

Response error_response(int status) {
  return {.status = status_of(status).code, .body = status_of(status).text};
}

}  // namespace simul::http
