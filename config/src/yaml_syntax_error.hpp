// Says in the words of somebody who writes a configuration what yaml-cpp says in those of somebody
// who writes a YAML parser, and blames the place where the mistake is rather than where it was
// noticed.
#pragma once

#include <yaml-cpp/exceptions.h>

#include "report.hpp"
#include "yaml_tree_builder.hpp"

namespace simul::config {

void explain_syntax_error(const YAML::Exception& error, const YamlTreeBuilder& builder,
                          Report& report);

}  // namespace simul::config
