// Form: names and values in the encoding of HTML forms (application/x-www-form-urlencoded, WHATWG URL
// Standard, 5): the query of a target, or a body.
//
//   Form form = parse_form("name=Ada+Lovelace&born=1815");
//   form.get("name");                  // "Ada Lovelace"
//
// A name may come several times. What isn't a valid escape stays as it is; nothing is an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/export.hpp>

namespace simul::http {

class SIMUL_EXPORT Form {
 public:
  using Field = std::pair<std::string, std::string>;

  Form() noexcept = default;
  explicit Form(std::vector<Field> fields) noexcept : fields_(std::move(fields)) {}

  /// The first value of that name.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> get_all(std::string_view name) const;
  /// In their order.
  [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }

 private:
  std::vector<Field> fields_;
};

[[nodiscard]] SIMUL_EXPORT Form parse_form(std::string_view encoded);

}  // namespace simul::http
