// RequestParser: bytes in, requests out; no I/O. It takes any stretch of the input and says what it
// has found there; the result doesn't depend on how the input was cut up.
//
//   auto [event, consumed] = parser.parse(input);   // head: parser.request() is there
//   input.remove_prefix(consumed);                  // and so on, until it says `more`
//
// A head that arrives in one piece is parsed where it lies; only one that doesn't is copied. llhttp
// does the parsing, and what it lets through although two servers could read it differently is
// rejected here: bare CR and LF, folded lines, several blanks in the request line, fields without a
// name, more than one way to tell where the body ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <llhttp.h>

#include "http/request.hpp"

namespace simul::http {

struct RequestLimits {
  std::size_t target = std::size_t{8} << 10;
  std::size_t head = std::size_t{16} << 10;  // request line and header
  std::uint64_t body = std::uint64_t{1} << 20;
};

class RequestParser {
 public:
  static constexpr std::size_t kMaxFields = 100;

  /// `limits` must outlive the parser.
  explicit RequestParser(const RequestLimits& limits) noexcept : limits_(limits) {}
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Event : std::uint8_t {
    more,   // everything was consumed, and more is needed
    head,   // request() is there; the body follows
    end,    // the request is complete; the next parse() begins another one
    error,  // status() says why; nothing after this point means anything
  };
  struct Step {
    Event event;
    std::size_t consumed;
  };

  /// Looks for the next event. The bytes of a head, consumed or not, must stay where they are for as
  /// long as request() is used.
  Step parse(std::string_view input);

  /// Between `head` and the next call of parse().
  [[nodiscard]] const Request& request() const noexcept { return request_; }
  /// Is this the place between two requests?
  [[nodiscard]] bool idle() const noexcept { return place_ == Place::head && partial_.empty(); }
  [[nodiscard]] bool in_body() const noexcept { return place_ == Place::body; }
  /// After `error`: the status to answer with.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  enum class Place : std::uint8_t { head, body, end, failed };
  enum class Scan : std::uint8_t { incomplete, complete, failed };
  struct Callbacks;
  friend struct Callbacks;

  Step fail(int status) noexcept;
  Step parse_head(std::string_view input);
  Step parse_body(std::string_view input);
  Scan scan(std::string_view text) noexcept;
  Scan scan_failed(int status) noexcept;
  int understand(std::string_view head);
  int understand_target();
  int understand_fields();
  int check_with_llhttp(std::string_view head);
  int count_extra(std::size_t bytes) noexcept;

  const RequestLimits& limits_;
  Request request_;
  std::string partial_;  // a head that isn't complete yet

  // How far scan() has come, in the text that it is given again with more at its end.
  std::size_t begin_ = 0;  // of the request line: empty lines before it don't count
  std::size_t line_ = 0;   // start of the line at hand
  std::size_t seen_ = 0;   // no line ends before this
  std::size_t end_ = 0;    // of the head, when it is complete
  std::size_t lines_ = 0;

  llhttp_t llhttp_{};
  std::uint64_t body_size_ = 0;  // of the chunks so far
  std::size_t extra_size_ = 0;   // of chunk extensions and trailers so far
  int status_ = 0;
  Place place_ = Place::head;
};

}  // namespace simul::http
