// Names of functions, as the compiler writes them into a std::source_location.
#pragma once

#include <source_location>
#include <string_view>

namespace simul::detail {

/// "simul::detail::call_kept" of "Coro<T> simul::detail::call_kept(Fn) [Fn = ...]".
[[nodiscard]] std::string_view qualified_name(std::string_view pretty_function) noexcept;

/// Does this file belong to what users see of the runtime? What happens there was caused by who called it.
[[nodiscard]] bool is_own_header(std::string_view path) noexcept;

/// Is it in one of the library's own coroutines, which say nothing to who reads a call graph?
[[nodiscard]] bool is_machinery(const std::source_location& site) noexcept;

/// The path without its folders.
[[nodiscard]] std::string_view base_name(std::string_view path) noexcept;

}  // namespace simul::detail
