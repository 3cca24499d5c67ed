// What requests say about files: dates, entity tags, ranges, codings, preconditions.
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "http/accept_encoding.hpp"
#include "http/byte_ranges.hpp"
#include "http/content_type.hpp"
#include "http/date.hpp"
#include "http/entity_tag.hpp"
#include "http/preconditions.hpp"

namespace simul::http {
namespace {

using Kind = ByteRanges::Kind;

constexpr std::time_t kNow = 1'700'000'000;

std::vector<ByteRange> ranges(std::string_view value, std::uint64_t size = 10'000) {
  const ByteRanges parsed = parse_byte_ranges(value, size);
  REQUIRE(parsed.kind == Kind::some);
  return parsed.ranges;
}

Kind kind(std::string_view value, std::uint64_t size = 10'000) {
  return parse_byte_ranges(value, size).kind;
}

int quality(std::string_view value, Coding coding) {
  const std::string lines = "Accept-Encoding: " + std::string(value) + "\r\n";
  return AcceptEncoding(HeaderFields(lines)).quality(coding);
}

std::string chosen(std::string_view value, bool gzip = true, bool brotli = true) {
  const std::string lines = "Accept-Encoding: " + std::string(value) + "\r\n";
  const auto coding = choose_coding(AcceptEncoding(HeaderFields(lines)), gzip, brotli);
  return coding ? std::string(name_of(*coding)) : "none";
}

Verdict verdict(const std::string& lines, std::string_view method = "GET") {
  RequestHead head{.method = method, .target = {}, .path = {}, .query = {}, .host = {}};
  head.fields = HeaderFields(lines);
  return check_preconditions(head, {.tag = "\"tag\"", .modified = 784111777});
}

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

std::string line(std::string_view name, std::string_view value) {
  return std::string(name).append(": ").append(value).append("\r\n");
}

}  // namespace

TEST_CASE("dates are understood in the three forms that HTTP has had") {
  CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow) == 784111777);
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow) == 784111777);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994", kNow) == 784111777);
  CHECK(parse_date("Wed Nov 16 08:49:37 1994", kNow) == 784975777);
  CHECK(parse_date("Thu, 01 Jan 1970 00:00:00 GMT", kNow) == 0);
  CHECK(parse_date("Thu, 29 Feb 2024 00:00:00 GMT", kNow) == 1709164800);
}

TEST_CASE("a year of two digits that would be more than fifty years ahead is of the past") {
  CHECK(parse_date("Friday, 01-Jan-60 00:00:00 GMT", kNow) == 2840140800);
  CHECK(parse_date("Friday, 01-Jan-99 00:00:00 GMT", kNow) == 915148800);
}

TEST_CASE("what is no date is none") {
  for (const std::string_view text : {"",
                                      "Sun",
                                      "Sun,",
                                      "yesterday",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 06 nov 1994 08:49:37 GMT",
                                      "Sun, 06 anF 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "Sun Nov 06 08:49:37 94",
                                      "Sun, 0x Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov -994 08:49:37 GMT",
                                      "784111777"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_date(text, kNow).has_value());
  }
}

TEST_CASE("a date that was written is understood again") {
  for (const std::time_t time :
       {std::time_t{0}, kNow, std::time_t{253402300799}, std::time_t{-1}}) {
    const DateText text = format_date(time);
    CHECK(parse_date({text.data(), text.size()}, kNow) == time);
  }
}

