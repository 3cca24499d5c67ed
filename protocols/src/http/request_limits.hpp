// RequestLimits: how much of a request is taken, in bytes unless it says otherwise.
//
//   const RequestLimits limits{.body = 100 << 10};
//   RequestParser parser(limits);
#pragma once

#include <cstddef>
#include <cstdint>

namespace simul::http {

struct RequestLimits {
  std::size_t target = std::size_t{8} << 10;
  std::size_t head = std::size_t{16} << 10;  // request line and header; also the trailers
  std::size_t fields = 100;                  // how many, in the header and in the trailers
  std::uint64_t body = std::uint64_t{1} << 20;
};

}  // namespace simul::http
