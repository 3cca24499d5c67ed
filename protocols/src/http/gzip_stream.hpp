// A file that is compressed while it is sent, in pieces so small that none keeps the loop for long.
//
//   if (auto place = places.take()) return gzip_stream(file, std::move(place), fields);
//   else ... send it as it is
//
// Compression takes a quarter of a megabyte, so there are only so many places.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <simul/http/response.hpp>

#include "http/known_file.hpp"

namespace simul::http {

/// Thread: any.
class GzipPlaces {
 public:
  static constexpr int kPlaces = 64;

  /// Null: all are taken. It is given back with its last copy.
  [[nodiscard]] std::shared_ptr<void> take();

 private:
  std::shared_ptr<std::atomic<int>> taken_ = std::make_shared<std::atomic<int>>(0);
};

/// `fields`: all of the answer's but Content-Type.
[[nodiscard]] Response gzip_stream(std::shared_ptr<const KnownFile> file,
                                   std::shared_ptr<void> place, std::string fields);

}  // namespace simul::http
