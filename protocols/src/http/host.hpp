// is_host(): is this what a client may say it wants to reach, in the field Host or in a target?
//
//   is_host("example.org:8080")   is_host("[::1]")   is_host("127.0.0.1:")
//
// Narrower than RFC 3986: a name is made of letters, digits, `-`, `.` and `_`, as names in DNS are. What the
// RFC allows besides (a comma, a quote, an escaped byte) no client needs, and the servers behind one another
// read it differently. No user information, no zone of an IPv6 address, no IPvFuture.
#pragma once

#include <string_view>

namespace simul::http {

/// With a port or without. False for an empty one.
bool is_host(std::string_view text) noexcept;

}  // namespace simul::http
