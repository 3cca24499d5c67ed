// The methods that a handler can be asked for: those registered for HTTP, but not CONNECT, which would make a
// tunnel of the connection.
//
//   if (!is_method("BREW")) ...   // 501
//
// Case matters. What only other protocols have that look like HTTP (RTSP's DESCRIBE, Icecast's SOURCE, HTTP/2's
// PRI) is not among them, although llhttp knows it.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace simul::http {

inline constexpr std::array<std::string_view, 33> kMethods = {
    "GET",       "POST",     "HEAD",      "PUT",        "DELETE",     "OPTIONS", "PATCH",
    "TRACE",     "QUERY",    "ACL",       "BIND",       "CHECKOUT",   "COPY",    "LINK",
    "LOCK",      "M-SEARCH", "MERGE",     "MKACTIVITY", "MKCALENDAR", "MKCOL",   "MOVE",
    "NOTIFY",    "PROPFIND", "PROPPATCH", "PURGE",      "REBIND",     "REPORT",  "SEARCH",
    "SUBSCRIBE", "UNBIND",   "UNLINK",    "UNLOCK",     "UNSUBSCRIBE"};

constexpr bool is_method(std::string_view text) noexcept {
  return std::ranges::find(kMethods, text) != kMethods.end();
}

}  // namespace simul::http
