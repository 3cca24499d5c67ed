// HeaderFields: the fields of a header, as they were sent: a view of its lines, in their order.
//
//   for (const auto& [name, value] : request.headers()) { ... }
//   if (auto agent = request.headers().find("User-Agent")) { ... }   // whatever its case
//
// It owns nothing. Lines are only looked at here once they were checked: a name is a token (RFC 9110,
// 5.6.2), no value contains CR, LF or NUL.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

#include <simul/export.hpp>

namespace simul::http {

struct HeaderField {
  std::string_view name;
  std::string_view value;  ///< without the blanks around it
};

class SIMUL_EXPORT HeaderFields {
 public:
  HeaderFields() noexcept = default;
  /// `lines`: "name: value" and CRLF, again and again.
  explicit HeaderFields(std::string_view lines) noexcept : lines_(lines) {}

  class SIMUL_EXPORT Iterator {
   public:
    using value_type = HeaderField;
    using difference_type = std::ptrdiff_t;

    Iterator() noexcept = default;
    explicit Iterator(std::string_view lines) noexcept : rest_(lines) { ++*this; }
    const HeaderField& operator*() const noexcept { return field_; }
    const HeaderField* operator->() const noexcept { return &field_; }
    Iterator& operator++() noexcept;
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
      return it.ended_;
    }

   private:
    std::string_view rest_;
    HeaderField field_;
    bool ended_ = false;
  };

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(lines_); }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

  /// The value of the first field of that name, in whatever case.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view lines() const noexcept { return lines_; }

 private:
  std::string_view lines_;
};

}  // namespace simul::http
