// Whatever the fields that concern files say: no more is sent than there is, no part twice, and no crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/accept_encoding.hpp"
#include "http/byte_ranges.hpp"
#include "http/date.hpp"
#include "http/preconditions.hpp"

namespace {

using namespace simul::http;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_ranges(std::string_view value, std::uint64_t size) {
  const ByteRanges wanted = parse_byte_ranges(value, size);
  require((wanted.kind == ByteRanges::Kind::some) == !wanted.ranges.empty());
  require(wanted.ranges.size() <= ByteRanges::kMost);
  for (std::size_t i = 0; i < wanted.ranges.size(); ++i) {
    const ByteRange& range = wanted.ranges[i];
    require(range.size > 0 && range.offset < size && range.size <= size - range.offset);
    for (std::size_t j = 0; j < i; ++j) {
      const ByteRange& other = wanted.ranges[j];
      require(range.offset >= other.offset + other.size ||
              other.offset >= range.offset + range.size);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Lines end where the parser of requests would end them, and have no other control characters.
  std::string text(reinterpret_cast<const char*>(data), size);
  for (char& c : text) {
    if (c == '\r' || c == '\0') c = ' ';
  }
  std::string lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    if (line.contains(':')) lines.append(line).append("\r\n");
  }
  RequestHead head{
      .method = size % 2 == 0 ? "GET" : "PUT", .target = {}, .path = {}, .query = {}, .host = {}};
  head.fields = HeaderFields(lines);

  for (const auto& [name, value] : head.fields) {
    for (const std::uint64_t file :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX >> 1}) {
      check_ranges(value, file);
    }
    if (const auto time = parse_date(value, 1'700'000'000)) {
      const DateText again = format_date(*time);
      require(parse_date({again.data(), again.size()}, 1'700'000'000) == time);
    }
  }
  const AcceptEncoding accept(head.fields);
  for (const Coding coding : {Coding::identity, Coding::gzip, Coding::brotli}) {
    require(accept.quality(coding) >= 0 && accept.quality(coding) <= 1000);
  }
  const auto coding = choose_coding(accept, true, true);
  require(!coding || accept.quality(*coding) > 0);
  require(coding || accept.quality(Coding::identity) == 0);

  const Validators validators{.tag = "\"tag\"", .modified = 784111777};
  require(check_preconditions(head, validators) != Verdict::not_modified || head.method == "GET");
  static_cast<void>(range_applies(head, validators, 1'700'000'000));
  return 0;
}
