#include "http/response_head.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "http/date.hpp"
#include "http/response_access.hpp"
#include "http/status.hpp"

namespace simul::http {
namespace {

// All that isn't the response's own is a good deal shorter.
constexpr std::size_t kRest = 512;

/// Puts one text behind the other, where there is room for all of them.
class Text {
 public:
  explicit Text(char* begin) noexcept : end_(begin) {}
  Text& operator<<(std::string_view text) noexcept {
    end_ = std::ranges::copy(text, end_).out;
    return *this;
  }
  Text& operator<<(std::uint64_t number) noexcept {
    end_ = std::to_chars(end_, end_ + 20, number).ptr;
    return *this;
  }
  [[nodiscard]] char* end() const noexcept { return end_; }

 private:
  char* end_;
};

char* write_head(char* out, const Response& response, const ResponseFraming& framing,
                 std::string_view server_line) {
  Text text(out);
  if (const std::string_view line = status_line(response.status()); !line.empty()) [[likely]] {
    text << line;
  } else {
    text << "HTTP/1.1 " << static_cast<std::uint64_t>(response.status()) << " \r\n";
  }
  text << server_line << "Date: " << current_date() << "\r\n";
  if (const std::string_view type = detail::ResponseAccess::content_type(response); !type.empty()) {
    text << "Content-Type: " << type << "\r\n";
  }
  switch (framing.length) {
    case Length::known:
      text << "Content-Length: " << framing.size << "\r\n";
      break;
    case Length::chunked:
      text << "Transfer-Encoding: chunked\r\n";
      break;
    case Length::none:
    case Length::until_close:
      break;
  }
  text << detail::ResponseAccess::fields(response);
  switch (framing.persistence) {
    case Persistence::keep:
      break;
    case Persistence::keep_said:
      text << "Connection: keep-alive\r\n";
      break;
    case Persistence::close:
      text << "Connection: close\r\n";
      break;
    case Persistence::upgrade:
      text << "Connection: upgrade\r\nUpgrade: " << framing.upgrade_to << "\r\n";
      break;
  }
  text << "\r\n";
  return text.end();
}

}  // namespace

std::size_t response_head_size(const Response& response, const ResponseFraming& framing,
                               std::string_view server_line) noexcept {
  return kRest + detail::ResponseAccess::fields(response).size() +
         detail::ResponseAccess::content_type(response).size() + server_line.size() +
         framing.upgrade_to.size();
}

void write_response_head(Output& output, const Response& response, const ResponseFraming& framing,
                         std::string_view server_line) {
  const std::size_t bound = response_head_size(response, framing, server_line);
  if (const MutableBytes space = output.space(); space.size() >= bound) [[likely]] {
    char* const begin = reinterpret_cast<char*>(space.data());
    output.commit(
        static_cast<std::size_t>(write_head(begin, response, framing, server_line) - begin));
    return;
  }
  std::string head(bound, '\0');  // across the end of a chunk
  output.append({head.data(), write_head(head.data(), response, framing, server_line)});
}

}  // namespace simul::http
