#include "inspect/figures.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

namespace simul::cli {

namespace {

struct Character {
  std::size_t size = 1;
  std::optional<char32_t> code{};  // none: this byte isn't the beginning of one
};

Character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80                    ? 1
                           : lead >= 0xC2 && lead <= 0xDF ? 2
                           : lead >= 0xE0 && lead <= 0xEF ? 3
                           : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                          : 0;
  if (size == 0 || size > text.size()) {
    return {};
  }
  char32_t code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (const char next : text.substr(1, size - 1)) {
    const auto byte = static_cast<unsigned char>(next);
    if ((byte & 0xC0U) != 0x80) {
      return {};
    }
    code = code << 6U | (byte & 0x3FU);
  }
  const bool too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  return too_long ? Character{} : Character{.size = size, .code = code};
}

bool is_harmless(char32_t code) {
  const bool controls = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool breaks = code == 0x2028 || code == 0x2029;
  const bool reorders = code == 0x061C || code == 0x200E || code == 0x200F ||
                        (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return !controls && !breaks && !reorders;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const auto [size, code] = first_of(text);
    clean += code && is_harmless(*code) ? text.substr(0, size) : "?";
    text.remove_prefix(size);
  }
  return clean;
}

std::size_t length(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    text.remove_prefix(first_of(text).size);
  }
  return count;
}

std::string shortened(const std::string& text, std::size_t most) {
  std::string_view left = text;
  std::size_t fits = 0;  // bytes, with room for the ellipsis
  for (std::size_t count = 0; !left.empty(); ++count) {
    if (count + 1 == most) {
      fits = text.size() - left.size();
    }
    if (count == most) {
      return text.substr(0, fits) + "…";
    }
    left.remove_prefix(first_of(left).size);
  }
  return text;
}

std::string short_time(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  constexpr double kLongest = 100'000 * kDay;  // what a foreign process says may be anything
  seconds = std::clamp(seconds, 0.0, kLongest);
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (seconds < 1) {
    return fmt::format("{:.0f}ms", 1000 * seconds);
  }
  if (seconds < kMinute) {
    return fmt::format("{:.1f}s", seconds);
  }
  if (seconds < kHour) {
    return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  }
  if (seconds < kDay) {
    return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  }
  return fmt::format("{}d{}h", whole / 86400, whole / 3600 % 24);
}

std::string short_size(std::uint64_t bytes) {
  constexpr std::array<char, 4> kUnits = {'K', 'M', 'G', 'T'};
  if (bytes < 1024) {
    return fmt::format("{}", bytes);
  }
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1000 && unit + 1 < kUnits.size(); ++unit) {
    size /= 1024;
  }
  return size < 10 ? fmt::format("{:.1f}{}", size, kUnits[unit])
                   : fmt::format("{:.0f}{}", size, kUnits[unit]);
}

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) {
    digits.insert(i - 3, 1, ',');
  }
  return digits;
}

std::string what_it_awaits(const nlohmann::json& task) {
  const std::string waits_for = task.at("waits_for").get<std::string>();
  return printable(waits_for.empty() ? task.at("state").get<std::string>() : waits_for);
}

std::string place_of(const nlohmann::json& call) {
  const std::string file = call.at("file").get<std::string>();
  return printable(
      fmt::format("{}:{}", file.substr(file.rfind('/') + 1), call.at("line").get<std::uint64_t>()));
}

std::string place_of_task(const nlohmann::json& task) {
  const nlohmann::json& calls = task.at("calls");
  return calls.empty() ? "" : place_of(calls.front());
}

std::string rate(const nlohmann::json& value, double factor) {
  if (value.is_null()) {
    return "-";
  }
  constexpr double kLargest = 999'999'999;
  return fmt::format("{:.1f}", std::clamp(factor * value.get<double>(), 0.0, kLargest));
}

std::string task_count(const nlohmann::json& loops) {
  std::uint64_t tasks = 0;
  bool some_answer = false;
  bool all_answer = true;
  for (const nlohmann::json& loop : loops) {
    if (loop.at("answers").get<bool>()) {
      tasks += loop.at("tasks").get<std::uint64_t>();
      some_answer = true;
    } else {
      all_answer = false;
    }
  }
  if (all_answer) {
    return grouped(tasks);
  }
  return some_answer ? "at least " + grouped(tasks) : "?";
}

std::string silent_loops(const nlohmann::json& answer) {
  std::string text;
  for (const nlohmann::json& loop : answer.at("loops")) {
    if (!loop.at("answers").get<bool>()) {
      text += fmt::format("the loop of thread {}: {}\n", loop.at("thread").get<std::int64_t>(),
                          printable(loop.at("silence").get<std::string>()));
    }
  }
  return text;
}

}  // namespace simul::cli
