#include <simul/config/reference.hpp>

#include <string>
#include <string_view>

#include "tables.hpp"

namespace simul::config {
namespace {

/// A text within a table's cell.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string sentence(std::string_view help) {
  std::string text = std::string(help) + '.';
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string default_of(const OptionSpec& spec) {
  if (spec.required) return "*required*";
  return spec.default_value.empty() ? "none" : '`' + cell(spec.default_value) + '`';
}

std::string key_table(std::span<const OptionSpec> keys) {
  std::string text = "| Key | Default | Allowed | Meaning |\n|---|---|---|---|\n";
  for (const OptionSpec& key : keys) {
    text += "| `" + std::string(key.name) + "` | " + default_of(key) + " | " +
            cell(describe_allowed(key)) + " | " + cell(key.help) + " |\n";
  }
  return text;
}

std::string section(const SectionSpec& spec, std::string_view heading = "##") {
  return "\n" + std::string(heading) + " `" + std::string(spec.name) + "`\n\n" +
         std::string(spec.help) + "\n\n" + key_table(spec.keys);
}

}  // namespace

std::string reference_markdown(std::span<const ProtocolSpec> protocols) {
  std::string text =
      "# Configuration reference\n\n"
      "Generated from the tables that validate the file. Durations are numbers with units "
      "(`250us`, "
      "`10ms`, `30s`, `5m`, `2h`, `1d`, `1m30s`); sizes are bytes or numbers with units (`64KiB`, "
      "`1MiB`, `10kB`). Paths are relative to the folder of the file.\n";
  text += section(kServer);
  text += section(kListener);
  text += section(kTls, "###");
  text += section(kSni, "####");
  text += "\n### `options`\n\nIn a listener, a map: the options that its protocol has.\n";
  for (const ProtocolSpec& protocol : protocols) {
    text += "\n#### `protocol: " + std::string(protocol.name) + "`\n\n";
    if (!protocol.help.empty()) text += sentence(protocol.help) + "\n\n";
    text += protocol.options.empty() ? "No options.\n" : key_table(protocol.options);
  }
  text += section(kLog);
  return text;
}

}  // namespace simul::config
