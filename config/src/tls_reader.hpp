// The `tls:` section of a listener, with its list `sni:`.
//
//   std::optional<TlsSettings> tls = read_tls(node, alpn_of_the_protocol, folder, report);
//
// It opens none of the files that are named: whoever does can blame the places that come with them.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include <simul/config/settings.hpp>

#include "node.hpp"
#include "report.hpp"

namespace simul::config {

/// What is wrong is reported, and left out of the settings. Paths become relative to `folder`.
TlsSettings read_tls(const Node& node, std::span<const std::string_view> default_alpn,
                     const std::filesystem::path& folder, Report& report);

}  // namespace simul::config
