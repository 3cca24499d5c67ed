#include "inspect/request.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>
#include <utility>

#include <simul/quote.hpp>

#include "inspect/utf8.hpp"

namespace simul::detail {
namespace {

struct Malformed {
  std::string why;
};

class Parser {
 public:
  explicit Parser(std::string_view text) noexcept : text_(text), rest_(text) {}

  std::map<std::string, InspectRequest::Value> parse() {
    std::map<std::string, InspectRequest::Value> members;
    skip_space();
    expect('{', "an object, {...}");
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        std::string name = string("a name in quotes");
        skip_space();
        expect(':', "':'");
        skip_space();
        if (!members.try_emplace(name, value()).second) {
          fail(quote(name) + " stands there twice");
        }
        skip_space();
      } while (take(','));
      expect('}', "',' or '}'");
    }
    skip_space();
    if (!rest_.empty()) {
      fail("more than one object in a line");
    }
    return members;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Malformed{why + ", at byte " + std::to_string(text_.size() - rest_.size())};
  }
  void expect(char wanted, const char* name) {
    if (!take(wanted)) {
      fail(std::string("expected ") + name);
    }
  }
  bool take(char wanted) noexcept {
    const bool is_there = rest_.starts_with(wanted);
    rest_.remove_prefix(is_there ? 1 : 0);
    return is_there;
  }
  bool take(std::string_view word) noexcept {
    const bool is_there = rest_.starts_with(word);
    rest_.remove_prefix(is_there ? word.size() : 0);
    return is_there;
  }
  void skip_space() noexcept {
    while (take(' ') || take('\t') || take('\r') || take('\n')) {
    }
  }

  InspectRequest::Value value() {
    if (rest_.starts_with('"')) {
      return string("");
    }
    if (take("true")) {
      return true;
    }
    if (take("false")) {
      return false;
    }
    return number();
  }

  double number() {
    std::size_t size = 0;
    const auto digits = [&] {
      const std::size_t first = size;
      while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') {
        ++size;
      }
      if (size == first) {
        fail("expected a string, a number, true or false");
      }
      return size - first;
    };
    const auto is_next = [&](std::string_view some) {
      return size < rest_.size() && some.find(rest_[size]) != std::string_view::npos;
    };
    size += is_next("-") ? 1 : 0;
    const bool begins_with_zero = is_next("0");
    if (digits() > 1 && begins_with_zero) {
      fail("a number with a leading zero");
    }
    if (is_next(".")) {
      ++size;
      digits();
    }
    if (is_next("eE")) {
      ++size;
      size += is_next("+-") ? 1 : 0;
      digits();
    }
    double number = 0;
    const std::string_view text = rest_.substr(0, size);
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc()) {
      fail("a number that is too large or too small");
    }
    rest_.remove_prefix(size);
    return number;
  }

  std::string string(const char* wanted) {
    expect('"', wanted);
    std::string text;
    while (!take('"')) {
      if (rest_.empty()) {
        fail("a string without an end");
      }
      if (static_cast<unsigned char>(rest_.front()) < 0x20) {
        fail("a control character in a string");
      }
      if (take('\\')) {
        escape(text);
        continue;
      }
      const std::size_t length = utf8_length(rest_);
      if (length == 0) {
        fail("bytes that are no UTF-8");
      }
      text += rest_.substr(0, length);
      rest_.remove_prefix(length);
    }
    return text;
  }

  void escape(std::string& text) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (take('u')) {
      append_utf8(text, code_point());
      return;
    }
    const std::size_t which = rest_.empty() ? std::string_view::npos : kNames.find(rest_.front());
    if (which == std::string_view::npos) {
      fail("an escape that JSON doesn't have");
    }
    text += kMeant[which];
    rest_.remove_prefix(1);
  }

  /// Behind \u; of two surrogates the one that they stand for.
  std::uint32_t code_point() {
    const std::uint32_t first = four_digits();
    if (first < 0xD800 || first > 0xDFFF) {
      return first;
    }
    if (first > 0xDBFF || !take("\\u")) {
      fail("half of a surrogate pair");
    }
    const std::uint32_t second = four_digits();
    if (second < 0xDC00 || second > 0xDFFF) {
      fail("half of a surrogate pair");
    }
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  }

  std::uint32_t four_digits() {
    constexpr std::size_t kDigits = 4;
    std::uint32_t number = 0;
    const std::string_view digits = rest_.substr(0, kDigits);
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (digits.size() < kDigits || result.ptr != digits.data() + kDigits) {
      fail("\\u without four hexadecimal digits");
    }
    rest_.remove_prefix(kDigits);
    return number;
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

std::expected<InspectRequest, std::string> InspectRequest::parse(std::string_view line) {
  InspectRequest request;
  try {
    request.options_ = Parser(line).parse();
  } catch (const Malformed& malformed) {
    return std::unexpected(malformed.why);
  }
  const auto command = request.options_.find("command");
  if (command == request.options_.end() || !std::holds_alternative<std::string>(command->second)) {
    return std::unexpected(R"(no "command" that is a string)");
  }
  request.command_ = std::get<std::string>(std::move(command->second));
  request.options_.erase(command);
  return request;
}

}  // namespace simul::detail
