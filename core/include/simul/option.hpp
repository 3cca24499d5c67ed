// The table in which a protocol declares its options, and one validated value for each of them.
//
//   constexpr OptionSpec kHttpOptions[] = {
//       {.name = "root", .type = OptionType::path, .help = "folder to serve"},
//       {.name = "header_timeout", .type = OptionType::duration, .default_value = "10s",
//        .help = "time to send a request's header", .minimum = "1ms", .maximum = "1h"},
//   };
//   auto timeout = options.get_duration("header_timeout");   // options: OptionValues
//
// One table drives validation, defaults, `--help` and the documentation. It is constant data, and
// all of it is text (defaults and bounds too, written as in YAML), so that a plugin can carry it in
// an ELF note that is read before any of its code runs. Nothing here knows YAML or where a value
// came from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <simul/export.hpp>

namespace simul {

/// Numbered explicitly, because plugins carry them in their manifest.
enum class OptionType : std::uint8_t {
  boolean = 0,
  integer = 1,
  size = 2,
  duration = 3,
  string = 4,
  choice = 5,
  path = 6,  ///< relative to the folder of the configuration file
  string_list = 7,
  string_map = 8,
  path_map = 9,  ///< of names to paths, each as a path
};

struct OptionSpec {
  std::string_view name;  ///< [a-z][a-z0-9_]*
  OptionType type = OptionType::string;
  std::string_view default_value = {};  ///< text; a list as `[a, b]`; empty means no default
  std::string_view help = {};           ///< one line, without a full stop
  std::string_view minimum = {};        ///< of an integer, size or duration; empty means none
  std::string_view maximum = {};
  /// Of a choice. Of a path: words that stand for themselves, such as `stdout`.
  std::span<const std::string_view> choices = {};
  std::string_view unset = {};  ///< a word such as `auto` or `unlimited` that stands for no value
  bool required = false;
};

/// In the order of the file.
using OptionMap = std::vector<std::pair<std::string, std::string>>;

/// `std::monostate` is "no value". Strings, choices and paths are all std::string.
using OptionValue =
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::chrono::nanoseconds,
                 std::string, std::vector<std::string>, OptionMap>;

/// The value of a text, checked against the type and bounds of `spec`. The error is a sentence
/// about the text. A map has no text form.
SIMUL_EXPORT std::expected<OptionValue, std::string> parse_option(const OptionSpec& spec,
                                                                  std::string_view text);

/// "integer", "list of strings" ...
SIMUL_EXPORT std::string_view type_name(OptionType type);

/// What `spec` accepts, for messages and documentation: "an integer from 1 to 1024, or auto".
SIMUL_EXPORT std::string describe_allowed(const OptionSpec& spec);

/// Throws std::logic_error, naming the option, if a table contradicts itself: a name twice, a
/// default outside its bounds, a choice without choices ...
SIMUL_EXPORT void check_table(std::span<const OptionSpec> specs);

/// The values of one table's options. Asking for a name that isn't in the table, or for another
/// type than it declares, is a bug in the caller and throws std::logic_error.
class SIMUL_EXPORT OptionValues {
 public:
  /// Knows no name at all.
  OptionValues() = default;

  /// Every option of the table at its default; those without one have no value. Checks the table.
  static OptionValues defaults(std::span<const OptionSpec> specs);

  /// Checks the type only: bounds are parse_option's business.
  void set(std::string_view name, OptionValue value);

  [[nodiscard]] bool has(std::string_view name) const;

  // Without a value these four throw: no number is neutral. Ask has() first, or give a default.
  [[nodiscard]] bool get_bool(std::string_view name) const;
  [[nodiscard]] std::int64_t get_integer(std::string_view name) const;
  [[nodiscard]] std::uint64_t get_size(std::string_view name) const;
  [[nodiscard]] std::chrono::nanoseconds get_duration(std::string_view name) const;

  // Without a value these are empty. get_string is for strings, choices and paths. The references
  // live until the option is set again.
  [[nodiscard]] const std::string& get_string(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& get_list(std::string_view name) const;
  [[nodiscard]] const OptionMap& get_map(std::string_view name) const;

 private:
  struct Entry {
    std::string name;
    OptionType type;
    OptionValue value;
  };

  std::size_t index_of(std::string_view name) const;
  template <typename T>
  const T* get(std::string_view name) const;
  template <typename T>
  const T& get_or_throw(std::string_view name) const;

  std::vector<Entry> entries_;
};

}  // namespace simul
