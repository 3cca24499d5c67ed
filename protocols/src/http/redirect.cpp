#include "http/redirect.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include <simul/quote.hpp>

#include "http/characters.hpp"
#include "http/host.hpp"
#include "http/percent.hpp"

namespace simul::http {
namespace {

constexpr std::array kStatuses = {301, 302, 303, 307, 308};

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw std::invalid_argument(quote(text) + ": " + why);
}

/// Takes a status from the front of `text`; 0: there is none.
int take_status(std::string_view& text) {
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  const auto size = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || (size < text.size() && text[size] != ' ')) {
    return 0;
  }
  text = trim(text.substr(size));
  return status;
}

/// Is this a host, and what follows it doesn't belong to its name?
bool is_authority(std::string_view text) {
  return is_host(text.substr(0, text.find_first_of("/?#")));
}

bool is_target(std::string_view text) {
  if (text.starts_with('/')) {
    return !text.starts_with("//");  // which would be a host
  }
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) {
      return is_authority(text.substr(scheme.size()));
    }
  }
  return false;
}

}  // namespace

Redirect Redirect::parse(std::string_view text) {
  Redirect redirect;
  std::string_view target = trim(text);
  if (const int status = take_status(target); status != 0) {
    redirect.status_ = status;
    if (target.empty()) {
      if (status < 400 || status > 599) {
        refuse(text, "a status without a target is from 400 to 599, such as 410");
      }
      return redirect;
    }
    if (std::ranges::find(kStatuses, status) == kStatuses.end()) {
      refuse(text, "the status of a redirect is 301, 302, 303, 307 or 308");
    }
  }
  // Browsers take a backslash for a slash, and leave out line breaks.
  const auto is_strange = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '\x7f' || c == '\\';
  };
  if (std::ranges::any_of(target, is_strange)) {
    refuse(text, "a target has neither backslashes nor control characters");
  }
  if (!is_target(target)) {
    refuse(text, "a target is a path, such as /new, or begins with https:// or http:// and a host");
  }
  if (target.find('*') < target.size() - 1) {
    refuse(text, "'*' stands at the end of a target only");
  }
  if (target.ends_with('*')) {
    redirect.takes_rest_ = true;
    target.remove_suffix(1);
  }
  redirect.target_ = encode_uri(target);
  return redirect;
}

std::string Redirect::location(std::string_view rest) const {
  std::string location = target_;
  if (takes_rest_) {
    if (target_.ends_with('/')) {
      // `//evil.example` after the target `/` would be another host.
      rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    }
    location += encode_uri(rest);
  }
  return location;
}

}  // namespace simul::http
