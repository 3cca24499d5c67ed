// What nearly every file of core and its tests includes, parsed once. Each includes what it needs all the same:
// the release build doesn't use this file.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <simul/simul.hpp>
#include <simul/testing.hpp>
