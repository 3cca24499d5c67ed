// Whatever the bytes of a chunked body are, the decoder finds the same in them however they are cut up, and what
// it accepts llhttp accepts as well, with the same bytes and the same end. llhttp refuses extensions that are legal
// (several, with blanks, escaped quotes): it is then given the body without them.
//
// The first byte of the input chooses: a body in chunks, or one whose length is given.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http_found.hpp"

namespace {

using fuzz::require;

// The same chunks without extensions. Each line and each chunk was found to be in order.
std::string without_extensions(std::string_view body) {
  std::string plain;
  for (;;) {
    const std::size_t line_end = body.find("\r\n");
    require(line_end != std::string_view::npos);
    const std::string digits(body.substr(0, body.find_first_of("; \t\r")));
    require(!digits.empty() && digits.size() <= 16);
    const std::size_t size = std::stoull(digits, nullptr, 16);
    plain.append(digits).append("\r\n");
    body.remove_prefix(line_end + 2);
    if (size == 0) {
      return plain.append(body);
    }
    require(size + 2 <= body.size() && body.substr(size, 2) == "\r\n");
    plain.append(body.substr(0, size + 2));
    body.remove_prefix(size + 2);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool chunked = data[0] % 8 != 0;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n" +
                           (chunked ? std::string("Transfer-Encoding: chunked")
                                    : "Content-Length: " + std::to_string(data[0] / 8)) +
                           "\r\n\r\n";
  const std::string input = head + std::string(body);
  const fuzz::Found found = fuzz::parse(input, [](const simul::http::RequestHead&) {});
  require(!found.messages.empty());
  const fuzz::Message& message = found.messages.front();
  if (message.end == 0) {
    require(found.messages.size() == 1);
    require(found.status != 0 || found.in_body);
    return 0;
  }
  fuzz::Message other = fuzz::Oracle(input).message;
  if (other.end == 0) {
    require(chunked);
    const std::string_view accepted = body.substr(0, message.end - head.size());
    require(accepted.contains(';'));
    const std::string plain = head + without_extensions(accepted);
    other = fuzz::Oracle(plain + std::string(body.substr(accepted.size()))).message;
    require(other.end == plain.size());
    other.end = message.end;
  }
  require(other == message);
  return 0;
}
