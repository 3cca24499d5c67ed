// ResponseWriter: turns one response into bytes of an Output, in as many steps as the output needs.
//
//   writer.begin(std::move(response), {...});          // the head, and what fits of the body
//   while (!writer.finished()) {
//     co_await peer.send(output.pieces());
//     output.clear();
//     if (!writer.fill()) { ... }                      // the file has become shorter: give up
//   }
//
// It sends nothing itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/output.hpp"
#include "http/response.hpp"

namespace simul::http {

/// What the response says about the connection's future. `keep_said`: as an HTTP/1.0 client wants to
/// hear it.
enum class Persistence : std::uint8_t { keep, keep_said, close };

struct Framing {
  bool head_only = false;  // the answer to HEAD
  Persistence persistence = Persistence::keep;
  std::string_view date;
};

class ResponseWriter {
 public:
  explicit ResponseWriter(Output& output) noexcept : output_(output) {}

  /// Does the head of `response` fit into the output now? It always does when that is empty.
  [[nodiscard]] bool head_fits(const Response& response) const noexcept;

  /// Only after the previous response is finished and when head_fits().
  void begin(Response response, const Framing& framing);
  [[nodiscard]] bool finished() const noexcept { return left_ == 0; }
  /// Goes on with the body, as far as the output has room. False: there is less of it than its head
  /// has announced, and the connection can't be saved.
  [[nodiscard]] bool fill();

 private:
  bool fill_from(std::string_view text);
  bool fill_from(File& file);

  Output& output_;
  Response response_;
  std::uint64_t left_ = 0;
};

}  // namespace simul::http
