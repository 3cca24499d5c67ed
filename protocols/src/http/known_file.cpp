#include "http/known_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/date.hpp"
#include "http/gzip.hpp"
#include "http/read_file.hpp"

namespace simul::http {
namespace {

std::uint64_t nanoseconds(const timespec& time) noexcept {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// Strong: two states of a file differ in one of these, unless somebody sets the clock back.
std::string make_tag(const struct stat& status) {
  std::string tag = "\"";
  for (const std::uint64_t number :
       {std::uint64_t{status.st_ino}, static_cast<std::uint64_t>(status.st_size),
        nanoseconds(status.st_mtim)}) {
    std::array<char, 16> digits;
    const auto [end, error] = std::to_chars(digits.begin(), digits.end(), number, 16);
    tag.append(tag.size() > 1 ? "-" : "").append(digits.data(), end);
  }
  return tag + "\"";
}

}  // namespace

KnownFile::KnownFile(int fd, const struct stat& status, ContentType type, Coding coding)
    : file_(fd, status),
      type_(type),
      modified_(std::min(status.st_mtime, std::time(nullptr))),
      tag_(make_tag(status)) {
  const DateText date = format_date(modified_);
  fields_.append("Last-Modified: ").append(date.data(), date.size());
  fields_.append("\r\nETag: ").append(tag_);
  fields_.append("\r\nAccept-Ranges: bytes\r\n").append(kNoSniff);
  if (coding != Coding::identity) {
    fields_.append("Content-Encoding: ").append(name_of(coding)).append("\r\n");
  }
}

bool KnownFile::is_same(const struct stat& status) const noexcept {
  const struct stat& own = file_.status();
  return own.st_ino == status.st_ino && own.st_dev == status.st_dev &&
         own.st_size == status.st_size && nanoseconds(own.st_mtim) == nanoseconds(status.st_mtim) &&
         nanoseconds(own.st_ctim) == nanoseconds(status.st_ctim);
}

const std::string& KnownFile::gzipped() const {
  std::call_once(compressed_once_, [this] {
    std::string content(file_.size(), '\0');
    if (file_.size() <= kMaxGzipAtOnce && read_file(file_, 0, content)) {
      compressed_ = gzip_all(content);
    }
  });
  return compressed_;
}

std::string KnownFile::gzip_tag() const {
  std::string tag = "W/" + tag_;
  tag.insert(tag.size() - 1, "-gzip");
  return tag;
}

}  // namespace simul::http
