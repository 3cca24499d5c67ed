#include "http/host_table.hpp"

#include <algorithm>
#include <stdexcept>

#include <simul/quote.hpp>

#include "http/characters.hpp"
#include "http/host.hpp"

namespace simul::http {

HostName::HostName(std::string_view host) noexcept {
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket != std::string_view::npos) {
    host = host.substr(0, host.find(':', bracket));
  }
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.size() < text_.size()) {
    std::ranges::transform(host, text_.begin(), to_lower);
    size_ = host.size();
  }
}

std::string parse_host_pattern(std::string_view text) {
  const std::string_view prefix = text.starts_with("*.") ? text.substr(0, 2) : std::string_view();
  const std::string_view host = text.substr(prefix.size());
  const HostName name(host);
  if (!is_host(host) || name.text().empty() || (!prefix.empty() && host.starts_with('['))) {
    throw std::invalid_argument(quote(text) +
                                " is no host, such as example.org, *.example.org or [::1]");
  }
  if (host.substr(host.starts_with('[') ? host.find(']') : 0).contains(':')) {
    throw std::invalid_argument(quote(text) + ": a host is named without its port");
  }
  return std::string(prefix).append(name.text());
}

}  // namespace simul::http
