#include "inspect/figures.hpp"

#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace simul::cli {

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7F) {
      clean += '?';
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // the 8-bit controls
      clean += '?';
      ++i;
    } else {
      clean += text[i];
    }
  }
  return clean;
}

std::string short_time(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
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
  return value.is_null() ? "-" : fmt::format("{:.1f}", factor * value.get<double>());
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
