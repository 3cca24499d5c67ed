// What the request parser finds in an input, in one piece, byte by byte, and cut in two at every place.
//
//   const Outcome outcome = parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
//   CHECK(outcome.requests.at(0).path == "/");
//   CHECK(refuse("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "http/request_parser.hpp"

namespace simul::http::testing {

struct Parsed {
  std::string method{}, target{}, path{}, query{}, host{};
  std::string fields{};
  std::string body{};
  bool keep_alive = false;
  bool expects_continue = false;
  std::optional<std::uint64_t> content_length{};
  bool complete = false;  // with its body

  friend bool operator==(const Parsed&, const Parsed&) = default;
};

struct Outcome {
  std::vector<Parsed> requests;
  int status = 0;  // of the error that ended it
  bool idle = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline Parsed copy(const RequestHead& head) {
  return {.method = std::string(head.method),
          .target = std::string(head.target),
          .path = std::string(head.path),
          .query = std::string(head.query),
          .host = std::string(head.host),
          .fields = std::string(head.fields.lines()),
          .keep_alive = head.keep_alive,
          .expects_continue = head.expects_continue,
          .content_length = head.content_length};
}

// Feeds the pieces one after the other, each in memory of its own, so that a sanitizer sees a view
// that outlives its bytes.
inline Outcome parse_pieces(const std::vector<std::string_view>& pieces,
                            const RequestLimits& limits) {
  using Event = RequestParser::Event;
  RequestParser parser(limits);
  Outcome outcome;
  bool own_head = false;
  std::vector<std::unique_ptr<char[]>> memories;
  for (const std::string_view piece : pieces) {
    if (own_head) {
      memories.clear();  // it must not need them
    }
    char* const memory = memories.emplace_back(std::make_unique<char[]>(piece.size())).get();
    piece.copy(memory, piece.size());
    std::string_view rest(memory, piece.size());
    for (;;) {
      const auto [event, consumed, body] = parser.parse(rest);
      REQUIRE(consumed <= rest.size());
      if (event == Event::head) {
        outcome.requests.push_back(copy(parser.request()));
        own_head = !parser.head_is_in_input();
        const char* const method = parser.request().method.data();
        REQUIRE(own_head == !(method >= rest.data() && method < rest.data() + rest.size()));
      } else if (event == Event::body) {
        REQUIRE_FALSE(body.empty());
        REQUIRE(body.data() >= rest.data());
        REQUIRE(body.data() + body.size() == rest.data() + consumed);
        outcome.requests.back().body += body;
      } else if (event == Event::end) {
        // Still there, whatever has been parsed since.
        Parsed again = copy(parser.request());
        again.body = outcome.requests.back().body;
        REQUIRE(again == outcome.requests.back());
        outcome.requests.back().complete = true;
      } else if (event == Event::error) {
        REQUIRE(parser.parse(rest).event == Event::error);
        outcome.status = parser.status();
        return outcome;
      } else {
        REQUIRE(consumed == rest.size());
        break;
      }
      rest.remove_prefix(consumed);
    }
  }
  outcome.idle = parser.idle();
  return outcome;
}

// In one piece, byte by byte, and cut in two at every place: always the same.
inline Outcome parse(std::string_view input, const RequestLimits& limits = {}) {
  const Outcome whole = parse_pieces({input}, limits);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < input.size(); ++i) {
    bytes.push_back(input.substr(i, 1));
  }
  CHECK(parse_pieces(bytes, limits) == whole);
  bool same = true;
  for (std::size_t cut = 1; cut < input.size(); ++cut) {
    same = same && parse_pieces({input.substr(0, cut), input.substr(cut)}, limits) == whole;
  }
  CHECK(same);
  return whole;
}

/// The status that `input` is refused with; 0 if it is one whole request, or more. Whatever is refused takes
/// what follows with it: that may be the end of what an attacker has hidden.
inline int refuse(std::string_view input, const RequestLimits& limits = {}) {
  const Outcome outcome =
      parse(std::string(input) + "GET /trailing HTTP/1.1\r\nHost: a\r\n\r\n", limits);
  if (outcome.status != 0) {
    CHECK(outcome.requests.size() <= 1);
    CHECK_FALSE((!outcome.requests.empty() && outcome.requests.back().complete));
    return outcome.status;
  }
  REQUIRE(outcome.requests.size() >= 2);
  CHECK(outcome.requests.back().path == "/trailing");
  CHECK(outcome.idle);
  return 0;
}

}  // namespace simul::http::testing
