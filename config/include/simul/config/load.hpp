// YAML text in, validated settings or the list of all that is wrong with it out.
//
//   auto settings = config::load_file("simul.yaml", protocols);
//   if (!settings) std::cerr << config::render(settings.error());
//
// The text may come from anybody: size, depth and the expansion of aliases are limited, and nothing
// that YAML says twice, half or ambiguously is guessed at. Every error is found in one pass, sorted
// by position, at most a hundred. What a protocol's options may be is the caller's business: it
// passes the tables. A bad file is a value; a table that contradicts itself is a bug and throws
// std::logic_error.
#pragma once

#include <expected>
#include <span>
#include <string_view>
#include <vector>

#include <simul/config/diagnostic.hpp>
#include <simul/config/settings.hpp>
#include <simul/protocol_spec.hpp>

namespace simul::config {

using LoadResult = std::expected<Settings, std::vector<Diagnostic>>;

/// `filename` stands in the diagnostics, and paths in the text are relative to its folder. The file
/// itself isn't touched, nor are those that the paths name.
LoadResult load(std::string_view text, std::string_view filename,
                std::span<const ProtocolSpec> protocols);

LoadResult load_file(std::string_view path, std::span<const ProtocolSpec> protocols);

}  // namespace simul::config
