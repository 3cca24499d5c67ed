// StderrSink: log lines to stderr that never block a loop. Where stderr is a pipe whose reader has
// stalled (`| less`, a hung log collector), lines are dropped, and their number is told when it reads on.
#pragma once

#include <cstdint>
#include <mutex>

#include <spdlog/sinks/base_sink.h>

namespace simul::server {

class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  std::uint64_t dropped_ = 0;
};

}  // namespace simul::server
