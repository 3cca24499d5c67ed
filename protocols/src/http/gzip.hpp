// Gzip: compresses, all at once or in pieces (zlib; RFC 1952).
//
//   Gzip gzip;
//   gzip.feed(piece, Gzip::Input::last);
//   for (auto out = gzip.take(); !out.empty(); out = gzip.take()) { ... }
//
// It owns a quarter of a megabyte while it lives: count them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace simul::http {

class Gzip {
 public:
  enum class Input : std::uint8_t { more, last };

  /// Throws std::bad_alloc.
  Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip();

  /// `input` must stay where it is until take() has given nothing.
  void feed(std::string_view input, Input kind) noexcept;
  /// What came of it, empty when there is no more. Valid until the next call.
  [[nodiscard]] std::string_view take() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// All of it.
[[nodiscard]] std::string gzip_all(std::string_view text);

}  // namespace simul::http
