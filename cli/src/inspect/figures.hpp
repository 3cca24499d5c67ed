// How what an inspector says is written for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace simul::cli {

/// Without what could command a terminal, or reorder its line: names of tasks may come from anywhere. What is no UTF-8
/// becomes question marks, too.
[[nodiscard]] std::string printable(std::string_view text);
/// In characters.
[[nodiscard]] std::size_t length(std::string_view text);
/// At most so many characters, with an ellipsis at the end if some are missing.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t most);

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
/// How many tasks the loops of an answer have, as far as they say so: "1,234", "at least 5", "?".
[[nodiscard]] std::string task_count(const nlohmann::json& loops);
/// What is wrong with loops that don't answer, a line each.
[[nodiscard]] std::string silent_loops(const nlohmann::json& answer);

}  // namespace simul::cli