TEST_CASE("entity tags are found in lists, weak ones by weak comparison only") {
  const auto weak = [](std::string_view list, std::string_view tag) {
    return matches_any(list, tag, TagComparison::weak);
  };
  const auto strong = [](std::string_view list, std::string_view tag) {
    return matches_any(list, tag, TagComparison::strong);
  };
  CHECK(weak(R"("a")", R"("a")"));
  CHECK(weak(R"(W/"a")", R"("a")"));
  CHECK(weak(R"("a")", R"(W/"a")"));
  CHECK(strong(R"("a")", R"("a")"));
  CHECK_FALSE(strong(R"(W/"a")", R"("a")"));
  CHECK_FALSE(strong(R"(W/"a")", R"(W/"a")"));
  CHECK_FALSE(strong(R"("a")", R"(W/"a")"));
  CHECK(weak(R"("x", "a")", R"("a")"));
  CHECK(weak(R"("x","a")", R"("a")"));
  CHECK(weak(R"(, ,"x" ,, "a" ,)", R"("a")"));
  CHECK(weak(R"("x,y", "a")", R"("a")"));
  CHECK(weak("*", R"("a")"));
  CHECK(strong(" * ", R"("a")"));
  CHECK_FALSE(weak(R"("A")", R"("a")"));
  CHECK_FALSE(weak("", R"("a")"));
  CHECK_FALSE(weak(R"(a)", R"("a")"));
  CHECK_FALSE(weak(R"(w/"a")", R"("a")"));
  CHECK_FALSE(weak(R"("x" "a")", R"("a")"));
  CHECK_FALSE(weak(R"(x, "a")", R"("a")"));
  CHECK_FALSE(weak(R"("a)", R"("a")"));
  CHECK_FALSE(weak(R"("x", *)", R"("a")"));
}

TEST_CASE("ranges have a beginning and an end, or one of the two") {
  CHECK(ranges("bytes=0-0") == std::vector<ByteRange>{{0, 1}});
  CHECK(ranges("bytes=0-499") == std::vector<ByteRange>{{0, 500}});
  CHECK(ranges("BYTES=500-") == std::vector<ByteRange>{{500, 9500}});
  CHECK(ranges("bytes=-500") == std::vector<ByteRange>{{9500, 500}});
  CHECK(ranges("bytes=9999-") == std::vector<ByteRange>{{9999, 1}});
  CHECK(ranges("bytes=0-99999") == std::vector<ByteRange>{{0, 10'000}});
  CHECK(ranges("bytes=-99999") == std::vector<ByteRange>{{0, 10'000}});
  CHECK(ranges("bytes=0-99999999999999999999999999") == std::vector<ByteRange>{{0, 10'000}});
  CHECK(ranges("bytes= 1-2 , ,\t5000-5001,") == std::vector<ByteRange>{{1, 2}, {5000, 2}});
  CHECK(ranges("bytes=20000-,1-2") == std::vector<ByteRange>{{1, 2}});
}

TEST_CASE("ranges of which nothing is there can't be satisfied") {
  CHECK(kind("bytes=10000-") == Kind::none);
  CHECK(kind("bytes=10000-10001, -0") == Kind::none);
  CHECK(kind("bytes=99999999999999999999999999-") == Kind::none);
  CHECK(kind("bytes=0-", 0) == Kind::none);
  CHECK(kind("bytes=-0", 0) == Kind::none);
  CHECK(kind("bytes=-1", 0) == Kind::whole);
}

TEST_CASE("what is no list of ranges is as if it weren't there") {
  for (const std::string_view value :
       {"", "bytes", "bytes=", "bytes=,", "lines=0-1", "bytes=1", "bytes=-", "bytes=2-1",
        "bytes=a-b", "bytes=0x1-2", "bytes=1-2-3", "bytes=--1", "bytes=+1-2", "bytes 0-1",
        "bytes=0-1,x", "bytes =0-1", "bytes=0 - 1", "bytes=1-\x01"}) {
    CAPTURE(value);
    CHECK(kind(value) == Kind::whole);
  }
}

TEST_CASE("ranges that overlap or nearly touch become one, the others keep their order") {
  CHECK(ranges("bytes=0-100,50-200") == std::vector<ByteRange>{{0, 201}});
  CHECK(ranges("bytes=0-100,101-200") == std::vector<ByteRange>{{0, 201}});
  CHECK(ranges("bytes=0-100,150-200") == std::vector<ByteRange>{{0, 201}});
  CHECK(ranges("bytes=5000-5100,0-10") == std::vector<ByteRange>{{5000, 101}, {0, 11}});
  CHECK(ranges("bytes=5000-5100,0-10,4000-6000") == std::vector<ByteRange>{{4000, 2001}, {0, 11}});
  CHECK(ranges("bytes=0-0,1000-1000,0-2000") == std::vector<ByteRange>{{0, 2001}});
  CHECK(ranges("bytes=0-,0-,0-,0-,-10000") == std::vector<ByteRange>{{0, 10'000}});
}

TEST_CASE("a flood of ranges gets the whole file, and never more than it") {
  const auto many = [](int count, int step) {
    std::string value = "bytes=";
    for (int i = 0; i < count; ++i) {
      value += std::to_string(i * step) + "-" + std::to_string(i * step) + ",";
    }
    return value;
  };
  CHECK(parse_byte_ranges(many(16, 1000), 1'000'000).ranges.size() == 16);
  CHECK(kind(many(17, 1000), 1'000'000) == Kind::whole);
  CHECK(ranges(many(2000, 1), 1'000'000) == std::vector<ByteRange>{{0, 2000}});
}

TEST_CASE("codings are accepted by name, by star, and by weight") {
  CHECK(quality("gzip", Coding::gzip) == 1000);
  CHECK(quality("X-GZIP", Coding::gzip) == 1000);
  CHECK(quality("gzip;q=0.5", Coding::gzip) == 500);
  CHECK(quality("gzip ; Q=0.123 , br", Coding::gzip) == 123);
  CHECK(quality("gzip;q=0", Coding::gzip) == 0);
  CHECK(quality("gzip;q=0.000", Coding::gzip) == 0);
  CHECK(quality("gzip;q=1.", Coding::gzip) == 1000);
  CHECK(quality("br", Coding::gzip) == 0);
  CHECK(quality("*", Coding::gzip) == 1000);
  CHECK(quality("gzip;q=0, *", Coding::gzip) == 0);
  CHECK(quality("*;q=0", Coding::identity) == 0);
  CHECK(quality("*;q=0, identity;q=0.1", Coding::identity) == 100);
  CHECK(quality("identity;q=0", Coding::identity) == 0);
  CHECK(quality("", Coding::identity) == 1);
  for (const std::string_view strange :
       {"gzip;q=2", "gzip;q=1.001", "gzip;q=-1", "gzip;q=", "gzip;q", "gzip;x=1", "gzip;q=0.1234",
        "gzip;q=.5", "gzipp", "gzip/1", "gzip;q=0,5"}) {
    CAPTURE(strange);
    CHECK(quality(strange, Coding::gzip) == 0);
  }
}

TEST_CASE("the coding that the client likes best is taken, of equals the shortest") {
  CHECK(chosen("gzip, deflate, br, zstd") == "br");
  CHECK(chosen("gzip, deflate, br", true, false) == "gzip");
  CHECK(chosen("gzip, deflate, br", false, false) == "identity");
  CHECK(chosen("gzip;q=1, br;q=0.9") == "gzip");
  CHECK(chosen("gzip;q=0.5, identity") == "identity");
  CHECK(chosen("gzip;q=0.001") == "gzip");
  CHECK(chosen("") == "identity");
  CHECK(chosen("*") == "br");
  CHECK(chosen("*;q=0") == "none");
  CHECK(chosen("identity;q=0, gzip", false, false) == "none");
  CHECK(chosen("identity;q=0, gzip") == "gzip");
}

TEST_CASE("If-Match wants the very bytes, and goes before If-Unmodified-Since") {
  CHECK(verdict(line("If-Match", "\"tag\"")) == Verdict::proceed);
  CHECK(verdict(line("if-match", "\"x\", \"tag\"")) == Verdict::proceed);
  CHECK(verdict(line("If-Match", "*")) == Verdict::proceed);
  CHECK(verdict(line("If-Match", "\"x\"")) == Verdict::failed);
  CHECK(verdict(line("If-Match", "W/\"tag\"")) == Verdict::failed);
  CHECK(verdict(line("If-Match", "\"x\"") + line("If-Match", "\"tag\"")) == Verdict::proceed);
  CHECK(verdict(line("If-Match", "\"tag\"") + line("If-Unmodified-Since", kBefore)) ==
        Verdict::proceed);
  CHECK(verdict(line("If-Unmodified-Since", kDate)) == Verdict::proceed);
  CHECK(verdict(line("If-Unmodified-Since", kAfter)) == Verdict::proceed);
  CHECK(verdict(line("If-Unmodified-Since", kBefore)) == Verdict::failed);
  CHECK(verdict(line("If-Unmodified-Since", "x")) == Verdict::proceed);
}

TEST_CASE("If-None-Match wants other content, and goes before If-Modified-Since") {
  CHECK(verdict(line("If-None-Match", "\"tag\"")) == Verdict::not_modified);
  CHECK(verdict(line("If-None-Match", "W/\"tag\"")) == Verdict::not_modified);
  CHECK(verdict(line("If-None-Match", "*")) == Verdict::not_modified);
  CHECK(verdict(line("If-None-Match", "\"tag\""), "HEAD") == Verdict::not_modified);
  CHECK(verdict(line("If-None-Match", "\"tag\""), "PUT") == Verdict::failed);
  CHECK(verdict(line("If-None-Match", "\"x\"")) == Verdict::proceed);
  CHECK(verdict(line("If-None-Match", "\"x\"") + line("If-Modified-Since", kDate)) ==
        Verdict::proceed);
  CHECK(verdict(line("If-Modified-Since", kDate)) == Verdict::not_modified);
  CHECK(verdict(line("If-Modified-Since", kAfter)) == Verdict::not_modified);
  CHECK(verdict(line("If-Modified-Since", kBefore)) == Verdict::proceed);
  CHECK(verdict(line("If-Modified-Since", kDate), "POST") == Verdict::proceed);
  CHECK(verdict(line("If-Modified-Since", kDate) + line("If-Modified-Since", kDate)) ==
        Verdict::proceed);
  CHECK(verdict(line("If-Modified-Since", "x")) == Verdict::proceed);
  // What must fail fails, even if it wouldn't be sent.
  CHECK(verdict(line("If-None-Match", "\"tag\"") + line("If-Match", "\"x\"")) == Verdict::failed);
}

TEST_CASE("If-Range takes a strong tag, or a date that can't stand for two states") {
  const auto applies = [](const std::string& lines, std::time_t now) {
    RequestHead head{.method = "GET", .target = {}, .path = {}, .query = {}, .host = {}};
    head.fields = HeaderFields(lines);
    return range_applies(head, {.tag = "\"tag\"", .modified = 784111777}, now);
  };
  CHECK(applies("", kNow));
  CHECK(applies(line("If-Range", "\"tag\""), kNow));
  CHECK_FALSE(applies(line("If-Range", "W/\"tag\""), kNow));
  CHECK_FALSE(applies(line("If-Range", "\"x\""), kNow));
  CHECK(applies(line("If-Range", kDate), kNow));
  CHECK_FALSE(applies(line("If-Range", kDate), 784111777));
  CHECK_FALSE(applies(line("If-Range", kBefore), kNow));
  CHECK_FALSE(applies(line("If-Range", kAfter), kNow));
  CHECK_FALSE(applies(line("If-Range", "x"), kNow));
  CHECK_FALSE(applies(line("If-Range", "\"tag\"") + line("If-Range", "\"tag\""), kNow));
}

TEST_CASE("a file's type is that of its extension, whatever its case") {
  CHECK(content_type_of("/a/b.html").name == "text/html; charset=utf-8");
  CHECK(content_type_of("b.MJS").name == "text/javascript; charset=utf-8");
  CHECK(content_type_of("/x.tar.gz").name == "application/gzip");
  CHECK(content_type_of("/site.webmanifest").name == "application/manifest+json");
  CHECK(content_type_of("/app.wasm").compressible);
  CHECK_FALSE(content_type_of("/font.woff2").compressible);
  CHECK(content_type_of("/x.html/data").name == "application/octet-stream");
  CHECK(content_type_of("/html").name == "application/octet-stream");
  CHECK(content_type_of("/x.").name == "application/octet-stream");
  CHECK(content_type_of("/x.averyveryverylongextension").name == "application/octet-stream");
}

}  // namespace simul::http
