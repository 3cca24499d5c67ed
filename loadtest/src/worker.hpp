// Worker: one loop's share of a load test: a coroutine for each of its connections, and one that conducts
// them through the phases:
//
//   opening      connections are opened, a few at a time; each makes one verified round trip and waits
//   (start)      when those of all workers have settled
//   warming up   full load, not counted
//   measuring    full load
//   draining     nothing new is asked; replies to what was asked are waited for, for a moment
//
// Workers share nothing but the Coordinator, which tells all of them when to start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <simul/cancel_scope.hpp>
#include <simul/coro.hpp>
#include <simul/load/options.hpp>
#include <simul/load/run.hpp>
#include <simul/loop.hpp>
#include <simul/stream.hpp>
#include <simul/task_group.hpp>
#include <simul/tls_client_context.hpp>

#include "cpu_use.hpp"
#include "gate.hpp"
#include "measurement.hpp"
#include "slot.hpp"
#include "source_addresses.hpp"
#include "work.hpp"

namespace simul::load {

/// Where workers meet. Thread: any.
class Coordinator {
 public:
  /// Another connection has made its first round trip, or failed to.
  virtual void settled() = 0;
  /// Waiting for the others makes no sense any more.
  virtual void start_now() = 0;
  /// A worker has its first connection, over TLS its first reply: somebody is there.
  virtual void reached() = 0;
  /// A worker can't connect, and none of its connections ever could. `cure`: a sentence.
  virtual void unreachable(std::string reason, std::string_view cure) = 0;

 protected:
  ~Coordinator() = default;
};

/// What a worker has to do.
struct Share {
  std::uint64_t first = 0;  ///< number of its first connection
  std::size_t connections = 0;
  std::size_t opening = 1;  ///< at most so many may wait to be accepted
};

class Worker final {
 public:
  /// `tls` is null for a target without TLS.
  Worker(const Options& options, const Work& work, std::shared_ptr<const TlsClientContext> tls,
         Coordinator& coordinator, Share share);

  /// The whole test. Thread, here and below: its loop's.
  Coro<> run();
  /// All connections are open: go.
  void start();
  /// Ends it early.
  void stop();

  [[nodiscard]] Progress::Phase phase() const noexcept;
  /// What was counted so far.
  [[nodiscard]] const Measurement& measurement() const noexcept { return counted_; }

 private:
  /// How the use of one socket came to its end.
  enum class Ending : std::uint8_t { done, reopen, failed };
  class Listener;
  class OpenSocket;

  Coro<> conduct(TaskGroup& group);
  void begin_measuring();
  void end_measuring();
  void count_unanswered();

  void open_next();
  Coro<> keep_open(Slot& slot, Duration delay);
  Coro<Ending> use_socket(Slot& slot, DeadlineScope& deadline);
  Coro<std::unique_ptr<Stream>> open_stream(Slot& slot);
  Coro<std::unique_ptr<Stream>> shake_hands(Slot& slot, std::unique_ptr<Stream> below);

  void ask(Slot& slot, const Listener& listener);
  void take_reply(Slot& slot, unsigned status, TimePoint now);
  IoResult send_output(Stream& stream, Dialogue& dialogue, bool& unflushed);
  void connect_failed(Slot& slot, std::error_code error);
  void handshake_failed(Slot& slot, std::error_code error);
  void reached();
  void unreachable(std::string reason, std::string_view cure);
  Ending failed(Slot& slot, const Failure& failure);
  Ending stream_ended(Slot& slot, std::error_code error, Replies& replies);
  void timed_out(Slot& slot);
  void settle(Slot& slot);
  void let_go(Slot& slot);
  [[nodiscard]] bool has_more_to_do(const Slot& slot) const noexcept;

  const Options& options_;
  const Work& work_;
  std::shared_ptr<const TlsClientContext> tls_;
  Coordinator& coordinator_;
  Share share_;
  SourceAddresses sources_;
  std::vector<std::byte> buffer_;  // all connections read into it, one after the other
  std::deque<Slot> slots_;
  Measurement counted_;

  Loop* loop_ = nullptr;
  TaskGroup* group_ = nullptr;
  Gate start_;
  Gate stop_;
  Gate answered_;  // draining, and nothing is in flight
  bool measuring_ = false;
  bool draining_ = false;
  bool reached_ = false;
  std::size_t next_ = 0;        // slot to be opened
  std::size_t unfinished_ = 0;  // slots
  std::size_t in_flight_ = 0;   // messages
  TimePoint opening_began_{};
  TimePoint measuring_began_ = kNever;
  CpuUse cpu_at_begin_;
  std::uint64_t sent_ = 0;  // bytes, of the whole run
  std::uint64_t received_ = 0;
  std::uint64_t sent_at_begin_ = 0;
  std::uint64_t received_at_begin_ = 0;
};

}  // namespace simul::load
