// Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n".
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "ip_address.hpp"
#include "versions.hpp"

namespace simul {
namespace {

using Family = Endpoint::Family;

constexpr std::size_t kLongestLine = 107;
constexpr std::string_view kEnd = "\r\n";

struct Kind {
  std::string_view name;
  Family family;
  std::string_view characters;  // that may follow; none: all but those of the end
};

constexpr std::array kKinds{
    Kind{"TCP4", Family::ipv4, " .0123456789"},
    Kind{"TCP6", Family::ipv6, " .:0123456789abcdefABCDEF"},
    Kind{"UNKNOWN", Family::unspecified, ""},
};

/// The kind of a line of which this much is there. Null: no line begins like this.
const Kind* kind_of(std::string_view line, bool ended) {
  const std::string_view name = line.substr(0, line.find(' '));
  const bool whole = ended || name.size() < line.size();
  const auto* const kind = std::ranges::find_if(kKinds, [&](const Kind& known) {
    return whole ? name == known.name : known.name.starts_with(name);
  });
  if (kind == kKinds.end()) {
    return nullptr;
  }
  const bool characters_fit =
      kind->characters.empty() ||
      line.find_first_not_of(kind->characters, name.size()) == std::string_view::npos;
  return characters_fit ? kind : nullptr;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool canonical = text == "0" || !text.starts_with('0');
  if (error != std::errc() || end != text.data() + text.size() || !canonical) {
    return std::nullopt;
  }
  return port;
}

/// " source destination port port"
std::optional<ProxyHeader> parse_addresses(std::string_view text, Family family) {
  std::array<std::string_view, 4> fields;
  for (std::string_view& field : fields) {
    if (!text.starts_with(' ')) {
      return std::nullopt;
    }
    text.remove_prefix(1);
    field = text.substr(0, text.find(' '));
    text.remove_prefix(field.size());
  }
  const auto source = detail::parse_ip_address(fields[0], family);
  const auto destination = detail::parse_ip_address(fields[1], family);
  const auto source_port = parse_port(fields[2]);
  const auto destination_port = parse_port(fields[3]);
  if (!text.empty() || !source || !destination || !source_port || !destination_port) {
    return std::nullopt;
  }
  return ProxyHeader{.source = detail::to_endpoint(*source, *source_port),
                     .destination = detail::to_endpoint(*destination, *destination_port)};
}

}  // namespace

detail::ProxyParse detail::parse_proxy_v1(std::string_view bytes) {
  const std::string_view most = bytes.substr(0, kLongestLine - 1);  // all but the end's last byte
  const std::size_t end = most.find_first_of(kEnd);
  const bool ended = end != std::string_view::npos;
  const std::string_view line = most.substr(0, end).substr(kProxySignatureV1.size());
  const Kind* const kind = kind_of(line, ended);
  if (kind == nullptr) {
    return std::unexpected(ProxyErrc::malformed_line);
  }
  if (!ended) {
    if (most.size() == kLongestLine - 1) {
      return std::unexpected(ProxyErrc::line_too_long);
    }
    return std::nullopt;
  }
  const std::string_view ending = bytes.substr(end, kEnd.size());
  if (ending != kEnd) {
    if (kEnd.starts_with(ending)) {
      return std::nullopt;
    }
    return std::unexpected(ProxyErrc::malformed_line);
  }
  ParsedProxyHeader parsed{.header = {}, .size = end + kEnd.size()};
  if (kind->family != Family::unspecified) {
    auto header = parse_addresses(line.substr(kind->name.size()), kind->family);
    if (!header) {
      return std::unexpected(ProxyErrc::malformed_line);
    }
    parsed.header = std::move(*header);
  }
  return parsed;
}

std::string proxy_header_v1(const ProxyHeader& header) {
  std::string line(detail::kProxySignatureV1);
  const Family family = header.local ? Family::unspecified : detail::proxy_family(header);
  if (!detail::is_ip(family)) {
    return line.append("UNKNOWN").append(kEnd);
  }
  line += family == Family::ipv4 ? "TCP4" : "TCP6";
  for (const Endpoint* endpoint : {&header.source, &header.destination}) {
    line += ' ' + detail::to_string(detail::to_ip_address(*endpoint), family);
  }
  for (const Endpoint* endpoint : {&header.source, &header.destination}) {
    line += ' ' + std::to_string(endpoint->port());
  }
  return line.append(kEnd);
}

}  // namespace simul
