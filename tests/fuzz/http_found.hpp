// What the request parser finds in an input, in words, for one way of cutting it up; and what llhttp finds in
// it. For fuzzers: whatever is wrong ends the process.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llhttp.h>

#include "http/request_parser.hpp"

namespace fuzz {

inline constexpr simul::http::RequestLimits kLimits{
    .target = 200, .head = 600, .fields = 10, .body = 500};

inline void require(bool condition) {
  if (!condition) std::abort();
}

struct Message {
  std::string method, target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::size_t end = 0;  // in the input; 0: it isn't complete

  friend bool operator==(const Message&, const Message&) = default;
};

struct Found {
  std::vector<Message> messages;
  int status = 0;
  bool idle = false;
  bool in_body = false;

  friend bool operator==(const Found&, const Found&) = default;
};

/// `next_size` says how long the next piece is to be; `check` looks at each head.
template <typename NextSize, typename Check>
Found parse(std::string_view input, NextSize next_size, Check check) {
  using simul::http::RequestParser;
  RequestParser parser(kLimits);
  Found found;
  std::size_t at = 0;
  bool own_head = false;
  std::vector<std::unique_ptr<char[]>> pieces;  // of a head that must stay where it is
  while (!input.empty()) {
    const std::size_t size = std::clamp<std::size_t>(next_size(), 1, input.size());
    if (own_head || parser.idle()) {
      pieces.clear();
    }
    char* const memory = pieces.emplace_back(std::make_unique<char[]>(size)).get();
    input.copy(memory, size);
    input.remove_prefix(size);
    std::string_view piece(memory, size);
    for (;;) {
      const auto [event, consumed, body] = parser.parse(piece);
      require(consumed <= piece.size());
      require(event == RequestParser::Event::body
                  ? !body.empty() && body.data() >= piece.data() &&
                        body.data() + body.size() == piece.data() + consumed
                  : body.empty());
      piece.remove_prefix(consumed);
      at += consumed;
      if (event == RequestParser::Event::more) {
        require(piece.empty());
        break;
      }
      if (event == RequestParser::Event::error) {
        found.status = parser.status();
        require(found.status >= 400 && found.status < 600);
        require(parser.parse("x").event == RequestParser::Event::error);
        return found;
      }
      const simul::http::RequestHead& head = parser.request();
      if (event == RequestParser::Event::head) {
        check(head);
        own_head = !parser.head_is_in_input();
        Message& message = found.messages.emplace_back();
        message.method = head.method;
        message.target = head.target;
        for (const auto& [name, value] : head.fields) {
          message.fields.emplace_back(name, value);
        }
      } else if (event == RequestParser::Event::body) {
        found.messages.back().body += body;
        require(!head.content_length ||
                parser.body_left() == *head.content_length - found.messages.back().body.size());
      } else {
        require(head.method == found.messages.back().method &&
                head.target == found.messages.back().target);
        require(found.messages.back().body.size() <= kLimits.body);
        found.messages.back().end = at;
      }
    }
  }
  found.idle = parser.idle();
  found.in_body = parser.in_body();
  return found;
}

/// Whole, byte by byte, and in pieces of random sizes: always the same.
template <typename Check>
Found parse(std::string_view input, Check check) {
  Found whole = parse(input, [&] { return input.size(); }, check);
  require(parse(input, [] { return std::size_t{1}; }, check) == whole);
  std::uint32_t state = static_cast<std::uint32_t>(input.size()) * 2654435761U + 1;
  const auto random = [&] {
    state = state * 1664525U + 1013904223U;
    return std::size_t{state >> 27};
  };
  require(parse(input, random, check) == whole);
  return whole;
}

/// What llhttp finds in one message. `end` is 0 if it refuses it or finds no end.
class Oracle {
 public:
  explicit Oracle(std::string_view input) : begin_(input.data()) {
    llhttp_t llhttp;
    llhttp_init(&llhttp, HTTP_REQUEST, &kSettings);
    llhttp.data = this;
    if (llhttp_execute(&llhttp, input.data(), input.size()) == HPE_PAUSED) {
      message.end = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp) - begin_);
    }
    message.method = llhttp_method_name(static_cast<llhttp_method_t>(llhttp.method));
  }

  Message message;

 private:
  static Oracle& self(llhttp_t* llhttp) { return *static_cast<Oracle*>(llhttp->data); }
  static int on_url(llhttp_t* llhttp, const char* data, std::size_t size) {
    self(llhttp).message.target.append(data, size);
    return 0;
  }
  static int on_name(llhttp_t* llhttp, const char* data, std::size_t size) {
    self(llhttp).name_.append(data, size);
    return 0;
  }
  static int on_value(llhttp_t* llhttp, const char* data, std::size_t size) {
    self(llhttp).value_.append(data, size);
    return 0;
  }
  static int on_field_complete(llhttp_t* llhttp) {
    Oracle& oracle = self(llhttp);
    if (oracle.in_head_) {
      while (!oracle.value_.empty() &&
             (oracle.value_.back() == ' ' || oracle.value_.back() == '\t')) {
        oracle.value_.pop_back();
      }
      oracle.message.fields.emplace_back(std::move(oracle.name_), std::move(oracle.value_));
    }
    oracle.name_.clear();
    oracle.value_.clear();
    return 0;
  }
  static int on_head(llhttp_t* llhttp) {
    self(llhttp).in_head_ = false;
    return 0;
  }
  static int on_body(llhttp_t* llhttp, const char* data, std::size_t size) {
    self(llhttp).message.body.append(data, size);
    return 0;
  }
  static int on_complete(llhttp_t* /*llhttp*/) { return HPE_PAUSED; }

  static constexpr llhttp_settings_t kSettings = {.on_url = on_url,
                                                  .on_header_field = on_name,
                                                  .on_header_value = on_value,
                                                  .on_headers_complete = on_head,
                                                  .on_body = on_body,
                                                  .on_message_complete = on_complete,
                                                  .on_header_value_complete = on_field_complete};

  const char* begin_;
  std::string name_, value_;
  bool in_head_ = true;
};

}  // namespace fuzz
