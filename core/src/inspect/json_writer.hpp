// JsonWriter: composes a line of JSON. What is no UTF-8 becomes U+FFFD: names may come from anywhere.
//
//   JsonWriter json;
//   json.begin_object();
//   json.field("ok", true);
//   json.key("loops").begin_array(); ... json.end_array();
//   json.end_object();
//   send(json.text() + '\n');
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace simul::detail {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// Of the value that follows.
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return plain(truth ? "true" : "false"); }
  /// Infinite ones and those that are no numbers become null.
  JsonWriter& value(double number);
  template <std::integral Integer>
  JsonWriter& value(Integer number) {
    return plain(std::to_string(number));
  }
  JsonWriter& null() { return plain("null"); }

  template <typename Value>
  JsonWriter& field(std::string_view name, const Value& of) {
    return key(name).value(of);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& plain(std::string_view word);
  void separate();
  void append_string(std::string_view text);

  std::string text_;
  bool first_ = true;  // in its object or array
};

}  // namespace simul::detail
