#include <simul/load/run.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/loop.hpp>
#include <simul/loop_group.hpp>
#include <simul/sleep.hpp>
#include <simul/task_group.hpp>
#include <simul/tls_client_context.hpp>

#include "worker.hpp"

namespace simul::load {
namespace {

using namespace std::chrono_literals;

// Connected but perhaps not accepted yet: fewer than the 128 that the smallest usual accept queue holds.
constexpr std::size_t kMostOpening = 100;
constexpr Duration kProgressInterval = 500ms;

/// For all connections, so that one can take up the session of another. Null: no TLS.
std::shared_ptr<const TlsClientContext> make_tls(const Options& options) {
  if (!options.target.is_tls()) {
    return nullptr;
  }
  TlsClientSettings settings = options.tls;
  if (options.target.kind == WorkKind::http) {
    settings.alpn = {"http/1.1"};
  }
  try {
    auto context = TlsClientContext::load(settings);
    // A name that can't be a server's is found out here.
    (void)context->make_session(options.target.server_name);
    return context;
  } catch (const TlsError& error) {
    throw CannotStart(error.what());
  }
}

/// One run: a worker for each loop, and what they have in common.
class Campaign final : public Coordinator {
 public:
  Campaign(const Options& options, Observer* observer, std::vector<Loop*> loops)
      : options_(options),
        work_(make_work(options)),
        tls_(make_tls(options)),
        observer_(observer),
        loops_(std::move(loops)),
        seen_(loops_.size()),
        started_at_(std::chrono::system_clock::now()),
        began_(loops_[0]->exact_now()),
        phase_began_(began_),
        last_looked_(began_) {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const std::size_t first = options.connections * i / loops_.size();
      const std::size_t end = options.connections * (i + 1) / loops_.size();
      workers_.emplace_back(
          options_, *work_, tls_, *this,
          Share{.first = first,
                .connections = end - first,
                .opening = std::max<std::size_t>(kMostOpening / loops_.size(), 1)});
    }
  }

  /// The part of one loop. `interrupt` is watched by the first.
  Coro<> run(std::size_t index, SignalSet* interrupt);
  void interrupt();
  [[nodiscard]] Report report() const;

  void settled() override {
    if (++settled_ == options_.connections) {
      start_now();
    }
  }
  void start_now() override;
  void reached() override { reached_ = true; }
  void unreachable(std::string reason, std::string_view cure) override;

 private:
  void tell_all(void (Worker::*what)());
  Coro<> watch_for(SignalSet& signals);
  Coro<> show_progress(std::size_t index);
  [[nodiscard]] Progress progress(TimePoint now);

  const Options& options_;
  std::unique_ptr<Work> work_;
  std::shared_ptr<const TlsClientContext> tls_;  // null: no TLS
  Observer* observer_;
  std::vector<Loop*> loops_;
  std::deque<Worker> workers_;
  std::atomic<std::size_t> settled_ = 0;
  std::atomic<bool> started_ = false;
  std::atomic<bool> reached_ = false;
  std::atomic<bool> interrupted_ = false;

  mutable std::mutex mutex_;
  std::string unreachable_;        // guarded
  std::string cure_;               // guarded
  std::vector<Measurement> seen_;  // guarded; of each worker, when it last looked
  Duration ramp_{};                // guarded

  std::chrono::system_clock::time_point started_at_;
  TimePoint began_;
  TimePoint phase_began_;  // from here on: for the first loop only
  TimePoint last_looked_;
  Progress last_{};
};

void Campaign::tell_all(void (Worker::*what)()) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->post([&worker = workers_[i], what] { (worker.*what)(); });
  }
}

void Campaign::start_now() {
  if (started_.exchange(true)) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ramp_ = Loop::current().exact_now() - began_;
  }
  tell_all(&Worker::start);
}

void Campaign::unreachable(std::string reason, std::string_view cure) {
  if (reached_) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!unreachable_.empty()) {
      return;
    }
    unreachable_ = std::move(reason);
    cure_ = cure;
  }
  tell_all(&Worker::stop);
}

void Campaign::interrupt() {
  interrupted_ = true;
  tell_all(&Worker::stop);
}

Coro<> Campaign::run(std::size_t index, SignalSet* interrupt) {
  const auto body = [this, index, interrupt](TaskGroup& group) -> Coro<> {
    if (interrupt != nullptr && index == 0) {
      group.spawn(watch_for(*interrupt));
    }
    if (observer_ != nullptr) {
      group.spawn(show_progress(index));
    }
    co_await workers_[index].run();
    group.cancel("the test is over");
  };
  co_await with_group(body);
}

Coro<> Campaign::watch_for(SignalSet& signals) {
  co_await signals.next();
  interrupt();
}

Coro<> Campaign::show_progress(std::size_t index) {
  for (;;) {
    co_await sleep(kProgressInterval);
    {
      const std::lock_guard lock(mutex_);
      seen_[index] = workers_[index].measurement();
    }
    if (index == 0) {
      observer_->progress(progress(Loop::current().exact_now()));
    }
  }
}

Progress Campaign::progress(TimePoint now) {
  Measurement sum;
  {
    const std::lock_guard lock(mutex_);
    for (const Measurement& seen : seen_) {
      sum.merge(seen);
    }
  }
  Progress progress;
  progress.phase = workers_[0].phase();
  if (progress.phase != last_.phase) {
    phase_began_ = last_looked_;
  }
  progress.elapsed = now - phase_began_;
  progress.open = sum.open;
  progress.messages = sum.messages;
  progress.rate = static_cast<double>(sum.messages - last_.messages) /
                  std::chrono::duration<double>(now - last_looked_).count();
  progress.errors = sum.errors.total();
  progress.p99 = sum.latency.percentile(99);
  last_ = progress;
  last_looked_ = now;
  return progress;
}

Report Campaign::report() const {
  Measurement sum;
  for (const Worker& worker : workers_) {
    sum.merge(worker.measurement());
  }
  const std::lock_guard lock(mutex_);
  return {.options = options_,
          .version = SIMUL_VERSION,
          .started = started_at_,
          .unreachable = unreachable_,
          .cure = cure_,
          .interrupted = interrupted_,
          .ramp = ramp_,
          .measured = sum.measured,
          .handshakes = std::move(sum.handshakes),
          .verified_concurrent = sum.verified_concurrent,
          .messages = sum.messages,
          .bytes_sent = sum.bytes_sent,
          .bytes_received = sum.bytes_received,
          .latency = std::move(sum.latency),
          .statuses = std::move(sum.statuses),
          .errors = sum.errors.counts(),
          .unanswered = sum.unanswered,
          .oldest_unanswered = sum.oldest_unanswered,
          .generator_busy = sum.generator_busy,
          .generator_starved = sum.generator_starved};
}

void check(const Options& options) {
  if (const auto problem = problem_with(options)) {
    throw CannotStart(*problem);
  }
  make_room_for(options.connections);
}

}  // namespace

Report run(const Options& options, Observer* observer, SignalSet* interrupt) {
  check(options);
  LoopGroup group(std::min(options.threads, options.connections));
  std::vector<Loop*> loops;
  loops.reserve(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    loops.push_back(&group[i]);
  }
  Campaign campaign(options, observer, std::move(loops));
  group.run([&](Loop&, std::size_t index) { return campaign.run(index, interrupt); });
  return campaign.report();
}

Coro<Report> run_here(Options options, Observer* observer) {
  check(options);
  Campaign campaign(options, observer, {&Loop::current()});
  co_await campaign.run(0, nullptr);
  co_return campaign.report();
}

}  // namespace simul::load
