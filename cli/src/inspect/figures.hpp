// How what an inspector says is written for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace simul::cli {

/// Without what could move a terminal's cursor: names of tasks may come from anywhere.
[[nodiscard]] std::string printable(std::string_view text);

/// "12ms", "3.2s", "1m05s", "2d3h": a few characters.
[[nodiscard]] std::string short_time(double seconds);
/// "512", "1.5K", "20M".
[[nodiscard]] std::string short_size(std::uint64_t bytes);
/// "10,003".
[[nodiscard]] std::string grouped(std::uint64_t number);

/// Of a task: "recv fd 12", "ready".
[[nodiscard]] std::string what_it_awaits(const nlohmann::json& task);
/// Of one of its coroutines: "echo.cpp:12".
[[nodiscard]] std::string place_of(const nlohmann::json& call);
/// Where it stands: that of its innermost coroutine; empty if there is none.
[[nodiscard]] std::string place_of_task(const nlohmann::json& task);
/// A rate that may be unknown yet: "12.3", "-".
[[nodiscard]] std::string rate(const nlohmann::json& value, double factor = 1);
/// What is wrong with loops that don't answer, a line each.
[[nodiscard]] std::string silent_loops(const nlohmann::json& answer);

}  // namespace simul::cli
