// A page that lists what is in a folder: folders first, then files, by name; nothing hidden, and nothing
// that couldn't be had.
//
//   auto page = list_folder(root, "/docs/");   // none: see errno
//
// It reads the folder at once, on the caller's thread, and no more of it than kMostListed entries.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace simul::http {

inline constexpr std::size_t kMostListed = 2000;

/// `path` begins and ends with a slash, and was checked.
[[nodiscard]] std::optional<std::string> list_folder(int root, std::string_view path);

}  // namespace simul::http
