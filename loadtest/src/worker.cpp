#include "worker.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <simul/error.hpp>
#include <simul/sleep.hpp>
#include <simul/socket.hpp>
#include <simul/tls_error.hpp>
#include <simul/tls_stream.hpp>
#include <simul/units.hpp>

#include "duplex_wait.hpp"

namespace simul::load {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBufferSize = std::size_t{64} << 10;
constexpr int kRoundsPerStep = 16;  // of a buffer each, as much as the runtime allows a step
constexpr int kSendsPerRound = 4;
constexpr Duration kFirstPause = 100ms;  // before a lost connection is opened again
constexpr Duration kLongestPause = 2s;
constexpr Duration kDrainTime = 1s;

constexpr std::string_view kIsItRunning = "Is the server running?";
constexpr std::string_view kDoesItSpeakTls = "Does it speak TLS there?";
constexpr std::string_view kIsItTheCertificate =
    "--cacert FILE says who may have signed it, --insecure trusts "
    "anybody";
constexpr std::string_view kIsItTheClientsCertificate =
    "If it wants to know who connects: --cert FILE";

double share_of(Duration part, Duration whole) noexcept {
  return whole <= Duration::zero()
             ? 0
             : static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

/// Of `count` connections the one at `index`, opened evenly over `ramp`.
Duration delay_of(std::size_t index, std::size_t count, Duration ramp) noexcept {
  return Duration(static_cast<Duration::rep>(
      static_cast<double>(ramp.count()) * static_cast<double>(index) / static_cast<double>(count)));
}

}  // namespace

/// Hands the replies of one receive to the worker, all with the time at which the first was verified.
class Worker::Listener final : public Replies {
 public:
  Listener(Worker& worker, Slot& slot) noexcept : worker_(worker), slot_(slot) {}

  void on_reply(unsigned status) override {
    if (!knows_time_) {
      now_ = worker_.loop_->exact_now();
      knows_time_ = true;
    }
    worker_.take_reply(slot_, status, now_);
  }
  void forget_time() noexcept { knows_time_ = false; }
  /// When the last replies came; now, if there were none.
  [[nodiscard]] TimePoint time() const noexcept {
    return knows_time_ ? now_ : worker_.loop_->exact_now();
  }

 private:
  Worker& worker_;
  Slot& slot_;
  TimePoint now_{};
  bool knows_time_ = false;
};

class Worker::OpenSocket {
 public:
  explicit OpenSocket(Worker& worker) noexcept : worker_(worker) { ++worker_.counted_.open; }
  ~OpenSocket() { --worker_.counted_.open; }
  OpenSocket(const OpenSocket&) = delete;
  OpenSocket& operator=(const OpenSocket&) = delete;

