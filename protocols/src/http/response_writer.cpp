#include "http/response_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace simul::http {
namespace {

// A head without the response's own fields is a good deal shorter.
constexpr std::size_t kHeadSize = 512;

}  // namespace

bool ResponseWriter::head_fits(const Response& response) const noexcept {
  return output_.room() >= kHeadSize + response.fields.size();
}

void ResponseWriter::begin(Response response, const Framing& framing) {
  response_ = std::move(response);
  std::array<char, 20> digits;
  const char* const digits_end =
      std::to_chars(digits.data(), digits.data() + digits.size(), response_.size()).ptr;

  output_.append(status_line(response_.status));
  output_.append("Server: simul\r\nDate: ");
  output_.append(framing.date);
  output_.append("\r\nContent-Type: ");
  output_.append(response_.content_type);
  output_.append("\r\nContent-Length: ");
  output_.append({digits.data(), digits_end});
  output_.append("\r\n");
  output_.append(response_.fields);
  switch (framing.persistence) {
    case Persistence::keep:
      break;
    case Persistence::keep_said:
      output_.append("Connection: keep-alive\r\n");
      break;
    case Persistence::close:
      output_.append("Connection: close\r\n");
      break;
  }
  output_.append("\r\n");

  left_ = framing.head_only ? 0 : response_.size();
  static_cast<void>(fill());  // a failure leaves it unfinished, and shows again at the next one
}

bool ResponseWriter::fill() {
  const bool good = std::visit([this](auto& body) { return fill_from(body); }, response_.body);
  if (finished()) {
    response_ = {};  // closes a file
  }
  return good;
}

bool ResponseWriter::fill_from(std::string_view text) {
  left_ -= output_.append(text.substr(text.size() - left_));
  return true;
}

bool ResponseWriter::fill_from(File& file) {
  while (left_ > 0 && output_.room() > 0) {
    const MutableBytes space = output_.space();
    const std::size_t count = file.read(space.first(std::min<std::uint64_t>(space.size(), left_)));
    if (count == 0) {
      return false;
    }
    output_.commit(count);
    left_ -= count;
  }
  return true;
}

}  // namespace simul::http
