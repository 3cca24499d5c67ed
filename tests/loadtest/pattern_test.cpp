#include "pattern.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace simul;
using load::Pattern;

std::vector<std::byte> stream_of(const Pattern& pattern, std::uint64_t stream,
                                 std::uint64_t position, std::size_t size) {
  std::vector<std::byte> bytes;
  while (bytes.size() < size) {
    const Bytes part = pattern.at(stream, position + bytes.size());
    bytes.insert(
        bytes.end(), part.begin(),
        part.begin() + static_cast<std::ptrdiff_t>(std::min(part.size(), size - bytes.size())));
  }
  return bytes;
}

TEST_CASE("what a stream is made of is what it is checked against") {
  const Pattern pattern(1);
  const std::uint64_t near_the_end = Pattern::kPiece - 100;
  for (const std::uint64_t position : {std::uint64_t{0}, std::uint64_t{77}, near_the_end}) {
    const auto bytes = stream_of(pattern, 3, position, 5000);
    CHECK_FALSE(pattern.first_difference(3, position, bytes));
  }
}

TEST_CASE("a flipped bit is found where it is") {
  const Pattern pattern(1);
  for (const std::size_t at : {0u, 1u, 999u, 1000u, 4999u}) {
    auto bytes = stream_of(pattern, 3, 0, 5000);
    bytes[at] ^= std::byte{0x10};
    CHECK(pattern.first_difference(3, 0, bytes) == at);
  }
}

TEST_CASE("a flipped bit is found behind the border of two pieces") {
  const Pattern pattern(1);
  const std::uint64_t position = Pattern::kPiece - 10;
  auto bytes = stream_of(pattern, 3, position, 100);
  bytes[50] ^= std::byte{1};
  CHECK(pattern.first_difference(3, position, bytes) == 50);
}

TEST_CASE("a lost and a doubled byte are found soon after") {
  const Pattern pattern(1);
  auto lost = stream_of(pattern, 3, 0, 1000);
  lost.erase(lost.begin() + 500);
  auto doubled = stream_of(pattern, 3, 0, 1000);
  doubled.insert(doubled.begin() + 500, doubled[500]);
  for (const auto& bytes : {lost, doubled}) {
    const auto at = pattern.first_difference(3, 0, bytes);
    REQUIRE(at);
    CHECK(*at >= 500);
    CHECK(*at < 510);  // neighbours may be equal by chance
  }
}

TEST_CASE("a whole lost piece is found") {
  const Pattern pattern(1);
  const auto bytes = stream_of(pattern, 3, Pattern::kPiece, 1000);
  CHECK(pattern.first_difference(3, 0, bytes));
}

TEST_CASE("bytes of another connection are found, whichever two are swapped") {
  const Pattern pattern(1);
  std::size_t unnoticed = 0;
  for (std::uint64_t a = 0; a < 200; ++a) {
    const auto bytes = stream_of(pattern, a, 0, 64);
    for (std::uint64_t b = 0; b < 200; ++b) {
      unnoticed += a != b && !pattern.first_difference(b, 0, bytes) ? 1 : 0;
    }
  }
  CHECK(unnoticed == 0);
}

TEST_CASE("bytes of an earlier run are found") {
  const auto bytes = stream_of(Pattern(1), 3, 0, 64);
  CHECK(Pattern(2).first_difference(3, 0, bytes));
}

}  // namespace
