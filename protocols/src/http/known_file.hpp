// KnownFile: an open file together with what its answers say of it, ready-made, and with its compressed
// forms.
//
//   auto file = std::make_shared<KnownFile>(fd, status, content_type_of(path));
//   file->fields();   // "Last-Modified: ...", "ETag: ..." and so on
//
// What is known of it doesn't change; a file that has changed becomes another KnownFile.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "http/accept_encoding.hpp"
#include "http/content_type.hpp"
#include "http/open_file.hpp"
#include "http/preconditions.hpp"

namespace simul::http {

/// Of answers that would be other ones for another Accept-Encoding.
inline constexpr std::string_view kVary = "Vary: Accept-Encoding\r\n";
inline constexpr std::string_view kNoSniff = "X-Content-Type-Options: nosniff\r\n";

class KnownFile {
 public:
  /// Shorter ones aren't compressed on the fly: they travel in one packet anyway.
  static constexpr std::uint64_t kMinGzip = 256;
  /// Up to here it takes about a millisecond, once: what comes of it is kept.
  static constexpr std::uint64_t kMaxGzipAtOnce = std::uint64_t{32} << 10;

  /// Takes over the descriptor. `coding`: of what is in the file, whose type is that of the content.
  KnownFile(int fd, const struct stat& status, ContentType type, Coding coding = Coding::identity);

  /// Is it the same file, unchanged?
  [[nodiscard]] bool is_same(const struct stat& status) const noexcept;

  [[nodiscard]] const OpenFile& file() const noexcept { return file_; }
  [[nodiscard]] std::string_view content_type() const noexcept { return type_.name; }
  [[nodiscard]] bool compressible() const noexcept { return type_.compressible; }
  [[nodiscard]] Validators validators() const noexcept {
    return {.tag = tag_, .modified = modified_};
  }
  /// Lines for answers with its content: validators, Accept-Ranges, Content-Encoding, Vary.
  [[nodiscard]] const std::string& fields() const noexcept { return fields_; }
  /// Is it one of several that the same path gives?
  [[nodiscard]] bool varies() const noexcept { return varies_; }

  /// Null: there is none.
  [[nodiscard]] const std::shared_ptr<const KnownFile>& variant(Coding coding) const noexcept {
    return coding == Coding::brotli ? brotli_ : gzip_;
  }
  // Before it is shared.
  void set_variant(Coding coding, std::shared_ptr<const KnownFile> file) noexcept {
    (coding == Coding::brotli ? brotli_ : gzip_) = std::move(file);
  }
  void set_varies() {
    varies_ = true;
    fields_ += kVary;
  }

  /// Compressed, if it isn't longer than kMaxGzipAtOnce; empty if it can't be read. Thread: any.
  [[nodiscard]] const std::string& gzipped() const;
  /// A tag for what gzip makes of it: a weak one, since another zlib makes other bytes.
  [[nodiscard]] std::string gzip_tag() const;

 private:
  OpenFile file_;
  ContentType type_;
  std::time_t modified_;  // not later than now, whatever the file says
  std::string tag_;
  std::string fields_;
  bool varies_ = false;
  std::shared_ptr<const KnownFile> gzip_;
  std::shared_ptr<const KnownFile> brotli_;
  mutable std::once_flag compressed_once_;
  mutable std::string compressed_;
};

}  // namespace simul::http
