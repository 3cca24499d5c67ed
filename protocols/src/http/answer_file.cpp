#include "http/answer_file.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "http/byte_ranges.hpp"
#include "http/characters.hpp"
#include "http/response_access.hpp"

namespace simul::http {
namespace {

using detail::FileBody;
using detail::ResponseAccess;
using Part = FileBody::Part;

std::shared_ptr<const OpenFile> open_file(const std::shared_ptr<const KnownFile>& file) {
  return {file, &file->file()};
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "Content-Range: bytes " + std::to_string(range.offset) + "-" +
         std::to_string(range.offset + range.size - 1) + "/" + std::to_string(size) + "\r\n";
}

// Nobody who makes a file can know it.
std::string random_boundary() {
  std::array<unsigned char, 16> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string boundary;
  for (const unsigned char byte : bytes) {
    boundary.append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return boundary;
}

Response whole(const std::shared_ptr<const KnownFile>& file) {
  FileBody body{.file = open_file(file), .parts = {}, .after = {}};
  body.parts.push_back({.before = {}, .offset = 0, .size = file->file().size()});
  return ResponseAccess::make(200, file->content_type(), std::move(body), file->fields());
}

Response one_range(const std::shared_ptr<const KnownFile>& file, const ByteRange& range) {
  FileBody body{.file = open_file(file), .parts = {}, .after = {}};
  body.parts.push_back({.before = {}, .offset = range.offset, .size = range.size});
  return ResponseAccess::make(206, file->content_type(), std::move(body),
                              file->fields() + content_range(range, file->file().size()));
}

Response many_ranges(const std::shared_ptr<const KnownFile>& file,
                     const std::vector<ByteRange>& ranges) {
  const std::string boundary = random_boundary();
  FileBody body{.file = open_file(file), .parts = {}, .after = "\r\n--" + boundary + "--\r\n"};
  body.parts.reserve(ranges.size());
  for (const ByteRange& range : ranges) {
    std::string before = body.parts.empty() ? "--" : "\r\n--";
    before.append(boundary)
        .append("\r\nContent-Type: ")
        .append(file->content_type())
        .append("\r\n");
    before.append(content_range(range, file->file().size())).append("\r\n");
    body.parts.push_back({.before = std::move(before), .offset = range.offset, .size = range.size});
  }
  return ResponseAccess::make(
      206, {}, std::move(body),
      file->fields() + "Content-Type: multipart/byteranges; boundary=" + boundary + "\r\n");
}

Response not_satisfiable(const KnownFile& file) {
  return Response::error(416).with("Content-Range",
                                   "bytes */" + std::to_string(file.file().size()));
}

}  // namespace

FileInterest::FileInterest(const RequestHead& head) noexcept {
  for (const auto& [name, value] : head.fields) {
    if (name.size() < 5) {
      continue;
    }
    switch (to_lower(name[0])) {
      case 'i':
        preconditions = preconditions || equal_ignoring_case(name.substr(0, 3), "if-");
        break;
      case 'r':
        range = range || equal_ignoring_case(name, "range");
        break;
      case 'a':
        codings = codings || equal_ignoring_case(name, "accept-encoding");
        break;
      default:
        break;
    }
  }
  range = range && head.method == "GET";
}

Response not_modified(std::string_view tag, bool varies) {
  std::string fields = "ETag: ";
  fields.append(tag).append("\r\n").append(varies ? kVary : std::string_view());
  return ResponseAccess::make(304, {}, std::string_view(), std::move(fields));
}

Response answer_with_file(const RequestHead& head, const FileInterest& interest,
                          const std::shared_ptr<const KnownFile>& file) {
  if (interest.preconditions) {
    switch (check_preconditions(head, file->validators())) {
      case Verdict::not_modified:
        return not_modified(file->validators().tag, file->varies());
      case Verdict::failed:
        return Response::error(412);
      case Verdict::proceed:
        break;
    }
  }
  if (!interest.range || !range_applies(head, file->validators(), std::time(nullptr))) {
    return whole(file);
  }
  const ByteRanges wanted =
      parse_byte_ranges(head.fields.find("Range").value_or(""), file->file().size());
  switch (wanted.kind) {
    case ByteRanges::Kind::none:
      return not_satisfiable(*file);
    case ByteRanges::Kind::some:
      return wanted.ranges.size() == 1 ? one_range(file, wanted.ranges[0])
                                       : many_ranges(file, wanted.ranges);
    case ByteRanges::Kind::whole:
      break;
  }
  return whole(file);
}

}  // namespace simul::http
