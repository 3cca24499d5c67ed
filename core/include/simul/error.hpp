// What data-plane operations report, besides the errors of the operating system: values of
// std::error_code, for a closed connection is no exception.
//
//   auto chunk = co_await peer.recv();
//   if (!chunk && chunk.error() == Errc::end_of_stream) { ... }
#pragma once

#include <cstdint>
#include <system_error>

#include <simul/export.hpp>

namespace simul {

enum class Errc {
  end_of_stream = 1,  ///< the peer has finished sending, in order
  closed,             ///< this side has closed the stream; the channel has nobody at its other end
  broken_stream,      ///< an earlier send was cut off in the middle: what follows would be garbage
  draining,           ///< the server shuts down: no new message is wanted
  would_block,        ///< not without waiting: a channel is full, or empty
  incomplete_read,    ///< the stream ended in the middle of what was to be read
  limit_overrun,      ///< what was to be read is longer than its limit
  short_file,         ///< a file ended before all that was to be sent of it
  queue_full,         ///< a SendQueue has no room: its reader is too slow
  truncated,  ///< the connection ended without the goodbye of its protocol: bytes may be missing
};

[[nodiscard]] SIMUL_EXPORT const std::error_category& error_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// Of TLS, with OpenSSL's words: "no shared cipher", "certificate has expired".
[[nodiscard]] SIMUL_EXPORT const std::error_category& tls_category() noexcept;

namespace detail {

/// An error in 32 bits, for results that travel in registers: 0, an errno, or a negated Errc or TLS error.
/// (A default std::error_code costs a call for its category.) Other categories become EIO.
class PackedError {
 public:
  constexpr PackedError() noexcept = default;
  constexpr PackedError(Errc code) noexcept : value_(-static_cast<std::int32_t>(code)) {}
  static constexpr PackedError system(int error) noexcept {
    PackedError packed;
    packed.value_ = error;
    return packed;
  }
  SIMUL_EXPORT explicit PackedError(const std::error_code& code) noexcept;

  constexpr explicit operator bool() const noexcept { return value_ != 0; }
  friend constexpr bool operator==(PackedError a, PackedError b) noexcept = default;
  [[nodiscard]] SIMUL_EXPORT std::error_code unpack() const noexcept;

 private:
  std::int32_t value_ = 0;
};

}  // namespace detail
}  // namespace simul

template <>
struct std::is_error_code_enum<simul::Errc> : std::true_type {};
