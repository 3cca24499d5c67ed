// "Did you mean": the known word that a misspelt one is closest to.
//
//   suggest("treads", keys);   // "threads"
//
// Silent when nothing is close: a wrong suggestion is worse than none.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace simul::config {

/// Empty if no word of `known` is close.
std::string suggest(std::string_view word, std::span<const std::string_view> known);

}  // namespace simul::config
