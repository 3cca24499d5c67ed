// Whatever the bytes are, the request parser finds the same in them however they are cut up, its views lie in
// memory that exists, what it accepts keeps what it promises, and llhttp understands it in the same way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/characters.hpp"
#include "http/decode_path.hpp"
#include "http/method.hpp"
#include "http_found.hpp"

namespace {

using fuzz::require;

void check(const simul::http::RequestHead& head) {
  require(simul::http::is_method(head.method) && !head.target.empty());
  require(head.path.empty() ? head.target == "*" && head.method == "OPTIONS"
                            : head.path.starts_with('/'));
  require(head.target.size() <= fuzz::kLimits.target);
  require(std::ranges::all_of(head.target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; }));
  require(!head.path.contains('?'));
  require(head.host.find_first_of("\r\n/@ ,\\\"'<>?#") == std::string_view::npos);
  require(head.minor_version == 0 || head.minor_version == 1);
  std::size_t count = 0, hosts = 0, lengths = 0, codings = 0;
  for (const auto& [name, value] : head.fields) {
    require(simul::http::is_token(name));
    require(std::ranges::none_of(value, simul::http::is_control));
    require(head.fields.find(name).has_value());
    hosts += simul::http::equal_ignoring_case(name, "Host") ? 1 : 0;
    lengths += simul::http::equal_ignoring_case(name, "Content-Length") ? 1 : 0;
    codings += simul::http::equal_ignoring_case(name, "Transfer-Encoding") ? 1 : 0;
    ++count;
  }
  require(count <= fuzz::kLimits.fields && head.fields.lines().size() <= fuzz::kLimits.head);
  require(hosts == 1 || (hosts == 0 && head.minor_version == 0));
  require(lengths + codings <= 1 && codings <= static_cast<std::size_t>(head.minor_version));
  require(head.content_length.has_value() == (lengths == 1));
  require(head.has_body == (codings == 1 || head.content_length.value_or(0) > 0));
  require(head.content_length.value_or(0) <= fuzz::kLimits.body);
  std::string decoded;
  if (simul::http::decode_path(head.path, decoded)) {
    require(decoded.size() <= head.path.size() && !decoded.contains('\0'));
    require(std::ranges::count(decoded, '/') == std::ranges::count(head.path, '/'));
  }
}

// Legal, but llhttp refuses it or takes it for something else.
bool is_unusual(const fuzz::Message& message, std::string_view text) {
  return message.method == "QUERY" ||
         text.substr(0, text.find("\r\n\r\n", text.find("HTTP/"))).contains('\t');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const fuzz::Found found = fuzz::parse(input, check);
  std::size_t begin = 0;
  for (const fuzz::Message& message : found.messages) {
    if (message.end == 0 || is_unusual(message, input.substr(begin, message.end - begin))) {
      break;
    }
    fuzz::Message other = fuzz::Oracle(input.substr(begin)).message;
    if (other.end != 0 ||
        input.substr(begin, message.end - begin).find(';') == std::string_view::npos) {
      other.end += begin;
      require(other == message);
    }  // else chunk extensions, which the other fuzzer looks at
    begin = message.end;
  }
  return 0;
}
