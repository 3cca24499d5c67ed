// What kind of content a file holds, by the extension of its name.
//
//   content_type_of("page.html").name == "text/html; charset=utf-8"
//
// It never looks into the file. What it doesn't know is application/octet-stream, which browsers save
// and don't run.
#pragma once

#include <string_view>

namespace simul::http {

struct ContentType {
  std::string_view name;  ///< of a constant, as a field Content-Type has it
  bool compressible;      ///< does gzip make it shorter?
};

[[nodiscard]] ContentType content_type_of(std::string_view path) noexcept;

}  // namespace simul::http
