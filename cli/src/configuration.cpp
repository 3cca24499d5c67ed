#include "configuration.hpp"

#include <iostream>

#include <simul/config/load.hpp>
#include <simul/config/reference.hpp>
#include <simul/protocols/builtin.hpp>

namespace simul::cli {

std::vector<ProtocolSpec> known_protocols() {
  std::vector<ProtocolSpec> specs;
  for (const ProtocolType& type : builtin_protocols()) {
    specs.push_back(type.spec);
  }
  return specs;
}

std::optional<config::Settings> read_configuration(const std::string& path) {
  const std::vector<ProtocolSpec> protocols = known_protocols();
  config::LoadResult settings =
      path.empty() ? config::load(config::default_config(), configuration_name(path), protocols)
                   : config::load_file(path, protocols);
  if (!settings) {
    std::cerr << config::render(settings.error());
    return std::nullopt;
  }
  return *std::move(settings);
}

std::string configuration_name(const std::string& path) {
  return path.empty() ? "the default configuration" : path;
}

}  // namespace simul::cli