 private:
  Worker& worker_;
};

Worker::Worker(const Options& options, const Work& work,
               std::shared_ptr<const TlsClientContext> tls, Coordinator& coordinator, Share share)
    : options_(options),
      work_(work),
      tls_(std::move(tls)),
      coordinator_(coordinator),
      share_(share),
      sources_(options.sources, options.target.endpoint),
      buffer_(kBufferSize),
      unfinished_(share.connections) {
  for (std::size_t i = 0; i < share.connections; ++i) {
    slots_.emplace_back(share.first + i, options.depth);
  }
}

// --- the phases --------------------------------------------------------------------------------

Coro<> Worker::run() {
  loop_ = &Loop::current();
  const auto body = [this](TaskGroup& group) { return conduct(group); };
  co_await with_group(body);
}

Coro<> Worker::conduct(TaskGroup& group) {
  group_ = &group;
  opening_began_ = loop_->exact_now();
  for (std::size_t i = 0; i < share_.opening; ++i) {
    open_next();
  }
  co_await start_.wait();

  const auto stopped = [this]() -> Coro<> { co_await stop_.wait(); };
  if (!measuring_) {
    co_await move_on_after(options_.warmup, stopped);
    if (!stop_.is_open()) {
      begin_measuring();
    }
  }
  if (measuring_) {
    co_await move_on_after(options_.duration, stopped);
    end_measuring();
  }

  draining_ = true;
  const auto answered = [this]() -> Coro<> { co_await answered_.wait(); };
  if (in_flight_ > 0) {
    co_await move_on_after(std::min(options_.timeout, kDrainTime), answered);
  }
  count_unanswered();
  group.cancel("the test is over");
}

void Worker::start() {
  if (options_.warmup == Duration::zero() && !stop_.is_open()) {
    begin_measuring();
  }
  start_.open();
}

void Worker::stop() {
  stop_.open();
  start_.open();
}

Progress::Phase Worker::phase() const noexcept {
  return draining_          ? Progress::Phase::draining
         : measuring_       ? Progress::Phase::measuring
         : start_.is_open() ? Progress::Phase::warming_up
                            : Progress::Phase::opening;
}

void Worker::begin_measuring() {
  measuring_ = true;
  measuring_began_ = loop_->exact_now();
  cpu_at_begin_ = CpuUse::of_this_thread();
  sent_at_begin_ = sent_;
  received_at_begin_ = received_;
}

void Worker::end_measuring() {
  measuring_ = false;
  counted_.measured = loop_->exact_now() - measuring_began_;
  counted_.bytes_sent = sent_ - sent_at_begin_;
  counted_.bytes_received = received_ - received_at_begin_;
  const CpuUse cpu = CpuUse::of_this_thread();
  counted_.generator_busy = share_of(cpu.running - cpu_at_begin_.running, counted_.measured);
  counted_.generator_starved = share_of(cpu.waiting - cpu_at_begin_.waiting, counted_.measured);
}

void Worker::count_unanswered() {
  const TimePoint now = loop_->exact_now();
  for (const Slot& slot : slots_) {
    counted_.unanswered += slot.window.size();
    if (!slot.window.empty()) {
      counted_.oldest_unanswered = std::max(counted_.oldest_unanswered, now - slot.window.oldest());
    }
  }
}

// --- connections -------------------------------------------------------------------------------

void Worker::open_next() {
  if (next_ == slots_.size() || draining_) {
    return;
  }
  // All workers ramp at the same time.
  const TimePoint due = time_after(opening_began_, delay_of(next_, slots_.size(), options_.ramp));
  group_->spawn(keep_open(slots_[next_++], due - loop_->now()));
}

bool Worker::has_more_to_do(const Slot& slot) const noexcept {
  return !draining_ && (!options_.messages || slot.asked < *options_.messages);
}

Coro<> Worker::keep_open(Slot& slot, Duration delay) {
  if (delay > Duration::zero()) {
    co_await sleep(delay);
  }
  Duration pause = kFirstPause;
  while (has_more_to_do(slot)) {
    slot.dialogue = work_.begin(std::uint64_t{slot.sockets++} << 32 | slot.number);
    const auto use = [this, &slot](DeadlineScope& deadline) { return use_socket(slot, deadline); };
    const std::optional<Ending> ending = co_await with_scope(use);
    if (!ending) {
      timed_out(slot);
    }
    if (slot.greeted) {
      pause = kFirstPause;
    }
    let_go(slot);
    if (ending.value_or(Ending::failed) == Ending::failed) {
      settle(slot);
      co_await sleep(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }
  if (--unfinished_ == 0) {
    stop_.open();
  }
}

/// Gives null when it can't be opened, which is counted then.
Coro<std::unique_ptr<Stream>> Worker::open_stream(Slot& slot) {
  SourceAddresses::Choice choice = sources_.choose();
  for (;;) {
    auto socket = co_await connect(options_.target.endpoint, {.source = sources_.endpoint(choice)});
    if (socket) {
      auto stream = std::make_unique<SocketStream>(*std::move(socket));
      if (tls_ != nullptr) {
        co_return co_await shake_hands(slot, std::move(stream));
      }
      reached();
      co_return stream;
    }
    if (socket.error() != std::errc::address_not_available || !sources_.choose_next(choice)) {
      connect_failed(slot, socket.error());
      co_return nullptr;
    }
  }
}

Coro<std::unique_ptr<Stream>> Worker::shake_hands(Slot& slot, std::unique_ptr<Stream> below) {
  const TimePoint began = loop_->exact_now();
  slot.shaking_hands = true;
  auto stream = co_await connect_tls(std::move(below), tls_, options_.target.server_name);
  slot.shaking_hands = false;
  if (!stream) {
    handshake_failed(slot, stream.error());
    co_return nullptr;
  }
  const auto took = static_cast<std::uint64_t>((loop_->exact_now() - began).count());
  Handshakes& handshakes = counted_.handshakes;
  ((*stream)->resumed() ? handshakes.resumed : handshakes.full).record(took);
  ++handshakes.ciphers[fmt::format("{} {}", (*stream)->version(), (*stream)->cipher())];
  co_return *std::move(stream);
}

Coro<Worker::Ending> Worker::use_socket(Slot& slot, DeadlineScope& deadline) {
  deadline.set_deadline(time_after(loop_->exact_now(), options_.timeout));
  const std::unique_ptr<Stream> stream = co_await open_stream(slot);
  if (stream == nullptr) {
    co_return Ending::failed;
  }
  const OpenSocket open(*this);

  Listener listener(*this, slot);
  bool drained = false;    // the next receive would block
  bool unflushed = false;  // the stream holds a part of what was sent
  for (int rounds = 0;;) {
    ask(slot, listener);
    listener.forget_time();
    if (slot.window.empty()) {
      if (!has_more_to_do(slot)) {
        co_return Ending::done;
      }
      deadline.set_deadline(kNever);
      co_await start_.wait();
      continue;
    }
    deadline.set_deadline(time_after(slot.window.oldest(), options_.timeout));

    const IoResult sent = send_output(*stream, *slot.dialogue, unflushed);
    const IoResult received =
        drained ? IoResult::would_block(Interest::readable) : stream->try_recv(buffer_);
    drained = received.drained;
    if (received.bytes > 0) {
      received_ += received.bytes;
      const auto next =
          slot.dialogue->receive(MutableBytes(buffer_).first(received.bytes), listener);
      if (!next) {
        co_return failed(slot, next.error());
      }
      if (*next == Next::reopen) {
        co_return Ending::reopen;
      }
    } else if (received.error) {
      co_return stream_ended(slot, received.error.unpack(), listener);
    } else if (sent.error) {
      co_return stream_ended(slot, sent.error.unpack(), listener);
    } else if (sent.blocked != Interest::none || (slot.dialogue->output().empty() && !unflushed)) {
      if (const auto error = co_await DuplexWait(*stream, received.blocked, sent.blocked)) {
        co_return stream_ended(slot, error, listener);
      }
      rounds = 0;
      continue;
    }
    if (++rounds == kRoundsPerStep) {
      rounds = 0;
      co_await yield_now();
    }
  }
}

void Worker::ask(Slot& slot, const Listener& listener) {
  std::size_t count = 0;
  if (!start_.is_open()) {
    count = slot.greeted || !slot.window.empty() ? 0 : 1;
  } else if (!draining_) {
    count = slot.window.room();
    if (options_.messages) {
      count =
          static_cast<std::size_t>(std::min<std::uint64_t>(count, *options_.messages - slot.asked));
    }
    slot.asked += count;
  }
  if (count > 0) {
    slot.window.push(count, listener.time());
    slot.dialogue->ask(count);
    in_flight_ += count;
  }
}

IoResult Worker::send_output(Stream& stream, Dialogue& dialogue, bool& unflushed) {
  IoResult result;
  for (int i = 0; i < kSendsPerRound; ++i) {
    const Bytes output = dialogue.output();
    if (output.empty()) {
      if (unflushed) {
        result = stream.try_flush();
        unflushed = result.blocked != Interest::none;
      }
      break;
    }
    result = stream.try_send(output, {});
    if (result.bytes == 0) {
      break;
    }
    unflushed = result.unflushed;
    sent_ += result.bytes;
    dialogue.sent(result.bytes);
  }
  return result;
}

void Worker::take_reply(Slot& slot, unsigned status, TimePoint now) {
  const TimePoint due = slot.window.pop();
  --in_flight_;
  if (!slot.greeted) {
    slot.greeted = true;
    reached();
  }
  if (status != 0 && measuring_) {
    ++counted_.statuses[status];
  }
  if (status < 400) {
    counted_.messages += measuring_ ? 1 : 0;
    if (due >= measuring_began_) {
      counted_.latency.record(static_cast<std::uint64_t>((now - due).count()));
    }
    if (slot.proof == Slot::Proof::none) {
      slot.proof = start_.is_open() ? Slot::Proof::missed : Slot::Proof::ready;
    } else if (slot.proof == Slot::Proof::ready && start_.is_open()) {
      slot.proof = Slot::Proof::proven;
      ++counted_.verified_concurrent;
    }
  } else {
    counted_.errors.add(ErrorKind::status, [&] { return fmt::format("HTTP status {}", status); });
  }
  settle(slot);
  if (draining_ && in_flight_ == 0) {
    answered_.open();
  }
}

void Worker::settle(Slot& slot) {
  if (!std::exchange(slot.settled, true)) {
    open_next();
    coordinator_.settled();
  }
}

void Worker::let_go(Slot& slot) {
  in_flight_ -= slot.window.size();
  slot.window.clear();
  slot.greeted = false;
  slot.shaking_hands = false;
  if (slot.proof == Slot::Proof::ready) {
    slot.proof = start_.is_open() ? Slot::Proof::missed : Slot::Proof::none;
  }
  if (draining_ && in_flight_ == 0) {
    answered_.open();
  }
}

// --- what goes wrong ---------------------------------------------------------------------------

/// With TLS 1.3 a server refuses a client after the client's part of the handshake is done, so there only a
/// reply says that it was accepted.
void Worker::reached() {
  if (!std::exchange(reached_, true)) {
    coordinator_.reached();
  }
}

void Worker::unreachable(std::string reason, std::string_view cure) {
  if (!reached_) {
    coordinator_.unreachable(std::move(reason), cure);
  }
}

void Worker::connect_failed(Slot& slot, std::error_code error) {
  const ErrorKind kind = kind_of_connect_error(error);
  counted_.errors.add(kind, [&] {
    return kind == ErrorKind::no_port_left
               ? fmt::format(
                     "connection {}: every local port towards {} is in use; give more "
                     "addresses with --source",
                     slot.number, options_.target.endpoint.to_string())
               : fmt::format("connection {}: {}", slot.number, error.message());
  });
  unreachable(error.message(), kIsItRunning);
}

void Worker::handshake_failed(Slot& slot, std::error_code error) {
  const std::string reason =
      "TLS handshake: " +
      (error == Errc::truncated ? "the server closed the connection" : error.message());
  (void)failed(slot, {ErrorKind::tls, reason});
  // A connection that just ends may be one too many for a server that is about to answer others.
  if (error.category() == tls_category() || slot.sockets > 1) {
    unreachable(reason, is_certificate_error(error) ? kIsItTheCertificate : kDoesItSpeakTls);
  }
}

Worker::Ending Worker::failed(Slot& slot, const Failure& failure) {
  counted_.errors.add(failure.kind,
                      [&] { return fmt::format("connection {}: {}", slot.number, failure.text); });
  return Ending::failed;
}

Worker::Ending Worker::stream_ended(Slot& slot, std::error_code error, Replies& replies) {
  if (error != Errc::end_of_stream) {
    const ErrorKind kind = kind_of_stream_error(error);
    if (kind == ErrorKind::tls) {
      unreachable("TLS: " + error.message(), kIsItTheClientsCertificate);
    }
    return failed(slot, {kind, error.message()});
  }
  const auto next = slot.dialogue->end_of_stream(replies);
  return next ? Ending::reopen : failed(slot, next.error());
}

void Worker::timed_out(Slot& slot) {
  const std::string limit = format_duration(options_.timeout);
  if (slot.window.empty()) {
    const std::string_view what = slot.shaking_hands ? "no TLS handshake" : "no answer";
    counted_.errors.add(ErrorKind::connect_timeout, [&] {
      return fmt::format("connection {}: {} within {}", slot.number, what, limit);
    });
    unreachable(fmt::format("{} within {}", what, limit),
                slot.shaking_hands ? kDoesItSpeakTls : kIsItRunning);
  } else {
    counted_.errors.add(ErrorKind::timeout, [&] {
      return fmt::format("connection {}: no reply within {}", slot.number, limit);
    });
  }
  coordinator_.start_now();
}

}  // namespace simul::load
