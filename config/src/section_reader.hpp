// One map of the file, read against one table.
//
//   SectionReader section(node, kServer, "server", node.offset, report);
//   auto timeout = section.values().get_duration("shutdown_timeout");
//
// It reports unknown and missing keys and wrong values, and goes on with the default, so that all
// that is wrong is found in one pass. What several keys must be together is its caller's business.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <simul/option.hpp>

#include "node.hpp"
#include "report.hpp"
#include "tables.hpp"

namespace simul::config {

class SectionReader {
 public:
  /// `section` may be a null (absent, or nothing behind its colon): then all is at its default.
  /// `where` is its name in messages; `offset` is blamed when a key is missing. Both references are
  /// kept.
  SectionReader(const Node& section, const SectionSpec& spec, std::string where, std::size_t offset,
                Report& report);

  const OptionValues& values() const { return values_; }

  /// The value of a key as it stands in the file, or null. An invalid value isn't found.
  const Node* find(std::string_view key) const;

 private:
  void read_member(const Member& member);
  void read_value(const OptionSpec& spec, const Node& node);
  void report_unknown(const Member& member);
  void report_missing(std::size_t offset);
  void reject(const OptionSpec& spec, std::size_t offset, std::string problem,
              std::string suggestion = {});

  const Node& section_;
  const SectionSpec& spec_;
  std::string where_;
  Report& report_;
  OptionValues values_;
};

/// "a list", "a map" ..., for messages.
std::string_view kind_name(const Node& node);

/// For a scalar where a map should be: `key:value` without a space is the usual reason.
std::string missing_space_hint(const Node& node);

}  // namespace simul::config
