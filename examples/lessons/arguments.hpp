// Arguments: what follows a lesson's name. Any that it doesn't know ends it: with its usage, and status 2.
//
//   Arguments arguments(argc, argv, "[how many times as fast] [--serial]");
//   const bool serial = arguments.flag("--serial");
//   const int speed = arguments.number(1000, 1, 1'000'000);  // if none is given; the least; the most
//   arguments.end();
//
// It is no parser of options: an option is a word that begins with --, and may stand anywhere.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

class Arguments {
 public:
  Arguments(int argc, char** argv, std::string_view usage)
      : program_(argv[0]), usage_(usage), left_(argv + 1, argv + argc) {}

  /// Is the option there?
  bool flag(std::string_view option) { return std::erase(left_, option) > 0; }

  /// The next word, which has to be a number, the whole of it.
  template <typename Number>
  Number number(Number otherwise, Number least, Number most) {
    const std::string_view text = next_word();
    if (text.empty()) {
      return otherwise;
    }
    Number value{};
    const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
    if (error != std::errc() || end != text.end() || !(value >= least && value <= most)) {
      complaint() << '"' << text << "\" isn't a number from " << least << " to " << most << '\n';
      print_usage_and_exit();
    }
    return value;
  }

  /// The next word, which has to be one of these.
  std::string_view choice(std::string_view otherwise,
                          std::initializer_list<std::string_view> words) {
    const std::string_view word = next_word();
    if (word.empty()) {
      return otherwise;
    }
    if (std::ranges::find(words, word) == words.end()) {
      refuse(word);
    }
    return word;
  }

  /// There are no others.
  void end() {
    if (!left_.empty()) {
      refuse(left_.front());
    }
  }

 private:
  /// Empty: there is none.
  std::string_view next_word() {
    const auto place = std::ranges::find_if_not(
        left_, [](std::string_view text) { return text.starts_with("--"); });
    if (place == left_.end()) {
      return {};
    }
    const std::string_view word = *place;
    left_.erase(place);
    if (word.empty()) {
      refuse(word);
    }
    return word;
  }

  [[noreturn]] void refuse(std::string_view argument) {
    complaint() << "what is \"" << argument << "\"?\n";
    print_usage_and_exit();
  }
  std::ostream& complaint() { return std::cerr << name() << ": "; }
  [[noreturn]] void print_usage_and_exit() {
    std::cerr << "usage: simul lesson " << name() << (usage_.empty() ? "" : " ") << usage_ << '\n';
    std::exit(2);
  }
  [[nodiscard]] std::string name() const {
    return std::filesystem::path(program_).filename().string();
  }

  std::string_view program_;
  std::string_view usage_;
  std::vector<std::string_view> left_;
};

inline void expect_no_arguments(int argc, char** argv) { Arguments(argc, argv, "").end(); }
