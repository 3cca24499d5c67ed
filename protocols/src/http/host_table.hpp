// HostTable: something for each of several hosts, by name or by a pattern such as `*.example.org`.
//
//   HostTable<Place> places;
//   places.at(parse_host_pattern("*.example.org")).files = ...;
//   places.visit(HostName("WWW.Example.org:8080").text(), [](const Place& place) { ... });
//
// A pattern stands for any number of labels, and not for the name below which it is.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace simul::http {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};
template <typename T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

/// A host as it is looked up: without the port and a dot at its end, in lower case. Empty: no host could have
/// that name.
class HostName {
 public:
  explicit HostName(std::string_view host) noexcept;
  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 256> text_;
  std::size_t size_ = 0;
};

/// What a configuration calls a host, or several, as it is looked up. Throws std::invalid_argument.
[[nodiscard]] std::string parse_host_pattern(std::string_view text);

template <typename T>
class HostTable {
 public:
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// Makes it if it isn't there. `pattern`: of parse_host_pattern().
  T& at(const std::string& pattern) { return entries_[pattern]; }

  /// Calls `look` for the entry of that name, then for those of its patterns, the longest first, until it
  /// returns true. Gives whether it has.
  template <typename Look>
  bool visit(std::string_view name, Look&& look) const {
    if (const auto found = entries_.find(name); found != entries_.end() && look(found->second)) {
      return true;
    }
    HostPattern pattern;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos;
         dot = name.find('.', dot + 1)) {
      const auto found = entries_.find(pattern.of(name.substr(dot)));
      if (found != entries_.end() && look(found->second)) {
        return true;
      }
    }
    return false;
  }

 private:
  // `*` and the end of a name.
  class HostPattern {
   public:
    std::string_view of(std::string_view suffix) noexcept {
      text_[0] = '*';
      return {text_.data(), 1 + suffix.copy(text_.data() + 1, text_.size() - 1)};
    }

   private:
    std::array<char, 257> text_;
  };

  TextMap<T> entries_;
};

}  // namespace simul::http
