#include "http/content_type.hpp"

#include <algorithm>
#include <array>

#include "http/characters.hpp"

namespace simul::http {
namespace {

struct Type {
  std::string_view extension;
  std::string_view type;
};

constexpr std::array kTypes = {
    Type{"html", "text/html; charset=utf-8"},
    Type{"htm", "text/html; charset=utf-8"},
    Type{"css", "text/css; charset=utf-8"},
    Type{"js", "text/javascript; charset=utf-8"},
    Type{"mjs", "text/javascript; charset=utf-8"},
    Type{"json", "application/json"},
    Type{"map", "application/json"},
    Type{"webmanifest", "application/manifest+json"},
    Type{"txt", "text/plain; charset=utf-8"},
    Type{"log", "text/plain; charset=utf-8"},
    Type{"md", "text/markdown; charset=utf-8"},
    Type{"csv", "text/csv; charset=utf-8"},
    Type{"xml", "application/xml"},
    Type{"yaml", "application/yaml"},
    Type{"yml", "application/yaml"},
    Type{"svg", "image/svg+xml"},
    Type{"png", "image/png"},
    Type{"jpg", "image/jpeg"},
    Type{"jpeg", "image/jpeg"},
    Type{"gif", "image/gif"},
    Type{"webp", "image/webp"},
    Type{"avif", "image/avif"},
    Type{"ico", "image/vnd.microsoft.icon"},
    Type{"woff2", "font/woff2"},
    Type{"woff", "font/woff"},
    Type{"ttf", "font/ttf"},
    Type{"otf", "font/otf"},
    Type{"mp3", "audio/mpeg"},
    Type{"ogg", "audio/ogg"},
    Type{"wav", "audio/wav"},
    Type{"mp4", "video/mp4"},
    Type{"webm", "video/webm"},
    Type{"pdf", "application/pdf"},
    Type{"wasm", "application/wasm"},
    Type{"zip", "application/zip"},
    Type{"gz", "application/gzip"},
    Type{"tar", "application/x-tar"},
};

}  // namespace

std::string_view content_type_of(std::string_view path) noexcept {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  const std::size_t dot = name.find_last_of('.');
  if (dot != std::string_view::npos) {
    for (const Type& type : kTypes) {
      if (equal_ignoring_case(name.substr(dot + 1), type.extension)) {
        return type.type;
      }
    }
  }
  return "application/octet-stream";
}

}  // namespace simul::http
