// What the two versions of the PROXY protocol share, and what of each the other files need.
#pragma once

#include <expected>
#include <optional>
#include <string_view>
#include <system_error>

#include <simul/endpoint.hpp>
#include <simul/proxy_header.hpp>

namespace simul::detail {

using ProxyParse = std::expected<std::optional<ParsedProxyHeader>, std::error_code>;

inline constexpr std::string_view kProxySignatureV1{"PROXY "};
inline constexpr std::string_view kProxySignatureV2{"\r\n\r\n\0\r\nQUIT\n", 12};

/// As parse_proxy_header, of bytes that begin with the signature.
[[nodiscard]] ProxyParse parse_proxy_v1(std::string_view bytes);
[[nodiscard]] ProxyParse parse_proxy_v2(std::string_view bytes);

/// In which both addresses can be written. Throws std::invalid_argument if there is none.
[[nodiscard]] Endpoint::Family proxy_family(const ProxyHeader& header);

}  // namespace simul::detail
