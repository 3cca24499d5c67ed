// Conditional requests (RFC 9110, 13): may an answer be left out, or must it, because the client knows what
// it would get, or doesn't know what it thinks it does?
//
//   switch (check_preconditions(request.head(), validators)) {
//     case Verdict::proceed: ...        // the ordinary answer
//     case Verdict::not_modified: ...   // 304
//     case Verdict::failed: ...         // 412
//   }
//   if (range_applies(request.head(), validators, now)) ...   // If-Range
//
// For what would be answered with 2xx otherwise; nothing else has validators.
#pragma once

#include <cstdint>
#include <ctime>
#include <string_view>

#include <simul/http/request_head.hpp>

namespace simul::http {

/// What tells the states of a representation apart.
struct Validators {
  std::string_view tag;  ///< with its quotes, and W/ if it is weak
  std::time_t modified;
};

enum class Verdict : std::uint8_t { proceed, not_modified, failed };

[[nodiscard]] Verdict check_preconditions(const RequestHead& head,
                                          const Validators& validators) noexcept;

/// Is the Range of a request to be looked at? Not if an If-Range says that the client has parts of something
/// else. A date is only good for that once it can't stand for two states any more: see 8.8.2.2.
[[nodiscard]] bool range_applies(const RequestHead& head, const Validators& validators,
                                 std::time_t now) noexcept;

}  // namespace simul::http
