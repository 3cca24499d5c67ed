// Whatever the bytes are, the request parser finds the same in them however they are cut up, its
// views lie in memory that exists, and what it accepts keeps what it promises.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "http/decode_path.hpp"
#include "http/request_parser.hpp"

namespace {

using simul::http::RequestLimits;
using simul::http::RequestParser;

constexpr RequestLimits kLimits{.target = 200, .head = 600, .body = 500};

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const simul::http::Request& request) {
  require(!request.method.empty() && !request.target.empty());
  require(request.path.empty() ? request.target == "*" : request.path.starts_with('/'));
  require(request.target.size() <= kLimits.target);
  require(request.path.find_first_of("\r\n ?#") == std::string_view::npos);
  require(request.query.find_first_of("\r\n #") == std::string_view::npos);
  require(request.host.find_first_of("\r\n/@ ") == std::string_view::npos);
  for (std::string_view rest = request.fields; !rest.empty();) {
    const auto [name, value] = simul::http::take_field(rest);
    require(simul::http::is_token(name));
    require(value.find_first_of("\r\n") == std::string_view::npos && !value.contains('\0'));
    require(request.header(name).has_value());
  }
  std::string decoded;
  if (simul::http::decode_path(request.path, decoded)) {
    require(decoded.size() <= request.path.size() && !decoded.contains('\0'));
    require(std::ranges::count(decoded, '/') == std::ranges::count(request.path, '/'));
  }
}

// What was found, in words. `next_size` says how long the next piece is to be.
template <typename NextSize>
std::string describe(std::string_view input, NextSize next_size) {
  RequestParser parser(kLimits);
  std::string found;
  while (!input.empty()) {
    const std::size_t size = std::clamp<std::size_t>(next_size(), 1, input.size());
    const auto memory = std::make_unique<char[]>(size);
    input.copy(memory.get(), size);
    input.remove_prefix(size);
    std::string_view piece(memory.get(), size);
    for (;;) {
      const auto [event, consumed] = parser.parse(piece);
      require(consumed <= piece.size());
      piece.remove_prefix(consumed);
      if (event == RequestParser::Event::more) {
        require(piece.empty());
        break;
      }
      if (event == RequestParser::Event::error) {
        require(parser.status() >= 400);
        require(parser.parse("x").event == RequestParser::Event::error);
        return found + std::to_string(parser.status());
      }
      if (event == RequestParser::Event::head) {
        check(parser.request());
        found.append(parser.request().method).append(" ").append(parser.request().target);
        found.append(parser.request().fields);
      } else {
        found += "end\n";
      }
    }
  }
  return found + (parser.idle() ? "idle" : parser.in_body() ? "body" : "head");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = describe(input, [&] { return size; });
  require(describe(input, [] { return std::size_t{1}; }) == whole);
  std::uint32_t state = static_cast<std::uint32_t>(size) * 2654435761U + 1;
  require(describe(input, [&] {
            state = state * 1664525U + 1013904223U;
            return std::size_t{state >> 27};
          }) == whole);
  return 0;
}
