#include "http/content_type.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "http/characters.hpp"

namespace simul::http {
namespace {

struct Type {
  std::string_view extension;
  ContentType type;
};

constexpr bool kText = true;
constexpr bool kDense = false;  // compressed as it is, or nearly

// In the order of their extensions. (Of .ts a server knows the video better than the program, which no
// browser runs.)
constexpr std::array kTypes = {
    Type{"7z", {"application/x-7z-compressed", kDense}},
    Type{"aac", {"audio/aac", kDense}},
    Type{"apk", {"application/vnd.android.package-archive", kDense}},
    Type{"apng", {"image/apng", kDense}},
    Type{"atom", {"application/atom+xml", kText}},
    Type{"avi", {"video/x-msvideo", kDense}},
    Type{"avif", {"image/avif", kDense}},
    Type{"bmp", {"image/bmp", kText}},
    Type{"br", {"application/x-brotli", kDense}},
    Type{"bz2", {"application/x-bzip2", kDense}},
    Type{"cjs", {"text/javascript; charset=utf-8", kText}},
    Type{"conf", {"text/plain; charset=utf-8", kText}},
    Type{"css", {"text/css; charset=utf-8", kText}},
    Type{"csv", {"text/csv; charset=utf-8", kText}},
    Type{"deb", {"application/vnd.debian.binary-package", kDense}},
    Type{"doc", {"application/msword", kText}},
    Type{"docx",
         {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", kDense}},
    Type{"eot", {"application/vnd.ms-fontobject", kText}},
    Type{"epub", {"application/epub+zip", kDense}},
    Type{"flac", {"audio/flac", kDense}},
    Type{"geojson", {"application/geo+json", kText}},
    Type{"gif", {"image/gif", kDense}},
    Type{"glb", {"model/gltf-binary", kText}},
    Type{"gltf", {"model/gltf+json", kText}},
    Type{"gz", {"application/gzip", kDense}},
    Type{"heic", {"image/heic", kDense}},
    Type{"htm", {"text/html; charset=utf-8", kText}},
    Type{"html", {"text/html; charset=utf-8", kText}},
    Type{"ico", {"image/vnd.microsoft.icon", kText}},
    Type{"ics", {"text/calendar; charset=utf-8", kText}},
    Type{"ini", {"text/plain; charset=utf-8", kText}},
    Type{"jar", {"application/java-archive", kDense}},
    Type{"jpeg", {"image/jpeg", kDense}},
    Type{"jpg", {"image/jpeg", kDense}},
    Type{"js", {"text/javascript; charset=utf-8", kText}},
    Type{"json", {"application/json", kText}},
    Type{"jsonld", {"application/ld+json", kText}},
    Type{"jxl", {"image/jxl", kDense}},
    Type{"log", {"text/plain; charset=utf-8", kText}},
    Type{"m3u8", {"application/vnd.apple.mpegurl", kText}},
    Type{"m4a", {"audio/mp4", kDense}},
    Type{"m4v", {"video/mp4", kDense}},
    Type{"map", {"application/json", kText}},
    Type{"markdown", {"text/markdown; charset=utf-8", kText}},
    Type{"md", {"text/markdown; charset=utf-8", kText}},
    Type{"mid", {"audio/midi", kDense}},
    Type{"midi", {"audio/midi", kDense}},
    Type{"mjs", {"text/javascript; charset=utf-8", kText}},
    Type{"mkv", {"video/x-matroska", kDense}},
    Type{"mov", {"video/quicktime", kDense}},
    Type{"mp3", {"audio/mpeg", kDense}},
    Type{"mp4", {"video/mp4", kDense}},
    Type{"mpd", {"application/dash+xml", kText}},
    Type{"odp", {"application/vnd.oasis.opendocument.presentation", kDense}},
    Type{"ods", {"application/vnd.oasis.opendocument.spreadsheet", kDense}},
    Type{"odt", {"application/vnd.oasis.opendocument.text", kDense}},
    Type{"oga", {"audio/ogg", kDense}},
    Type{"ogg", {"audio/ogg", kDense}},
    Type{"ogv", {"video/ogg", kDense}},
    Type{"opus", {"audio/ogg", kDense}},
    Type{"otf", {"font/otf", kText}},
    Type{"pdf", {"application/pdf", kDense}},
    Type{"png", {"image/png", kDense}},
    Type{"ppt", {"application/vnd.ms-powerpoint", kText}},
    Type{"pptx",
         {"application/vnd.openxmlformats-officedocument.presentationml.presentation", kDense}},
    Type{"rar", {"application/vnd.rar", kDense}},
    Type{"rss", {"application/rss+xml", kText}},
    Type{"rtf", {"application/rtf", kText}},
    Type{"svg", {"image/svg+xml", kText}},
    Type{"tar", {"application/x-tar", kText}},
    Type{"text", {"text/plain; charset=utf-8", kText}},
    Type{"tgz", {"application/gzip", kDense}},
    Type{"tif", {"image/tiff", kDense}},
    Type{"tiff", {"image/tiff", kDense}},
    Type{"toml", {"application/toml", kText}},
    Type{"ts", {"video/mp2t", kDense}},
    Type{"tsv", {"text/tab-separated-values; charset=utf-8", kText}},
    Type{"ttc", {"font/collection", kText}},
    Type{"ttf", {"font/ttf", kText}},
    Type{"txt", {"text/plain; charset=utf-8", kText}},
    Type{"vcf", {"text/vcard; charset=utf-8", kText}},
    Type{"vtt", {"text/vtt; charset=utf-8", kText}},
    Type{"wasm", {"application/wasm", kText}},
    Type{"wav", {"audio/wav", kDense}},
    Type{"weba", {"audio/webm", kDense}},
    Type{"webm", {"video/webm", kDense}},
    Type{"webmanifest", {"application/manifest+json", kText}},
    Type{"webp", {"image/webp", kDense}},
    Type{"woff", {"font/woff", kDense}},
    Type{"woff2", {"font/woff2", kDense}},
    Type{"xhtml", {"application/xhtml+xml", kText}},
    Type{"xls", {"application/vnd.ms-excel", kText}},
    Type{"xlsx", {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", kDense}},
    Type{"xml", {"application/xml", kText}},
    Type{"xsd", {"application/xml", kText}},
    Type{"xsl", {"application/xml", kText}},
    Type{"xz", {"application/x-xz", kDense}},
    Type{"yaml", {"application/yaml", kText}},
    Type{"yml", {"application/yaml", kText}},
    Type{"zip", {"application/zip", kDense}},
    Type{"zst", {"application/zstd", kDense}},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &Type::extension));

constexpr std::size_t kLongest = std::ranges::max(kTypes, {}, [](const Type& type) {
                                   return type.extension.size();
                                 }).extension.size();

}  // namespace

ContentType content_type_of(std::string_view path) noexcept {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  const std::size_t dot = name.find_last_of('.');
  if (dot != std::string_view::npos && name.size() - dot - 1 <= kLongest) {
    std::array<char, kLongest> lower{};
    const std::string_view extension = name.substr(dot + 1);
    std::ranges::transform(extension, lower.begin(), to_lower);
    const std::string_view key(lower.data(), extension.size());
    const auto* const found = std::ranges::lower_bound(kTypes, key, {}, &Type::extension);
    if (found != kTypes.end() && found->extension == key) {
      return found->type;
    }
  }
  return {.name = "application/octet-stream", .compressible = false};
}

}  // namespace simul::http
