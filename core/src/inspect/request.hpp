// InspectRequest: a line that a client of the inspector has sent: a JSON object of strings, numbers and booleans, one of
// which says what is wanted.
//
//   {"command": "tasks", "limit": 50, "sort": "busy"}
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace simul::detail {

class InspectRequest {
 public:
  using Value = std::variant<std::string, double, bool>;

  /// Strict: what isn't such an object gives a sentence that says why.
  [[nodiscard]] static std::expected<InspectRequest, std::string> parse(std::string_view line);

  [[nodiscard]] const std::string& command() const noexcept { return command_; }
  /// All but the command, by name.
  [[nodiscard]] const std::map<std::string, Value>& options() const noexcept { return options_; }

 private:
  std::string command_;
  std::map<std::string, Value> options_;
};

}  // namespace simul::detail
