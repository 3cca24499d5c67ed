// ChunkedWriter: the BodyWriter of an answer that is sent while it is made. Each write leaves in one send,
// together with what stood in the output before, such as the head.
//
//   ChunkedWriter writer(peer, output, settings, chunked);
//   co_await produce(writer);
//   writer.produced();
//   if (writer.complete()) co_await writer.end();   // the last chunk and the trailer, into the output
#pragma once

#include <string>
#include <string_view>

#include <simul/connection.hpp>
#include <simul/coro.hpp>
#include <simul/http/body_writer.hpp>

#include "http/output.hpp"
#include "http/settings.hpp"

namespace simul::http {

class ChunkedWriter final : public BodyWriter {
 public:
  /// Not chunked: the end of the connection ends the body.
  ChunkedWriter(Connection& peer, Output& output, const Settings& settings, bool chunked) noexcept
      : peer_(peer), output_(output), settings_(settings), chunked_(chunked) {}
  ~ChunkedWriter() = default;

  Coro<Result> write(std::string_view text) override;
  void trailer(std::string_view name, std::string_view value) override;

  /// The producer has returned.
  void produced() noexcept { produced_ = true; }
  /// Has it, and has everything been sent?
  [[nodiscard]] bool complete() const noexcept { return produced_ && !failed_; }
  /// False: the connection has failed.
  Coro<bool> end();
  /// Of the body, so far.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  Coro<Result> send(std::string_view text, std::string_view after);

  Connection& peer_;
  Output& output_;
  const Settings& settings_;
  std::string trailers_;
  std::uint64_t bytes_ = 0;
  bool chunked_;
  bool produced_ = false;
  bool failed_ = false;
};

}  // namespace simul::http
