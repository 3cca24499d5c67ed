// Request: the head of an HTTP request, checked and taken apart. All of it are views into the bytes
// it was parsed from, valid as long as those.
//
//   if (request.method == "GET" && request.path == "/status") ...
//   if (auto agent = request.header("user-agent")) ...
//
// It has no body: that is still on its way when a request is looked at.
#pragma once

#include <optional>
#include <string_view>

#include "http/characters.hpp"

namespace simul::http {

struct HeaderField {
  std::string_view name;
  std::string_view value;  // without the blanks around it
};

/// Takes the next field from the front of `lines`: `name: value CRLF`, again and again.
inline HeaderField take_field(std::string_view& lines) noexcept {
  const std::string_view line = lines.substr(0, lines.find('\r'));
  lines.remove_prefix(line.size() + 2);
  const std::size_t colon = line.find(':');
  return {.name = line.substr(0, colon), .value = trim(line.substr(colon + 1))};
}

struct Request {
  std::string_view method;  // as sent: a method's case matters
  std::string_view target;  // as sent
  std::string_view path;   // of the target, still encoded; begins with a slash, or is empty for `*`
  std::string_view query;  // what follows the question mark, still encoded
  std::string_view host;   // as sent; empty if there was none
  std::string_view fields;  // the lines of the header, checked
  int minor_version = 1;    // of HTTP/1.x
  bool keep_alive = true;   // does the client want the connection to stay?
  bool has_body = false;
  bool expects_continue = false;

  /// The value of the first field of that name, in whatever case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
    for (std::string_view rest = fields; !rest.empty();) {
      const HeaderField field = take_field(rest);
      if (equal_ignoring_case(field.name, name)) {
        return field.value;
      }
    }
    return std::nullopt;
  }
};

}  // namespace simul::http
