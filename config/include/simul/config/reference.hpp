// The configuration explained: a commented file to start from, and the reference of all keys.
//
//   std::ofstream("simul.yaml") << config::default_config();
//   std::ofstream("docs/configuration.md") << config::reference_markdown(protocols);
//
// The reference is generated from the very tables that validate, so it can't fall behind them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <simul/protocol_spec.hpp>

namespace simul::config {

/// Serves echo on 127.0.0.1:7000 and HTTP on 127.0.0.1:8080, as it is.
std::string_view default_config();

std::string reference_markdown(std::span<const ProtocolSpec> protocols);

}  // namespace simul::config
