// RequestParser: bytes in, requests out; no I/O. It takes any stretch of the input and says what it
// has found there; the result doesn't depend on how the input was cut up.
//
//   auto [event, consumed, body] = parser.parse(input);   // head: parser.request() is there
//   input.remove_prefix(consumed);                        // body: the next piece; and so on, until `more`
//
// A head that arrives in one piece is parsed where it lies; only one that doesn't is copied. It is read line by
// line, each as soon as it is whole, and two servers must not be able to read it differently: no bare CR or LF,
// no folded lines, single blanks in the request line, no field without a name, one Host, one way to tell where
// the body ends. A head that we accept llhttp must have accepted, too, and must have understood as we do.
//
// Where RFC 9112 leaves a choice:
// - Host: needed in HTTP/1.1, once at most; empty is allowed (the server's default host is meant), whatever the
//   target; see is_host() for what else may stand in it. That of an absolute target goes before, and isn't empty.
// - Connection: the options of all its fields count, in whatever case; `close` goes before `keep-alive`. What
//   isn't a plain option (`close;q=1`) says nothing.
// - Expect is ignored in HTTP/1.0, and `100-continue` without a body.
// - A list of codings with one that we don't know is refused with 501, even without `chunked` at its end.
// - Up to four empty lines before a request are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simul/http/request_head.hpp>

#include "http/body_decoder.hpp"
#include "http/request_limits.hpp"

namespace simul::http {

class RequestParser {
 public:
  /// Before a request, in a row.
  static constexpr std::size_t kMaxEmptyLines = 4;

  /// `limits` must outlive the parser.
  explicit RequestParser(const RequestLimits& limits) noexcept : limits_(limits), body_(limits) {}
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Event : std::uint8_t {
    more,   // everything was consumed, and more is needed
    head,   // request() is there; the body follows
    body,   // `body` is the next piece of it, a view into the input and never empty
    end,    // the request is complete; the next parse() begins another one
    error,  // status() says why; nothing after this point means anything
  };
  struct Step {
    Event event;
    std::size_t consumed;
    std::string_view body{};
  };

  /// Looks for the next event.
  Step parse(std::string_view input);

  /// From `head` until the call of parse() that follows `end`, as long as the bytes of the head stay where they
  /// were, unless they are the parser's own.
  [[nodiscard]] const RequestHead& request() const noexcept { return request_; }
  /// After `head`: do the views of request() lie in the input of that parse()? Else in the parser's own memory.
  [[nodiscard]] bool head_is_in_input() const noexcept { return partial_.empty(); }
  /// Is this the place between two requests? Also after empty lines.
  [[nodiscard]] bool idle() const noexcept {
    return place_ == Place::ended || (place_ == Place::head && partial_.empty());
  }
  [[nodiscard]] bool in_body() const noexcept { return place_ == Place::body; }
  /// Of a body whose length was given: bytes not yet given out; 0 if there is no body. Nothing: it comes in
  /// chunks.
  [[nodiscard]] std::optional<std::uint64_t> body_left() const noexcept { return body_.left(); }
  /// After `error`: the status to answer with.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  enum class Place : std::uint8_t { head, body, ended, failed };

  // A part of the head, which may still move.
  struct Part {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  // What the lines so far have said.
  struct Found {
    Part method{};
    Part target{};
    Part path{};
    Part query{};
    Part host{};
    std::optional<std::uint64_t> length{};
    std::size_t fields = 0;
    int minor_version = 1;
    bool absolute = false;  // the target names the host
    bool has_host = false;
    bool chunked = false;
    bool close = false;
    bool keep_alive = false;
    bool expects_continue = false;
    bool unusual = false;  // legal, but llhttp would refuse it
  };

  Step fail(int status) noexcept;
  Step parse_head(std::string_view input);
  Step parse_body(std::string_view input) noexcept;
  int skip_empty_lines(std::string_view& text) noexcept;
  int take_lines(std::string_view head) noexcept;
  int take_request_line(std::string_view line) noexcept;
  int take_target(std::string_view target, std::size_t begin) noexcept;
  int take_field(std::string_view line) noexcept;
  int take_host(std::string_view value, std::size_t begin) noexcept;
  int take_length(std::string_view value) noexcept;
  int take_transfer_encoding(std::string_view value) noexcept;
  void take_connection(std::string_view value) noexcept;
  int conclude(std::string_view head) noexcept;
  [[nodiscard]] int check_with_llhttp(std::string_view head) const noexcept;

  const RequestLimits& limits_;
  RequestHead request_;
  Found found_;
  std::string partial_;  // a head that isn't complete yet, or didn't come in one piece
  BodyDecoder body_;

  // How far the lines were taken, in the head that is looked at again with more at its end.
  std::size_t line_ = 0;  // start of the line at hand
  std::size_t seen_ = 0;  // no line ends after `line_` and before this
  std::size_t empty_lines_ = 0;
  int status_ = 0;
  Place place_ = Place::head;
  bool complete_ = false;  // the head: its last line ends at `line_`
};

}  // namespace simul::http
