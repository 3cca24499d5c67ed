// The configuration that a command was given: a file, or the embedded default without one.
//
//   const auto settings = read_configuration(path);   // all that is wrong with it goes to stderr
//   if (!settings) return kConfiguration;
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <simul/config/settings.hpp>
#include <simul/protocol_spec.hpp>

namespace simul::cli {

/// Of the protocols that a configuration may name.
std::vector<ProtocolSpec> known_protocols();

/// An empty path stands for the embedded default.
std::optional<config::Settings> read_configuration(const std::string& path);

/// The path, or what to call the embedded default in messages.
std::string configuration_name(const std::string& path);

}  // namespace simul::cli
