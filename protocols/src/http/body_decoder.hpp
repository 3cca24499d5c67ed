// BodyDecoder: the body of a request out of the bytes that follow its head; no I/O. It takes any stretch of
// them; the result doesn't depend on how they were cut up.
//
//   decoder.begin_chunked();                      // or begin_length(5)
//   auto step = decoder.decode(input);            // body: step.body is the next piece
//   input.remove_prefix(step.consumed);           // and so on, until it says `end`
//
// Strict: every line of the chunk framing and the trailers ends in CRLF and has no other CR or LF, a size is
// at most 16 hexadecimal digits, extensions are what RFC 9112, 7.1.1 lets them be, and no trailer is a field
// that decides about framing, routing, authentication or the meaning of the request (RFC 9110, 6.5.1). Trailers
// are checked and dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/request_limits.hpp"

namespace simul::http {

class BodyDecoder {
 public:
  /// Of all chunk extensions of a request: nobody needs much of that.
  static constexpr std::size_t kMaxExtensionBytes = 512;
  static constexpr std::size_t kMaxSizeDigits = 16;

  /// `limits` must outlive the decoder. It stands at the end of an empty body.
  explicit BodyDecoder(const RequestLimits& limits) noexcept : limits_(limits) {}
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;

  /// `length` was held against the limit before.
  void begin_length(std::uint64_t length) noexcept;
  void begin_chunked() noexcept;

  enum class Event : std::uint8_t {
    more,   // everything was consumed, and more is needed
    body,   // `body` is the next piece, a view into the input and never empty
    end,    // the body is complete
    error,  // status() says why; nothing after this point means anything
  };
  struct Step {
    Event event;
    std::size_t consumed = 0;
    std::string_view body{};
  };
  Step decode(std::string_view input) noexcept;

  /// Of a body whose length was given: bytes not yet given out. Nothing: it comes in chunks.
  [[nodiscard]] std::optional<std::uint64_t> left() const noexcept;
  /// After `error`: the status to answer with.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  // What the next byte is, or may be.
  enum class Place : std::uint8_t {
    length,  // a byte of a body whose length was given
    size,
    after_size,        // the line's end, an extension's semicolon, a blank
    before_extension,  // its semicolon; blanks came before
    extension,         // the first byte of its name, or a blank
    extension_name,
    after_name,  // an equals sign or a semicolon; blanks came before
    value,       // the first byte of an extension's value, or a blank
    token,
    quoted,
    escaped,
    after_quoted,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,  // the first byte of a line: of a field, or the CR of the last one
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    end,
    failed,
  };

  Step fail(int status) noexcept;
  int take_framing(char c) noexcept;
  int take_size(char c) noexcept;
  int take_extension(char c) noexcept;
  int end_of_extension(char c, Place after_blank) noexcept;
  int take_trailer(char c) noexcept;
  int take_trailer_name(char c) noexcept;
  int end_of_size() noexcept;

  const RequestLimits& limits_;
  std::uint64_t left_ = 0;  // of the body, or of the chunk at hand
  std::uint64_t size_ = 0;  // of the chunks so far
  std::size_t extension_size_ = 0;
  std::size_t trailer_size_ = 0;
  std::size_t trailer_count_ = 0;
  int status_ = 0;
  std::array<char, 24>
      name_{};  // of a trailer, in lower case: as much of it as a name we know can have
  std::uint8_t name_size_ = 0;
  std::uint8_t digits_ = 0;  // of the chunk's size
  bool chunked_ = false;
  Place place_ = Place::end;
};

}  // namespace simul::http
