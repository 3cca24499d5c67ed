#include "http/response_head.hpp"

#include <array>
#include <charconv>

#include "http/date.hpp"
#include "http/response_access.hpp"
#include "http/status.hpp"

namespace simul::http {
namespace {

// All that isn't the response's own is a good deal shorter.
constexpr std::size_t kRest = 512;

class Number {
 public:
  explicit Number(std::uint64_t value) noexcept
      : size_(static_cast<std::size_t>(
            std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr -
            digits_.data())) {}
  operator std::string_view() const noexcept { return {digits_.data(), size_}; }

 private:
  std::array<char, 20> digits_;
  std::size_t size_;
};

}  // namespace

std::size_t response_head_size(const Response& response, std::string_view server_line) noexcept {
  return kRest + detail::ResponseAccess::fields(response).size() +
         detail::ResponseAccess::content_type(response).size() + server_line.size();
}

void write_response_head(Output& output, const Response& response, const ResponseFraming& framing,
                         std::string_view server_line) {
  if (const std::string_view line = status_line(response.status()); !line.empty()) [[likely]] {
    output.append(line);
  } else {
    output.append("HTTP/1.1 ");
    output.append(Number(static_cast<std::uint64_t>(response.status())));
    output.append(" \r\n");
  }
  output.append(server_line);
  output.append("Date: ");
  output.append(current_date());
  if (const std::string_view type = detail::ResponseAccess::content_type(response); !type.empty()) {
    output.append("\r\nContent-Type: ");
    output.append(type);
  }
  switch (framing.length) {
    case Length::known:
      output.append("\r\nContent-Length: ");
      output.append(Number(framing.size));
      break;
    case Length::chunked:
      output.append("\r\nTransfer-Encoding: chunked");
      break;
    case Length::none:
    case Length::until_close:
      break;
  }
  output.append("\r\n");
  output.append(detail::ResponseAccess::fields(response));
  switch (framing.persistence) {
    case Persistence::keep:
      break;
    case Persistence::keep_said:
      output.append("Connection: keep-alive\r\n");
      break;
    case Persistence::close:
      output.append("Connection: close\r\n");
      break;
    case Persistence::upgrade:
      output.append("Connection: upgrade\r\nUpgrade: ");
      output.append(framing.upgrade_to);
      output.append("\r\n");
      break;
  }
  output.append("\r\n");
}

}  // namespace simul::http
