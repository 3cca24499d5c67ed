#include "http/transfer_encoding.hpp"

#include <algorithm>

#include "http/characters.hpp"

namespace simul::http {

int check_transfer_encoding(std::string_view value) noexcept {
  if (equal_ignoring_case(value, "chunked")) {
    return 0;
  }
  bool chunked = false;
  for (bool last = false; !last;) {
    const std::string_view element = value.substr(0, value.find(','));
    last = element.size() == value.size();
    value.remove_prefix(std::min(value.size(), element.size() + 1));

    const std::string_view coding = trim(element.substr(0, element.find(';')));
    // `identity` was one once (RFC 2616): what was meant by it nobody agreed on.
    if (chunked || !is_token(coding) || equal_ignoring_case(coding, "identity")) {
      return 400;
    }
    if (equal_ignoring_case(coding, "chunked")) {
      if (element.contains(';')) {
        return 400;  // it has no parameters
      }
      chunked = true;
    }
  }
  return 501;
}

}  // namespace simul::http
