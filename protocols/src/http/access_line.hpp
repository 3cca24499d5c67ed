// The lines of an access log: common and combined as Apache writes them, or a JSON object each.
//
//   char* end = write_access_line(AccessFormat::combined, access, received, times, room);   // null: no room
//
//   192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 2326 "https://example.org/" "curl/7.88.1"
//
// What a client sent is escaped, so that it can neither end a line nor steer a terminal. Times are UTC.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <simul/clock.hpp>
#include <simul/endpoint.hpp>
#include <simul/http/request_head.hpp>

namespace simul::http {

enum class AccessFormat : std::uint8_t { common, combined, json };

struct Access {
  const Endpoint& peer;
  const RequestHead& head;  ///< empty members: what came was no request
  int status;
  std::uint64_t bytes;  ///< of the body, as sent
  Duration took;        ///< from the first byte of the request to the last one of the answer
  bool secure;
};

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Seconds as text. Remembers the last one.
class AccessTimes {
 public:
  /// `10/Oct/2000:13:55:36 +0000`
  std::string_view clf(std::chrono::sys_seconds second) noexcept;
  /// `2000-10-10T13:55:36`
  std::string_view rfc3339(std::chrono::sys_seconds second) noexcept;

 private:
  void format(std::chrono::sys_seconds second) noexcept;

  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();
  std::array<char, 26> clf_{};
  std::array<char, 19> rfc3339_{};
};

/// Of what a client sent (a target, a field), longer ones are cut.
inline constexpr std::size_t kLongestLogged = std::size_t{16} << 10;

/// With its line feed. `received`: when the request came. Gives the end of the line, or null if `room` might be
/// too small, which it never is with half a MiB.
char* write_access_line(AccessFormat format, const Access& access, WallTime received,
                        AccessTimes& times, std::span<char> room) noexcept;

}  // namespace simul::http
