// From text to a tree of values with positions, or to the reasons why the text is no acceptable
// YAML.
//
//   std::optional<Node> root = read_yaml(source, report);
//
// The only place that uses yaml-cpp, through its events. yaml-cpp accepts much that is a mistake in
// a configuration (duplicate keys, second documents, unclosed quotes, any bytes), so this is
// stricter. What the values mean is somebody else's business.
#pragma once

#include <optional>

#include "node.hpp"
#include "report.hpp"

namespace simul::config {

/// The root, or nothing if the text couldn't be read to its end. Other errors may have been
/// reported although there is a root.
std::optional<Node> read_yaml(const Source& source, Report& report);

}  // namespace simul::config
