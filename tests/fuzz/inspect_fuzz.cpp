// Whatever a line is: it is a request exactly if it is JSON, an object of strings, numbers and booleans without
// duplicates, with a command; then it means the same to another parser. And whatever bytes a text has, it is written as JSON.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "inspect/json_writer.hpp"
#include "inspect/request.hpp"

namespace {

using nlohmann::json;
using simul::detail::InspectRequest;

void require(bool condition) {
  if (!condition) std::abort();
}

// Null if `line` is no flat object in which no name stands twice.
json flat_object(std::string_view line) {
  std::set<std::string> names;
  bool twice = false;
  const json object = json::parse(
      line,
      [&](int depth, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::key && depth == 1) {
          twice = !names.insert(parsed.get<std::string>()).second || twice;
        }
        return true;
      },
      false);
  if (!object.is_object() || twice) return nullptr;
  for (const json& value : object) {
    if (!value.is_string() && !value.is_number() && !value.is_boolean()) return nullptr;
  }
  return object;
}

bool same(const json& expected, const InspectRequest::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return expected == *text;
  if (const auto* truth = std::get_if<bool>(&value)) return expected == *truth;
  return expected.is_number() && expected.get<double>() == std::get<double>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto request = InspectRequest::parse(line);
  const json expected = flat_object(line);
  if (request) {
    require(expected.is_object() && expected.at("command") == request->command());
    require(expected.size() == request->options().size() + 1);
    for (const auto& [name, value] : request->options())
      require(same(expected.at(name), value));
  } else {
    require(!request.error().empty());
    // Numbers beyond a double's range are refused by one and rounded by the other.
    const bool tiny_or_huge = request.error().starts_with("a number that is too");
    require(tiny_or_huge || !expected.is_object() || !expected.contains("command") ||
            !expected.at("command").is_string());
  }
  require(json::accept(simul::detail::JsonWriter().value(line).text()));
  return 0;
}
