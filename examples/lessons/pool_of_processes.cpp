// A pool of processes: work for the processor, spread over several
//
// From "A Conceptual Overview of asyncio", the chapter "multiprocessing", and the tutorial's "Multiprocessing": the
// cook clones himself. There it is the only way to compute on several processors, because of Python's global
// interpreter lock. C++ has none: to_thread() computes in parallel in this very process, with nothing to send to and
// fro. Compare both below; what is left for processes is to keep apart what may crash, leak, or mustn't be trusted.
//
// The work: to count the primes below a limit, in slices. Each worker process has a socket to this one; it reads
// "from to" and answers with the number. One task here looks after each worker and gives it the next slice as soon as
// it is free.
//
//   simul lesson pool_of_processes [limit]
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <memory>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/simul.hpp>

#include "arguments.hpp"
#include "child_process.hpp"
#include "measure.hpp"

using namespace simul;

struct Slice {
  long from;
  long to;
};

long count_primes(Slice slice) {
  const auto is_prime = [](long n) {
    for (long divisor = 3; divisor * divisor <= n; divisor += 2) {
      if (n % divisor == 0) return false;
    }
    return n == 2 || (n > 2 && n % 2 != 0);
  };
  long primes = 0;
  for (long n = slice.from; n < slice.to; ++n) {
    primes += is_prime(n) ? 1 : 0;
  }
  return primes;
}

/// All slices of the work. More than workers: the last ones are dearer, and nobody shall wait for one at the end.
std::vector<Slice> slices_below(long limit) {
  constexpr long kSlices = 64;
  std::vector<Slice> slices;
  slices.reserve(kSlices);
  for (long i = 0; i < kSlices; ++i) {
    slices.push_back({limit * i / kSlices, limit * (i + 1) / kSlices});
  }
  return slices;
}

// --- a pool of processes --------------------------------------------------------------------------------

/// What a worker process does until its socket ends.
Coro<> count_for(Stream& boss) {
  while (const auto order = co_await boss.read_line()) {
    Slice slice{};
    if (std::sscanf(order->c_str(), "%ld %ld", &slice.from, &slice.to) != 2) {
      throw std::runtime_error("not an order: " + *order);
    }
    const std::string answer = std::to_string(count_primes(slice)) + "\n";
    if (!co_await boss.send(answer)) {
      break;
    }
  }
}

class Worker {
 public:
  Worker() : Worker(socket_pair()) {}

  Coro<long> count(Slice slice) {
    const std::string order = std::to_string(slice.from) + " " + std::to_string(slice.to) + "\n";
    if (const auto sent = co_await socket_.send(order); !sent) {
      throw std::system_error(sent.error(), "a worker has gone");
    }
    const auto answer = co_await socket_.read_line();
    if (!answer) {
      throw std::system_error(answer.error(), "a worker has gone");
    }
    ++slices_done_;
    co_return std::stol(*answer);
  }

  [[nodiscard]] int slices_done() const { return slices_done_; }
  [[nodiscard]] double processor_seconds() const { return process_.processor_seconds(); }

 private:
  explicit Worker(std::pair<SocketStream, SocketStream> sockets)
      : socket_(std::move(sockets.first)), process_([&] { run(count_for(sockets.second)); }) {}

  SocketStream socket_;
  ChildProcess process_;
  int slices_done_ = 0;
};

using Workers = std::vector<std::unique_ptr<Worker>>;

Coro<long> count_by_processes(Workers& workers, const std::vector<Slice>& slices) {
  auto next = slices.begin();  // shared by the tasks; between two awaits nobody else touches it
  long primes = 0;
  const auto keep_busy = [&](Worker& worker) -> Coro<> {
    while (next != slices.end()) {
      primes += co_await worker.count(*next++);
    }
  };
  co_await with_group([&](TaskGroup& group) -> Coro<> {
    for (const auto& worker : workers) {
      group.spawn(keep_busy(*worker));
    }
    co_return;
  });
  co_return primes;
}

// --- the same in threads, and without anything ----------------------------------------------------------

// [threads]
Coro<long> count_by_threads(const std::vector<Slice>& slices, std::size_t threads) {
  ThreadLimiter limiter(threads);
  const auto count = [&](Slice slice) -> Coro<long> {
    co_return co_await to_thread(count_primes, slice).limited_by(limiter);
  };
  const std::vector<long> counts = co_await gather(slices | std::views::transform(count));
  co_return std::accumulate(counts.begin(), counts.end(), 0L);
}
// [/threads]

long count_serially(const std::vector<Slice>& slices) {
  long primes = 0;
  for (const Slice& slice : slices) {
    primes += count_primes(slice);
  }
  return primes;
}

int main(int argc, char** argv) try {
  Arguments arguments(argc, argv, "[limit of the primes]");
  const long limit = arguments.number(2'000'000L, 1L, 1'000'000'000L);
  arguments.end();

  const std::vector<Slice> slices = slices_below(limit);
  const std::size_t size = std::max<std::size_t>(usable_processors(), 2);
  ::setenv("UV_THREADPOOL_SIZE", std::to_string(size).c_str(), 0);  // of to_thread; 4 by default

  auto report = [serial = 0.0](const char* how, const auto& count) mutable {
    const Stopwatch watch;
    const long primes = count();
    const double seconds = watch.seconds();
    serial = serial > 0 ? serial : seconds;
    std::printf("%-20s %s primes, %5.0f ms, %.2f of the serial time\n", how,
                with_commas(primes).c_str(), seconds * 1e3, seconds / serial);
    return seconds / serial;
  };

  Workers workers;
  std::generate_n(std::back_inserter(workers), size, [] { return std::make_unique<Worker>(); });

  std::printf("Primes below %s, by %zu workers:\n", with_commas(limit).c_str(), size);
  report("serial", [&] { return count_serially(slices); });
  const double processes =
      report("pool of processes", [&] { return run(count_by_processes(workers, slices)); });
  const double threads = report("to_thread", [&] { return run(count_by_threads(slices, size)); });
  explain_lack_of_gain(std::max(processes, threads), usable_processors());

  std::puts("\nThe processes:");
  for (const auto& worker : workers) {
    std::printf("  %2d slices, %4.0f ms of processor time\n", worker->slices_done(),
                worker->processor_seconds() * 1e3);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "pool_of_processes: %s\n", error.what());
  return 1;
}
