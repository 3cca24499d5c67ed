// RequestHead: the request line and header of a request, checked and taken apart: views into the bytes
// they were parsed from. Handlers see it through Request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <simul/http/header_fields.hpp>

namespace simul::http {

struct RequestHead {
  std::string_view method;  ///< as sent: a method's case matters
  std::string_view target;  ///< as sent
  std::string_view
      path;  ///< of the target, still encoded; begins with a slash, or is empty for `*`
  std::string_view query;  ///< what follows the question mark, still encoded
  std::string_view
      host;  ///< with the port, as sent; that of an absolute target goes before (RFC 9112, 3.2.2)
  HeaderFields fields{};
  int minor_version = 1;   ///< of HTTP/1.x
  bool keep_alive = true;  ///< does the client want the connection to stay?
  bool has_body = false;
  bool expects_continue = false;
  std::optional<std::uint64_t> content_length{};  ///< none: chunked, or no body
};

}  // namespace simul::http
