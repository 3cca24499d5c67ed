// A loop that runs on a thread of its own until it is told to stop.
#pragma once

#include <memory>
#include <thread>

#include <simul/loop.hpp>

namespace simul::test {

class Runner {
 public:
  Runner() : loop_(std::make_unique<Loop>()), thread_([this] { loop_->run_forever(); }) {}
  ~Runner() { end(); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  Loop& operator*() noexcept { return *loop_; }
  void stop() {
    if (thread_.joinable()) {
      loop_->stop();
      thread_.join();
    }
  }
  void end() {
    stop();
    loop_.reset();
  }

 private:
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace simul::test
