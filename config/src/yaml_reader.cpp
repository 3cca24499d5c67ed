#include "yaml_reader.hpp"

#include <sstream>
#include <string>

#include <yaml-cpp/parser.h>

#include "encoding.hpp"
#include "yaml_syntax_error.hpp"
#include "yaml_tree_builder.hpp"

namespace simul::config {

std::optional<Node> read_yaml(const Source& source, Report& report) {
  if (!check_encoding(source, report)) return std::nullopt;

  YamlTreeBuilder builder(report);
  try {
    // With a line break at the end yaml-cpp delivers an unclosed quote as a scalar, whose beginning
    // is known; without one it throws at the end of the file.
    std::istringstream stream(std::string(source.text()) + "\n");
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const StopReading&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    explain_syntax_error(error, builder, report);
    return std::nullopt;
  }

  std::optional<Node> root = builder.take_root();
  if (!root || (root->kind == Node::Kind::null && !root->invalid)) {
    report.add(0, "the file is empty", "a map with the key listeners, at least");
    return std::nullopt;
  }
  return root;
}

}  // namespace simul::config
